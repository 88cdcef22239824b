"""A backup that was put back: one is in one's rooms again before anything else is said there."""

import asyncio

import pytest

from chatroom.client import rejoining
from chatroom.client.events import (
    MessageState,
    Offline,
    Online,
    PastReplaced,
    RoomClosed,
    RoomOpened,
)
from chatroom.client.outbox import Draft
from chatroom.client.profile import Profile
from chatroom.client.rejoining import _FIRST_RID, Back, Rejoining
from chatroom.client.session import Session
from chatroom.protocol import ErrorCode
from chatroom.protocol.events import FrameReceived
from chatroom.protocol.frames import (
    AnyFrame,
    Direct,
    Failed,
    Goodbye,
    Join,
    Joined,
    Line,
    Login,
    Person,
    RoomInfo,
    Send,
)
from chatroom.protocol.ids import RoomId, UserId
from chatroom.protocol.limits import REQUESTS_MAX
from chatroom.testing import FakeServer
from tests.client.helpers import Connects, next_event, until

GENERAL, LATER = RoomId("general"), RoomId("later")
ME, BOB = UserId("me"), UserId("bob")


def put_back(server: FakeServer, *, forgets: RoomId = LATER, knows_room: bool = True) -> None:
    """Have the server forget that anybody is in a room, or the room as well."""
    server.world.epoch = "epoch2"
    if knows_room:
        server.world.rooms[forgets].members.clear()
    else:
        del server.world.rooms[forgets]


async def in_two_rooms(session: Session) -> None:
    await session.ready()
    await session.join("general", create=True)
    await session.join("Later", create=True)


def asked(server: FakeServer) -> list[AnyFrame]:
    """What came behind the last login."""
    logins = [at for at, frame in enumerate(server.received) if isinstance(frame, Login)]
    return server.received[logins[-1] + 1 :] if logins else []


def joined(server: FakeServer) -> list[tuple[str, bool]]:
    return [(frame.room, frame.create) for frame in asked(server) if isinstance(frame, Join)]


@pytest.mark.parametrize("knows_room", [True, False])
async def test_what_waits_is_sent_in_the_room_that_was_joined_again(
    connected: Connects, server: FakeServer, knows_room: bool
) -> None:
    async with connected() as session:
        await in_two_rooms(session)
        await server.stop()
        await next_event(session, Offline)
        await session.say(LATER, "still here")
        put_back(server, knows_room=knows_room)
        await server.start()
        await next_event(session, PastReplaced)
        online = await next_event(session, Online)
        assert {room.id for room in online.welcome.rooms} == {GENERAL, LATER}
        opened = await next_event(session, RoomOpened)
        assert (opened.room.name, opened.asked, len(opened.people)) == ("Later", False, 1)
        assert await session.wait_all_stored(5) == 0
    assert joined(server) == [("Later", False)] + ([] if knows_room else [("Later", True)])
    kinds = [type(frame) for frame in asked(server) if isinstance(frame, Join | Send)]
    assert kinds[-1] is Send
    assert len(server.world.rooms[LATER].lines) == 1


async def test_a_conversation_of_two_is_opened_again(connected: Connects, server: FakeServer) -> None:
    bob = server.world.add_user("bob")
    async with connected() as session:
        await session.ready()
        room = (await session.direct(nick="bob")).room.id
        server.drop_links()
        put_back(server, forgets=room, knows_room=False)
        await next_event(session, PastReplaced)
        online = await next_event(session, Online)
        assert [info.id for info in online.welcome.rooms] == [room]
    directs = [frame.user for frame in asked(server) if isinstance(frame, Direct)]
    assert directs == [bob.user]


async def test_a_room_that_does_not_take_one_back_is_closed_and_what_waits_fails(
    connected: Connects, server: FakeServer
) -> None:
    async with connected() as session:
        await in_two_rooms(session)
        await server.stop()
        said = await session.say(LATER, "still here")
        put_back(server)
        server.refusals.update({Join: ErrorCode.TOO_MANY_ROOMS, Send: ErrorCode.NOT_MEMBER})
        await server.start()
        assert (await next_event(session, RoomClosed)).room == LATER
        await until(lambda: session.unsent()[0].state is MessageState.FAILED)
        assert session.unsent()[0].reason
        server.refusals.clear()
        await session.join("later")
        await session.retry(said.key)
        assert await session.wait_all_stored(5) == 0
        assert session.unsent() == []


