"""An older backup is put back while somebody is there who came after it: real programs, real folders."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.terminal import PATIENCE_S, server_command
from tests.e2e.world import Person, Server, environment

MakePerson = Callable[..., Person]


def run_tool(home: Path, *arguments: str) -> None:
    done = subprocess.run(
        server_command(*arguments),
        capture_output=True,
        env=environment(home),
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()


def put_back(server: Server, backup: Path) -> None:
    """What an operator does."""
    shutil.rmtree(server.data)
    shutil.copytree(backup, server.data)
    server.start()


@pytest.mark.parametrize("room", ["general", "later"])
@pytest.mark.parametrize("program", ["full_screen", "plain"])
def test_who_joined_after_the_backup_is_there_again_and_what_waits_is_stored(
    server: Server, person: MakePerson, tmp_path: Path, room: str, program: str
) -> None:
    bob, backup = person("bob"), tmp_path / "backup"
    assert bob.script("send", "general", "before the backup").returncode == 0
    run_tool(tmp_path, "backup", str(server.data), str(backup))
    assert bob.script("send", "--create", room, "behind the backup").returncode == 0
    it4 = person("it4")
    assert it4.script("whoami").returncode == 0  # it knows the server from now on
    start = it4.full_screen if program == "full_screen" else it4.plain
    with start("--room", room) as terminal:
        terminal.wait_for("behind the backup")
        terminal.type("seen by all\r")
        first = ["before the backup"] if room == "general" else []
        terminal.wait_for(lambda _text: _has(bob, room, [*first, "behind the backup", "seen by all"]))
        server.kill()
        terminal.wait_for("ffline")
        terminal.type("still here\r")
        terminal.wait_for("still here")
        put_back(server, backup)
        terminal.wait_for("another past")
        terminal.wait_for(lambda _text: _has(bob, room, [*first, "still here"]))
        assert bob.script("send", room, "welcome back").returncode == 0
        terminal.wait_for("welcome back")
        terminal.wait_gone("pending")


@pytest.mark.parametrize("program", ["full_screen", "plain"])
def test_what_is_meant_for_one_is_never_said_to_all(
    server: Server, person: MakePerson, tmp_path: Path, program: str
) -> None:
    dave, erin, backup = person("dave"), person("erin"), tmp_path / "backup"
    assert dave.script("send", "general", "before the backup").returncode == 0
    run_tool(tmp_path, "backup", str(server.data), str(backup))
    with erin.plain("--room", "general") as hers:
        hers.wait_for("before the backup")
        start = dave.full_screen if program == "full_screen" else dave.plain
        with start("--room", "general") as his:
            his.wait_for("before the backup")
            his.type("/msg erin\r")
            his.wait_for("erin ›" if program == "full_screen" else "@erin: no messages yet.")
            hers.wait_for("opened a conversation")
            hers.type("/quit\r")
            assert hers.wait_end() == 0
            server.kill()
            his.wait_for("ffline")
            his.type("for erin alone\r")
            his.wait_for("for erin alone")
            his.type("unfinished")
            put_back(server, backup)
            his.wait_for("does not know @erin at present")
            his.type(" private\r")
            with erin.plain("--room", "general") as again:
                again.wait_for("for erin alone")
                if program == "full_screen":
                    his.wait_gone("This conversation is closed")
                else:
                    his.wait_for("@erin is open again.")
                    his.type("unfinished private")
                his.type("\r")
                again.wait_for("unfinished private")
    assert _has(dave, "general", ["before the backup"])


def test_a_pipe_goes_on_in_the_room_that_it_makes(server: Server, person: MakePerson, tmp_path: Path) -> None:
    bob, backup = person("bob"), tmp_path / "backup"
    assert bob.script("send", "general", "before the backup").returncode == 0
    run_tool(tmp_path, "backup", str(server.data), str(backup))
    pipe = bob.start_script("send", "--create", "nightly")
    assert pipe.stdin is not None
    pipe.stdin.write(b"one\n")
    pipe.stdin.flush()
    deadline = time.monotonic() + PATIENCE_S
    while not _has(bob, "nightly", ["one"]):
        assert time.monotonic() < deadline
    server.kill()
    pipe.stdin.write(b"two\nthree\n")
    pipe.stdin.flush()
    put_back(server, backup)
    _, problems = pipe.communicate(b"four\n", timeout=PATIENCE_S)
    assert pipe.returncode == 0, problems.decode()
    assert b"an older backup was put back" in problems
    assert _has(bob, "nightly", ["two", "three", "four"])


def _has(person: Person, room: str, expected: list[str]) -> bool:
    done = person.script("history", room, "--json")
    return [json.loads(line)["body"] for line in done.stdout.splitlines()] == expected
