"""The operator's tools on real data folders, as people and scripts call them."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.e2e.terminal import server_command
from tests.e2e.world import Person, Server, environment
from tests.server.history.folders import tree

People = Callable[..., Person]


def tool(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of `chatroom-server` to its end."""
    return subprocess.run(
        server_command(*arguments),
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def say(person: Person, *lines: str, room: str = "general") -> None:
    done = person.script("send", room, data="\n".join(lines).encode())
    assert done.returncode == 0, done.stderr.decode()


# --- verify -----------------------------------------------------------------------------------
def test_verify_refuses_a_folder_in_use_and_passes_it_afterwards(
    server: Server, person: People, tmp_path: Path
) -> None:
    say(person("ada"), "one", "two")
    refused = tool(tmp_path, "verify", str(server.data))
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "is used by a server that runs" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    server.stop()
    before = tree(server.data)
    done = tool(tmp_path, "verify", str(server.data))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("The folder is sound. Rooms: 1; lines in their files: 2;")
    assert tree(server.data) == before


def test_verify_after_a_kill_is_sound(server: Server, person: People, tmp_path: Path) -> None:
    say(person("ada"), "one", "two")
    server.kill()
    done = tool(tmp_path, "verify", str(server.data), "--json")
    assert done.returncode == 0
    summary = json.loads(done.stdout.splitlines()[-1])
    assert summary["sound"]
    assert summary["lines"] + summary["waiting"] == 2


def test_verify_tells_what_is_damaged_in_ones_language(
    server: Server, person: People, tmp_path: Path
) -> None:
    say(person("ada"), "one", "two")
    server.stop()
    (room,) = server.data.glob("rooms/general-*/*.jsonl")
    room.write_bytes(room.read_bytes().replace(b'"id":2', b'"id":3'))
    done = tool(tmp_path, "verify", str(server.data))
    assert done.returncode == 1
    assert f"damage: {room.relative_to(server.data)}, byte " in done.stdout
    assert "line 3 comes where line 2 should" in done.stdout
    done = tool(tmp_path, "verify", str(server.data), "--lang", "fr")
    assert "la ligne 3 vient là où la ligne 2 devrait être" in done.stdout
    done = tool(tmp_path, "verify", str(server.data), "--json")
    first, *_, last = map(json.loads, done.stdout.splitlines())
    assert (first["kind"], first["damage"], first["line"]) == ("line-number", True, 3)
    assert not last["sound"]


def test_verify_refuses_what_is_no_data_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path, tmp_path / "file", tmp_path / "nowhere"):
        done = tool(tmp_path, "verify", str(place))
        assert (done.returncode, done.stdout) == (2, "")
        assert str(place) in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert tool(tmp_path, "verify").returncode == 2
