"""Conversations of two with guests: who hears what, what is kept, and what makes room."""

import pytest

from chatroom.protocol.frames import (
    Ack,
    Direct,
    Failed,
    Fetch,
    Joined,
    Leave,
    Line,
    Person,
    PersonState,
    Presence,
    Refusal,
    Rename,
    Welcome,
)
from chatroom.protocol.ids import RoomId
from chatroom_server.core import limits
from tests.server.core.stage import Actor, Stage
from tests.server.core.test_guests import OUTSIDE, foreign


def converse(one: Actor, other: str) -> RoomId:
    """Open a conversation and return its id."""
    one.rid += 1
    one.give(Direct(one.rid, other))
    assert one.last(Joined).rid == one.rid
    return one.last(Joined).room.id


def return_with_token(stage: Stage, was: Actor, nick: str = "gil") -> Actor:
    actor = stage.arrive(host=OUTSIDE, local=False, foreign=True)
    actor.dev = was.dev
    actor.hello()
    actor.login(nick, token=was.last(Welcome).token, devices=[actor.dev])
    actor.n = actor.last(Welcome).devices[actor.dev]
    return actor


def two_of(actor: Actor) -> list[tuple[str, bool, PersonState]]:
    return [(person.nick, person.guest, person.state) for person in actor.last(Joined).room.direct]


def codes(actor: Actor) -> list[str]:
    return [failed.code for failed in actor.all(Failed)]


def account_lines(stage: Stage, kind: bytes) -> list[bytes]:
    return [line for line in stage.disk[RoomId("@")] if b'"kind":"%b"' % kind in line]


def test_a_guest_and_a_user_write_to_each_other(stage: Stage) -> None:
    ann, gil = stage.enter("ann"), foreign(stage, "gil")
    twin = return_with_token(stage, gil)
    twin.dev = ""
    room = converse(gil, "ann")
    online = PersonState.ONLINE
    assert two_of(gil) == two_of(ann) == two_of(twin) == [("gil", True, online), ("ann", False, online)]
    assert ann.last(Joined).rid == twin.last(Joined).rid == 0
    assert [joined.rid for joined in gil.all(Joined)] == [gil.rid]
    for actor in (ann, gil, twin):
        assert [person.nick for person in actor.last(Joined).people] == ["gil", "ann"]
    gil.say("psst", room)
    ann.say("yes?", room)
    assert ann.bodies(room) == gil.bodies(room) == twin.bodies(room) == ["psst", "yes?"]
    assert [line.guest for line in ann.lines(room)] == [True, False]
    assert not ann.all(Presence)


def test_a_user_begins_with_a_guest(stage: Stage) -> None:
    ann, gil = stage.enter("ann"), foreign(stage)
    room = converse(ann, gil.last(Welcome).nick)
    ann.say("who are you?", room)
    assert gil.last(Joined).rid == 0
    assert gil.bodies(room) == ["who are you?"]
    ann.give(Direct(8, user=gil.user))
    assert (ann.last(Joined).rid, ann.last(Joined).room.id) == (8, room)


def test_two_guests_write_to_each_other_and_only_their_room_is_an_account_line(stage: Stage) -> None:
    gil, tom = foreign(stage, "gil"), foreign(stage, "tom")
    room = converse(gil, "TOM")
    twin = return_with_token(stage, gil)
    assert [room.id for room in twin.last(Welcome).rooms] == [room]
    gil.say("hello", room)
    tom.say("hello yourself", room)
    assert gil.bodies(room) == tom.bodies(room) == ["hello", "hello yourself"]
    assert account_lines(stage, b"member") == []
    assert b'"guests":{' in account_lines(stage, b"room")[-1]


def test_all_links_of_a_guest_hear_at_once_who_is_there(stage: Stage) -> None:
    gil, tom = foreign(stage, "gil"), foreign(stage, "tom")
    twin = return_with_token(stage, gil)
    converse(gil, "tom")
    for actor in (gil, twin, tom):
        (joined,) = actor.all(Joined)
        assert [person.nick for person in joined.people] == ["gil", "tom"]


