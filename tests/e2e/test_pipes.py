"""Scripts in pipes, with the real programs: nothing is lost, doubled or out of order, and exit codes tell."""

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tests.e2e.terminal import PATIENCE_S
from tests.e2e.world import Person, Server

MakePerson = Callable[..., Person]
Process = subprocess.Popen[bytes]


def bodies(data: bytes) -> list[str]:
    return [json.loads(line)["body"] for line in data.splitlines()]


def ids(data: bytes) -> list[int]:
    return [json.loads(line)["id"] for line in data.splitlines()]


def numbers(first: int, last: int) -> bytes:
    return b"".join(b"%d\n" % number for number in range(first, last + 1))


def say(person: Person, data: bytes, *arguments: str) -> None:
    done = person.script("send", "general", *arguments, data=data)
    assert (done.returncode, done.stderr) == (0, b"")


def finish(process: Process) -> tuple[int, bytes]:
    """Wait for the end; the exit code, and what it said on standard error."""
    _output, errors = process.communicate(timeout=PATIENCE_S)
    return process.returncode, errors


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (signal.SIGTERM, b"chatroom: the server restarts\n"),
        (signal.SIGKILL, b"chatroom: the connection is cut\n"),
    ],
)
def test_five_thousand_lines_arrive_in_order_over_a_restart(
    person: MakePerson, server: Server, end: signal.Signals, said: bytes
) -> None:
    it4 = person("it4")
    sending = it4.start_script("send", "general")
    assert sending.stdin is not None
    sending.stdin.write(numbers(1, 2500))
    sending.stdin.flush()
    with Reading(it4) as reading:
        assert reading.stdout is not None
        for _ in range(1000):
            assert reading.stdout.readline()
    assert server.process is not None
    server.process.send_signal(end)
    server.process.wait(PATIENCE_S)
    sending.stdin.write(numbers(2501, 5000))
    sending.stdin.close()
    sending.stdin = None
    server.start()
    status, errors = finish(sending)
    assert (status, errors in (said, b"chatroom: the server has closed the connection\n")) == (0, True)
    done = it4.script("history", "general", "--json")
    assert done.returncode == 0
    assert bodies(done.stdout) == numbers(1, 5000).decode().split()
    assert ids(done.stdout) == list(range(1, 5001))


