"""What the line client prints, and what becomes of what is typed or piped."""

import pytest

from chatroom.client import login
from chatroom.client.profile import Profile
from chatroom.client.resting import REST_S
from chatroom.client.tasks import Tasks
from chatroom.protocol import ErrorCode
from chatroom.protocol.frames import Direct, Hello, Login, Send
from chatroom.testing import FakeServer
from tests.client.helpers import until
from tests.plain.paper import Table, seated


async def test_the_first_start_opens_the_default_room(server: FakeServer, profile: Profile) -> None:
    server.say("bob", "general", "morning!")
    async with seated(server, profile) as table:
        assert "127.0.0.1" in await table.paper.until("Connected to ")
        await table.paper.until("#general: 1 message since 09:00, then live.")
        await table.paper.until("[09:00] bob said: morning!")
        assert not any("Welcome back" in line for line in table.paper.lines)
    async with seated(server, profile) as table:
        await table.paper.until("Welcome back it4!")
        await table.paper.until("[09:00] bob said: morning!")


async def test_a_room_can_be_wished_for(server: FakeServer, profile: Profile) -> None:
    server.world.add_room("dev")
    async with seated(server, profile, room="dev") as table:
        await table.paper.until("#dev: no messages yet.")


async def test_one_returns_to_where_one_was(server: FakeServer, profile: Profile) -> None:
    server.world.add_room("dev")
    async with seated(server, profile) as table:
        await table.paper.until("#general:")
        await table.ask("/join Dev", "#dev: no messages yet.")
        table.paper.type("/quit")
        await table.end()
    async with seated(server, profile) as table:
        await table.paper.until("#dev: no messages yet.")
        assert not any(line.startswith("#general:") for line in table.paper.lines)
    async with seated(server, profile, room="General") as table:
        await table.paper.until("#general: no messages yet.")


async def test_what_is_typed_is_said_and_confirmed(table: Table) -> None:
    assert await table.ask("on it", "on it") == "[09:00] You said: on it"
    assert await table.ask("//quit", "/quit") == "[09:00] You said: /quit"
    table.paper.type("", "  ", None)
    assert await table.end() == 0
    assert [frame.body for frame in table.server.received if isinstance(frame, Send)] == ["on it", "/quit"]


async def test_what_is_typed_before_there_is_a_room_is_said_there(
    server: FakeServer, profile: Profile
) -> None:
    await server.stop()
    async with seated(server, profile) as table:
        table.paper.type("early")
        await table.paper.until("Offline")
        await server.start()
        await table.paper.until("[09:00] You said: early")


async def test_of_other_rooms_only_what_concerns_oneself_is_shown(table: Table) -> None:
    await table.ask("/create dev", "#dev: no messages yet.")
    table.server.say("bob", "general", "nothing to see")
    table.server.say("bob", "general", "@it4 ready?")
    assert await table.paper.until("ready?") == "[09:00] #general bob mentions you: @it4 ready?"
    assert table.paper.rings == 1
    table.server.say("bob", "dev", "all quiet")
    await table.paper.until("all quiet")
    assert not any("nothing to see" in line for line in table.paper.lines)
    await table.ask("/join general", "#general: 2 messages since 09:00, then live.")
    await table.paper.until("nothing to see")
    await table.ask("/join dev", "#dev: nothing new, live from now on.")


async def test_a_message_looks_like_one_and_obeys_nothing(table: Table) -> None:
    table.server.say("bob", "general", "one\n[09:01] eve said: two\x1b[31m [/red]")
    await table.paper.until("eve said")
    assert table.paper.lines[-2:] == ["[09:00] bob said: one", "        [09:01] eve said: two [/red]"]


async def test_missed_lines_come_after_a_cut_once(table: Table) -> None:
    await table.ask("/create dev", "#dev: no messages yet.")
    await table.ask("/join general", "#general")
    await table.server.stop()
    await table.paper.until("Offline")
    table.server.say("bob", "general", "while you were away")
    table.server.say("bob", "dev", "it4: and here")
    table.server.say("bob", "dev", "not for you")
    await table.server.start()
    await table.paper.until("Back. Everything is sent.")
    await table.paper.until("[09:00] bob said: while you were away")
    await table.paper.until("#dev bob mentions you: it4: and here")
    table.server.say("bob", "general", "and now")
    await table.paper.until("and now")
    for text in ("while you were away", "and here", "and now"):
        assert sum(text in line for line in table.paper.lines) == 1
    assert not any("not for you" in line for line in table.paper.lines)


async def test_of_very_much_that_was_missed_the_newest_is_shown(table: Table) -> None:
    table.server.skip("bob", "general", 300)
    await table.paper.until("skipped 299")
    assert await table.paper.until("older") == "100 older messages: chatroom history"
    shown = [line for line in table.paper.lines if "skipped" in line]
    assert shown == [f"[09:00] bob said: skipped {at}" for at in range(100, 300)]


