"""`history` and `tail`: every line once, in order, from where one asked."""

import asyncio
import json
import os

import pytest

from chatroom.client.errors import ClientError, PastReplacedError
from chatroom.client.session import Session
from chatroom.client.tasks import Tasks
from chatroom.common.texts import Texts
from chatroom.model.sentences import LineFormat
from chatroom.protocol import ErrorCode
from chatroom.protocol.frames import Fetch, Open
from chatroom.protocol.ids import MessageId, RoomId
from chatroom.protocol.limits import PAGE_LINES_MAX
from chatroom.scripts.reading import LinePrinter, ReadOptions, history, tail
from chatroom.testing import FakeServer
from tests.client.helpers import until
from tests.scripts.pipe import Pipe

GENERAL = RoomId("general")
END = b'{"id":0}\n'
FORM = LineFormat(Texts(), lambda _ms: "09:00")


def fill(server: FakeServer, count: int, size: int = 0) -> None:
    for at in range(1, count + 1):
        server.world.at = at
        server.say("bob", "general", f"line {at}" + "x" * size)


def ids(lines: list[bytes]) -> list[int]:
    return [json.loads(line)["id"] for line in lines]


async def read(session: Session, pipe: Pipe, **options: int | None) -> list[int]:
    """The ids that `history` prints."""
    chosen = ReadOptions(GENERAL, **options)  # type: ignore[arg-type]  # ids are numbers here
    async with Tasks("read") as tasks:
        printing = tasks.start(print_all(session, pipe, chosen), name="print")
        found = b""
        while not found.endswith(END):
            found += await pipe.read()
        await printing
    return ids(found.removesuffix(END).splitlines())


async def print_all(session: Session, pipe: Pipe, chosen: ReadOptions) -> None:
    assert await history(session, chosen, LinePrinter(pipe.output, FORM, as_json=True)) == 0
    await pipe.output.write_lines([END.strip()])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [*range(1, 31)]),
        ({"after": 28}, [29, 30]),
        ({"after": 30}, []),
        ({"before": 3}, [1, 2]),
        ({"before": 1}, []),
        ({"after": 5, "before": 9}, [6, 7, 8]),
        ({"limit": 2}, [29, 30]),
        ({"limit": 0}, []),
        ({"limit": 100}, [*range(1, 31)]),
        ({"before": 10, "limit": 2}, [8, 9]),
        ({"after": 10, "limit": 2}, [11, 12]),
        ({"since_ms": 29}, [29, 30]),
        ({"since_ms": 20, "limit": 2}, [20, 21]),
        ({"since_ms": 99}, []),
        ({"since_ms": 5, "before": 8}, [5, 6, 7]),
    ],
)
async def test_history_prints_what_was_asked_for(
    session: Session, server: FakeServer, pipe: Pipe, options: dict[str, int], expected: list[int]
) -> None:
    fill(server, 30)
    assert await read(session, pipe, **options) == expected


async def test_a_long_history_comes_page_by_page(session: Session, server: FakeServer, pipe: Pipe) -> None:
    fill(server, 2 * PAGE_LINES_MAX + 1)
    assert await read(session, pipe) == [*range(1, 2 * PAGE_LINES_MAX + 2)]
    fetched = [frame for frame in server.received if isinstance(frame, Fetch)]
    assert [frame.after for frame in fetched[:3]] == [0, PAGE_LINES_MAX, 2 * PAGE_LINES_MAX]