class Reading:
    """`tail` from the first line on, until the block ends."""

    def __init__(self, person: Person, *arguments: str) -> None:
        self._process = person.start_script("tail", "general", "--json", "--after", "0", *arguments)

    def __enter__(self) -> Process:
        return self._process

    def __exit__(self, *_error: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate(timeout=PATIENCE_S)


def test_tail_resumes_over_restarts_without_gap_or_duplicate(person: MakePerson, server: Server) -> None:
    it4 = person("it4")
    say(it4, numbers(1, 300))
    with Reading(person("zoé")) as reading:
        assert reading.stdout is not None
        found = [reading.stdout.readline() for _ in range(300)]
        server.kill()
        server.start()
        say(it4, numbers(301, 400))
        found += [reading.stdout.readline() for _ in range(100)]
        server.stop()
        server.start()
        say(it4, numbers(401, 500))
        found += [reading.stdout.readline() for _ in range(100)]
    assert ids(b"".join(found)) == list(range(1, 501))
    assert bodies(b"".join(found)) == numbers(1, 500).decode().split()


def test_a_pipe_that_closes_ends_tail_quietly(person: MakePerson) -> None:
    it4 = person("it4")
    say(it4, numbers(1, 20))
    for command in ("tail", "history"):
        script = it4.start_script(command, "general", "--json")
        assert script.stdout is not None
        found = b"".join(script.stdout.readline() for _ in range(3))
        script.stdout.close()
        script.stdout = None
        assert finish(script) == (0, b"")
        assert ids(found) == ([11, 12, 13] if command == "tail" else [1, 2, 3])


def test_an_interrupted_tail_ends_without_a_traceback(person: MakePerson) -> None:
    it4 = person("it4")
    say(it4, b"one\n")
    tail = it4.start_script("tail", "general")
    assert tail.stdout is not None
    assert tail.stdout.readline().endswith(b"one\n")
    tail.send_signal(signal.SIGINT)
    assert finish(tail) == (130, b"")


def test_history_takes_parts(person: MakePerson) -> None:
    it4 = person("it4")
    say(it4, numbers(1, 700))

    def part(*arguments: str) -> list[int]:
        done = it4.script("history", "general", "--json", *arguments)
        assert (done.returncode, done.stderr) == (0, b"")
        return ids(done.stdout)

    assert part("--after", "690") == list(range(691, 701))
    assert part("--before", "4") == [1, 2, 3]
    assert part("--after", "100", "--before", "104") == [101, 102, 103]
    assert part("--limit", "3") == [698, 699, 700]
    assert part("--before", "51", "--limit", "3") == [48, 49, 50]
    assert part("--after", "10", "--limit", "500") == list(range(11, 511))
    assert part("--limit", "0") == []
    assert part("--after", "700") == []
    assert part("--before", "1") == []
    assert part("--since", "2000-01-01", "--limit", "2") == [1, 2]
    assert part("--since", "2999-01-01") == []


def test_long_lines_are_split_and_control_sequences_vanish(person: MakePerson) -> None:
    it4 = person("it4")
    line = "é🏖a" * (200 * 1024 // 7)
    say(it4, line.encode() + b"\n\x1b[31mred\x1b[0m and \x1b]8;;http://x\x07link\x1b]8;;\x07\r\n\n \n\xff?")
    *pieces, red, broken = bodies(it4.script("history", "general", "--json").stdout)
    assert "".join(pieces) == line
    assert len(pieces) == 4
    assert all(len(piece.encode()) <= 64 * 1024 for piece in pieces)
    assert red == "red and link"
    assert broken == "\ufffd?"


def test_all_of_it_may_be_one_message(person: MakePerson) -> None:
    it4 = person("it4")
    say(it4, b"one\ntwo\n", "--one")
    say(it4, b"", "three", "four")
    say(it4, b"", "--one", "five\nsix")
    say(it4, b"", "seven\neight")
    assert [line["body"] for line in it4.history()] == [
        "one\ntwo",
        "three four",
        "five\nsix",
        "seven",
        "eight",
    ]


def test_rooms_are_made_on_purpose_only(person: MakePerson) -> None:
    it4 = person("it4")
    for command in ("send", "tail", "history", "who"):
        done = it4.script(command, "genral", data=b"lost?\n")
        assert done.returncode == 1, command
        assert done.stdout == b""
        assert done.stderr.count(b"\n") == 1, done.stderr
        advice = b"--create makes it" if command == "send" else b"chatroom rooms lists"
        assert all(words in done.stderr for words in (b"chatroom: ", b"no room genral", advice)), done.stderr
        assert b"/create" not in done.stderr
    for _ in range(2):
        assert it4.script("send", "made", "here", "--create").returncode == 0
    assert [line["body"] for line in it4.history("made")] == ["here", "here"]
    assert it4.history() == []


def test_a_picture_arrives_with_its_caption(person: MakePerson, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), "red").save(tmp_path / "red.png")
    it4 = person("it4")
    say(it4, b"", "--image", str(tmp_path / "red.png"), "look", "here")
    (line,) = it4.history()
    assert line["kind"] == "image"
    assert line["body"].endswith("look here")
    assert line["grid"]
    shown = person("zoé").script("history", "general").stdout.decode()
    assert "look here" in shown
    assert "\x1b" not in shown


def test_what_waits_in_the_outbox_leaves_once_with_the_next_program(
    person: MakePerson, server: Server
) -> None:
    it4 = person("it4")
    say(it4, b"before\n")
    server.kill()
    done = it4.script("send", "general", "--timeout", "1", data=b"one\ntwo\nthree\n")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(b"chatroom: 3 messages wait in the outbox")
    assert len(done.stderr.splitlines()) == 1
    server.start()
    say(it4, b"four\n")
    say(it4, b"five\n")
    assert [line["body"] for line in it4.history()] == ["before", "one", "two", "three", "four", "five"]


def test_lists_speak_to_people_and_to_programs(person: MakePerson) -> None:
    it4, zoe = person("it4"), person("zoé")
    say(it4, numbers(1, 3))
    with zoe.plain() as terminal:
        terminal.wait_for("#general")

        def asked(*arguments: str) -> str:
            done = it4.script(*arguments)
            assert (done.returncode, done.stderr) == (0, b"")
            return done.stdout.decode()

        assert asked("rooms").split()[:3] == ["#general", "1", "3"]
        assert json.loads(asked("rooms", "--json")) == {
            "id": "general",
            "name": "general",
            "topic": "",
            "members": 1,
            "last": 3,
        }
        assert asked("who", "general") == "zoé  online\n"
        (somebody,) = [json.loads(line) for line in asked("who", "general", "--json").splitlines()]
        assert (somebody["nick"], somebody["state"], somebody["guest"]) == ("zoé", "online", False)
        me = json.loads(asked("whoami", "--json"))
        assert me["nick"] == "it4"
        assert [line["user"] for line in it4.history()] == [me["user"]] * 3
        assert dict(line.split(None, 1) for line in asked("whoami").splitlines()) == me
        done = it4.script("invite")
        assert done.returncode == 1
        assert b"chatroom-server" in done.stderr
        assert done.stderr.count(b"\n") == 1


def test_a_server_that_is_away_is_said_at_once(person: MakePerson, server: Server) -> None:
    it4 = person("it4")
    say(it4, b"known\n")
    server.stop()
    for command in ("history", "tail", "who", "rooms", "whoami", "invite"):
        rooms = ["general"] if command in ("history", "tail", "who") else []
        done = it4.script(command, *rooms, timeout_s=PATIENCE_S)
        assert (done.returncode, done.stdout) == (1, b""), command
        assert f"127.0.0.1:{server.port}" in done.stderr.decode()
        assert done.stderr.count(b"\n") == 1