async def test_what_waits_is_counted_and_leaves(table: Table) -> None:
    await table.server.stop()
    await table.paper.until("Offline")
    table.paper.type("later")
    await table.paper.until("1 message waits.")
    await table.server.start()
    await table.paper.until("[09:00] You said: later")


async def test_leaving_while_something_waits_says_so(table: Table) -> None:
    table.server.holds = True
    table.paper.type("held")
    await until(lambda: bool(table.server.on_their_way))
    table.paper.type(None)
    assert await table.end() == 0
    assert table.paper.lines[-1].startswith("1 message waits in the outbox")


async def test_a_refused_message_says_why(table: Table) -> None:
    table.server.refusals[Send] = ErrorCode.NOT_ALLOWED
    answer = await table.ask("no\x1b[31m good", "Not sent: no good (")
    assert "/retry" in answer
    del table.server.refusals[Send]
    await table.ask("/retry", "You said: no good")
    await table.ask("/retry", "No message has failed.")
    table.server.refusals[Send] = ErrorCode.NOT_ALLOWED
    await table.ask("bad", "Not sent: bad")
    table.paper.type("/discard")
    await until(lambda: not table.client.session.unsent())


async def test_what_the_server_cannot_store_says_why_once_and_leaves_later(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(REST_S, ErrorCode.NOT_STORED, 0.02)
    table.server.refusals[Send] = ErrorCode.NOT_STORED
    waits = "the server could not store the message (test); it waits in the outbox and is sent again"
    assert await table.ask("later", "(test)") == waits
    await until(lambda: sum(isinstance(frame, Send) for frame in table.server.received) > 3)
    assert not any("You said" in line for line in table.paper.lines)
    table.server.refusals.clear()
    await table.paper.until("[09:00] You said: later")
    assert table.paper.lines.count(waits) == 1
    assert not any("Not sent" in line for line in table.paper.lines)


async def test_a_taken_nick_is_asked_for_again(server: FakeServer, profile: Profile) -> None:
    server.world.add_user("it4")
    async with seated(server, profile) as table:
        await table.paper.until("What should the others call you?")
        await table.ask("#bad nick#", "nick")
        table.paper.type("it5")
        await table.paper.until("#general: no messages yet.")
        assert [frame.nick for frame in server.received if isinstance(frame, Login)] == ["it4", "it5"]


async def test_a_question_takes_its_answers_only_and_the_rest_is_said(table: Table) -> None:
    async with Tasks("asking") as tasks:
        server_asks = tasks.start(table.paper.ask("Is that the one you mean?", ("yes", "no")), name="ask")
        await table.paper.until("Is that the one you mean?")
        table.paper.type("hello", "", " Yes", "bye")
        assert await server_asks == "yes"
    await table.paper.until("You said: bye")
    assert sum("Is that the one you mean?" in line for line in table.paper.lines) == 3
    assert any("You said: hello" in line for line in table.paper.lines)
    assert not any("Yes" in line for line in table.paper.lines)


async def test_a_question_that_nobody_answers_any_more_is_answered_by_none(table: Table) -> None:
    async with Tasks("asking") as tasks:
        server_asks = tasks.start(table.paper.ask("Is that the one you mean?", ("yes", "no")), name="ask")
        await table.paper.until("Is that the one you mean?")
        table.paper.type(None, None)
        assert await server_asks is None


async def test_people_coming_and_going_are_one_line_each(table: Table) -> None:
    bob, eve = table.server.world.add_user("bob"), table.server.world.add_user("eve\x1b[1m")
    from chatroom.protocol.frames import Presence, PresenceEvent
    from chatroom.protocol.ids import RoomId

    def happens(event: PresenceEvent, room: str = "general") -> None:
        people = [bob.person(), eve.person()]
        table.server.tell_all(Presence(RoomId(room), event, people), RoomId("general"))

    happens(PresenceEvent.BACK, "elsewhere")
    happens(PresenceEvent.BACK)
    await table.paper.until("bob and eve are back!")
    happens(PresenceEvent.LEFT)
    await table.paper.until("Notice: bob and eve left the room")
    assert sum("are back" in line for line in table.paper.lines) == 1


@pytest.mark.parametrize("reconnects", [True, False])
async def test_without_reconnecting_a_cut_is_the_end(
    server: FakeServer, profile: Profile, reconnects: bool
) -> None:
    async with seated(server, profile, reconnect=reconnects) as table:
        await table.paper.until("#general:")
        server.drop_links()
        if reconnects:
            await table.paper.until("Back.")
        else:
            assert await table.end() == 1


async def test_a_pipe_is_sent_line_by_line_and_never_obeyed(server: FakeServer, profile: Profile) -> None:
    async with seated(server, profile, piped=b"one\n/quit\n//two\n") as table:
        assert await table.end() == 0
        assert [line for line in table.paper.lines if "said" in line] == [
            "[09:00] You said: one",
            "[09:00] You said: /quit",
            "[09:00] You said: //two",
        ]


async def test_a_pipe_waits_for_the_server_and_for_what_is_stored(
    server: FakeServer, profile: Profile
) -> None:
    await server.stop()
    async with seated(server, profile, piped=b"one\ntwo\n") as table:
        await table.paper.until("Offline")
        server.holds = True
        await server.start()
        await until(lambda: len(server.on_their_way) == 2)
        assert table.code is None
        server.release()
        assert await table.end() == 0


async def test_a_pipe_ends_with_1_when_something_is_refused(server: FakeServer, profile: Profile) -> None:
    server.refusals[Send] = ErrorCode.NOT_ALLOWED
    async with seated(server, profile, piped=b"one\n") as table:
        assert await table.end() == 1
        await table.paper.until("Not sent: one")


async def test_a_pipe_into_no_room_ends_with_1(server: FakeServer, profile: Profile) -> None:
    async with seated(server, profile, room="genral", piped=b"lost?\n") as table:
        assert await table.end() == 1
        await table.paper.until("genral")


async def test_a_pipe_answers_no_question(server: FakeServer, profile: Profile) -> None:
    server.world.add_user("it4")
    async with seated(server, profile, piped=b"it5\n") as table:
        assert await table.end() == 1
        assert await table.paper.ask("really?", ("yes",)) is None
        assert not any("What should" in line for line in table.paper.lines)


async def test_nobody_is_moved_on_from_a_conversation_that_is_closed(table: Table) -> None:
    server = table.server
    await table.ask("/msg bob", "@bob: no messages yet.")
    direct = next(room for room in server.world.rooms.values() if room.direct)
    server.refusals[Direct] = ErrorCode.USER_UNKNOWN
    server.world.epoch = "epoch2"
    del server.world.rooms[direct.id]
    server.drop_links()
    why = "This conversation is closed: the server does not know @bob at present."
    await table.paper.until(why)
    assert await table.ask("private", why)
    await table.ask("/me is private", why)
    await table.ask("/join general", "#general: ")
    await table.ask("public", "You said: public")
    assert [frame.body for frame in server.received if isinstance(frame, Send)] == ["public"]


async def test_a_conversation_that_is_opened_again_is_gone_on_with(table: Table) -> None:
    server = table.server
    await table.ask("/msg bob", "@bob: no messages yet.")
    direct = next(room for room in server.world.rooms.values() if room.direct)
    server.refusals[Direct] = ErrorCode.USER_UNKNOWN
    server.world.epoch = "epoch2"
    direct.members.clear()
    server.drop_links()
    await table.paper.until("This conversation is closed")
    direct.members |= set(direct.direct)
    server.open_for(direct)
    await table.paper.until("@bob is open again.")
    await table.ask("private", "You said: private")
    assert [frame.room for frame in server.received if isinstance(frame, Send)] == [direct.id]


async def test_a_closed_room_is_left_and_the_next_one_entered(table: Table) -> None:
    await table.ask("/msg bob", "@bob: no messages yet.")
    direct = next(room for room in table.server.world.rooms.values() if room.direct)
    direct.members.clear()
    table.server.drop_links()
    await table.paper.until("This conversation is closed")
    await table.ask("/leave", "You left @bob.")
    await table.paper.until(lambda lines: sum("#general: no messages yet." in line for line in lines) == 2)


async def test_a_pipe_outlasts_a_server_that_says_nothing_for_a_while(
    server: FakeServer, profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login, "HANDSHAKE_TIMEOUT_S", 0.1)
    server.ignores.add(Hello)
    profile.servers.trust(server.address, server.public_key)
    async with seated(server, profile, piped=b"from a pipe\n") as table:
        await table.paper.until("Offline (the server does not answer)")
        server.ignores.clear()
        assert await table.end() == 0
    assert [frame.body for frame in server.received if isinstance(frame, Send)] == ["from a pipe"]


async def test_a_pipe_into_something_that_says_nothing_and_was_never_met_ends(
    server: FakeServer, profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login, "HANDSHAKE_TIMEOUT_S", 0.1)
    server.ignores.add(Hello)
    async with seated(server, profile, piped=b"from a pipe\n") as table:
        assert await table.end() == 1
    assert table.paper.lines == ["Not connected: the server does not answer."]


async def test_a_pipe_of_somebody_whom_the_server_cannot_take_in_ends_and_says_why(
    server: FakeServer, profile: Profile
) -> None:
    server.refusals[Login] = ErrorCode.NOT_STORED
    async with seated(server, profile, piped=b"") as table:
        assert await table.end() == 1
    assert table.paper.lines == ["Not connected: the server cannot take in anybody new at present (test)."]
