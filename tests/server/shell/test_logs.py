"""What operators read: one line an event, private files, and nothing that holds up the server."""

import io
import logging
import os
import stat
import threading
import time
from pathlib import Path

import msgspec
import pytest

from chatroom.protocol.frames import Line
from chatroom.protocol.ids import RoomId, UserId
from chatroom_server.core.effects import Happening, Report
from chatroom_server.shell import logs as module
from chatroom_server.shell.logfile import LogFileError, RotatingFile, open_first
from chatroom_server.shell.logs import OperatorLog

AT = 1_763_705_123_456


def line(number: int, body: str, *, room: str = "general", nick: str = "it4", kind: str = "") -> bytes:
    """A stored line."""
    user = UserId("k3jf7a2mq4x7c2dn")
    return msgspec.json.encode(
        Line(id=number, at=AT, room=RoomId(room), user=user, nick=nick, body=body, kind=kind)
    )


def written(path: Path) -> list[str]:
    """The lines of a log without their times."""
    return [text[20:] for text in path.read_text(encoding="utf-8").splitlines()]


def test_each_event_is_one_line_whatever_is_in_it(tmp_path: Path) -> None:
    logs = OperatorLog(file=RotatingFile(tmp_path / "server.log"))
    logs.said([([line(1, "two\nlines \x1b[31mred\x1b[0m"), line(2, "waves", kind="me")], 3)])
    logs.happened(Report(Happening.ARRIVED, UserId("u"), "it\n4", RoomId("general")), None)
    logs.note("a\nb")
    logs.close()
    assert written(tmp_path / "server.log") == [
        "#general it4: two lines red",
        "#general * it4 waves",
        "it 4 (u) joined #general",
        "a b",
    ]


def test_the_console_shows_one_line_each(tmp_path: Path) -> None:
    console = io.StringIO()
    logs = OperatorLog(console=console, messages=True)
    peer = ("127.0.0.1", 5000)
    logs.connected(peer)
    logs.happened(Report(Happening.LOGGED_IN, UserId("u"), "it4", RoomId("")), peer)
    logs.said([([line(417, "salut")], 12)])
    logs.disconnected(peer, "left")
    logs.close()
    assert [text[9:] for text in console.getvalue().splitlines()] == [
        "connected    127.0.0.1:5000",
        "logged in    it4 (u) from 127.0.0.1:5000",
        "received     general/417 from it4, 5 bytes",
        "sent         general/417 to 12 clients",
        "disconnected 127.0.0.1:5000 (left)",
    ]


def test_a_quiet_console_shows_problems_only(tmp_path: Path) -> None:
    console = io.StringIO()
    logs = OperatorLog(console=console, events=False, file=RotatingFile(tmp_path / "server.log"))
    logs.note("ready")
    logs.connected(("127.0.0.1", 5000))
    logs.problem("the disk is full")
    logs.close()
    assert [text[9:] for text in console.getvalue().splitlines()] == ["the disk is full"]
    assert written(tmp_path / "server.log") == ["ready", "the disk is full"]


def test_a_busy_second_is_summed_up(tmp_path: Path) -> None:
    console = io.StringIO()
    logs = OperatorLog(console=console, messages=True)
    logs.said([([line(number, "x") for number in range(1, 501)], 3)])
    logs.close()
    lines = console.getvalue().splitlines()
    assert len(lines) == 2 * module.CONSOLE_MESSAGES_S + 1
    assert lines[-1].endswith("received     480 more in general, each sent to 3 clients")


def test_the_conversation_can_be_kept_out(tmp_path: Path) -> None:
    logs = OperatorLog(file=RotatingFile(tmp_path / "server.log"), conversation=False)
    logs.said([([line(1, "secret")], 1)])
    logs.note("ready")
    logs.close()
    assert written(tmp_path / "server.log") == ["ready"]