def test_only_the_member_with_a_key_is_stored(stage: Stage) -> None:
    ann, gil = stage.enter("ann"), foreign(stage, "gil")
    converse(ann, "gil")
    (line,) = account_lines(stage, b"member")
    assert ann.user.encode() in line
    assert gil.user.encode() not in line


def test_a_conversation_of_users_names_no_guests(stage: Stage) -> None:
    ann = stage.enter("ann")
    stage.enter("bob")
    converse(ann, "bob")
    stage.flush()
    assert b"guests" not in account_lines(stage, b"room")[-1] + stage.files["users.json"]


def test_nobody_writes_to_a_guest_who_was_never_here_or_to_oneself(stage: Stage) -> None:
    ann, gil = stage.enter("ann"), foreign(stage, "gil")
    gil.give(Direct(1, "gil"))
    gil.give(Direct(2, user=gil.user))
    assert codes(gil) == ["not-allowed"] * 2
    gil.leave(clean=True)
    ann.give(Direct(3, "gil"))
    ann.give(Direct(4, user=gil.user))
    assert codes(ann) == ["user-unknown"] * 2


def test_a_conversation_with_a_guest_is_closed_to_others(stage: Stage) -> None:
    gil, eve = foreign(stage, "gil"), foreign(stage, "eve")
    stage.enter("ann")
    room = converse(gil, "ann")
    eve.join(room)
    eve.give(Fetch(2, room))
    eve.say("me too", room)
    assert codes(eve) == ["room-forbidden"] * 2
    assert eve.last(Refusal).code == "room-forbidden"


def test_what_is_said_to_a_guest_who_has_left_is_refused(stage: Stage) -> None:
    ann, gil = stage.enter("ann"), foreign(stage, "gil")
    room = converse(ann, "gil")
    n = ann.say("one", room)
    gil.leave()
    ann.say("two", room)  # it may be back in a moment
    stage.pass_time(limits.RETURN_WITHIN_S + 1)
    assert ann.presence() == [("left", ["gil"])]
    ann.say("three", room)
    refusal = ann.last(Refusal)
    assert (refusal.code, refusal.args) == ("guest-gone", {"nick": "gil"})
    assert refusal.text == "gil was a guest and has left: nobody would read this"
    assert ann.bodies(room) == ["one", "two"]
    ann.say("one", room, n=n)
    assert ann.last(Ack).id == 1


def test_a_guest_that_is_gone_is_still_named(stage: Stage) -> None:
    ann, gil = stage.enter("ann"), foreign(stage, "gil")
    converse(ann, "gil")
    color = gil.last(Welcome).color
    gil.leave(clean=True)
    (info,) = stage.enter("ann", nick="").last(Welcome).rooms
    assert info.direct[1] == Person(gil.user, "gil", color, PersonState.OFFLINE, guest=True)
    stage.flush()
    stage.restart()
    (info,) = stage.enter("ann", nick="").last(Welcome).rooms
    assert info.direct[1] == Person(gil.user, "gil", color, PersonState.OFFLINE, guest=True)


def test_a_guest_who_comes_again_is_brought_back_by_a_word(stage: Stage) -> None:
    ann, gil = stage.enter("ann"), foreign(stage, "gil", port=567)
    room = converse(ann, "gil")
    ann.say("one", room)
    gil.leave(clean=True)
    gil = foreign(stage, "gil", port=567)
    assert gil.last(Welcome).rooms == []
    ann.say("two", room)
    ann.say("three", room)
    assert [joined.room.last for joined in gil.all(Joined)] == [1]
    assert gil.bodies(room) == ["two", "three"]
    assert ann.presence() == [("left", ["gil"]), ("back", ["gil"])]
    gil.leave(clean=True)
    gil = foreign(stage, "gil", port=567)
    gil.say("it is me", room)
    assert ann.bodies(room)[-1] == gil.bodies(room)[-1] == "it is me"


