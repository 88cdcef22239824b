"""Two people meet."""

from chatroom.protocol.frames import Fetch, Joined, ListRooms, Rooms, Welcome
from chatroom.protocol.ids import MessageId
from chatroom_server.core.effects import FetchPage
from tests.server.core.stage import GENERAL, Stage


def test_two_people_talk(stage: Stage) -> None:
    ann = stage.enter("ann", GENERAL)
    bob = stage.enter("bob", GENERAL)
    ann.say("hello")
    bob.say("hello yourself")
    assert ann.bodies() == bob.bodies() == ["hello", "hello yourself"]
    assert [line.id for line in bob.lines()] == [1, 2]
    assert ann.presence() == [("joined", ["bob"])]
    assert bob.presence() == []


def test_who_comes_back_is_told_what_there_is(stage: Stage) -> None:
    ann = stage.enter("ann", GENERAL)
    ann.say("hello")
    again = stage.enter("ann", nick="")
    welcome = again.last(Welcome)
    assert welcome.back
    assert welcome.nick == "ann"
    assert welcome.devices == {"d1": 1}
    assert [(room.id, room.last, room.members) for room in welcome.rooms] == [(GENERAL, 1, 1)]
    assert welcome.links == 2


def test_rooms_are_listed_and_paged(stage: Stage) -> None:
    ann = stage.enter("ann", GENERAL)
    ann.join("Work", create=True)
    assert ann.last(Joined).created
    ann.give(ListRooms(7))
    assert [(room.id, room.name) for room in ann.last(Rooms).rooms] == [
        (GENERAL, "general"),
        ("work", "Work"),
    ]
    ann.give(Fetch(8, GENERAL, before=5, limit=50))
    assert stage.effects[-1] == FetchPage(ann.id, 8, GENERAL, None, MessageId(5), 50)


def test_everything_survives_a_restart(stage: Stage) -> None:
    ann = stage.enter("ann", GENERAL)
    ann.say("one")
    stage.flush()
    ann.say("two")
    stage.restart()
    ann = stage.enter("ann", nick="")
    welcome = ann.last(Welcome)
    assert welcome.rooms[0].last == 2
    assert welcome.devices == {"d1": 2}