@pytest.mark.parametrize("code", [ErrorCode.NOT_STORED, ErrorCode.INTERNAL, ErrorCode.BAD_FRAME])
async def test_what_was_not_joined_now_is_joined_after_the_next_login(
    connected: Connects, server: FakeServer, code: ErrorCode
) -> None:
    async with connected() as session:
        await in_two_rooms(session)
        server.drop_links()
        put_back(server)
        server.refusals[Join] = code
        await next_event(session, PastReplaced)
        await until(lambda: bool(joined(server)))
        server.refusals.clear()
        server.drop_links()
        await next_event(session, Online, lambda e: LATER in [room.id for room in e.welcome.rooms])


async def test_the_next_program_is_in_the_rooms_of_this_machine_and_of_what_waits(
    connected: Connects, profile: Profile, server: FakeServer
) -> None:
    third = server.world.add_room("third").id
    async with connected() as session:
        await in_two_rooms(session)
    slot = profile.slots.claim_free()
    slot.outbox.add(server.public_key, [Draft(third, "left behind")])
    slot.release()
    put_back(server)
    put_back(server, forgets=GENERAL)
    async with connected() as session:
        await next_event(session, PastReplaced)
        online = await next_event(session, Online)
        assert {room.id for room in online.welcome.rooms} == {GENERAL, LATER, third}
        assert await session.wait_all_stored(5) == 0
    assert sorted(joined(server)) == [("Later", False), ("general", False), ("third", False)]


async def test_another_past_is_told_once_however_often_the_rejoining_is_cut(
    connected: Connects, server: FakeServer
) -> None:
    async with connected() as session:
        await in_two_rooms(session)
    put_back(server)
    server.ignores.add(Join)
    async with connected() as session:
        for _cut in range(3):
            await until(lambda: bool(joined(server)))
            server.received.clear()
            server.drop_links()
        server.ignores.clear()
        await session.ready()
        told = session.events_nowait()
    assert sum(isinstance(event, PastReplaced) for event in told) == 1
    online = [event for event in told if isinstance(event, Online)]
    assert [{room.id for room in event.welcome.rooms} for event in online] == [{GENERAL, LATER}]


async def test_a_script_says_things_without_becoming_a_member(
    connected: Connects, server: FakeServer
) -> None:
    async with connected(quiet=True) as session:
        await session.ready()
        await session.join("later", create=True)
        server.drop_links()
        put_back(server)
        await next_event(session, PastReplaced)
        await session.ready()
        await session.say(LATER, "from a script")
        assert await session.wait_all_stored(5) == 0
    assert joined(server) == []


async def test_a_room_that_one_has_left_stays_left(connected: Connects, server: FakeServer) -> None:
    async with connected() as session:
        await in_two_rooms(session)
        await session.leave(LATER)
        server.drop_links()
        put_back(server)
        await next_event(session, PastReplaced)
        await session.ready()
    assert joined(server) == []


async def test_a_restart_without_another_past_joins_nothing(connected: Connects, server: FakeServer) -> None:
    async with connected() as session:
        await in_two_rooms(session)
        server.drop_links()
        server.world.rooms[LATER].members.clear()
        assert (await next_event(session, RoomClosed)).room == LATER
    assert joined(server) == []


async def test_more_rooms_than_may_be_asked_for_at_once(connected: Connects, server: FakeServer) -> None:
    names = [f"r{number}" for number in range(2 * REQUESTS_MAX + 3)]
    async with connected() as session:
        await session.ready()
        for name in names:
            await session.join(name, create=True)
        server.drop_links()
        server.world.epoch = "epoch2"
        for name in names:
            server.world.rooms[RoomId(name)].members.clear()
        await next_event(session, PastReplaced)
        online = await next_event(session, Online)
        assert sorted(room.id for room in online.welcome.rooms) == sorted(names)


