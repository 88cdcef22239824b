"""Which rooms one is in is on disk soon, and when the program has ended at the latest."""

import asyncio
import threading
from pathlib import Path

from chatroom.client.events import Online, RoomClosed
from chatroom.client.keeping import Keeper
from chatroom.client.profile import Profile
from chatroom.client.session import Session
from chatroom.client.store import Store
from chatroom.client.tasks import Tasks
from chatroom.client.timing import Timing
from chatroom.protocol.frames import Person, Presence, PresenceEvent, RoomInfo
from chatroom.protocol.ids import MessageId, RoomId
from chatroom.testing import FakeServer
from tests.client.helpers import Connects, next_event, until

GENERAL, LATER = RoomId("general"), RoomId("later")


def kept_by(session: Session) -> set[RoomId]:
    """What the next program would find now."""
    assert session.store is not None
    return {room.id for room in session.store.rooms()}


def kept(profile: Profile, server: FakeServer) -> list[RoomInfo]:
    """What the next program finds."""
    store = profile.open_store(server.public_key)
    try:
        return store.rooms()
    finally:
        store.close()


async def test_rooms_are_on_disk_while_the_program_runs(connected: Connects, server: FakeServer) -> None:
    async with connected() as session:
        await session.ready()
        await session.join("general", create=True)
        await until(lambda: kept_by(session) == {GENERAL})
        await session.join("later", create=True)
        await until(lambda: kept_by(session) == {GENERAL, LATER})
        await session.leave(GENERAL)
        await until(lambda: kept_by(session) == {LATER})
        server.drop_links()
        server.world.rooms[LATER].members.clear()
        await next_event(session, RoomClosed, lambda e: e.room == LATER)
        await until(lambda: kept_by(session) == set())


async def test_who_leaves_at_once_has_joined(
    connected: Connects, profile: Profile, server: FakeServer
) -> None:
    async with connected() as session:
        await session.ready()
        for name in ("general", "later"):
            await session.join(name, create=True)
    assert {room.id for room in kept(profile, server)} == {GENERAL, LATER}


async def test_what_the_server_told_at_the_login_is_kept(
    connected: Connects, profile: Profile, server: FakeServer
) -> None:
    server.world.add_room("general").members.add(profile.user_id)
    async with connected(nick="it4") as session:
        await next_event(session, Online)
    assert [room.id for room in kept(profile, server)] == [GENERAL]


async def test_a_script_keeps_nothing(connected: Connects, profile: Profile, server: FakeServer) -> None:
    async with connected(quiet=True) as session:
        await session.ready()
        await session.join("general", create=True)
    assert kept(profile, server) == []


async def test_a_room_that_is_only_read_is_none_of_ones_own(
    connected: Connects, profile: Profile, server: FakeServer
) -> None:
    for name in ("general", "later"):
        server.say("bob", name, "hi")
    async with connected() as session:
        await session.ready()
        await session.open("later")
        lines = session.follow(GENERAL, after=MessageId(0))
        assert (await anext(lines))[0].body == "hi"
        await session.join("third", create=True)
    assert [room.name for room in kept(profile, server)] == ["third"]


async def test_whom_one_talks_to_is_kept_under_the_new_nick(
    connected: Connects, profile: Profile, server: FakeServer
) -> None:
    bob = server.world.add_user("bob")
    async with connected() as session:
        await session.ready()
        opened = await session.direct(nick="bob")
        renamed = Person(bob.user, "robert", "#ffffff")
        server.tell_all(Presence(opened.room.id, PresenceEvent.RENAMED, [renamed]), opened.room.id)
        await session.who(opened.room.id)
    (room,) = kept(profile, server)
    assert {person.nick for person in room.direct} == {"robert", "it4"}


async def test_rooms_that_were_told_last_are_written_at_the_end(tmp_path: Path) -> None:
    keeper = Keeper(Timing())
    await keeper.open(lambda: Store(tmp_path / "store.db"))
    keeper.keep_rooms([RoomInfo(GENERAL, "general")])
    await keeper.close()
    assert written(tmp_path) == [GENERAL]


async def test_a_write_that_was_called_off_is_done_at_the_end(tmp_path: Path) -> None:
    store = SlowStore(tmp_path / "store.db")
    keeper = Keeper(Timing())
    await keeper.open(lambda: store)
    async with Tasks("test") as tasks:
        tasks.start(keeper.forget(), name="forget")
        await until(store.began.is_set)
        tasks.start(keeper.run(), name="run")
        keeper.keep_rooms([RoomInfo(GENERAL, "general")])
        for _turn in range(5):  # it stands in the queue of the thread
            await asyncio.sleep(0)
    store.goes_on.set()
    await keeper.close()
    assert written(tmp_path) == [GENERAL]


class SlowStore(Store):
    """Forgets lines when it is told to go on."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.began, self.goes_on = threading.Event(), threading.Event()

    def forget_lines(self) -> None:
        self.began.set()
        assert self.goes_on.wait(10)
        super().forget_lines()


def written(folder: Path) -> list[RoomId]:
    store = Store(folder / "store.db")
    try:
        return [room.id for room in store.rooms()]
    finally:
        store.close()