async def test_a_cut_in_the_middle_is_said_and_waited_out(
    session: Session, server: FakeServer, pipe: Pipe, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(server, PAGE_LINES_MAX, size=200)
    server.say("bob", "general", "the last one")
    async with Tasks("test") as tasks:
        printing = tasks.start(print_all(session, pipe, ReadOptions(GENERAL)), name="print")
        found = await asyncio.to_thread(os.read, pipe.reading, 1)  # the rest of the page does not fit in
        server.say_goodbye(ErrorCode.STOPPED, back_in_s=0.05)
        said: list[str] = []

        def is_said() -> bool:
            said.append(capsys.readouterr().err)
            return any(said)

        await until(is_said)
        while not found.endswith(END):
            found += await pipe.read()
        await printing
    assert "".join(said) == "chatroom: the server stops\n"
    assert ids(found.removesuffix(END).splitlines()) == [*range(1, PAGE_LINES_MAX + 2)]


async def test_json_is_the_line_as_it_is_stored(session: Session, server: FakeServer, pipe: Pipe) -> None:
    fill(server, 1)
    await history(session, ReadOptions(GENERAL), LinePrinter(pipe.output, FORM, as_json=True))
    assert await pipe.read() == server.world.rooms[GENERAL].lines[0] + b"\n"


async def test_people_read_sentences(session: Session, server: FakeServer, pipe: Pipe) -> None:
    server.say("bob", "general", "hi\x1b[31m\nthere")
    await history(session, ReadOptions(GENERAL), LinePrinter(pipe.output, FORM, as_json=False))
    assert await pipe.read() == b"[09:00] bob said: hi\n        there\n"


async def test_a_closed_pipe_ends_history_quietly(session: Session, server: FakeServer, pipe: Pipe) -> None:
    fill(server, 3)
    pipe.hang_up()
    assert await history(session, ReadOptions(GENERAL), LinePrinter(pipe.output, FORM, as_json=True)) == 0


async def test_history_of_a_server_that_is_away_is_no_waiting(
    session: Session, server: FakeServer, pipe: Pipe
) -> None:
    await server.stop()
    with pytest.raises(ClientError):
        await history(session, ReadOptions(GENERAL), LinePrinter(pipe.output, FORM, as_json=True))


async def test_tail_prints_the_end_and_what_comes_over_a_cut(
    session: Session, server: FakeServer, pipe: Pipe
) -> None:
    fill(server, 10)
    printer = LinePrinter(pipe.output, FORM, as_json=True)
    async with Tasks("test") as tasks:
        tailing = tasks.start(tail(session, GENERAL, None, 2, printer, pipe.output), name="tail")
        assert ids(await pipe.read_lines(2)) == [9, 10]
        server.say("bob", "general", "live")
        assert ids(await pipe.read_lines(1)) == [11]
        server.drop_links()
        server.say("bob", "general", "missed")
        assert ids(await pipe.read_lines(1)) == [12]
        await until(lambda: sum(isinstance(frame, Open) for frame in server.received) == 2)
        pipe.hang_up()
        assert await tailing == 0


async def test_tail_says_once_for_each_cut_that_the_server_is_away(
    session: Session, server: FakeServer, pipe: Pipe, capsys: pytest.CaptureFixture[str]
) -> None:
    printer = LinePrinter(pipe.output, FORM, as_json=True)
    async with Tasks("test") as tasks:
        tailing = tasks.start(tail(session, GENERAL, None, 2, printer, pipe.output), name="tail")
        for code in (ErrorCode.RESTARTING, ErrorCode.STOPPED):
            server.say("bob", "general", code)
            await pipe.read_lines(1)
            server.say_goodbye(code, back_in_s=0.05)
        server.say("bob", "general", "live")
        await pipe.read_lines(1)
        pipe.hang_up()
        assert await tailing == 0
    said = capsys.readouterr().err.splitlines()
    assert said == ["chatroom: the server restarts", "chatroom: the server stops"]


async def test_tail_begins_behind_an_id(session: Session, server: FakeServer, pipe: Pipe) -> None:
    fill(server, 10)
    printer = LinePrinter(pipe.output, FORM, as_json=True)
    async with Tasks("test") as tasks:
        tasks.start(tail(session, GENERAL, MessageId(6), 2, printer, pipe.output), name="tail")
        assert ids(await pipe.read_lines(4)) == [7, 8, 9, 10]
        pipe.hang_up()


async def test_a_tail_whose_place_is_in_another_past_ends_with_a_sentence(
    session: Session, server: FakeServer, pipe: Pipe
) -> None:
    fill(server, 3)
    async with Tasks("tail") as tasks:
        printer = LinePrinter(pipe.output, FORM, as_json=True)
        following = tasks.start(tail(session, GENERAL, None, 3, printer, pipe.output), name="tail")
        found = b""
        while found.count(b"\n") < 3:
            found += await pipe.read()
        server.world.epoch = "epoch2"
        server.drop_links()
        with pytest.raises(PastReplacedError, match="an older backup was put back"):
            await following
