"""Rooms: their order, what is unread, what is meant for oneself."""

from hypothesis import given
from hypothesis import strategies as st

from chatroom.model.rooms import Rooms
from chatroom.protocol.frames import Line, LineKind, Person, RoomInfo
from chatroom.protocol.ids import RoomId, UserId

ME, BOB = UserId("me"), UserId("bob")
GENERAL, DEV, DIRECT = RoomId("general"), RoomId("dev"), RoomId("=x")


def info(room: RoomId, last: int = 0) -> RoomInfo:
    return RoomInfo(room, room.title(), last)


def direct(last: int = 0) -> RoomInfo:
    return RoomInfo(DIRECT, "", last, direct=[Person(ME, "it4"), Person(BOB, "Bob")])


def line(line_id: int, body: str = "hi", user: UserId = BOB, room: RoomId = GENERAL, kind: str = "") -> Line:
    return Line(line_id, 0, room, user, user, kind=kind, body=body)


def rooms(*infos: RoomInfo) -> Rooms:
    made = Rooms(ME, "it4")
    for one in infos:
        made.open(one)
    return made


def test_conversations_stand_behind_rooms_in_the_order_of_opening() -> None:
    made = rooms(info(GENERAL), direct(), info(DEV))
    assert [(view.name, view.direct) for view in made.views()] == [
        ("General", False),
        ("Dev", False),
        ("Bob", True),
    ]


def test_unread_are_the_messages_of_others_behind_the_marker() -> None:
    made = rooms(info(GENERAL, 10))
    made.arrived(line(11))
    made.arrived(line(12, user=ME))
    made.arrived(line(13, kind=LineKind.EDIT))
    made.arrived(line(14, "@it4 ready?"))
    view = made.view(GENERAL)
    assert view is not None
    assert (view.last, view.read, view.unread, view.mentions) == (14, 10, 2, 1)
    assert made.mark_read(GENERAL, 13)
    assert not made.mark_read(GENERAL, 13)
    view = made.view(GENERAL)
    assert view is not None
    assert (view.unread, view.mentions) == (1, 1)


def test_a_kept_marker_says_what_came_meanwhile() -> None:
    made = Rooms(ME, "it4")
    made.open(info(GENERAL, 50), read=40)
    view = made.view(GENERAL)
    assert view is not None
    assert view.unread == 10


def test_a_page_tells_what_the_lines_that_were_missed_are() -> None:
    made = Rooms(ME, "it4")
    made.open(info(GENERAL, 13), read=10)
    for one in (line(12, user=ME), line(11, "it4: there?"), line(12, user=ME)):
        assert not made.arrived(one)
    view = made.view(GENERAL)
    assert view is not None
    assert (view.unread, view.mentions) == (2, 1)


def test_only_news_that_mean_oneself_ring() -> None:
    made = rooms(info(GENERAL, 1), direct())
    assert made.arrived(line(2, "@it4"))
    assert not made.arrived(line(2, "@it4"))
    assert not made.arrived(line(3, "it4 says", user=ME))
    assert made.arrived(line(1, "no nick", room=DIRECT))
    assert not made.arrived(line(1, "@it4", room=RoomId("elsewhere")))


def test_everything_in_a_conversation_of_two_means_oneself() -> None:
    made = rooms(direct())
    made.arrived(line(1, room=DIRECT))
    made.arrived(line(2, room=DIRECT))
    view = made.view(DIRECT)
    assert view is not None
    assert view.mentions == 2


def test_a_topic_changes_with_its_line() -> None:
    made = rooms(info(GENERAL))
    made.arrived(line(1, "Release talk", kind=LineKind.TOPIC))
    view = made.view(GENERAL)
    assert view is not None
    assert view.topic == "Release talk"


def test_closing_the_current_room_goes_to_a_neighbour() -> None:
    made = rooms(info(GENERAL), info(DEV), direct())
    made.current = DEV
    went_to = []
    for room in (DEV, GENERAL, DIRECT):
        made.close(room)
        went_to.append(made.current)
    assert went_to == [GENERAL, DIRECT, None]
    assert made.views() == ()


def test_one_can_walk_around_the_rooms() -> None:
    made = rooms(info(GENERAL), info(DEV), direct())
    assert made.next() == GENERAL
    made.current = GENERAL
    assert (made.next(), made.next(-1)) == (DEV, DIRECT)
    made.current = RoomId("elsewhere")
    assert made.current == GENERAL
    assert Rooms(ME, "it4").next() is None


def test_a_room_is_found_by_what_people_see() -> None:
    made = rooms(info(GENERAL), direct())
    assert made.by_name("GENERAL") == GENERAL
    assert made.by_name("bob") == DIRECT
    assert made.by_name("nobody") is None


def test_another_past_is_unread_from_its_last_common_line() -> None:
    made = rooms(info(GENERAL, 10))
    made.arrived(line(11, "@it4"))
    made.reset(GENERAL, 5)
    view = made.view(GENERAL)
    assert view is not None
    assert (view.last, view.read, view.unread, view.mentions) == (5, 5, 0, 0)
    made.extend_to(GENERAL, 8)
    view = made.view(GENERAL)
    assert view is not None
    assert view.unread == 3


lines = st.lists(st.tuples(st.integers(1, 40), st.booleans(), st.booleans()), max_size=60)


@given(lines=lines, read=st.integers(0, 50))
def test_unread_is_what_counting_says(lines: list[tuple[int, bool, bool]], read: int) -> None:
    made = Rooms(ME, "it4")
    made.open(info(GENERAL), read=0)
    known: dict[int, tuple[bool, bool]] = {}
    for line_id, own, meant in lines:
        own, meant = known.setdefault(line_id, (own, meant))
        made.arrived(line(line_id, "@it4" if meant else "hi", ME if own else BOB))
    made.mark_read(GENERAL, read)
    view = made.view(GENERAL)
    assert view is not None
    behind = range(min(read, view.last) + 1, view.last + 1)
    assert view.unread == sum(1 for at in behind if not known.get(at, (False, False))[0])
    assert view.mentions == sum(1 for at in behind if known.get(at) == (False, True))


def test_a_conversation_with_a_guest_says_so() -> None:
    guest = Person(BOB, "Bob", guest=True)
    made = rooms(RoomInfo(DIRECT, "", 0, direct=[Person(ME, "it4"), guest]))
    assert [view.name for view in made.views()] == ["~Bob"]
    assert made.by_name("bob") == made.by_name("~Bob") == DIRECT
    assert made.by_name("~~bob") is None
