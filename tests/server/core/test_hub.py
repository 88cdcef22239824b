"""The hub as a whole: two people meet, the server restarts, stops, and cannot be upset by anybody."""

from chatroom.protocol.frames import (
    AskInvitation,
    Failed,
    Fetch,
    Goodbye,
    Invitations,
    Joined,
    Line,
    ListRooms,
    Ping,
    Rooms,
    Welcome,
)
from chatroom.protocol.ids import MessageId, RoomId, UserId
from chatroom_server.core.effects import Close, FetchPage, Happening
from chatroom_server.core.inputs import InvitationReplaced, Left, LinkId, PageSent, Received, Stopping, Stored
from chatroom_server.core.ports import StoredRun
from chatroom_server.core.settings import HubSettings
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
    stage.feed(PageSent(ann.id))


def test_everything_survives_a_restart(stage: Stage) -> None:
    ann = stage.enter("ann", GENERAL)
    ann.say("one")
    ann.say("about trees", kind="topic")
    stage.flush()
    ann.say("two")
    ann.join("work", create=True)
    stage.restart()
    ann = stage.enter("ann", nick="")
    welcome = ann.last(Welcome)
    assert [(room.id, room.last, room.topic) for room in welcome.rooms] == [
        (GENERAL, 3, "about trees"),
        ("work", 0, ""),
    ]
    assert welcome.devices == {"d1": 3}
    assert welcome.color == ann.last(Welcome).color


def test_restarts_at_any_flush_come_to_the_same(stage: Stage) -> None:
    stage.enter("ann", GENERAL).say("x")
    stage.flush()
    stage.restart()
    stage.flush()
    stage.restart()
    assert stage.hub.counts().users == 1
    assert stage.hub.counts().lines == 1
    assert stage.hub.take_projections().replaced == {}


def test_the_default_room_is_made_once(stage: Stage) -> None:
    assert len(stage.disk[RoomId("@")]) == 1
    stage.restart()
    assert len(stage.disk[RoomId("@")]) == 1


def test_a_default_room_that_the_disk_refused_is_made_later() -> None:
    stage = Stage(start=False)
    stage.slow = True
    stage.restart()
    stage.refuse()
    stage.slow = False
    stage.pass_time(6)
    assert stage.enter("ann", GENERAL).last(Joined).room.id == GENERAL


def test_a_room_that_has_lines_but_no_account_line_is_a_room_again(stage: Stage) -> None:
    stage.disk[RoomId("imported")] = [b"{}"] * 5
    stage.restart()
    assert stage.enter("ann", "imported").last(Joined).room.last == 5


def test_a_line_that_another_node_stored_is_shown(stage: Stage) -> None:
    ann = stage.enter("ann", GENERAL)
    line = b'{"id":1,"at":5,"room":"general","user":"u","nick":"n","dev":"d","n":1,"body":"far"}'
    stage.feed(Stored([StoredRun(GENERAL, MessageId(1), [line], [None])]))
    assert ann.bodies() == ["far"]


def test_stopping_says_goodbye_to_everybody(stage: Stage) -> None:
    ann, bob, stranger = stage.enter("ann", GENERAL), stage.enter("bob", GENERAL), stage.arrive()
    stage.feed(Stopping(5.0))
    for actor in (ann, bob, stranger):
        assert actor.last(Goodbye).code == "restarting"
        assert actor.last(Goodbye).back_in_s == 5.0
        assert actor.closed
    before = len(stage.effects)
    ann.say("too late")
    for actor in (ann, bob, stranger):
        actor.leave()
    assert [type(effect).__name__ for effect in stage.effects[before:]] == ["Report", "Report"]
    assert stage.disk.get(GENERAL) is None


def test_stopping_for_good_says_so(stage: Stage) -> None:
    ann = stage.enter("ann")
    stage.feed(Stopping())
    assert ann.last(Goodbye).code == "stopped"


def test_frames_without_a_place_end_the_link(stage: Stage) -> None:
    for frame in (ListRooms(1), Ping(), Line(1, 1, GENERAL, UserId("u"), "n")):
        stranger = stage.arrive()
        stage.feed(Received(stranger.id, [frame]))
        assert stranger.error == "out-of-order"
        assert stranger.closed


def test_inputs_about_links_that_are_gone_change_nothing(stage: Stage) -> None:
    assert stage.feed(Left(LinkId(99))) == []
    assert stage.feed(PageSent(LinkId(99))) == []


def test_invitations_are_shown_to_who_asks() -> None:
    stage = Stage(HubSettings(invitations=lambda room: Invitations(0, [f"chatroom://x/{room}"])))
    ann = stage.enter("ann")
    ann.give(AskInvitation(3, "work"))
    assert ann.last(Invitations) == Invitations(3, ["chatroom://x/work"])


def test_a_replaced_invitation_opens_no_more(stage: Stage) -> None:
    stage.feed(InvitationReplaced(b"new"))
    for secret, code in ((b"invited", "invitation-wrong"), (b"new", "")):
        ann = stage.arrive("ann", host="10.0.0.9", local=False, tls=True)
        ann.hello()
        ann.login("ann", secret=secret)
        assert [failed.code for failed in ann.all(Failed)] == ([code] if code else [])


def test_the_operator_reads_what_happened(stage: Stage) -> None:
    ann = stage.enter("ann", GENERAL)
    ann.join("work", create=True)
    ann.leave(clean=True)
    stage.enter("ann", nick="")
    happened = [(report.happening, report.nick, report.room) for report in stage.reports()]
    assert happened == [
        (Happening.LOGGED_IN, "ann", ""),
        (Happening.ARRIVED, "ann", GENERAL),
        (Happening.ROOM_CREATED, "ann", "work"),
        (Happening.ARRIVED, "ann", "work"),
        (Happening.DEPARTED, "ann", ""),
        (Happening.LOGGED_IN, "ann", ""),
        (Happening.BACK, "ann", ""),
    ]


def test_closed_links_are_closed_once(stage: Stage) -> None:
    ann = stage.enter("ann")
    stage.feed(Stopping())
    stage.feed(Stopping())
    assert sum(effect == Close(ann.id) for effect in stage.effects) == 1
