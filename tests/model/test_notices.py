"""Notices: joined where they say the same, and never too many."""

from chatroom.model.notices import NOTICES_MAX, PEOPLE_MAX, TOGETHER_MS, Notice, Notices
from chatroom.protocol.frames import Person, PresenceEvent
from chatroom.protocol.ids import UserId


def came(name: str, at: int = 0, event: PresenceEvent = PresenceEvent.JOINED) -> Notice:
    return Notice(at, event=event, people=(Person(UserId(name), name),))


def names(notices: Notices, after: int) -> list[list[str]]:
    return [[person.nick for person in notice.people] for notice in notices.after(after)]


def test_people_who_come_together_are_one_notice() -> None:
    notices = Notices()
    for name in ("dave", "eve", "dave", "zoe"):
        notices.add(7, came(name))
    assert names(notices, 7) == [["dave", "eve", "zoe"]]


def test_what_differs_stays_apart() -> None:
    notices = Notices()
    notices.add(7, came("dave"))
    notices.add(7, came("eve", event=PresenceEvent.GONE))
    notices.add(7, came("zoe", at=TOGETHER_MS + 1, event=PresenceEvent.GONE))
    notices.add(8, came("al", event=PresenceEvent.GONE))
    notices.add(8, Notice(0, "a text"))
    notices.add(8, Notice(0, "a text"))
    assert names(notices, 7) == [["dave"], ["eve"], ["zoe"]]
    assert names(notices, 8) == [["al"], [], []]


def test_new_nicks_are_never_joined() -> None:
    notices = Notices()
    notices.add(1, came("a", event=PresenceEvent.RENAMED))
    notices.add(1, came("b", event=PresenceEvent.RENAMED))
    assert len(notices.after(1)) == 2


def test_the_oldest_go_first() -> None:
    notices = Notices()
    for at in range(NOTICES_MAX + 5):
        notices.add(at // 2, Notice(at, "x"))
    assert notices.after(0) == notices.after(1) == ()
    assert [notice.at for notice in notices.after(2)] == [5]
    assert sum(len(notices.after(at)) for at in range(NOTICES_MAX)) == NOTICES_MAX


def test_a_notice_names_a_bounded_number_of_people() -> None:
    notices = Notices()
    for number in range(PEOPLE_MAX + 10):
        notices.add(1, came(f"p{number}"))
    assert len(names(notices, 1)[0]) == PEOPLE_MAX


def test_notices_behind_a_lost_line_go_with_it() -> None:
    notices = Notices()
    for at in (1, 5, 9):
        notices.add(at, Notice(at, "x"))
    notices.forget_after(5)
    assert [len(notices.after(at)) for at in (1, 5, 9)] == [1, 1, 0]
    notices.clear()
    assert notices.after(1) == ()
