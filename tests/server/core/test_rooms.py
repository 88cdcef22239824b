"""Rooms and conversations: joined, created, left, opened, listed."""

import pytest

from chatroom.protocol.auth import direct_room
from chatroom.protocol.frames import (
    Direct,
    Failed,
    Fetch,
    Joined,
    Leave,
    LeftRoom,
    ListRooms,
    Open,
    People,
    Person,
    PersonState,
    Presence,
    Rooms,
    Welcome,
    Who,
)
from chatroom.protocol.ids import RoomId
from chatroom_server.core.effects import FetchPage, Subscribe, Unsubscribe
from tests.server.core.stage import GENERAL, Key, Stage


def names(people: list[Person]) -> list[tuple[str, str]]:
    return [(person.nick, person.state.value) for person in people]


# --- join ----------------------------------------------------------------------
def test_joining_is_answered_when_it_is_stored(stage: Stage) -> None:
    ann = stage.enter("ann")
    stage.slow = True
    ann.join(GENERAL)
    assert ann.all(Joined) == []
    stage.store()
    joined = ann.last(Joined)
    assert joined.rid == 1
    assert names(joined.people) == [("ann", "online")]
    assert not joined.created


def test_a_join_that_the_disk_refuses_fails(stage: Stage) -> None:
    ann, bob = stage.enter("ann"), stage.enter("bob", GENERAL)
    stage.slow = True
    ann.join(GENERAL)
    stage.refuse()
    assert ann.error == "not-stored"
    assert ann.last(Failed).rid == 1
    assert bob.presence() == []


def test_a_misspelt_room_is_not_made(stage: Stage) -> None:
    ann = stage.enter("ann")
    ann.join("genral")
    assert ann.last(Failed).args == {"room": "genral"}
    assert ann.error == "room-unknown"
    assert ann.last(Failed).text == "there is no room genral; /create makes it"


@pytest.mark.parametrize("name", ["General", "#general", " GENERAL "])
def test_a_room_is_found_however_its_name_is_written(stage: Stage, name: str) -> None:
    ann = stage.enter("ann")
    ann.join(name)
    assert ann.last(Joined).room.id == GENERAL


def test_joining_twice_changes_nothing(stage: Stage) -> None:
    ann, bob = stage.enter("ann", GENERAL), stage.enter("bob", GENERAL)
    bob.join(GENERAL)
    assert bob.last(Joined).rid == 2
    assert ann.presence() == [("joined", ["bob"])]


def test_the_same_join_from_two_links_is_told_once(stage: Stage) -> None:
    ann = stage.enter("ann", GENERAL)
    bob, twin = stage.enter("bob"), stage.enter("bob", nick="")
    stage.slow = True
    bob.join(GENERAL)
    twin.join(GENERAL)
    stage.store()
    assert ann.presence() == [("joined", ["bob"])]
    assert [joined.rid for joined in bob.all(Joined)] == [1]
    assert [joined.rid for joined in twin.all(Joined)] == [0, 1]


def test_the_other_devices_of_a_user_follow(stage: Stage) -> None:
    ann, twin = stage.enter("ann"), stage.enter("ann", nick="")
    script = stage.enter("ann", nick="", quiet=True)
    ann.join(GENERAL)
    assert twin.last(Joined).rid == 0
    assert script.all(Joined) == []
    ann.say("hello")
    assert twin.bodies() == ["hello"]
    ann.give(Leave(2, GENERAL))
    assert twin.last(LeftRoom).rid == 0
    ann.say("gone")
    assert twin.bodies() == ["hello"]


def test_who_joins_gets_its_own_arrival_as_the_answer_only(stage: Stage) -> None:
    ann = stage.enter("ann", GENERAL)
    assert ann.presence() == []


def test_the_answer_stands_before_everything_newer(stage: Stage) -> None:
    ann, bob = stage.enter("ann", GENERAL), stage.enter("bob")
    ann.say("one")
    bob.join(GENERAL)
    ann.say("two")
    kinds = [type(frame).__name__ for frame in bob.frames[-2:]]
    assert kinds == ["Joined", "Line"]
    assert bob.last(Joined).room.last == 1
    assert bob.bodies() == ["two"]


def test_a_join_whose_link_is_gone_makes_a_member_all_the_same(stage: Stage) -> None:
    ann = stage.enter("ann")
    stage.slow = True
    ann.join(GENERAL)
    ann.leave(clean=True)
    stage.store()
    stage.slow = False
    assert stage.enter("ann", nick="").last(Welcome).rooms[0].id == GENERAL


# --- create ----------------------------------------------------------------------
def test_a_created_room_is_there_for_all(stage: Stage) -> None:
    ann, bob = stage.enter("ann"), stage.enter("bob")
    ann.join("Café", create=True)
    assert ann.last(Joined).created
    assert ann.last(Joined).room.name == "Café"
    assert ann.last(Joined).room.id == "café"
    bob.join("cafe\u0301")
    assert bob.last(Joined).room.id == "café"
    bob.join("CAFÉ", create=True)
    assert bob.error == "room-exists"


