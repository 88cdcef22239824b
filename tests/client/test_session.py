"""Sessions against a fake server: logging in, saying, asking, and what a cut does to it all."""

import asyncio
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chatroom.client.errors import (
    CannotConnect,
    ClientError,
    LoginRefused,
    NotConnected,
    NotTheServer,
    OutboxError,
    RequestFailed,
    ServerKeyChanged,
    UnknownServer,
)
from chatroom.client.events import (
    Connecting,
    Ended,
    LineArrived,
    LinesMissed,
    MessageChanged,
    MessageState,
    NickRefused,
    Offline,
    Online,
    PastReplaced,
    PresenceChanged,
    RoomClosed,
    RoomOpened,
    ServerProblem,
)
from chatroom.client.profile import Profile
from chatroom.client.timing import Timing
from chatroom.client.trust import Trust
from chatroom.protocol import ERRORS, ErrorCode
from chatroom.protocol.frames import Away, Bye, Failed, Hello, Login, Open, Send
from chatroom.protocol.ids import MessageId, RoomId
from chatroom.testing import Clock, FakeServer
from tests.client.helpers import Connects, next_event, session_on, until

GENERAL = RoomId("general")


async def test_a_login_tells_who_one_is(connected: Connects, profile: Profile, server: FakeServer) -> None:
    async with connected() as session:
        assert isinstance(await anext(session), Connecting)
        online = await next_event(session, Online)
        assert (online.again, online.server_key) == (False, server.public_key)
        assert session.nick == "it4"
        assert session.user == profile.user_id
        assert session.online
        assert session.store is not None
    assert isinstance(server.received[-1], Bye)


async def test_what_is_said_is_pending_and_then_stored(connected: Connects) -> None:
    async with connected() as session:
        await session.ready()
        await session.join("general")
        said = await session.say(GENERAL, "salut")
        assert said.state is MessageState.PENDING
        line = await next_event(session, LineArrived)
        assert (line.line.body, line.key) == ("salut", said.key)
        changed = await next_event(session, MessageChanged)
        assert (changed.message.key, changed.message.state) == (said.key, MessageState.STORED)
        assert changed.id == 1
        assert session.unsent() == []
        assert await session.wait_all_stored(1) == 0


async def test_what_is_refused_fails_and_can_be_tried_again(connected: Connects, server: FakeServer) -> None:
    server.refusals[Send] = ErrorCode.NOT_ALLOWED
    async with connected() as session:
        await session.ready()
        await session.join("general")
        said = await session.say(GENERAL, "salut")
        failed = await next_event(session, MessageChanged, lambda e: e.message.state is MessageState.FAILED)
        assert failed.message.reason == ERRORS[ErrorCode.NOT_ALLOWED].sentence
        assert [message.key for message in session.unsent(GENERAL)] == [said.key]
        assert await session.wait_all_stored(1) == 0
        del server.refusals[Send]
        await session.retry(said.key)
        await next_event(session, MessageChanged, lambda e: e.message.state is MessageState.STORED)
        assert session.unsent() == []


async def test_what_failed_can_be_thrown_away(connected: Connects, server: FakeServer) -> None:
    server.refusals[Send] = ErrorCode.MESSAGE_EMPTY
    async with connected() as session:
        await session.ready()
        said = await session.say(GENERAL, "\x1b")
        await next_event(session, MessageChanged, lambda e: e.message.state is MessageState.FAILED)
        await session.discard(said.key)
        assert session.unsent() == []
    async with connected() as session:
        await session.ready()
        assert session.unsent() == []


async def test_a_request_that_is_refused_raises_a_sentence(connected: Connects) -> None:
    async with connected() as session:
        with pytest.raises(RequestFailed, match="there is no room nowhere") as refused:
            await session.join("nowhere")
        assert refused.value.code == ErrorCode.ROOM_UNKNOWN