def test_a_quiet_guest_comes_again_unsaid(stage: Stage) -> None:
    ann, gil = stage.enter("ann"), foreign(stage, "gil", port=567)
    room = converse(ann, "gil")
    gil.leave(clean=True)
    script = stage.arrive(host=OUTSIDE, port=567, local=False, foreign=True)
    script.hello()
    script.login("gil", quiet=True)
    script.give(Direct(1, "ann"))
    assert script.last(Joined).room.id == room
    assert ann.presence() == [("left", ["gil"])]


def test_who_left_a_conversation_with_a_guest_is_brought_back(stage: Stage) -> None:
    ann, gil = stage.enter("ann"), foreign(stage, "gil")
    room = converse(gil, "ann")
    ann.give(Leave(1, room))
    gil.say("still there?", room)
    assert ann.bodies(room) == ["still there?"]
    gil.give(Leave(9, room))
    ann.say("now I am", room)
    assert gil.last(Joined).rid == 0
    assert gil.bodies(room)[-1] == "now I am"


def test_a_guest_who_leaves_before_the_conversation_is_stored(stage: Stage) -> None:
    ann, gil, tom = stage.enter("ann"), foreign(stage, "gil"), foreign(stage, "tom")
    stage.slow = True
    ann.give(Direct(1, "gil"))
    tom.give(Direct(1, "ann"))
    gil.leave(clean=True)
    tom.leave(clean=True)
    stage.slow = False
    stage.store()
    first, second = ann.all(Joined)
    assert (first.rid, second.rid) == (1, 0)
    assert [[person.nick for person in joined.people] for joined in (first, second)] == [["ann"], ["ann"]]
    ann.say("hello?", first.room.id)
    assert ann.last(Refusal).code == "guest-gone"


def test_both_begin_at_once(stage: Stage) -> None:
    ann, gil = stage.enter("ann"), foreign(stage, "gil")
    stage.slow = True
    gil.give(Direct(1, "ann"))
    ann.give(Direct(1, "gil"))
    stage.slow = False
    stage.store()
    assert [joined.rid for joined in gil.all(Joined)] == [1]
    assert [joined.rid for joined in ann.all(Joined)] == [0, 1]


def test_a_renamed_guest_is_named_anew(stage: Stage) -> None:
    ann, gil = stage.enter("ann"), foreign(stage)
    room = converse(ann, gil.last(Welcome).nick)
    gil.give(Rename(1, "gil"))
    assert ann.presence() == [("renamed", ["gil"])]
    assert stage.enter("ann", nick="").last(Welcome).rooms[0].direct[1].nick == "gil"
    ann.say("so you are gil", room)
    assert gil.bodies(room) == ["so you are gil"]


# --- bounds and restarts ----------------------------------------------------------------------
def test_conversations_with_guests_are_bounded(monkeypatch: pytest.MonkeyPatch, stage: Stage) -> None:
    monkeypatch.setattr(limits, "GUEST_DIRECTS_MAX", 2)
    ann, bob, gil, tom = (
        stage.enter("ann"),
        stage.enter("bob"),
        foreign(stage, "gil"),
        foreign(stage, "tom"),
    )
    stage.slow = True
    gil.give(Direct(1, "ann"))
    gil.give(Direct(2, "bob"))
    tom.give(Direct(3, "gil"))  # those that are being stored count
    stage.slow = False
    stage.store()
    tom.give(Direct(4, "ann"))
    ann.give(Direct(5, "tom"))
    assert codes(tom) == ["too-many-rooms"] * 2
    assert codes(ann) == ["too-many-rooms"]
    ann.give(Direct(6, "bob"))
    assert ann.last(Joined).rid == 6
    assert bob.last(Joined).room.direct


