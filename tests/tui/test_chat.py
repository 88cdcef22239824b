"""The conversation's screen: what is shown, and what keys, clicks and commands do."""

import pytest
from textual.events import Key

from chatroom.client.errors import OutboxError, RequestFailed
from chatroom.client.events import (
    MessageChanged,
    MessageState,
    Online,
    OwnMessage,
    PresenceChanged,
    RoomClosed,
    RoomOpened,
)
from chatroom.protocol.frames import PresenceEvent, RoomInfo
from chatroom.protocol.ids import DeviceId, RoomId
from chatroom.tui.widgets.people_list import PeopleList
from chatroom.tui.widgets.rooms_list import RoomsList
from tests.tui.stage import ALICE, BOB, DEV, GENERAL, IT4, RED, Stage, arrived, line, lines_of, room, welcome

SIZES = [(120, 36), (80, 24), (40, 20)]


@pytest.mark.parametrize("size", SIZES)
async def test_what_others_say_is_shown(size: tuple[int, int]) -> None:
    app = Stage()
    async with app.run_test(size=size) as pilot:
        app.play_online()
        app.play(arrived(line(1, "morning!")), arrived(line(2, "hello [/red] [b]", by=RED)))
        await pilot.pause()
        shown = lines_of(app.chat)
        assert "morning!" in shown
        assert "hello [/red] [b]" in shown
        assert "#general" in shown.splitlines()[0]


async def test_what_one_types_is_said_and_shown_at_once() -> None:
    app = Stage()
    async with app.run_test(size=(120, 36)) as pilot:
        app.play_online()
        await pilot.press("h", "i", "enter")
        await pilot.pause()
        assert [(own.room, own.body) for own in app.session.said] == [(GENERAL, "hi")]
        assert "…hi" in lines_of(app.chat).replace(" ", "")
        own = app.session.said[0]
        app.session.waiting.clear()
        app.play(arrived(line(1, "hi", by=IT4, dev="a1", n=own.n), key=own.key))
        await pilot.pause()
        assert not app.chat.conversation.timeline(GENERAL).unsent
        assert "hi" in lines_of(app.chat)


async def test_enter_before_there_is_a_link_says_nothing_and_keeps_the_text() -> None:
    app = Stage()
    async with app.run_test() as pilot:
        await pilot.press("h", "i", "enter")
        await pilot.pause()
        assert (app.said, app.chat.composer.text) == ([], "hi")
        app.play(Online(welcome(), b"k" * 32, again=False))
        await pilot.press("enter")
        await pilot.pause()
        assert app.said == ["You are in no room yet. /rooms lists them, /join opens one."]
        assert app.chat.composer.text == "hi"


async def test_a_refused_message_is_shown_with_its_reason_and_thrown_away() -> None:
    app = Stage()
    async with app.run_test(size=(120, 36)) as pilot:
        app.play_online()
        refused = OwnMessage("k", GENERAL, DeviceId("a1"), 7, "oh", state=MessageState.FAILED, reason="No.")
        app.session.waiting = [refused]
        app.play(MessageChanged(refused))
        await pilot.pause()
        assert "!oh" in lines_of(app.chat).replace(" ", "")
        await pilot.press("alt+r")
        await pilot.press("alt+d")
        await pilot.pause()
        assert app.session.asked == [("retry", "k"), ("discard", "k")]
        assert "oh" not in lines_of(app.chat)


async def test_retry_without_a_failed_message_says_so() -> None:
    app = Stage()
    async with app.run_test() as pilot:
        app.play_online()
        await pilot.press("alt+r")
        await pilot.pause()
        assert app.said == ["No message has failed."]


async def test_messages_are_said_in_the_order_of_writing() -> None:
    app = Stage()
    async with app.run_test() as pilot:
        app.play_online()
        for number in "12345":
            await pilot.press(number, "enter")
        await pilot.pause()
        assert [own.body for own in app.session.said] == list("12345")