async def test_all_requests_are_answered(connected: Connects, server: FakeServer) -> None:
    server.say("bob", "general", "hello")
    async with connected() as session:
        opened = await session.join("new", create=True)
        assert opened.created
        assert opened.asked
        assert {room.id for room in (await session.rooms()).rooms} == {"general", "new"}
        assert [person.nick for person in (await session.who("new")).people] == ["it4"]
        assert (await session.direct(nick="bob")).room.id.startswith("=")
        await session.rename("other")
        assert session.nick == "other"
        assert "key=secret" in (await session.invitations("new")).invitations[0]
        await session.leave(RoomId("new"))
        assert (await next_event(session, RoomClosed)).room == "new"
        await session.away(True)
        await until(lambda: server.received[-1] == Away(True))


async def test_pages_go_both_ways(connected: Connects, server: FakeServer) -> None:
    for number in range(1, 11):
        server.say("bob", "general", f"line {number}")
    async with connected() as session:

        async def ids(**where: object) -> list[int]:
            page = await session.page(GENERAL, **where)  # type: ignore[arg-type]  # the test's own options
            return [line.id for line, _body in page]

        assert await ids(limit=3) == [8, 9, 10]
        assert await ids(after=MessageId(2), limit=3) == [3, 4, 5]
        assert await ids(before=MessageId(3), limit=10) == [1, 2]
        assert await ids(after=MessageId(10)) == []


async def test_a_nick_that_is_taken_is_asked_for_again(connected: Connects, server: FakeServer) -> None:
    server.world.add_user("it4")
    async with connected() as session:
        refused = await next_event(session, NickRefused)
        assert (refused.code, refused.nick) == ("nick-taken", "it4")
        assert refused.reason == "the nick it4 belongs to somebody else; choose another"
        with pytest.raises(NotConnected, match="belongs to somebody else"):
            await session.rooms()
        session.login_again("it5")
        await session.ready()
        assert session.nick == "it5"


async def test_a_script_hears_of_a_taken_nick(connected: Connects, server: FakeServer) -> None:
    server.world.add_user("it4")
    async with connected(quiet=True) as session:
        with pytest.raises(LoginRefused, match="belongs to somebody else"):
            await session.rooms()


async def test_a_known_user_needs_no_nick(connected: Connects, server: FakeServer) -> None:
    async with connected() as session:
        await session.ready()
    async with connected(nick="") as session:
        assert (await session.ready()).back
        assert session.nick == "it4"
    server.world.users.clear()
    async with connected(nick="") as session:
        await session.ready()
        assert session.nick == "it4"


async def test_a_fallback_nick_renames_nobody(connected: Connects, server: FakeServer) -> None:
    async with connected(nick="", fallback_nick="login") as session:
        await session.ready()
        assert session.nick == "login"
        await session.rename("it4")
    async with connected(nick="", fallback_nick="login") as session:
        await session.ready()
        assert session.nick == "it4"


@pytest.mark.parametrize(
    "code", [ErrorCode.INVITATION_NEEDED, ErrorCode.INVITATION_WRONG, ErrorCode.VERSION, ErrorCode.NO_GUESTS]
)
async def test_a_final_refusal_ends_thesession_on(
    connected: Connects, server: FakeServer, code: ErrorCode
) -> None:
    server.refusals[Hello if code is ErrorCode.VERSION else Login] = code
    async with connected() as session:
        ended = await next_event(session, Ended)
        assert ended.code == code
        assert [event async for event in session] == []
        with pytest.raises(LoginRefused):
            await session.ready()


async def test_a_full_server_is_tried_again(connected: Connects, server: FakeServer) -> None:
    server.refusals[Hello] = ErrorCode.SERVER_FULL
    async with connected() as session:
        offline = await next_event(session, Offline)
        assert offline.reason == "the server is full; try again later"
        server.refusals.clear()
        await session.ready()


async def test_a_server_that_cannot_prove_itself_learns_nothing(
    connected: Connects, server: FakeServer
) -> None:
    server.signs_wrongly = True
    async with connected() as session:
        with pytest.raises(NotTheServer):
            await session.ready()
    assert all(isinstance(frame, Hello) for frame in server.received)