def test_what_nobody_can_come_back_to_makes_room(monkeypatch: pytest.MonkeyPatch, stage: Stage) -> None:
    monkeypatch.setattr(limits, "GUEST_DIRECTS_MAX", 1)
    gil, tom, max_ = foreign(stage, "gil", port=567), foreign(stage, "tom", port=568), foreign(stage, "max")
    stage.enter("ann")
    room = converse(gil, "tom")
    gil.say("one", room)
    gil.leave(clean=True)
    max_.give(Direct(1, "ann"))
    assert codes(max_) == ["too-many-rooms"]  # tom is here
    tom.leave(clean=True)
    kept = converse(max_, "ann")
    assert stage.hub.state.accounts.lost == {room: 1}
    max_.leave(clean=True)
    gil, tom = foreign(stage, "gil", port=567), foreign(stage, "tom", port=568)
    gil.give(Direct(2, "tom"))
    assert codes(gil) == ["too-many-rooms"]  # ann has a key
    assert kept in stage.hub.state.accounts.rooms


def test_guests_are_in_no_more_conversations_than_others(
    monkeypatch: pytest.MonkeyPatch, stage: Stage
) -> None:
    monkeypatch.setattr(limits, "MEMBERSHIPS_MAX", 1)
    monkeypatch.setattr(limits, "GUEST_DIRECTS_PER_USER_MAX", 1)
    gil, tom, max_ = foreign(stage, "gil"), foreign(stage, "tom"), foreign(stage, "max")
    room = converse(gil, "tom")
    max_.give(Direct(1, "tom"))
    assert codes(max_) == ["too-many-rooms"]
    tom.give(Leave(1, room))
    converse(tom, "max")
    gil.say("hello?", room)
    assert tom.bodies(room) == []


def test_guests_cannot_take_all_places_of_a_user(monkeypatch: pytest.MonkeyPatch, stage: Stage) -> None:
    assert limits.GUEST_DIRECTS_PER_USER_MAX < limits.MEMBERSHIPS_MAX
    monkeypatch.setattr(limits, "GUEST_DIRECTS_PER_USER_MAX", 1)
    ann, bob = stage.enter("ann"), stage.enter("bob")
    gil, tom = foreign(stage, "gil"), foreign(stage, "tom")
    converse(gil, "ann")
    tom.give(Direct(1, "ann"))
    assert codes(tom) == ["too-many-rooms"]
    converse(bob, "ann")
    converse(ann, "tom")


def test_at_a_restart_conversations_without_a_key_end_and_their_numbers_go_on(stage: Stage) -> None:
    gil, tom = foreign(stage, "gil", port=567), foreign(stage, "tom", port=568)
    stage.enter("ann")
    room, kept = converse(gil, "tom"), converse(gil, "ann")
    gil.say("one", room)
    gil.say("two", room)
    stage.flush()
    for _again in range(2):  # at the second time `users.json` is older than what was dropped
        stage.restart()
        rooms = stage.hub.state.accounts.rooms
        assert room not in rooms
        assert kept in rooms
    gil, tom = foreign(stage, "gil", port=567), foreign(stage, "tom", port=568)
    assert converse(tom, "gil") == room
    assert tom.last(Joined).room.last == 2
    tom.say("three", room)
    assert gil.last(Line).id == 3
    stage.flush()
    assert room.encode() in stage.files["users.json"]
    stage.restart()
    assert stage.hub.state.accounts.lost == {room: 3}
    assert stage.hub.take_projections().replaced.keys() == {"users.json"}


def test_who_is_brought_back_behind_the_file_keeps_the_conversation(stage: Stage) -> None:
    ann, gil = stage.enter("ann"), foreign(stage, "gil")
    room = converse(gil, "ann")
    ann.give(Leave(1, room))
    stage.flush()  # here nobody with a key is a member
    gil.say("still there?", room)
    stage.restart()
    (info,) = stage.enter("ann", nick="").last(Welcome).rooms
    assert (info.id, info.last, info.direct[0].nick) == (room, 1, "gil")


