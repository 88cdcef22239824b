"""Every line of a room once and in order, from the tail or from pages."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.protocol.frames import Line
from chatroom.protocol.ids import RoomId, UserId
from chatroom_server.gateways.text.reading import KEPT_MAX, Reading


def line(id_: int) -> Line:
    return Line(id_, 0, RoomId("general"), UserId("u"), "zoé")


def ids(lines: list[Line]) -> list[int]:
    return [line.id for line in lines]


@dataclass
class Room:
    """A room, its tail, and one link that reads it.

    Attributes:
        last: The number of its newest line.
        tail: What was put into the tail and not brought to the link yet; a negative number is a gap up to it.
        pages: Pages that were read and not brought yet: the lines, and the last number at that time.
    """

    reading: Reading
    last: int
    tail: list[int] = field(default_factory=list)
    pages: list[tuple[list[Line], int]] = field(default_factory=list)
    shown: list[int] = field(default_factory=list)

    def say(self, count: int) -> None:
        self.tail += range(self.last + 1, self.last + count + 1)
        self.last += count

    def lose(self, count: int) -> None:
        """So many lines come, and all that waits in the tail is lost: the link is told of a gap."""
        self.last += count
        if self.last:
            self.tail = [-self.last]

    def bring(self, count: int) -> None:
        """Bring what waits in the tail."""
        while self.tail and count > 0:
            count -= 1
            id_ = self.tail.pop(0)
            if id_ < 0:
                self.reading.fall_behind(-id_)
            else:
                self.shown += ids(self.reading.take(line(id_)))
            self.ask()

    def ask(self) -> None:
        self.reading.is_asked = self.reading.is_asked or self.reading.wants_page
        assert not self.reading.wants_page

    def read_page(self, limit: int) -> None:
        """Read the page that was asked for from the disk."""
        if self.reading.is_asked and not self.pages:
            after = self.reading.shown
            lines = [line(id_) for id_ in range(after + 1, min(after + limit, self.last) + 1)]
            self.pages.append((lines, self.last))

    def bring_page(self) -> None:
        if self.pages:
            self.shown += ids(self.reading.take_page(*self.pages.pop()))
            self.ask()


COUNTS = st.one_of(st.integers(1, 9), st.integers(1, KEPT_MAX + 20))
STEPS = st.one_of(
    st.tuples(st.just("say"), COUNTS),
    st.tuples(st.just("lose"), st.integers(0, 9)),
    st.tuples(st.just("bring"), COUNTS),
    st.tuples(st.just("read"), st.integers(1, 300)),
    st.tuples(st.just("page"), st.just(0)),
)


@given(st.integers(0, 40), st.integers(0, 40), st.lists(STEPS, max_size=20), st.integers(1, 300))
def test_every_line_is_shown_once_and_in_order_and_it_ends(
    start: int, history: int, steps: list[tuple[str, int]], limit: int
) -> None:
    first = max(0, start - history)
    room = Room(Reading(first, start), start)
    room.ask()
    for step, count in steps:
        match step:
            case "say":
                room.say(count)
            case "lose":
                room.lose(count)
            case "bring":
                room.bring(count)
            case "read":
                room.read_page(count)
            case _:
                room.bring_page()
        assert room.shown == list(range(first + 1, first + 1 + len(room.shown)))
    room.bring(len(room.tail))
    for _page in range(room.last + 2):
        if not room.reading.is_asked:
            break
        room.read_page(limit)
        room.bring_page()
    assert not room.reading.is_asked
    assert room.shown == list(range(first + 1, room.last + 1))
    assert room.reading.shown == room.last


def test_a_line_that_was_shown_is_not_shown_again() -> None:
    reading = Reading(5, 5)
    assert not reading.wants_page
    assert ids(reading.take(line(5))) == []
    assert ids(reading.take(line(6))) == [6]
    assert ids(reading.take(line(6))) == []


def test_what_comes_behind_the_page_is_shown_behind_it() -> None:
    reading = Reading(0, 2)
    reading.is_asked = reading.wants_page
    assert ids(reading.take(line(3))) == ids(reading.take(line(4))) == []
    assert ids(reading.take_page([line(1), line(2), line(3)], 3)) == [1, 2, 3, 4]
    assert not reading.wants_page
    assert ids(reading.take(line(5))) == [5]


def test_no_more_than_a_few_lines_wait_behind_a_page() -> None:
    reading = Reading(0, 1)
    reading.is_asked = True
    for id_ in range(2, 10 * KEPT_MAX):
        assert reading.take(line(id_)) == []
    assert ids(reading.take_page([line(1)], 1)) == [1]
    assert reading.wants_page


def test_a_gap_that_is_told_while_an_older_page_is_on_its_way_is_filled() -> None:
    reading = Reading(0, 2)
    reading.is_asked = True
    reading.fall_behind(4)
    assert ids(reading.take_page([line(1), line(2)], 2)) == [1, 2]
    assert reading.wants_page


@pytest.mark.parametrize("last", [0, 3, 9])
def test_a_page_that_could_not_be_read_is_not_asked_for_for_ever(last: int) -> None:
    reading = Reading(3, 9)
    reading.is_asked = True
    assert reading.take_page([], last) == []
    assert not reading.wants_page
    assert ids(reading.take(line(10))) == [10]


def test_behind_a_hole_that_cannot_be_filled_the_lines_that_wait_are_shown() -> None:
    reading = Reading(3, 9)
    reading.is_asked = True
    reading.take(line(10))
    reading.take(line(11))
    assert ids(reading.take_page([], 0)) == [10, 11]
    assert not reading.wants_page