async def test_another_key_at_a_known_address_gets_nothing(profile: Profile) -> None:
    async with FakeServer() as first:
        port = first.address.port
        async with session_on(first, profile) as session:
            await session.ready()
            await session.join("general")
    async with FakeServer(Ed25519PrivateKey.generate(), port=port) as impostor:
        async with session_on(impostor, profile) as session:
            await session.say(GENERAL, "secret")
            ended = await next_event(session, Ended)
            with pytest.raises(ServerKeyChanged) as changed:
                await session.ready()
            assert len(session.unsent()) == 1
        assert (ended.code, changed.value.known == changed.value.shown) == ("server-key-changed", False)
        assert changed.value.known in ended.reason
        assert changed.value.shown in ended.reason
        assert all(isinstance(frame, Hello) for frame in impostor.received)


async def test_a_key_that_changes_in_a_running_session_gets_nothing(profile: Profile) -> None:
    first = FakeServer()
    await first.start()
    async with session_on(first, profile) as session:
        await session.ready()
        await first.stop()
        await session.say(GENERAL, "secret")
        async with FakeServer(Ed25519PrivateKey.generate(), port=first.address.port) as impostor:
            assert (await next_event(session, Ended)).code == "server-key-changed"
            assert all(isinstance(frame, Hello) for frame in impostor.received)


async def test_a_pin_vouches_for_a_new_key(server: FakeServer, profile: Profile) -> None:
    profile.servers.trust(server.address, b"k" * 32)
    async with session_on(server, profile, trust=Trust.NEVER, pin=server.pin) as session:
        await session.ready()
    assert profile.servers.key_of(server.address) == server.public_key


async def test_a_wrong_pin_gets_nothing(server: FakeServer, profile: Profile) -> None:
    async with session_on(server, profile, pin="a" * 32) as session:
        with pytest.raises(ServerKeyChanged):
            await session.ready()
    assert all(isinstance(frame, Hello) for frame in server.received)


async def test_an_unknown_server_is_asked_about(server: FakeServer, profile: Profile) -> None:
    asked: list[str] = []

    async def question(_address: object, fingerprint: str) -> bool:
        asked.append(fingerprint)
        return len(asked) > 1

    async with session_on(server, profile, trust=Trust.ASK(question)) as session:
        assert (await next_event(session, Ended)).code == "unknown-server"
    for _time in range(2):
        async with session_on(server, profile, trust=Trust.ASK(question)) as session:
            await session.ready()
    assert len(asked) == 2


async def test_ones_own_server_on_this_machine_is_not_asked_about(
    server: FakeServer, profile: Profile
) -> None:
    own = set[bytes]()

    async def question(_address: object, _fingerprint: str) -> bool:
        return False

    async def is_own(server_key: bytes) -> bool:
        return server_key in own

    trust = Trust.ASK(question, own=is_own)
    async with session_on(server, profile, trust=trust) as session:
        assert (await next_event(session, Ended)).code == "unknown-server"
    own.add(server.public_key)
    async with session_on(server, profile, trust=trust) as session:
        await session.ready()


async def test_nobody_vouches_for_an_unknown_server(server: FakeServer, profile: Profile) -> None:
    async with session_on(server, profile, trust=Trust.NEVER) as session:
        with pytest.raises(UnknownServer) as unknown:
            await session.ready()
    assert server.pin in unknown.value.mend
    assert all(isinstance(frame, Hello) for frame in server.received)


async def test_a_cut_is_told_and_mended(connected: Connects, server: FakeServer) -> None:
    async with connected() as session:
        await session.ready()
        await session.join("general")
        server.drop_links()
        offline = await next_event(session, Offline)
        assert not session.online
        assert offline.retry_in_s > 0
        assert (await next_event(session, Online)).again
        server.say("bob", "general", "still here?")
        assert (await next_event(session, LineArrived)).line.body == "still here?"