async def test_a_mention_and_a_direct_message_ring_unless_it_is_quiet() -> None:
    app = Stage()
    async with app.run_test() as pilot:
        app.play_online()
        app.play(arrived(line(1, "hello")))
        assert app.rung == 0
        app.play(arrived(line(2, "@it4 ready?")), arrived(line(3, "it4: now")))
        assert app.rung == 1
        await pilot.press(*"/quiet", "enter")
        await pilot.pause()
        app.play(arrived(line(4, "it4!")))
        assert app.rung == 1


async def test_unread_and_mentions_are_counted_in_the_list() -> None:
    app = Stage()
    async with app.run_test(size=(120, 36)) as pilot:
        app.play_online()
        app.play(*(arrived(line(number, "x", room="dev")) for number in range(1, 5)))
        rows = {row.key: row for row in app.chat.query_one(RoomsList).rows}
        assert rows[DEV].right == "4"
        app.play(arrived(line(5, "@it4", room="dev")))
        rows = {row.key: row for row in app.chat.query_one(RoomsList).rows}
        assert rows[DEV].right == "@1"
        await pilot.press("alt+down")
        await pilot.pause()
        rows = {row.key: row for row in app.chat.query_one(RoomsList).rows}
        assert rows[DEV].right == ""
        assert rows[DEV].mark == "▸"


async def test_rooms_are_changed_by_key_and_by_click() -> None:
    app = Stage()
    async with app.run_test(size=(120, 36)) as pilot:
        app.play_online()
        await pilot.press("alt+down")
        assert app.chat.conversation.rooms.current == DEV
        await pilot.press("alt+up")
        assert app.chat.conversation.rooms.current == GENERAL
        await pilot.pause()
        await pilot.click("#rooms", offset=(3, 2))
        assert app.chat.conversation.rooms.current == DEV


async def test_each_room_has_its_own_draft() -> None:
    app = Stage()
    async with app.run_test(size=(120, 36)) as pilot:
        app.play_online()
        await pilot.press("o", "n", "e", "alt+down")
        assert app.chat.composer.text == ""
        await pilot.press("t", "w", "o", "alt+up")
        assert app.chat.composer.text == "one"
        assert app.keeper.drafts == {GENERAL: "one", DEV: "two"}


async def test_a_conversation_that_is_closed_stays_on_the_screen_and_takes_nothing() -> None:
    app = Stage()
    bob = RoomInfo(RoomId("=bob"), "", direct=[IT4, BOB])
    async with app.run_test(size=(120, 36)) as pilot:
        app.play_online(bob, room("general"))
        await pilot.press(*"private")
        app.play(Online(welcome(room("general")), b"k" * 32, again=True), RoomClosed(bob.id, is_lost=True))
        await pilot.press("x", "enter")
        await pilot.pause()
        why = "This conversation is closed: the server does not know @bob at present."
        assert app.said.count(why) == 2
        assert why in lines_of(app.chat)
        assert (app.chat.conversation.rooms.current, app.chat.composer.text) == (bob.id, "privatex")
        assert app.session.said == []
        app.chat.composer.write("/me waves")
        await pilot.press("enter")
        assert (app.chat.composer.text, app.session.said) == ("/me waves", [])
        app.play(RoomOpened(bob, [BOB]))
        await pilot.press("ctrl+u", *"now", "enter")
        await pilot.pause()
        assert [(message.room, message.body) for message in app.session.said] == [(bob.id, "now")]
        assert why not in lines_of(app.chat)


async def test_a_closed_room_is_left_without_asking_the_server() -> None:
    app = Stage()
    async with app.run_test(size=(120, 36)) as pilot:
        app.play_online()
        app.play(RoomClosed(GENERAL, is_lost=True))
        await pilot.press(*"/leave", "enter")
        await pilot.pause()
        assert app.chat.conversation.rooms.current == DEV
        assert ("leave", GENERAL) not in app.session.asked


async def test_typing_lands_in_the_composer_whatever_was_clicked() -> None:
    app = Stage()
    async with app.run_test(size=(120, 36)) as pilot:
        app.play_online()
        await pilot.pause()
        for place in ("#log", "#rooms", "#people", "#header"):
            await pilot.click(place)
            await pilot.press("x")
        assert app.chat.composer.text == "xxxx"