def test_direct_conversations_stay_out(tmp_path: Path) -> None:
    logs = OperatorLog(file=RotatingFile(tmp_path / "server.log"))
    logs.said([([line(1, "psst", room="=aaaa")], 1), ([line(1, "all")], 1)])
    logs.close()
    assert written(tmp_path / "server.log") == ["#general it4: all"]


def test_all_stand_in_their_order_however_many_come_at_once(tmp_path: Path) -> None:
    logs = OperatorLog(file=RotatingFile(tmp_path / "server.log"))
    expected: list[str] = []
    number = 0
    for size in (1, 100, 1, 1, 64, 63, 65):
        rounds = []
        for room in ("general", "random"):
            numbers = range(number, number + size)
            number += size
            rounds.append(([line(each, f"body {each}", room=room) for each in numbers], 3))
            expected += [f"#{room} it4: body {each}" for each in numbers]
        logs.said(rounds)
        if size == 1:
            logs.note(f"note {number}")
            expected.append(f"note {number}")
    logs.close()
    assert written(tmp_path / "server.log") == expected


def test_the_console_knows_the_clients_of_each_room(tmp_path: Path) -> None:
    console = io.StringIO()
    logs = OperatorLog(console=console, messages=True)
    logs.said(
        [
            ([line(1, "a"), line(2, "b")], 1),
            ([line(1, "c", room="random")], 5),
            ([line(number, "x") for number in range(3, 103)], 2),
            ([line(number, "x", room="random") for number in range(2, 52)], 6),
        ]
    )
    logs.close()
    lines = [text[9:] for text in console.getvalue().splitlines()]
    assert [text for text in lines if text.startswith("sent")][:4] == [
        "sent         general/1 to 1 client",
        "sent         general/2 to 1 client",
        "sent         random/1 to 5 clients",
        "sent         general/3 to 2 clients",
    ]
    assert lines[-2:] == [
        "received     83 more in general, each sent to 2 clients",
        "received     50 more in random, each sent to 6 clients",
    ]


def test_what_comes_too_fast_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING_MAX", 0)
    logs = OperatorLog(file=RotatingFile(tmp_path / "server.log"))
    logs.said([([line(1, "x")], 1)] * 5)
    monkeypatch.setattr(module, "WAITING_MAX", 100)
    logs.note("later")
    logs.close()
    assert written(tmp_path / "server.log") == ["later", "5 lines were left out: they came too fast"]


def test_warnings_of_modules_are_shown_as_one_line(tmp_path: Path) -> None:
    logs = OperatorLog(file=RotatingFile(tmp_path / "server.log"))
    try:
        raise RuntimeError("a bug\nin two lines")
    except RuntimeError:
        logging.getLogger("chatroom_server.test").exception("it broke")
    logs.close()
    (text,) = written(tmp_path / "server.log")
    assert text.startswith("it broke Traceback")
    assert text.endswith("in two lines")


def test_a_console_that_is_closed_harms_nothing(tmp_path: Path) -> None:
    console = io.StringIO()
    console.close()
    logs = OperatorLog(console=console, file=RotatingFile(tmp_path / "server.log"))
    logs.note("one")
    logs.note("two")
    logs.close()
    assert written(tmp_path / "server.log") == ["one", "two"]


class Stopped(io.StringIO):
    """A terminal that was stopped."""

    def __init__(self) -> None:
        super().__init__()
        self.stands = threading.Event()
        self.goes_on = threading.Event()

    def write(self, text: str) -> int:
        self.stands.set()
        self.goes_on.wait(10)
        return super().write(text)


def test_a_console_that_is_stopped_holds_up_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CLOSE_S", 0.01)
    console = Stopped()
    logs = OperatorLog(console=console)
    logs.note("one")
    assert not logs.close()
    console.goes_on.set()
    monkeypatch.setattr(module, "CLOSE_S", 10)
    assert logs.close()