async def test_what_was_missed_is_named(connected: Connects, server: FakeServer) -> None:
    async with connected() as session:
        await session.ready()
        await session.join("general")
        server.say("bob", "general", "1")
        await next_event(session, LineArrived)
        server.drop_links()
        server.say("bob", "general", "2")
        server.say("bob", "general", "3")
        missed = await next_event(session, LinesMissed)
        assert (missed.room, missed.after, missed.last) == ("general", 1, 3)


async def test_a_gap_is_named(connected: Connects, server: FakeServer) -> None:
    async with connected() as session:
        await session.ready()
        await session.join("general")
        server.skip("bob", "general", 5)
        missed = await next_event(session, LinesMissed)
        assert (missed.after, missed.last) == (0, 5)


async def test_ones_own_line_in_a_gap_is_asked_about(connected: Connects, server: FakeServer) -> None:
    async with connected() as session:
        await session.ready()
        await session.join("general")
        server.holds = True
        said = await session.say(GENERAL, "mine")
        await until(lambda: isinstance(server.received[-1], Send))
        sent = server.received[-1]
        assert isinstance(sent, Send)
        server.on_their_way.clear()
        server.world.store(server.world.users[session.user], sent)
        server.skip("bob", "general", 1)
        stored = await next_event(session, MessageChanged, lambda e: e.message.state is MessageState.STORED)
        assert (stored.message.key, stored.id) == (said.key, 1)


async def test_another_past_is_told_and_forgotten(connected: Connects, server: FakeServer) -> None:
    async with connected() as session:
        await session.ready()
        await session.join("general")
        server.say("bob", "general", "1")
        server.say("bob", "general", "2")
        await next_event(session, LineArrived, lambda e: e.line.id == 2)
        server.drop_links()
        server.world.epoch = "epoch2"
        del server.world.rooms[GENERAL].lines[1:]
        await next_event(session, PastReplaced)
        online = await next_event(session, Online)
        assert online.welcome.rooms[0].last == 1
        server.say("eve", "general", "other 2")
        assert (await next_event(session, LineArrived)).line.body == "other 2"


async def test_another_past_is_seen_by_the_next_program(connected: Connects, server: FakeServer) -> None:
    async with connected() as session:
        await session.ready()
    server.world.epoch = "epoch2"
    async with connected() as session:
        await next_event(session, PastReplaced)


async def test_recent_lines_can_be_read_before_connecting(connected: Connects, server: FakeServer) -> None:
    async with connected() as session:
        await session.ready()
        await session.join("general")
        server.say("bob", "general", "kept")
        await next_event(session, LineArrived)
    await server.stop()
    async with connected() as session:
        await next_event(session, Offline)
        assert session.store is not None
        kept = await asyncio.to_thread(session.store.newest_lines, GENERAL)
        assert kept == server.world.rooms[GENERAL].lines


async def test_one_can_say_things_while_offline(connected: Connects, server: FakeServer) -> None:
    async with connected() as session:
        await session.ready()
        await session.join("general")
    await server.stop()
    async with connected() as session:
        await session.say_many(GENERAL, ["one", "two", "three"])
        assert (await next_event(session, Offline)).unsent in (0, 3)
        with pytest.raises(NotConnected, match="no server answers"):
            await session.rooms()
    async with connected() as session:
        await next_event(session, Offline)
        assert [message.body for message in session.unsent()] == ["one", "two", "three"]
        await server.start()
        assert await session.wait_all_stored(5) == 0
        bodies = [line.body for line, _body in await session.page(GENERAL)]
        assert bodies == ["one", "two", "three"]


async def test_a_server_that_is_gone_ends_a_session_that_may_not_return(
    connected: Connects, server: FakeServer
) -> None:
    async with connected(reconnect=False) as session:
        await session.ready()
        server.drop_links()
        assert (await next_event(session, Ended)).code == "closed"
    await server.stop()
    async with connected(reconnect=False) as session:
        assert (await next_event(session, Ended)).code == "unreachable"
        with pytest.raises(CannotConnect, match="no server answers at"):
            await session.ready()