# --- the questions alone ----------------------------------------------------------------------
class Script:
    """A link whose other end says what a test wants, frame by frame, then nothing more."""

    def __init__(self, *frames: AnyFrame) -> None:
        self.sent: list[AnyFrame] = []
        self._frames = list(frames)

    def send(self, frame: AnyFrame) -> None:
        self.sent.append(frame)

    async def receive(self) -> list[FrameReceived]:
        if not self._frames:
            await asyncio.Event().wait()
        return [FrameReceived(self._frames.pop(0), b"")]


async def rejoin(rejoining: Rejoining, link: Script) -> Back:
    return await rejoining.run(link, ME, [])  # type: ignore[arg-type]  # all of a link that is used


def losing(*rooms: RoomInfo) -> Rejoining:
    lost = Rejoining()
    lost.lose(rooms)
    return lost


def no(code: ErrorCode, rid: int = _FIRST_RID) -> Failed:
    return Failed(code, rid=rid)


async def test_whoever_is_faster_makes_the_room() -> None:
    room = RoomInfo(LATER, "Later")
    link = Script(
        no(ErrorCode.ROOM_UNKNOWN),
        no(ErrorCode.ROOM_EXISTS, _FIRST_RID + 1),
        Joined(_FIRST_RID + 2, room),
    )
    back = await rejoin(losing(room), link)
    assert back.rooms == [room]
    assert [(frame.create, frame.room) for frame in link.sent if isinstance(frame, Join)] == [
        (False, "Later"),
        (True, "Later"),
        (False, "Later"),
    ]


async def test_a_conversation_whose_other_end_is_unknown_is_asked_for_by_its_id() -> None:
    room = RoomInfo(RoomId("=abc"), "=abc")
    link = Script(no(ErrorCode.ROOM_UNKNOWN))
    assert (await rejoin(losing(room), link)).rooms == []
    assert link.sent == [Join(_FIRST_RID, "=abc")]


async def test_what_comes_meanwhile_is_handed_on_in_its_order() -> None:
    room, line = RoomInfo(LATER, "Later"), Line(1, 1, GENERAL, ME, "it4", "#ffffff", body="meanwhile")
    strange, answer = no(ErrorCode.ROOM_UNKNOWN, rid=7), Joined(_FIRST_RID, room)
    back = await rejoin(losing(room), Script(line, strange, answer))
    assert [received.frame for received in back.received] == [line, strange, answer]


@pytest.mark.parametrize(
    "end", [Goodbye(ErrorCode.RESTARTING), Failed(ErrorCode.INTERNAL, rid=_FIRST_RID, fatal=True)]
)
async def test_the_end_of_a_link_is_handed_on_and_the_next_one_asks_again(end: AnyFrame) -> None:
    room = RoomInfo(LATER, "Later")
    lost, link = losing(room), Script(Joined(_FIRST_RID, room))
    back = await rejoin(lost, Script(end))
    assert [received.frame for received in back.received] == [end]
    assert (await rejoin(lost, link)).rooms == [room]


async def test_a_server_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rejoining, "_PATIENCE_S", 0.01)
    room = RoomInfo(LATER, "Later")
    lost, link = losing(room), Script(Joined(_FIRST_RID, room))
    assert (await rejoin(lost, Script())).rooms == []
    assert (await rejoin(lost, link)).rooms == [room]


async def test_what_gathers_meanwhile_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rejoining, "_RECEIVED_MAX", 3)
    away = [no(ErrorCode.ROOM_UNKNOWN, rid=7)] * 5
    back = await rejoin(losing(RoomInfo(LATER, "Later")), Script(*away))
    assert len(back.received) == 3


async def test_what_one_is_in_already_is_not_asked_for() -> None:
    room, link = RoomInfo(LATER, "Later"), Script()
    back = await losing(room).run(link, ME, [room])  # type: ignore[arg-type]  # all of a link that is used
    assert (back.rooms, link.sent) == ([], [])


async def test_a_conversation_is_asked_for_by_the_other_ones_id() -> None:
    people = [Person(ME, "it4", "#ffffff"), Person(BOB, "bob", "#ffffff")]
    room = RoomInfo(RoomId("=abc"), "=abc", direct=people)
    link = Script(Joined(_FIRST_RID, room))
    assert (await rejoin(losing(room), link)).rooms == [room]
    assert link.sent == [Direct(_FIRST_RID, user=BOB)]
