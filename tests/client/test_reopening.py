"""A conversation that the server has lost: what waits there fails truly, and goes when it is open."""

import pytest

from chatroom.client.errors import RequestFailed
from chatroom.client.events import MessageState, Offline, Online, RoomClosed, RoomOpened
from chatroom.client.profile import Profile
from chatroom.client.session import Session
from chatroom.protocol import ErrorCode
from chatroom.protocol.frames import Direct, Presence, PresenceEvent, Send
from chatroom.protocol.ids import RoomId
from chatroom.testing import FakeServer
from tests.client.helpers import Connects, next_event, until

GENERAL = RoomId("general")
UNKNOWN = "the server does not know @bob at present"


async def lose(session: Session, server: FakeServer, *bodies: str) -> RoomId:
    """Be in a conversation when a backup is put back that does not know its other end."""
    await session.ready()
    await session.join("general", create=True)
    room = (await session.direct(nick="bob")).room.id
    await server.stop()
    await next_event(session, Offline)
    for body in bodies:
        await session.say(room, body)
    server.world.epoch = "epoch2"
    del server.world.rooms[room]
    server.refusals.update({Direct: ErrorCode.USER_UNKNOWN, Send: ErrorCode.ROOM_UNKNOWN})
    await server.start()
    assert (await next_event(session, RoomClosed)).is_lost
    return room


def know_again(server: FakeServer) -> None:
    server.refusals.clear()


def bob_is_back(server: FakeServer) -> None:
    bob = server.world.add_user("bob")
    server.tell_all(Presence(GENERAL, PresenceEvent.BACK, [bob.person()]))


def has_failed(session: Session) -> bool:
    states = [message.state for message in session.unsent()]
    return bool(states) and set(states) == {MessageState.FAILED}


async def test_what_waits_goes_when_the_other_one_is_seen(connected: Connects, server: FakeServer) -> None:
    async with connected() as session:
        room = await lose(session, server, "one", "two")
        await until(lambda: has_failed(session))
        assert {message.reason for message in session.unsent()} == {UNKNOWN}
        know_again(server)
        bob_is_back(server)
        assert (await next_event(session, RoomOpened)).room.id == room
        await until(lambda: not session.unsent())
    stored = [frame.body for frame in server.received if isinstance(frame, Send) and frame.room == room]
    assert stored == ["one", "two", "one", "two"]  # refused first
    assert len(server.world.rooms[room].lines) == 2


async def test_what_waits_goes_when_the_other_one_opens_the_conversation(
    connected: Connects, server: FakeServer
) -> None:
    async with connected() as session:
        room = await lose(session, server, "one")
        await until(lambda: has_failed(session))
        know_again(server)
        me, bob = server.world.users[session.user], server.world.add_user("bob")
        server.open_for(server.world.direct(bob, me))
        await until(lambda: not session.unsent())
        assert len(server.world.rooms[room].lines) == 1


async def test_trying_again_opens_the_conversation_first(connected: Connects, server: FakeServer) -> None:
    async with connected() as session:
        room = await lose(session, server, "one")
        await until(lambda: has_failed(session))
        key = session.unsent()[0].key
        with pytest.raises(RequestFailed, match=UNKNOWN):
            await session.retry(key)
        assert has_failed(session)
        know_again(server)
        await session.retry(key)
        await until(lambda: not session.unsent())
        assert len(server.world.rooms[room].lines) == 1


async def test_the_next_program_opens_the_conversation_for_what_waits(
    connected: Connects, server: FakeServer
) -> None:
    async with connected() as session:
        room = await lose(session, server, "one")
        await until(lambda: has_failed(session))
    know_again(server)
    async with connected() as session:
        await next_event(session, Online)
        await until(lambda: not session.unsent())
        assert len(server.world.rooms[room].lines) == 1


async def test_no_id_of_a_conversation_is_shown_where_nobody_knows_whose_it_is(
    connected: Connects, profile: Profile, server: FakeServer
) -> None:
    async with connected(quiet=True) as session:
        await session.ready()
        server.refusals[Send] = ErrorCode.ROOM_UNKNOWN
        await session.say(RoomId("=abc"), "one")
        await until(lambda: has_failed(session))
        assert "=" not in session.unsent()[0].reason
        assert "/msg" in session.unsent()[0].reason
