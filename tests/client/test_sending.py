"""What is said arrives once and in order, over cuts, refusals, lost outboxes and copied homes."""

import asyncio
import contextlib
import shutil
import sqlite3
from pathlib import Path
from random import Random

import pytest

from chatroom.client.devices import claim_free
from chatroom.client.disk import Disk
from chatroom.client.errors import NotConnected
from chatroom.client.events import MessageState, Offline, Online
from chatroom.client.link import open_link
from chatroom.client.outbox import Draft
from chatroom.client.profile import Profile
from chatroom.client.resting import IN_FLIGHT
from chatroom.client.sending import Sending
from chatroom.client.timing import Timing
from chatroom.common.texts import Texts
from chatroom.protocol import ErrorCode
from chatroom.protocol.codec import decode_line
from chatroom.protocol.frames import Login, Refusal, Send
from chatroom.protocol.ids import DeviceId, RoomId
from chatroom.testing import FakeServer
from tests.client.helpers import Connects, next_event, session_on, until

GENERAL = RoomId("general")


def _bodies(server: FakeServer) -> list[str]:
    return [decode_line(line).body for line in server.world.rooms[GENERAL].lines]


def _sends(server: FakeServer) -> list[Send]:
    return [frame for frame in server.received if isinstance(frame, Send)]


async def test_no_more_than_half_the_window_is_in_flight(connected: Connects, server: FakeServer) -> None:
    server.holds = True
    async with connected() as session:
        await session.ready()
        await session.say_many(GENERAL, [str(n) for n in range(500)])
        await until(lambda: len(_sends(server)) >= IN_FLIGHT)
        await session.rooms()
        assert len(_sends(server)) == IN_FLIGHT
        server.release()
        assert await session.wait_all_stored(10) == 0
        assert _bodies(server) == [str(n) for n in range(500)]


@pytest.mark.parametrize("seed", range(6))
async def test_cuts_lose_double_and_disorder_nothing(
    connected: Connects, server: FakeServer, seed: int
) -> None:
    random = Random(seed)
    said: list[str] = []
    async with connected() as session:
        await session.ready()
        for turn in range(12):
            bodies = [f"{turn}.{n}" for n in range(random.randint(1, 60))]
            said += bodies
            await session.say_many(GENERAL, bodies)
            server.holds = random.random() < 0.4
            for _step in range(random.randint(0, 8)):
                await asyncio.sleep(0)
            if random.random() < 0.6:
                server.drop_links()
            server.release()
        assert await session.wait_all_stored(20) == 0
    assert _bodies(server) == said


async def test_what_is_stored_but_unanswered_is_not_said_twice(
    connected: Connects, server: FakeServer
) -> None:
    async with connected() as session:
        await session.ready()
        server.holds = True
        await session.say(GENERAL, "once")
        await until(lambda: bool(_sends(server)))
        server.on_their_way.clear()
        server.world.store(server.world.users[session.user], _sends(server)[0])
        server.drop_links()
        assert await session.wait_all_stored(5) == 0
    assert _bodies(server) == ["once"]


async def test_a_number_that_was_passed_over_fails_until_its_author_tries_again(
    connected: Connects, server: FakeServer
) -> None:
    async with connected() as session:
        await session.ready()
        server.holds = True
        first = await session.say(GENERAL, "first")
        await until(lambda: bool(_sends(server)))
        server.on_their_way.clear()
        user = server.world.users[session.user]
        server.world.store(user, Send(GENERAL, first.dev, first.n + 5, "by another program"))
        server.drop_links()
        server.holds = False
        assert await session.wait_all_stored(5) == 0
        assert [message.state for message in session.unsent()] == [MessageState.FAILED]
        assert _bodies(server) == ["by another program"], "it would stand behind what was said later"
        await session.retry(first.key)
        assert await session.wait_all_stored(5) == 0
    assert _bodies(server) == ["by another program", "first"]
    assert _sends(server)[-1].n == first.n + 6


