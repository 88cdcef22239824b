"""What the server could not store waits, says why, and is sent again by itself, once and in order."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from chatroom.client.errors import OutboxError
from chatroom.client.events import MessageChanged, MessageState, OwnMessage, ServerProblem
from chatroom.client.outbox import Outbox
from chatroom.client.profile import Profile
from chatroom.client.resting import REST_S
from chatroom.client.session import Session
from chatroom.client.timing import Timing
from chatroom.protocol import ErrorCode
from chatroom.protocol.codec import decode_line
from chatroom.protocol.frames import Refusal, Send
from chatroom.protocol.ids import RoomId
from chatroom.testing import FakeServer
from tests.client.helpers import Connects, next_event, session_on, until

GENERAL = RoomId("general")
NOTICE = "the server could not store the message (test); it waits in the outbox and is sent again"


class Rests:
    """The rests of a session, each of which lasts until the test ends it.

    Attributes:
        begun: How many there were.
    """

    def __init__(self) -> None:
        self.begun = 0
        self.timing = Timing(sleep=self._sleep, random=lambda: 0.0)
        self._ends = asyncio.Semaphore(0)

    def end(self) -> None:
        self._ends.release()

    async def _sleep(self, wait_s: float) -> None:
        if wait_s != REST_S[ErrorCode.NOT_STORED]:
            await asyncio.sleep(wait_s)
            return
        self.begun += 1
        await self._ends.acquire()


@pytest.fixture
def rests() -> Rests:
    return Rests()


@pytest.fixture
def full(server: FakeServer) -> FakeServer:
    """A server that can store nothing."""
    server.refusals[Send] = ErrorCode.NOT_STORED
    return server


def _bodies(server: FakeServer) -> list[str]:
    return [decode_line(line).body for line in server.world.rooms[GENERAL].lines]


def _sent(server: FakeServer) -> list[str]:
    return [frame.body for frame in server.received if isinstance(frame, Send)]


def _notices(session: Session) -> list[str]:
    return [event.reason for event in session.events_nowait() if isinstance(event, ServerProblem)]


def _not_stored(message: OwnMessage) -> Refusal:
    return Refusal(message.dev, message.n, ErrorCode.NOT_STORED, "", {"reason": "test"})


async def test_what_was_refused_twice_is_stored_under_its_number(
    connected: Connects, full: FakeServer, rests: Rests
) -> None:
    async with connected(timing=rests.timing) as session:
        await session.ready()
        said = await session.say_many(GENERAL, ["1", "2", "3"])
        await until(lambda: rests.begun == 1)
        await session.rooms()
        assert _sent(full) == ["1", "2", "3"]
        rests.end()
        await until(lambda: rests.begun == 2)
        await session.rooms()
        assert _sent(full) == ["1", "2", "3", "1"], "what is newer waits for the oldest"
        assert [message.state for message in session.unsent()] == [MessageState.PENDING] * 3
        assert _notices(session) == [NOTICE], "not at each rest"
        full.refusals.clear()
        rests.end()
        assert await session.wait_all_stored(5) == 0
        assert not _notices(session)
    assert _bodies(full) == ["1", "2", "3"]
    numbers = [frame.n for frame in full.received if isinstance(frame, Send)]
    assert numbers[-3:] == [message.n for message in said]


async def test_what_is_said_in_a_rest_waits_and_is_told_too(
    connected: Connects, full: FakeServer, rests: Rests
) -> None:
    async with connected(timing=rests.timing) as session:
        await session.ready()
        await session.say(GENERAL, "1")
        await until(lambda: rests.begun == 1)
        await session.say(GENERAL, "2")
        await session.rooms()
        assert (_sent(full), _notices(session)) == (["1"], [NOTICE])
        rests.end()
        await until(lambda: rests.begun == 2)
        assert (_sent(full), _notices(session)) == (["1", "1"], [NOTICE])
        full.refusals.clear()
        rests.end()
        assert await session.wait_all_stored(5) == 0
        full.refusals[Send] = ErrorCode.NOT_STORED
        await session.say(GENERAL, "3")
        await until(lambda: rests.begun == 3)
        assert _notices(session) == [NOTICE], "another trouble"
    assert _bodies(full) == ["1", "2"]


async def test_nothing_is_sent_again_in_front_of_what_has_no_answer_yet(
    connected: Connects, server: FakeServer, rests: Rests
) -> None:
    async with connected(timing=rests.timing) as session:
        await session.ready()
        server.holds = True
        said = await session.say_many(GENERAL, ["1", "2"])
        await until(lambda: len(_sent(server)) == 2)
        server.on_their_way.clear()
        server.tell_all(_not_stored(said[0]))
        await until(lambda: rests.begun == 1)
        rests.end()
        await session.rooms()
        assert _sent(server) == ["1", "2"], "the server would take 1 for passed over, with 2 on its way"
        server.holds = False
        server.tell_all(_not_stored(said[1]))
        await until(lambda: rests.begun == 2)
        rests.end()
        assert await session.wait_all_stored(5) == 0
    assert _bodies(server) == ["1", "2"]


@pytest.mark.parametrize("ends", [False, True], ids=["a cut", "another program"])
async def test_the_next_link_begins_with_what_was_refused(
    full: FakeServer, profile: Profile, rests: Rests, ends: bool
) -> None:
    async with session_on(full, profile, timing=rests.timing) as session:
        await session.ready()
        await session.say(GENERAL, "1")
        await until(lambda: rests.begun == 1)
        if not ends:
            await session.say(GENERAL, "2")
            full.drop_links()
            rests.end()
            await until(lambda: rests.begun == 2)
    async with session_on(full, profile, timing=rests.timing) as session:
        if ends:
            await session.say(GENERAL, "2")
        await until(lambda: rests.begun == 2 + (not ends))
        assert set(_sent(full)) == {"1"}
        full.refusals.clear()
        rests.end()
        assert await session.wait_all_stored(5) == 0
    assert _bodies(full) == ["1", "2"]


async def test_what_the_server_stored_meanwhile_is_not_said_twice(
    connected: Connects, full: FakeServer, rests: Rests
) -> None:
    """What was refused had reached the disk after all, and a power cut brought it back."""
    async with connected(timing=rests.timing) as session:
        await session.ready()
        said = await session.say(GENERAL, "1")
        await until(lambda: rests.begun == 1)
        full.world.store(full.world.users[session.user], Send(GENERAL, said.dev, said.n, "1"))
        full.refusals.clear()
        rests.end()
        assert await session.wait_all_stored(5) == 0
    assert _bodies(full) == ["1"]


async def test_what_a_later_message_has_passed_fails(
    connected: Connects, full: FakeServer, rests: Rests
) -> None:
    async with connected(timing=rests.timing) as session:
        await session.ready()
        said = await session.say(GENERAL, "1")
        await until(lambda: rests.begun == 1)
        full.world.store(full.world.users[session.user], Send(GENERAL, said.dev, said.n + 1, "2"))
        full.refusals.clear()
        rests.end()
        assert await session.wait_all_stored(5) == 0
        assert [message.state for message in session.unsent()] == [MessageState.FAILED]


@pytest.mark.parametrize("outcome", [None, ErrorCode.NOT_ALLOWED], ids=["stored", "failed"])
async def test_after_an_outcome_all_is_sent_at_once_again(
    connected: Connects, full: FakeServer, rests: Rests, outcome: ErrorCode | None
) -> None:
    async with connected(timing=rests.timing) as session:
        await session.ready()
        await session.say(GENERAL, "1")
        await until(lambda: rests.begun == 1)
        full.refusals = {Send: outcome} if outcome else {}
        rests.end()
        assert await session.wait_all_stored(5) == 0
        full.refusals.clear()
        full.holds = True
        await session.say_many(GENERAL, ["2", "3", "4"])
        await until(lambda: len(full.on_their_way) == 3)


async def test_a_refusal_is_on_disk_before_it_is_told(
    connected: Connects, server: FakeServer, profile: Profile
) -> None:
    server.refusals[Send] = ErrorCode.NOT_ALLOWED
    async with connected() as session:
        await session.ready()
        await session.say(GENERAL, "1")
        await next_event(session, MessageChanged, lambda event: event.message.state is MessageState.FAILED)
        with closing(sqlite3.connect(profile.folder / "devices/0/outbox.db")) as database:
            assert database.execute("SELECT failed FROM messages").fetchall() == [(1,)]


async def test_a_refusal_that_cannot_be_kept_is_told(
    connected: Connects, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    states: list[MessageState] = []

    def fail(_outbox: Outbox, _key: str, _reason: str) -> None:
        states.extend(message.state for message in session.unsent())
        raise OutboxError("the disk is gone")

    monkeypatch.setattr(Outbox, "fail", fail)
    server.refusals[Send] = ErrorCode.NOT_ALLOWED
    async with connected() as session:
        await session.ready()
        await session.say(GENERAL, "1")
        await next_event(session, MessageChanged, lambda event: event.message.state is MessageState.FAILED)
    assert states == [MessageState.PENDING], "the disk comes first"