def test_a_conversation_that_was_torn_in_two_is_begun_again(stage: Stage) -> None:
    ann, gil = stage.enter("ann"), foreign(stage, "gil", port=567)
    stage.slow = True
    ann.give(Direct(1, "gil"))
    stage.store(1)  # the room, and not its member
    stage.restart()
    stage.slow = False
    stage.store()
    ann, gil = stage.enter("ann", nick=""), foreign(stage, "gil", port=567)
    assert ann.last(Welcome).rooms == []
    converse(ann, "gil")
    assert gil.last(Joined).rid == 0


def test_lines_on_their_way_count_when_their_conversation_is_dropped(
    monkeypatch: pytest.MonkeyPatch, stage: Stage
) -> None:
    monkeypatch.setattr(limits, "GUEST_DIRECTS_MAX", 1)
    gil, tom, max_ = foreign(stage, "gil", port=567), foreign(stage, "tom", port=568), foreign(stage, "max")
    room = converse(gil, "tom")
    stage.slow = True
    gil.say("one", room)
    gil.leave(clean=True)
    tom.leave(clean=True)
    eve = foreign(stage, "eve")
    max_.give(Direct(2, "eve"))
    stage.slow = False
    stage.store()
    assert eve.last(Joined).rid == 0
    assert room not in stage.hub.state.accounts.rooms
    assert stage.hub.state.accounts.lost == {room: 1}


def test_a_conversation_whose_members_are_being_stored_is_not_dropped(
    monkeypatch: pytest.MonkeyPatch, stage: Stage
) -> None:
    monkeypatch.setattr(limits, "GUEST_DIRECTS_MAX", 1)
    ann, gil, max_ = stage.enter("ann"), foreign(stage, "gil"), foreign(stage, "max")
    stage.slow = True
    ann.give(Direct(1, "gil"))
    gil.leave(clean=True)
    stage.store(1)  # the room, and not its member
    max_.give(Direct(1, "ann"))
    assert codes(max_) == ["too-many-rooms"]
    stage.slow = False
    stage.store()
    assert ann.last(Joined).rid == 1


def test_a_conversation_that_somebody_is_being_brought_back_to_is_not_dropped(
    monkeypatch: pytest.MonkeyPatch, stage: Stage
) -> None:
    monkeypatch.setattr(limits, "GUEST_DIRECTS_MAX", 1)
    ann, gil, max_ = stage.enter("ann"), foreign(stage, "gil"), foreign(stage, "max")
    room = converse(gil, "ann")
    ann.give(Leave(1, room))
    stage.slow = True
    gil.say("read this", room)
    gil.leave(clean=True)
    max_.give(Direct(1, "ann"))
    assert codes(max_) == ["too-many-rooms"]
    stage.slow = False
    stage.store()
    assert ann.bodies(room) == ["read this"]


def test_a_conversation_that_somebody_is_coming_back_to_is_not_dropped(
    monkeypatch: pytest.MonkeyPatch, stage: Stage
) -> None:
    monkeypatch.setattr(limits, "GUEST_DIRECTS_MAX", 1)
    ann, gil, max_ = stage.enter("ann"), foreign(stage, "gil"), foreign(stage, "max")
    room = converse(gil, "ann")
    ann.give(Leave(1, room))
    stage.slow = True
    ann.give(Direct(6, "gil"))
    stage.refuse()
    assert codes(ann) == ["not-stored"]
    assert not stage.hub.state.returning
    ann.give(Direct(7, "gil"))
    gil.leave(clean=True)
    max_.give(Direct(1, "ann"))
    assert codes(max_) == ["too-many-rooms"]
    stage.slow = False
    stage.store()
    assert ann.last(Joined).rid == 7
    assert not stage.hub.state.returning