async def test_presence_is_said_and_listed() -> None:
    app = Stage()
    async with app.run_test(size=(120, 36)) as pilot:
        app.play_online()
        app.play(PresenceChanged(GENERAL, PresenceEvent.JOINED, [RED]))
        app.play(PresenceChanged(GENERAL, PresenceEvent.AWAY, [BOB]))
        await pilot.pause()
        shown = lines_of(app.chat)
        assert "Notice: [/red] joined the room" in shown
        texts = [row.text.strip() for row in app.chat.query_one(PeopleList).rows]
        assert texts == ["ONLINE — 3", "[/red]", "alice", "it4", "AWAY — 1", "bob"]


async def test_a_click_on_somebody_opens_their_conversation() -> None:
    app = Stage()
    async with app.run_test(size=(120, 36)) as pilot:
        app.play_online()
        await pilot.pause()
        await pilot.click("#people", offset=(3, 1))
        await pilot.pause()
        assert app.session.asked[:1] == [("direct", "", ALICE.user)]
        assert app.chat.conversation.room_name(RoomId(f"={ALICE.user}")) == "alice"
        assert "alice ›" in lines_of(app.chat)


async def test_escape_goes_to_the_newest_and_marks_all_as_read() -> None:
    app = Stage()
    async with app.run_test(size=(80, 24)) as pilot:
        app.play_online(room("general"))
        app.play(*(arrived(line(number, f"line {number}")) for number in range(1, 60)))
        await pilot.press("ctrl+home")
        await pilot.pause()
        assert "line 1\n" in lines_of(app.chat) + "\n"
        await pilot.press("escape")
        await pilot.pause()
        assert "line 59" in lines_of(app.chat)
        view = app.chat.conversation.current
        assert view is not None
        assert view.unread == 0


async def test_lines_that_are_not_at_hand_are_fetched() -> None:
    app = Stage()
    async with app.run_test(size=(80, 24)) as pilot:
        app.session.lines["general"] = [line(number, f"line {number}") for number in range(1, 301)]
        app.play_online(room("general", 300))
        for _turn in range(20):
            await pilot.pause()
        assert "line 300" in lines_of(app.chat)
        assert all(asked[0] == "page" for asked in app.session.asked)


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("/join dev2", ("join", "dev2", False)),
        ("/create new", ("join", "new", True)),
        ("/leave", ("leave", "general")),
        ("/leave dev", ("leave", "dev")),
        ("/nick zoé", ("rename", "zoé")),
        ("/msg bob", ("direct", "bob", "")),
        ("/rooms", ("rooms",)),
        ("/who", ("who", "general")),
        ("/invite", ("invitations", "general")),
    ],
)
async def test_commands_ask_the_server(typed: str, asked: tuple[object, ...]) -> None:
    app = Stage()
    async with app.run_test(size=(120, 36)) as pilot:
        app.play_online()
        app.chat.composer.write(typed)
        await pilot.press("enter")
        await pilot.pause()
        assert asked in app.session.asked


async def test_me_topic_and_msg_say_something() -> None:
    app = Stage()
    async with app.run_test(size=(120, 36)) as pilot:
        app.play_online()
        for typed in ("/me waves", "/topic new days", "//not a command", "/msg bob hi there"):
            app.chat.composer.write(typed)
            await pilot.press("enter")
            await pilot.pause()
        assert [(own.kind, own.body, own.room) for own in app.session.said] == [
            ("me", "waves", "general"),
            ("topic", "new days", "general"),
            ("", "/not a command", "general"),
            ("", "hi there", f"={BOB.user}"),
        ]