async def test_a_device_that_another_program_uses_is_left_to_it(
    connected: Connects, server: FakeServer
) -> None:
    async with connected() as session:
        await session.ready()
        server.holds = True
        first = await session.say(GENERAL, "first")
        await until(lambda: bool(_sends(server)))
        server.on_their_way.clear()
        user = server.world.users[session.user]
        server.world.store(user, Send(GENERAL, first.dev, first.n, "by another program"))
        server.drop_links()
        server.holds = False
        second = await session.say(GENERAL, "second")
        assert second.key != first.key
        assert await session.wait_all_stored(5) == 0
        third = await session.say(GENERAL, "third")
        assert third.dev != first.dev
        assert await session.wait_all_stored(5) == 0
    assert sorted(_bodies(server)) == ["by another program", "first", "second", "third"]


async def test_a_copied_home_and_its_original_lose_nothing(server: FakeServer, tmp_path: Path) -> None:
    original = Profile.open(tmp_path / "a")
    async with session_on(server, original) as session:
        await session.ready()
        await session.say(GENERAL, "before")
        assert await session.wait_all_stored(5) == 0
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    copied = Profile.open(tmp_path / "b")
    async with session_on(server, original) as one, session_on(server, copied) as two:
        for session in (one, two):
            await session.ready()
        await asyncio.gather(one.say(GENERAL, "same text"), two.say(GENERAL, "same text"))
        assert await one.wait_all_stored(5) == 0
        assert await two.wait_all_stored(5) == 0
    assert sorted(_bodies(server)) == ["before", "same text", "same text"]


async def test_a_lost_outbox_uses_no_old_number(server: FakeServer, profile: Profile) -> None:
    for text in ("one", "two"):
        async with session_on(server, profile) as session:
            await session.ready()
            await session.say(GENERAL, text)
            assert await session.wait_all_stored(5) == 0
        shutil.rmtree(profile.folder / "devices")
    assert _bodies(server) == ["one", "two"]


async def test_what_another_program_left_leaves_with_the_next_one(
    server: FakeServer, profile: Profile
) -> None:
    slots = [claim_free(profile.folder) for _ in range(3)]
    for slot in slots:
        slot.outbox.add(server.public_key, [Draft(GENERAL, f"from {slot.name}")])
        slot.outbox.add(b"x" * 32, [Draft(GENERAL, "for another server")])
    for slot in slots[1:]:
        slot.release()
    async with session_on(server, profile) as session:
        await session.ready()
        assert await session.wait_all_stored(5) == 0
        assert sorted(_bodies(server)) == ["from 1", "from 2"]
        slots[0].release()
        server.drop_links()
        await until(lambda: len(_bodies(server)) == 3)
    assert "for another server" not in _bodies(server)
    logins = [frame for frame in server.received if isinstance(frame, Login)]
    assert len(logins[0].devices) == len(set(logins[0].devices)) == 2


async def test_what_waits_for_a_restart_stays_pending(connected: Connects, server: FakeServer) -> None:
    server.refusals[Send] = ErrorCode.STOPPED
    async with connected() as session:
        await session.ready()
        await session.say(GENERAL, "later")
        await until(lambda: bool(_sends(server)))
        await session.rooms()
        assert [message.state for message in session.unsent()] == [MessageState.PENDING]
        server.refusals.clear()
        server.drop_links()
        assert await session.wait_all_stored(5) == 0


async def test_answers_to_others_numbers_are_ignored(connected: Connects, server: FakeServer) -> None:
    async with connected() as session:
        await session.ready()
        server.tell_all(Refusal(DeviceId("nobody"), 7, ErrorCode.NUMBER_CONFLICT))
        await session.say(GENERAL, "fine")
        assert await session.wait_all_stored(5) == 0


async def test_a_message_that_is_too_long_fails_here(connected: Connects, server: FakeServer) -> None:
    async with connected() as session:
        await session.ready()
        await session.say(GENERAL, "x" * 300_000)
        await until(lambda: session.unsent()[0].state is MessageState.FAILED)
        assert "300000 bytes" in session.unsent()[0].reason
        await session.say(GENERAL, "short")
        assert await session.wait_all_stored(5) == 0