@pytest.mark.parametrize("name", ["", "a b", "=x", "@x", "/x", "x" * 41, "a\x1bb"])
def test_an_impossible_name_makes_no_room(stage: Stage, name: str) -> None:
    ann = stage.enter("ann")
    ann.join(name, create=True)
    assert ann.error == "room-invalid"
    assert ann.last(Failed).text


def test_two_who_create_one_room_at_once(stage: Stage) -> None:
    ann, bob, eve = stage.enter("ann"), stage.enter("bob"), stage.enter("eve")
    stage.slow = True
    ann.join("work", create=True)
    bob.join("work", create=True)
    eve.join("work")
    stage.slow = False
    stage.store()
    assert ann.last(Joined).created
    assert bob.error == "room-exists"
    assert eve.last(Joined).room.id == "work"


def test_who_waited_for_a_room_that_the_disk_refused_may_create_it(stage: Stage) -> None:
    ann, bob, eve, gone = (stage.enter(name) for name in ("ann", "bob", "eve", "gus"))
    stage.slow = True
    ann.join("work", create=True)
    bob.join("work", create=True)
    eve.join("work")
    gone.join("work")
    gone.leave()
    stage.refuse()
    assert ann.error == "not-stored"
    stage.slow = False
    stage.store()
    assert bob.last(Joined).created
    assert eve.last(Joined).room.id == "work"


def test_a_script_may_create_a_room_and_announces_nothing(stage: Stage) -> None:
    script = stage.enter("ann", quiet=True)
    script.join("logs", create=True)
    assert script.last(Joined).created
    bob = stage.enter("bob", "logs")
    assert names(bob.last(Joined).people) == [("bob", "online"), ("ann", "offline")]
    script.join(GENERAL)
    assert bob.presence() == []


# --- leave ----------------------------------------------------------------------
def test_leaving_ends_the_membership(stage: Stage) -> None:
    ann, bob = stage.enter("ann", GENERAL), stage.enter("bob", GENERAL)
    ann.give(Leave(9, GENERAL))
    assert ann.last(LeftRoom).rid == 9
    assert bob.presence() == [("left", ["ann"])]
    bob.say("she is gone")
    assert ann.bodies() == []
    assert stage.enter("ann", nick="").last(Welcome).rooms == []
    assert bob.presence() == [("left", ["ann"])]


def test_leaving_what_one_is_not_in(stage: Stage) -> None:
    ann = stage.enter("ann")
    ann.give(Leave(1, GENERAL))
    ann.give(Leave(2, RoomId("nowhere")))
    assert [failed.code for failed in ann.all(Failed)] == ["not-member", "not-member"]


def test_leaving_twice_is_told_once(stage: Stage) -> None:
    ann, bob = stage.enter("ann", GENERAL), stage.enter("bob", GENERAL)
    stage.slow = True
    ann.give(Leave(1, GENERAL))
    ann.give(Leave(2, GENERAL))
    stage.store()
    assert bob.presence() == [("left", ["ann"])]
    assert [left.rid for left in ann.all(LeftRoom)] == [1, 2]


def test_a_leave_that_the_disk_refuses_leaves_one_in(stage: Stage) -> None:
    ann, bob = stage.enter("ann", GENERAL), stage.enter("bob", GENERAL)
    stage.slow = True
    ann.give(Leave(1, GENERAL))
    stage.refuse()
    stage.slow = False
    assert ann.error == "not-stored"
    bob.say("still here?")
    assert ann.bodies() == ["still here?"]


# --- open ----------------------------------------------------------------------
def test_a_script_gets_the_lines_of_a_room_that_it_opens(stage: Stage) -> None:
    ann, tail = stage.enter("ann", GENERAL), stage.enter("bob", quiet=True)
    tail.give(Open(4, "General"))
    assert tail.last(Joined).rid == 4
    ann.say("one")
    assert tail.bodies() == ["one"]
    assert ann.presence() == []
    tail.give(Leave(5, GENERAL))
    assert tail.last(LeftRoom).rid == 5
    ann.say("two")
    assert tail.bodies() == ["one"]
    tail.give(Open(6, "nowhere"))
    assert tail.error == "room-unknown"


def test_a_room_is_opened_once_on_a_link(stage: Stage) -> None:
    tail = stage.enter("bob", quiet=True)
    tail.give(Open(1, GENERAL))
    tail.give(Open(2, GENERAL))
    assert sum(isinstance(effect, Subscribe) for effect in stage.effects) == 1
    assert not any(isinstance(effect, Unsubscribe) for effect in stage.effects)


# --- direct ----------------------------------------------------------------------
def direct_of(one: str, other: str) -> RoomId:
    return RoomId(direct_room(Key(one).user, Key(other).user))


