"""A follower gives out every line once and in order, however lines, gaps and pages come."""

import asyncio
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.client.errors import ClientError, NotConnected, PastReplacedError, RequestFailed
from chatroom.client.following import Follower, Stored
from chatroom.protocol import ErrorCode
from chatroom.protocol.frames import Fetch, Line, Open
from chatroom.protocol.ids import MessageId, RoomId, UserId
from chatroom.testing import FakeServer
from tests.client.helpers import Connects, until

GENERAL = RoomId("general")


def _stored(number: int) -> Stored:
    line = Line(number, 0, GENERAL, UserId("u"), "nick", body=str(number))
    return line, msgspec.json.encode(line)


@given(st.lists(st.tuples(st.sampled_from(["live", "lost", "page", "take"]), st.integers(1, 5))))
def test_every_line_comes_once_and_in_order(steps: list[tuple[str, int]]) -> None:
    follower, last, given_out = Follower(GENERAL, MessageId(0)), 0, list[int]()
    for step, count in [*steps, *[("page", 5)] * 300]:
        if step == "live":
            for _ in range(count):
                last += 1
                follower.arrived(*_stored(last))
        elif step == "lost":
            last += count
            follower.exists(last)
        elif step == "page" and follower.is_behind:
            page = [_stored(n) for n in range(follower.after + 1, min(follower.after + count, last) + 1)]
            given_out += [line.id for line, _body in follower.take_page(page)]
        given_out += [line.id for line, _body in follower.take_live()]
    assert given_out == list(range(1, last + 1))


def test_a_gap_is_asked_for_once_while_lines_go_on() -> None:
    follower = Follower(GENERAL, MessageId(0))
    follower.exists(10)
    for number in range(11, 500):
        follower.arrived(*_stored(number))
    assert follower.is_behind
    assert follower.take_live() == []
    assert len(follower.take_page([_stored(n) for n in range(1, 11)])) == 10
    assert len(follower.take_live()) == 489
    assert not follower.is_behind


def test_what_waits_is_bounded() -> None:
    follower = Follower(GENERAL, MessageId(0))
    for number in range(1, 5_000):
        follower.arrived(*_stored(number))
    assert len(follower.take_live()) == 1_000
    assert follower.is_behind


def test_an_empty_page_is_believed() -> None:
    follower = Follower(GENERAL, MessageId(5))
    follower.exists(9)
    assert follower.take_page([]) == []
    assert not follower.is_behind
    follower.arrived(*_stored(6))
    assert [line.id for line, _body in follower.take_live()] == [6]


def test_another_past_is_followed_at_its_end() -> None:
    follower = Follower(GENERAL, MessageId(10))
    follower.replaced(4)
    assert not follower.is_behind
    follower.arrived(*_stored(5))
    assert [line.id for line, _body in follower.take_live()] == [5]


async def test_a_follower_hears_of_the_end() -> None:
    follower = Follower(GENERAL, MessageId(0))
    follower.end(NotConnected("over"))
    with pytest.raises(NotConnected):
        await follower.wait()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("quiet", [False, True])
async def test_cuts_leave_no_gap_and_no_duplicate(
    connected: Connects, server: FakeServer, seed: int, *, quiet: bool
) -> None:
    random, wanted = Random(seed), 400
    for number in range(30):
        server.say("bob", "general", f"early {number}")

    async def disturb() -> None:
        while len(server.world.rooms[GENERAL].lines) < wanted:
            for _line in range(random.randint(1, 12)):
                server.say("bob", "general", "more")
            if random.random() < 0.2:
                server.drop_links()
            if random.random() < 0.2:
                server.skip("bob", "general", random.randint(1, 20))
            for _step in range(random.randint(0, 6)):
                await asyncio.sleep(0)

    async with connected(quiet=quiet, sends=False) as session:
        await session.ready()
        if not quiet:
            await session.join("general")
        disturbing = asyncio.gather(disturb())
        got: list[int] = []
        async with asyncio.timeout(20):
            async for line, body in session.follow(GENERAL, after=MessageId(10)):
                assert server.world.rooms[GENERAL].lines[line.id - 1] == body
                got.append(line.id)
                if line.id >= wanted:
                    break
        await disturbing
    assert got == list(range(11, got[-1] + 1))


async def test_live_lines_cost_no_request(connected: Connects, server: FakeServer) -> None:
    async with connected(quiet=True, sends=False) as session:
        lines = session.follow(GENERAL, after=MessageId(0))
        first = asyncio.gather(anext(lines))
        await until(lambda: any(isinstance(frame, Open) for frame in server.received))
        await until(lambda: session.online)
        await session.rooms()
        for number in range(50):
            server.say("bob", "general", str(number))
        await first
        rest = [await anext(lines) for _ in range(49)]
        assert rest[-1][0].body == "49"
    assert not any(isinstance(frame, Fetch) for frame in server.received)


async def test_a_room_that_is_not_there_is_not_followed(connected: Connects) -> None:
    async with connected(quiet=True, sends=False) as session:
        with pytest.raises(RequestFailed) as refused:
            await anext(session.follow(RoomId("nowhere"), after=MessageId(0)))
    assert refused.value.code == ErrorCode.ROOM_UNKNOWN


async def test_a_session_that_ends_ends_its_followers(connected: Connects, server: FakeServer) -> None:
    async with connected(quiet=True, sends=False, reconnect=False) as session:
        lines = session.follow(GENERAL, after=MessageId(0))
        following = asyncio.gather(anext(lines), return_exceptions=True)
        await until(lambda: any(isinstance(frame, Open) for frame in server.received))
        await session.rooms()
        server.drop_links()
        (ended,) = await following
        assert isinstance(ended, ClientError)


@pytest.mark.parametrize("quiet", [False, True])
async def test_a_place_in_a_past_that_was_replaced_is_lost_aloud(
    connected: Connects, server: FakeServer, quiet: bool
) -> None:
    for number in range(3):
        server.say("bob", "general", f"old {number}")
    async with connected(quiet=quiet, sends=False) as session:
        await session.ready()
        lines = session.follow(GENERAL, after=MessageId(0))
        assert [(await anext(lines))[0].id for _line in range(3)] == [1, 2, 3]
        server.drop_links()
        server.world.epoch = "epoch2"
        server.world.rooms[GENERAL].lines.clear()
        for number in range(6):
            server.say("bob", "general", f"new {number}")
        with pytest.raises(PastReplacedError, match="an older backup was put back"):
            async with asyncio.timeout(5):
                await anext(lines)


async def test_who_has_read_nothing_yet_reads_the_new_past() -> None:
    follower = Follower(GENERAL, MessageId(0))
    follower.arrived(*_stored(1))
    follower.lose(PastReplacedError("another past"))
    follower.arrived(*_stored(1))
    await follower.wait()
    assert [line.id for line, _body in follower.take_live()] == [1]