def test_a_batch_that_cannot_be_written_is_counted_and_the_next_ones_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    logs = OperatorLog(file=RotatingFile(tmp_path / "server.log"))
    with monkeypatch.context() as broken:
        broken.setattr(module, "format_kept", fail)
        logs.said([([line(1, "x")], 1)])
        assert _wait_for_nothing(logs)
    logs.note("later")
    assert logs.close()
    assert written(tmp_path / "server.log") == ["later", "1 writes failed: RuntimeError('a bug')"]


UNREADABLE = {
    "no JSON": b"no line",
    "another JSON": b"{}",
    "cut off": line(2, "x")[:-5],
    "no UTF-8": line(2, "x").replace(b'"x"', b'"\xff"'),
}


@pytest.mark.parametrize("bad", UNREADABLE.values(), ids=UNREADABLE)
def test_a_line_that_cannot_be_read_takes_no_other_with_it(bad: bytes, tmp_path: Path) -> None:
    console = Stopped()
    logs = OperatorLog(console=console, messages=True, file=RotatingFile(tmp_path / "server.log"))
    logs.note("before")
    assert console.stands.wait(10)  # so that all that follows is one batch
    logs.said([([line(1, "one"), bad, line(3, "three")], 3), ([line(1, "uno", room="random")], 5)])
    logs.problem("between")
    logs.said([([bad], 2), ([line(4, "four")], 3)])
    logs.note("after")
    console.goes_on.set()
    assert logs.close()
    *rest, failed = written(tmp_path / "server.log")
    assert rest == [
        "before",
        "#general it4: one",
        "#general it4: three",
        "#random it4: uno",
        "between",
        "#general it4: four",
        "after",
    ]
    assert failed.startswith("2 writes failed: ")
    sent = [text[9:] for text in console.getvalue().splitlines() if text[9:].startswith("sent")]
    assert sent == [
        "sent         general/1 to 3 clients",
        "sent         general/3 to 3 clients",
        "sent         random/1 to 5 clients",
        "sent         general/4 to 3 clients",
    ]


def _wait_for_nothing(logs: OperatorLog) -> bool:
    """Wait until all that was taken has been written."""
    writer = logs._writer
    deadline = time.monotonic() + 10
    while writer._written < writer._taken and time.monotonic() < deadline:
        time.sleep(0.001)
    return writer._written == writer._taken


def test_the_file_is_private_and_rotates(tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    path.write_text("old\n", encoding="utf-8")
    path.chmod(0o644)
    file = RotatingFile(path, size_max=100, kept=2)
    for number in range(10):
        file.write(f"{number} " + "x" * 47 + "\n")
    file.close()
    assert sorted(found.name for found in tmp_path.iterdir()) == [
        "server.log",
        "server.log.1",
        "server.log.2",
    ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kept = "".join((tmp_path / name).read_text() for name in ("server.log.2", "server.log.1", "server.log"))
    assert [row.split()[0] for row in kept.splitlines()] == ["5", "6", "7", "8", "9"]


def test_it_never_writes_through_a_link_or_into_a_pipe(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine", encoding="utf-8")
    (tmp_path / "soft.log").symlink_to(victim)
    (tmp_path / "hard.log").hardlink_to(victim)
    os.mkfifo(tmp_path / "pipe.log")
    with pytest.raises(OSError, match="symbolic"):
        RotatingFile(tmp_path / "soft.log")
    for name in ("hard.log", "pipe.log"):
        with pytest.raises((LogFileError, OSError)):
            RotatingFile(tmp_path / name)
    assert victim.read_text(encoding="utf-8") == "mine"


def test_the_first_folder_that_can_be_written_wins(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    file, problems = open_first([tmp_path / "file" / "log", tmp_path / "good"], "server.log")
    assert file is not None
    assert file.path == tmp_path / "good" / "server.log"
    file.close()
    assert len(problems) == 1
    assert stat.S_IMODE((tmp_path / "good").stat().st_mode) == 0o700
    assert open_first([tmp_path / "file" / "log"], "server.log")[0] is None