async def test_what_cannot_be_done_is_said_and_crashes_nothing() -> None:
    app = Stage()
    async with app.run_test(size=(120, 36)) as pilot:
        app.play_online()
        app.session.refusal = RequestFailed("room-unknown", "there is no room [/x]; /create makes it")
        for typed in ("/join [/x]", "/jion dev", "/join", "/hold", "/image /nowhere.png"):
            app.chat.composer.write(typed)
            await pilot.press("enter")
            await pilot.app.workers.wait_for_complete()
            await pilot.pause()
        assert app.said == [
            "there is no room [/x]; /create makes it",
            "There is no /jion. Did you mean /join?",
            "It goes like this: /join ROOM",
            "The full screen does that by itself.",
            "/nowhere.png does not exist; check the path",
        ]


async def test_f2_and_f3_lay_the_lists_over_a_narrow_log() -> None:
    app = Stage()
    async with app.run_test(size=(40, 20)) as pilot:
        app.play_online()
        assert not app.chat.query_one(RoomsList).display
        await pilot.press("f2")
        assert app.chat.query_one(RoomsList).display
        await pilot.click("#rooms", offset=(3, 2))
        assert app.chat.conversation.rooms.current == DEV
        assert not app.chat.query_one(RoomsList).display
        await pilot.press("f3")
        assert app.chat.query_one(PeopleList).display
        await pilot.press("escape")
        assert not app.chat.query_one(PeopleList).display


async def test_f2_and_f3_hide_the_lists_of_a_wide_screen() -> None:
    app = Stage()
    async with app.run_test(size=(120, 36)) as pilot:
        app.play_online()
        await pilot.press("f2", "f3")
        assert not app.chat.query_one(RoomsList).display
        assert not app.chat.query_one(PeopleList).display
        await pilot.press("f2", "f3")
        assert app.chat.query_one(RoomsList).display
        assert app.chat.query_one(PeopleList).display


@pytest.mark.parametrize("size", SIZES)
async def test_help_opens_and_closes(size: tuple[int, int]) -> None:
    app = Stage()
    async with app.run_test(size=size) as pilot:
        app.play_online()
        await pilot.press("f1")
        await pilot.pause()
        assert app.screen is not app.chat
        await pilot.press("escape", "x")
        assert app.chat.composer.text == "x"


async def test_tab_completes_people_and_rooms() -> None:
    app = Stage()
    async with app.run_test(size=(120, 36)) as pilot:
        app.play_online()
        await pilot.press("b", "tab", "#", "d", "tab")
        assert app.chat.composer.text == "bob: #dev "


async def test_the_palette_finds_commands_and_rooms_with_hostile_names() -> None:
    app = Stage()
    async with app.run_test(size=(120, 36)) as pilot:
        app.play_online(room("general"), room("[/red]"))
        await pilot.press("ctrl+p", *"red")
        for _turn in range(50):
            await pilot.pause(0.02)
        await pilot.press("enter", "enter")
        await pilot.pause()
        assert app.is_running


async def test_keys_keep_their_place_among_the_letters() -> None:
    app = Stage()
    async with app.run_test(size=(120, 36)) as pilot:
        app.play_online()
        await pilot.pause()
        for key in ("a", "b", "enter", "c", "alt+down", "d", "up", "enter", "e"):
            app.post_message(Key(key, key if len(key) == 1 else None))
        for _turn in range(10):
            await pilot.pause()
        assert [(own.room, own.body) for own in app.session.said] == [(GENERAL, "ab"), (DEV, "ab")]
        assert app.chat.composer.text == "e"
        assert app.keeper.drafts[GENERAL] == "c"


@pytest.mark.parametrize("is_elsewhere", [False, True])
async def test_a_text_that_could_not_be_kept_comes_back_into_its_own_room(is_elsewhere: bool) -> None:
    app = Stage()
    async with app.run_test(size=(120, 36)) as pilot:
        app.play_online()
        app.session.disk.clear()
        app.session.disk_problem = OutboxError("the disk is full")
        await pilot.press(*"//lost", "enter", *"next")
        if is_elsewhere:
            await pilot.press("alt+down", *"other")
        app.session.disk.set()
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        assert app.said == ["the disk is full"]
        if is_elsewhere:
            assert app.chat.composer.text == "other"
            await pilot.press("alt+up")
        assert app.chat.composer.text == "//lost\nnext"
        assert app.keeper.drafts[GENERAL] == "//lost\nnext"