def test_a_conversation_opens_at_both(stage: Stage) -> None:
    ann, bob = stage.enter("ann"), stage.enter("bob")
    twin, script = stage.enter("bob", nick=""), stage.enter("bob", nick="", quiet=True)
    ann.give(Direct(3, "BOB"))
    room = ann.last(Joined).room
    assert room.id == direct_of("ann", "bob")
    assert sorted(person.nick for person in room.direct) == ["ann", "bob"]
    assert ann.last(Joined).rid == 3
    assert ann.last(Joined).created
    assert bob.last(Joined).rid == twin.last(Joined).rid == 0
    assert script.all(Joined) == []
    ann.say("psst", room.id)
    bob.say("yes?", room.id)
    assert ann.bodies(room.id) == bob.bodies(room.id) == twin.bodies(room.id) == ["psst", "yes?"]
    assert ann.all(Presence) == []


def test_a_conversation_with_somebody_who_is_away(stage: Stage) -> None:
    ann = stage.enter("ann")
    stage.enter("bob").leave(clean=True)
    ann.give(Direct(1, user=Key("bob").user))
    room = ann.last(Joined).room.id
    assert names(ann.last(Joined).people) == [("ann", "online"), ("bob", "offline")]
    ann.say("when you are back", room)
    assert [info.id for info in stage.enter("bob", nick="").last(Welcome).rooms] == [room]
    assert ann.presence() == [("back", ["bob"])]


def test_both_open_one_conversation_at_once(stage: Stage) -> None:
    ann, bob = stage.enter("ann"), stage.enter("bob")
    stage.slow = True
    ann.give(Direct(1, "bob"))
    bob.give(Direct(1, "ann"))
    stage.slow = False
    stage.store()
    assert ann.last(Joined).room.id == bob.last(Joined).room.id
    assert [joined.rid for joined in bob.all(Joined)] == [0, 1]


def test_a_conversation_with_nobody(stage: Stage) -> None:
    ann = stage.enter("ann")
    ann.give(Direct(1, "bob"))
    ann.give(Direct(2, user="x"))
    ann.give(Direct(3, "ann"))
    assert [failed.code for failed in ann.all(Failed)] == ["user-unknown", "user-unknown", "not-allowed"]
    assert ann.all(Failed)[0].text == "there is no bob on this server"


def test_a_conversation_is_closed_to_others(stage: Stage) -> None:
    ann, eve = stage.enter("ann"), stage.enter("eve", quiet=True)
    stage.enter("bob")
    ann.give(Direct(1, "bob"))
    room = ann.last(Joined).room.id
    eve.join(room)
    eve.give(Open(2, room))
    eve.give(Who(3, room))
    eve.give(Fetch(4, room))
    assert [failed.code for failed in eve.all(Failed)] == ["room-forbidden"] * 4
    assert not any(isinstance(effect, FetchPage) for effect in stage.effects)
    eve.give(ListRooms(5))
    assert [info.id for info in eve.last(Rooms).rooms] == [GENERAL]


def test_who_left_a_conversation_is_brought_back_by_a_word(stage: Stage) -> None:
    ann, bob = stage.enter("ann"), stage.enter("bob")
    ann.give(Direct(1, "bob"))
    room = ann.last(Joined).room.id
    bob.give(Leave(1, room))
    stage.slow = True
    ann.say("one", room)
    ann.say("two", room)
    stage.slow = False
    stage.store()
    assert bob.bodies(room) == ["one", "two"]
    assert bob.last(Joined).rid == 0
    members = [line for line in stage.disk[RoomId("@")] if b'"member"' in line and b"bob" not in line]
    assert len(members) == 4  # two who began it, one who left, one who was brought back


# --- look ----------------------------------------------------------------------
def test_who_names_people_by_state(stage: Stage) -> None:
    ann = stage.enter("ann", GENERAL)
    stage.enter("bob", GENERAL).leave(clean=True)
    ann.give(Who(5, "GENERAL"))
    assert names(ann.last(People).people) == [("ann", "online"), ("bob", "offline")]
    assert ann.last(People).people[0].state is PersonState.ONLINE
    ann.give(Who(6, "nowhere"))
    assert ann.error == "room-unknown"


def test_rooms_with_most_members_come_first(stage: Stage) -> None:
    ann = stage.enter("ann")
    ann.join("a-quiet-one", create=True)
    ann.join("work", create=True)
    stage.enter("bob", "work")
    ann.give(ListRooms(9))
    assert [(info.id, info.members) for info in ann.last(Rooms).rooms] == [
        ("work", 2),
        ("a-quiet-one", 1),
        (GENERAL, 0),
    ]


def test_history_is_read_by_who_may_read_the_room(stage: Stage) -> None:
    ann = stage.enter("ann", quiet=True)
    ann.give(Fetch(1, GENERAL))
    ann.give(Fetch(2, RoomId("nowhere")))
    assert [effect.room for effect in stage.effects if isinstance(effect, FetchPage)] == [GENERAL]
    assert ann.error == "room-unknown"
