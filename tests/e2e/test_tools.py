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


# --- backup -----------------------------------------------------------------------------------
def left_beside(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_backup_of_a_running_server_has_what_was_stored_and_opens(
    server: Server, person: People, tmp_path: Path
) -> None:
    ada, places = person("ada"), tmp_path / "places"
    places.mkdir()
    say(ada, *(f"before {number}" for number in range(500)))
    talking = person("linus").start_script("send", "general")
    assert talking.stdin is not None
    talking.stdin.write(b"".join(b"during %d\n" % number for number in range(3000)))
    talking.stdin.close()
    done = tool(tmp_path, "backup", str(server.data), str(places / "copy"))
    assert (done.returncode, done.stderr) == (0, "")
    assert left_beside(places) == ["copy"]
    assert talking.wait(60) == 0
    assert talking.stdout is not None
    assert talking.stderr is not None
    talking.stdout.close()
    talking.stderr.close()
    everything = ada.history()
    assert len(everything) == 3500
    assert tool(tmp_path, "verify", str(places / "copy")).returncode == 0
    (places / "home").mkdir()
    restored = Server(places / "home", "--data", str(places / "copy")).start()
    try:
        lines = Person(tmp_path / "another", restored, "grace").history()
    finally:
        restored.kill()
    assert 500 <= len(lines) <= 3500
    assert lines == everything[: len(lines)]
    assert "backup" in restored.console()


def test_a_backup_never_takes_the_place_of_anything(server: Server, person: People, tmp_path: Path) -> None:
    say(person("ada"), "one")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").touch()
    (tmp_path / "free").mkdir()
    places = [
        tmp_path / "taken",
        tmp_path / "taken" / "file",
        server.data / "copy",
        tmp_path / "no" / "where",
    ]
    for place in places:
        done = tool(tmp_path, "backup", str(server.data), str(place))
        assert (done.returncode, done.stdout) == (2, "")
        assert len(done.stderr.splitlines()) == 1
    assert left_beside(tmp_path / "taken") == ["file"]
    assert tool(tmp_path, "backup", str(server.data), str(tmp_path / "free")).returncode == 0
    assert (tmp_path / "free" / "checkpoint.json").exists()


def test_a_backup_that_finds_no_room_leaves_nothing_behind(
    server: Server, person: People, tmp_path: Path
) -> None:
    ada, places = person("ada"), tmp_path / "places"
    places.mkdir()
    say(ada, *("x" * 1000 for _ in range(200)))
    command = server_command("backup", str(server.data), str(places / "copy"), "--lang", "fr")
    done = subprocess.run(
        ["/bin/sh", "-c", 'ulimit -f 64; exec "$@"', "sh", *command],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "la sauvegarde ne peut pas être écrite" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert left_beside(places) == []
    say(ada, "still here")
    assert ada.history()[-1]["body"] == "still here"


def test_a_backup_of_what_is_damaged_says_so(server: Server, person: People, tmp_path: Path) -> None:
    say(person("ada"), "one", "two")
    server.stop()
    (room,) = server.data.glob("rooms/general-*/*.jsonl")
    room.write_bytes(room.read_bytes().replace(b'"id":2', b'"id":3'))
    done = tool(tmp_path, "backup", str(server.data), str(tmp_path / "copy"))
    assert done.returncode == 1
    assert "damage: rooms/general-" in done.stderr
    assert "damaged" in done.stdout
    assert (tmp_path / "copy" / "checkpoint.json").exists()