async def test_a_restart_is_told_with_its_time(connected: Connects, server: FakeServer) -> None:
    async with connected() as session:
        await session.ready()
        server.say_goodbye(ErrorCode.RESTARTING, back_in_s=0.2)
        offline = await next_event(session, Offline)
        assert offline.restarting
        assert offline.retry_in_s == pytest.approx(0.2)
        await session.ready()


async def test_nobody_needs_to_wait_for_the_next_attempt(server: FakeServer, profile: Profile) -> None:
    clock = Clock()
    timing = Timing(now=clock.now, sleep=clock.sleep, random=lambda: 1.0)
    await server.stop()
    async with session_on(server, profile, timing=timing) as session:
        await next_event(session, Offline)
        await server.start()
        session.reconnect_now()
        await session.ready()


async def test_waits_grow_and_are_bounded(server: FakeServer, profile: Profile) -> None:
    clock = Clock()
    timing = Timing(now=clock.now, sleep=clock.sleep, random=lambda: 1.0)
    await server.stop()
    async with session_on(server, profile, timing=timing) as session:
        waits = []
        for _attempt in range(9):
            offline = await next_event(session, Offline)
            waits.append(offline.retry_in_s)
            await until(lambda: clock.sleepers >= 2)
            await clock.move(offline.retry_in_s)
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


async def test_a_script_gets_its_rooms_again_after_a_cut(connected: Connects, server: FakeServer) -> None:
    async with connected(quiet=True, sends=False) as session:
        await session.open("general")
        server.drop_links()
        await next_event(session, Online, lambda e: e.again)
        await until(lambda: sum(isinstance(frame, Open) for frame in server.received) == 2)
        server.say("bob", "general", "again")
        assert (await next_event(session, LineArrived)).line.body == "again"


async def test_who_only_reads_claims_no_slot(connected: Connects, profile: Profile) -> None:
    async with connected(quiet=True, sends=False) as session:
        await session.ready()
        with pytest.raises(OutboxError):
            await session.say(GENERAL, "hello")
    assert not (profile.folder / "devices").exists()


async def test_presence_of_others_is_told(connected: Connects, server: FakeServer, tmp_path: Path) -> None:
    async with connected() as session:
        await session.ready()
        await session.join("general")
        async with session_on(server, Profile.open(tmp_path / "bob"), nick="bob") as bob:
            await bob.join("general")
            joined = await next_event(session, PresenceChanged, lambda e: e.people[0].nick == "bob")
            assert joined.room == "general"
            direct = await bob.direct(user=session.user)
            bob_said = await bob.say(direct.room.id, "psst")
            assert not (await next_event(session, RoomOpened, lambda e: bool(e.room.direct))).asked
            assert (await next_event(session, LineArrived)).line.n == bob_said.n


async def test_a_problem_of_nobody_is_told_in_one_inert_line(connected: Connects, server: FakeServer) -> None:
    async with connected() as session:
        await session.ready()
        server.tell_all(Failed("odd", "bad\x1b[31m\nthing"))
        assert (await next_event(session, ServerProblem)).reason == "bad thing"


async def test_a_guest_is_the_same_guest_again(connected: Connects, server: FakeServer) -> None:
    async with connected(as_guest=True) as session:
        welcome = await session.ready()
        assert welcome.guest
        server.drop_links()
        await next_event(session, Online, lambda e: e.again)
    logins = [frame for frame in server.received if isinstance(frame, Login)]
    assert [login.token for login in logins] == [b"", b"t" * 16]
    assert [login.nick for login in logins] == ["it4", "it4"]
    assert not any(login.key for login in logins)


async def test_closing_twice_is_closing_once(connected: Connects) -> None:
    async with connected() as session:
        await session.ready()
        await asyncio.gather(session.close(), session.close())
        with pytest.raises(ClientError):
            await session.rooms()
        assert not isinstance([event async for event in session][-1], Offline)
