"""What events make of rooms, people and lines."""

import msgspec

from chatroom.client.events import (
    LinesMissed,
    MessageChanged,
    MessageState,
    Offline,
    Online,
    OwnMessage,
    PastReplaced,
    PresenceChanged,
    RoomClosed,
    RoomOpened,
)
from chatroom.protocol.frames import Person, PresenceEvent, RoomInfo
from chatroom.protocol.ids import DeviceId, MessageId, RoomId
from chatroom.tui.conversation import Conversation, Part
from tests.tui.stage import ALICE, BOB, DEV, GENERAL, IT4, ME, NOON_MS, arrived, line, room, welcome


def conversation(*rooms: RoomInfo) -> Conversation:
    made = Conversation(ME, lambda: NOON_MS)
    shown = rooms or (room("general"), room("dev"))
    made.apply([Online(welcome(*shown), b"k", again=False)])
    made.show(shown[0].id)
    return made


def own(state: MessageState, n: int = 1) -> OwnMessage:
    return OwnMessage(f"key{n}", GENERAL, DeviceId("a1"), n, "mine", state=state)


def test_rooms_of_the_welcome_are_open_and_others_closed() -> None:
    made = conversation()
    made.show(DEV)
    made.apply([Online(welcome(room("dev"), room("new")), b"k", again=True)])
    assert [view.id for view in made.rooms.views()] == [DEV, RoomId("new")]


def test_the_room_on_the_screen_stays_when_it_is_closed_and_comes_back_in_its_place() -> None:
    made = conversation()
    made.apply([Online(welcome(room("dev")), b"k", again=True), RoomClosed(GENERAL, is_lost=True)])
    assert (made.rooms.current, made.closed) == (GENERAL, {GENERAL: True})
    made.apply([RoomOpened(room("general"))])
    assert (made.rooms.current, made.closed) == (GENERAL, {})
    made.apply([RoomClosed(GENERAL)])
    made.show(DEV)
    assert [view.id for view in made.rooms.views()] == [DEV]


def test_a_closed_room_with_something_of_ones_own_stays_in_the_list() -> None:
    made = conversation(room("general"), room("dev"), room("new"))
    made.has_draft = lambda room: room == DEV
    made.apply([RoomClosed(DEV), RoomClosed(RoomId("new"))])
    assert [view.id for view in made.rooms.views()] == [GENERAL, DEV]
    assert made.closed == {DEV: False}


def test_a_room_that_one_leaves_goes_though_it_is_on_the_screen() -> None:
    made = conversation()
    made.leaving.add(GENERAL)
    made.apply([RoomClosed(GENERAL)])
    assert (made.rooms.current, made.closed, made.leaving) == (DEV, {}, set())


def test_a_line_changes_log_and_rooms_and_tells_who_was_meant() -> None:
    made = conversation()
    changes = made.apply([arrived(line(1, "hi")), arrived(line(2, "@it4", room="dev"))])
    assert changes.parts == {Part.LOG, Part.ROOMS}
    assert changes.meant_in == [DEV]
    assert made.timeline(GENERAL).last == 1


def test_an_own_message_goes_from_pending_to_its_line() -> None:
    made = conversation()
    made.apply([MessageChanged(own(MessageState.PENDING))])
    assert [unsent.body for unsent in made.timeline(GENERAL).unsent] == ["mine"]
    made.apply([arrived(line(1, "mine", by=IT4, dev="a1", n=1), key="key1")])
    assert made.timeline(GENERAL).unsent == ()
    made.apply([MessageChanged(own(MessageState.STORED), MessageId(1))])
    assert made.timeline(GENERAL).last == 1


def test_a_failed_message_keeps_its_reason() -> None:
    made = conversation()
    made.apply([MessageChanged(own(MessageState.PENDING))])
    failed = OwnMessage("key1", GENERAL, DeviceId("a1"), 1, "mine", state=MessageState.FAILED, reason="No.")
    made.apply([MessageChanged(failed)])
    assert [(unsent.failed, unsent.reason) for unsent in made.timeline(GENERAL).unsent] == [(True, "No.")]


def test_missed_lines_are_holes_and_unread() -> None:
    made = conversation()
    made.apply([LinesMissed(DEV, MessageId(0), MessageId(40))])
    view = made.rooms.view(DEV)
    assert view is not None
    assert view.unread == 40
    assert made.timeline(DEV).missing(1, 40) == [(1, 40)]


def test_after_a_cut_holes_are_asked_for_again() -> None:
    made = conversation(room("general", 10))
    assert made.timeline(GENERAL).missing(1, 10) == [(1, 10)]
    assert made.timeline(GENERAL).missing(1, 10) == []
    made.apply([Offline("gone", 1.0, 1, 0)])
    assert made.timeline(GENERAL).missing(1, 10) == [(1, 10)]


def test_another_past_forgets_the_lines() -> None:
    made = conversation()
    made.apply([arrived(line(1, "old"))])
    made.apply([PastReplaced("restored"), Online(welcome(room("general", 0)), b"k", again=True)])
    assert made.timeline(GENERAL).line(1) is None


def test_people_come_and_go() -> None:
    made = conversation()
    made.apply([RoomOpened(room("general"), [IT4, ALICE])])
    made.apply([PresenceChanged(GENERAL, PresenceEvent.JOINED, [BOB])])
    made.apply([PresenceChanged(GENERAL, PresenceEvent.GONE, [ALICE])])
    assert [person.nick for person in made.people.online] == ["bob", "it4"]
    assert [person.nick for person in made.people.offline] == ["alice"]
    assert len(made.timeline(GENERAL).notices_after(0)) == 2


def test_what_oneself_does_is_no_notice() -> None:
    made = conversation()
    made.apply([PresenceChanged(GENERAL, PresenceEvent.BACK, [IT4])])
    assert made.timeline(GENERAL).notices_after(0) == ()


def test_another_nick_is_known_everywhere() -> None:
    direct = RoomInfo(RoomId("=x"), "", direct=[IT4, ALICE])
    made = conversation(room("general"), direct)
    renamed = msgspec.structs.replace(ALICE, nick="ally", was="alice")
    made.apply([PresenceChanged(GENERAL, PresenceEvent.RENAMED, [renamed])])
    assert made.room_name(RoomId("=x")) == "ally"
    made.apply([PresenceChanged(GENERAL, PresenceEvent.RENAMED, [Person(ME, "zoé", was="it4")])])
    assert made.nick == made.rooms.nick == "zoé"


def test_the_mark_stands_where_the_unread_begins() -> None:
    made = conversation()
    made.read_markers[DEV] = 3
    made.apply([RoomOpened(room("dev", 5)), arrived(line(6, "new", room="dev"))])
    made.show(DEV)
    assert made.timeline(DEV).new_after == made.rooms.view(DEV).read  # type: ignore[union-attr]
    assert made.mark_read(DEV, 6)
    assert not made.mark_read(DEV, 6)


def test_what_is_not_sent_stays_in_a_room_that_is_closed() -> None:
    made = conversation()
    made.apply([MessageChanged(own(MessageState.FAILED)), RoomClosed(GENERAL)])
    made.show(DEV)
    assert GENERAL in made.rooms
    made.apply([RoomOpened(room("general"))])
    assert [unsent.body for unsent in made.timeline(GENERAL).unsent] == ["mine"]
