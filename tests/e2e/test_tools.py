"""The operator's tools on real data folders, as people and scripts call them."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pytest

from chatroom_server.cli import main
from tests.e2e.terminal import server_command
from tests.e2e.test_text_door import wait_until
from tests.e2e.world import Person, Server, environment
from tests.server.history.folders import tree

People = Callable[..., Person]


@dataclass(frozen=True)
class Done:
    """What a command came to."""

    returncode: int
    stdout: str
    stderr: str


Tool = Callable[..., Done]


@pytest.fixture
def tool(capfd: pytest.CaptureFixture[str]) -> Tool:
    """Runs a command of `chatroom-server` to its end, in this process."""

    def run(home: Path, *arguments: str) -> Done:
        capfd.readouterr()
        with patch.dict(os.environ, environment(home), clear=True):
            try:
                status = main(arguments)
            except SystemExit as error:
                status = int(error.code or 0)
        return Done(status, *capfd.readouterr())

    return run


def say(person: Person, *lines: str, room: str = "general") -> None:
    done = person.script("send", room, data="\n".join(lines).encode())
    assert done.returncode == 0, done.stderr.decode()


# --- verify -----------------------------------------------------------------------------------
def test_verify_refuses_a_folder_in_use_and_passes_it_afterwards(
    server: Server, person: People, tool: Tool, tmp_path: Path
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


def test_verify_after_a_kill_is_sound(server: Server, person: People, tool: Tool, tmp_path: Path) -> None:
    say(person("ada"), "one", "two")
    server.kill()
    done = tool(tmp_path, "verify", str(server.data), "--json")
    assert done.returncode == 0
    summary = json.loads(done.stdout.splitlines()[-1])
    assert summary["sound"]
    assert summary["lines"] + summary["waiting"] == 2


def test_verify_tells_what_is_damaged_in_ones_language(
    server: Server, person: People, tool: Tool, tmp_path: Path
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


def test_verify_refuses_what_is_no_data_folder(tool: Tool, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path, tmp_path / "file", tmp_path / "nowhere"):
        done = tool(tmp_path, "verify", str(place))
        assert (done.returncode, done.stdout) == (2, "")
        assert str(place) in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert tool(tmp_path, "verify").returncode == 2


# --- the server's identity -------------------------------------------------------------------
def test_a_key_that_was_cut_is_damage_and_its_copy_no_backup(
    server: Server, person: People, tool: Tool, tmp_path: Path
) -> None:
    say(person("ada"), "one")
    server.stop()
    key = server.data / "identity" / "server.key"
    key.write_bytes(key.read_bytes()[:10])
    done = tool(tmp_path, "verify", str(server.data))
    assert done.returncode == 1
    assert "damage: identity/server.key: it holds nothing that can be used" in done.stdout
    done = tool(tmp_path, "backup", str(server.data), str(tmp_path / "copy"))
    assert done.returncode == 1
    assert (tmp_path / "copy.damaged").is_dir()
    assert not (tmp_path / "copy").exists()


def test_a_lost_identity_is_told_until_it_is_put_back(
    server: Server, person: People, tool: Tool, tmp_path: Path
) -> None:
    say(person("ada"), "one")
    assert tool(tmp_path, "backup", str(server.data), str(tmp_path / "copy")).returncode == 0
    server.stop()
    shutil.rmtree(server.data / "identity")
    done = tool(tmp_path, "verify", str(server.data))
    assert done.returncode == 1
    assert "damage: identity/server.key: it is missing: the next start makes a new key" in done.stdout
    assert tool(tmp_path, "backup", str(server.data), str(tmp_path / "other")).returncode == 1
    told = f"{server.data / 'identity' / 'server.key'} was missing, and this server has a new key now"
    assert told not in server.console()
    server.start()
    server.stop()
    assert server.console().count(told) == 1
    assert "put identity/ back from a backup" in server.console()
    (log,) = server.folder.rglob("server.log")
    assert log.read_text(encoding="utf-8").count(told) == 1
    shutil.copytree(tmp_path / "copy" / "identity", server.data / "identity", dirs_exist_ok=True)
    assert tool(tmp_path, "verify", str(server.data)).returncode == 0
    server.start()
    assert [line["body"] for line in person("ada").history()] == ["one"]


# --- backup -----------------------------------------------------------------------------------
def left_beside(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_backup_of_a_running_server_has_what_was_stored_and_opens(
    server: Server, person: People, tool: Tool, tmp_path: Path
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


def test_a_backup_never_takes_the_place_of_anything(
    server: Server, person: People, tool: Tool, tmp_path: Path
) -> None:
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


def test_a_copy_of_what_is_damaged_never_takes_the_name_of_a_backup(
    server: Server, person: People, tool: Tool, tmp_path: Path
) -> None:
    say(person("ada"), "one", "two")
    server.stop()
    (room,) = server.data.glob("rooms/general-*/*.jsonl")
    room.write_bytes(room.read_bytes().replace(b'"id":2', b'"id":3'))
    places = tmp_path / "places"
    places.mkdir()
    for name in ("copy.damaged", "copy.damaged.2"):
        done = tool(tmp_path, "backup", str(server.data), str(places / "copy"))
        assert (done.returncode, done.stdout) == (1, "")
        first, *_, last = done.stderr.splitlines()
        assert first.startswith("damage: rooms/general-")
        assert f"it lies in {places / name}, not in {places / 'copy'}." in last
        copied = places / name / room.relative_to(server.data)
        assert copied.read_bytes() == room.read_bytes()
    assert left_beside(places) == ["copy.damaged", "copy.damaged.2"]


def new_beside(folder: Path, known: list[str]) -> list[str]:
    """What a backup has begun to fill there, once it has."""

    def new() -> list[str]:
        return [name for name in left_beside(folder) if name not in known]

    wait_until(
        lambda: any((folder / name / "copy" / "rooms").exists() for name in new()),
        lambda: left_beside(folder),
    )
    return new()


def test_a_backup_takes_away_what_one_left_that_was_killed(
    server: Server, person: People, tool: Tool, tmp_path: Path
) -> None:
    places = tmp_path / "places"
    places.mkdir()
    say(person("ada"), *("x" * 1000 for _ in range(200)))
    foreign = places / ".copy.abc.new"
    foreign.mkdir()
    (foreign / "lock").write_text('{"pid":1,"note":"somebody else"}')
    others = places / ".notes.new"
    others.mkdir()
    (others / "lock").write_text(json.dumps({"pid": 1, "note": "chatroom-server backup"}))
    (others / "precious").touch()
    assert tool(tmp_path, "backup", str(server.data), str(places / "one")).returncode == 0
    stays = left_beside(places)
    os.mkfifo(server.data / "server.conf")  # who copies this waits for ever
    held = subprocess.Popen(
        server_command("backup", str(server.data), str(places / "copy")), env=environment(tmp_path)
    )
    try:
        left = set(new_beside(places, stays))
        assert tool(tmp_path, "backup", str(places / "one"), str(places / "two")).returncode == 0
        assert left <= set(left_beside(places))  # somebody is at work there
    finally:
        held.kill()
        held.wait(60)
    assert left <= set(left_beside(places))
    assert tool(tmp_path, "backup", str(places / "one"), str(places / "three")).returncode == 0
    assert left_beside(places) == [*stays, "three", "two"]


# --- export -----------------------------------------------------------------------------------
def test_a_room_is_exported_while_the_server_runs_and_afterwards(
    server: Server, person: People, tool: Tool, tmp_path: Path
) -> None:
    ada = person("ada")
    say(ada, *(f"line {number} *é* ☕" for number in range(300)))
    history = ada.script("history", "general", "--json").stdout.decode()
    live = tool(tmp_path, "export", "#General", "--data", str(server.data))
    assert (live.returncode, live.stderr) == (0, "")
    assert live.stdout == history
    by_port = tool(server.folder, "export", "general", "-p", str(server.port))
    assert by_port.stdout == history
    server.kill()
    assert tool(tmp_path, "export", "general", "--data", str(server.data)).stdout == history
    server.start().stop()
    assert tool(tmp_path, "export", "general", "--data", str(server.data)).stdout == history


def test_a_room_is_exported_as_markdown_into_a_file(
    server: Server, person: People, tool: Tool, tmp_path: Path
) -> None:
    say(person("ada"), "# no *heading*", "<b>bold</b>")
    file = tmp_path / "general.md"
    file.write_text("old")
    words = ("export", "general", "--format", "markdown", "--data", str(server.data), "-o")
    done = tool(tmp_path, *words, str(file))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    text = file.read_text(encoding="utf-8")
    assert text.startswith("# general\n\n## 20")
    assert "**ada**: \\# no \\*heading\\*\n" in text
    assert "**ada**: \\<b\\>bold\\</b\\>\n" in text
    assert [path for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    refused = tool(tmp_path, *words, str(tmp_path / "no" / "where"))
    assert refused.returncode == 1
    assert "cannot be written: No such file or directory" in refused.stderr
    full = tool(tmp_path, *words, "/dev/full")
    assert (full.returncode, len(full.stderr.splitlines())) == (1, 1)
    assert tool(tmp_path, *words, "/dev/stdout").stdout == text


def test_a_closed_pipe_ends_an_export_quietly(server: Server, person: People, tmp_path: Path) -> None:
    say(person("ada"), *("x" * 1000 for _ in range(500)))
    command = server_command("export", "general", "--data", str(server.data))
    with subprocess.Popen(
        command, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b'{"id":1,')
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 0


def test_an_export_of_what_is_not_there_is_one_sentence(server: Server, tool: Tool, tmp_path: Path) -> None:
    unknown = tool(tmp_path, "export", "nowhere", "--data", str(server.data))
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert unknown.stderr == "chatroom-server: there is no room nowhere; these are there: general\n"
    empty = tool(tmp_path, "export", "general", "--data", str(server.data))
    assert (empty.returncode, empty.stdout, empty.stderr) == (0, "", "")
    no_folder = tool(tmp_path, "export", "general", "--data", str(tmp_path / "none"))
    assert no_folder.returncode == 1
    assert len(no_folder.stderr.splitlines()) == 1
    assert tool(tmp_path, "export", "general", "--format", "pdf").returncode == 2
    assert tool(tmp_path, "export").returncode == 2


def test_an_export_of_what_is_damaged_says_what_it_lacks(
    server: Server, person: People, tool: Tool, tmp_path: Path
) -> None:
    say(person("ada"), "one", "two", "three")
    server.stop()
    (room,) = server.data.glob("rooms/general-*/*.jsonl")
    room.write_bytes(room.read_bytes().replace(b'{"id":2', b'["id":2'))
    done = tool(tmp_path, "export", "general", "--data", str(server.data))
    assert done.returncode == 1
    assert [json.loads(row)["body"] for row in done.stdout.splitlines()] == ["one", "three"]
    assert "1 line cannot be read and was left out" in done.stderr


def test_an_export_without_its_checkpoint_names_what_is_missing(
    server: Server, tool: Tool, tmp_path: Path
) -> None:
    server.stop()
    (server.data / "checkpoint.json").unlink()
    for words in (("export", "general", "--data", str(server.data)), ("backup", str(server.data), "copy")):
        done = tool(tmp_path, *words)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == (
            f"chatroom-server: the data folder {server.data} has no checkpoint.json; "
            "put the folder back from a backup\n"
        )