async def test_a_caller_who_is_cancelled_undoes_nothing(connected: Connects, server: FakeServer) -> None:
    async with connected() as session:
        await session.ready()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await session.say(GENERAL, "said anyway")
        await until(lambda: _bodies(server) == ["said anyway"] and not session.unsent())


async def test_what_is_said_on_a_link_that_has_just_ended_stays_pending(
    connected: Connects, server: FakeServer
) -> None:
    async with connected() as session:
        await session.ready()
        for turn in range(60):
            server.drop_links()
            for _step in range(turn % 7):
                await asyncio.sleep(0)
            await session.say(GENERAL, str(turn))
            with contextlib.suppress(NotConnected):
                await session.rooms()
        assert await session.wait_all_stored(10) == 0
    assert _bodies(server) == [str(turn) for turn in range(60)]


async def test_what_many_programs_left_leaves_bit_by_bit(server: FakeServer, profile: Profile) -> None:
    slots = [claim_free(profile.folder) for _ in range(20)]
    for slot in slots:
        slot.outbox.add(server.public_key, [Draft(GENERAL, slot.name)])
        slot.outbox.retire(slot.outbox.device)
        slot.outbox.add(server.public_key, [Draft(GENERAL, f"{slot.name} again")])
        slot.release()
    async with session_on(server, profile) as session:
        await session.ready()
        assert await session.wait_all_stored(5) == 0
        server.drop_links()
        await until(lambda: len(_bodies(server)) == 40)
        assert await session.wait_all_stored(5) == 0
    assert len(set(_bodies(server))) == 40
    logins = [frame for frame in server.received if isinstance(frame, Login)]
    assert max(len(login.devices) for login in logins) == 16


async def test_a_new_device_needs_no_permission_to_reconnect(connected: Connects, server: FakeServer) -> None:
    async with connected(reconnect=False) as session:
        await session.ready()
        server.holds = True
        said = await session.say(GENERAL, "mine")
        await until(lambda: bool(_sends(server)))
        server.on_their_way.clear()
        server.tell_all(Refusal(said.dev, said.n, ErrorCode.NUMBER_CONFLICT))
        server.holds = False
        assert await session.wait_all_stored(5) == 0
        await session.ready()
    assert _bodies(server) == ["mine"]


async def test_what_was_too_much_at_once_is_sent_again_in_order(
    connected: Connects, server: FakeServer
) -> None:
    server.refusals[Send] = ErrorCode.TOO_MANY_IN_FLIGHT
    async with connected() as session:
        await session.ready()
        await session.say_many(GENERAL, ["1", "2"])
        await until(lambda: len(_sends(server)) == 2)
        await session.rooms()
        server.refusals.clear()
        await session.say(GENERAL, "3")
        assert await session.wait_all_stored(5) == 0
        assert not any(isinstance(event, Offline) for event in session.events_nowait())
    assert _bodies(server) == ["1", "2", "3"]


async def test_a_device_that_is_new_since_the_login_is_told_with_another_one(
    server: FakeServer, profile: Profile
) -> None:
    disk, again = Disk(), asyncio.Event()
    sending = Sending(profile.slots, disk, Texts(), Timing(), lambda _event: None, again.set)
    link = await open_link(server.address, tls=False, timing=Timing(), texts=Texts())
    await sending.claim(server.public_key)
    (said,) = await sending.say([Draft(GENERAL, "mine")])
    await sending.devices()
    sending.refused(Refusal(said.dev, said.n, ErrorCode.NUMBER_CONFLICT))
    await until(lambda: sending.unsent()[0].dev != said.dev)
    await sending.online(link, {})
    async with asyncio.timeout(5):
        await again.wait()
    await sending.close()
    await link.close()
    await disk.close()


async def test_numbers_that_cannot_be_read_do_not_end_the_session(
    connected: Connects, server: FakeServer, profile: Profile
) -> None:
    async with connected() as session:
        await session.ready()
        with (
            contextlib.closing(sqlite3.connect(profile.folder / "devices/0/outbox.db")) as database,
            database,
        ):
            database.execute("ALTER TABLE numbers RENAME COLUMN scope TO other")
        server.drop_links()
        await next_event(session, Offline)
        await next_event(session, Online)
        await session.rooms()
        assert session.online
