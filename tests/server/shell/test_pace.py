"""When messages wait: only where that brings them together."""

import itertools
from collections.abc import Callable

import pytest

from chatroom.protocol.ids import RoomId
from chatroom_server.core.ports import Draft
from chatroom_server.shell.pace import ROUND_S, Appender, Pace


class Room:
    """Plays messages to a pace, and counts rounds."""

    def __init__(self, links: int) -> None:
        self.links = links
        self.pace = Pace(0.0)
        self.now = 0.0
        self.waiting = 0
        self.due = 0.0
        self.rounds = 0
        self.slowest = 0.0

    def until(self, when: float) -> None:
        if self.waiting and self.due <= when:
            self.pace.take(self.due, self.waiting, waited=True)
            self.rounds, self.waiting = self.rounds + 1, 0
        self.now = when

    def say(self) -> float:
        """A message comes; returns when it goes out at the latest."""
        if self.waiting:
            self.waiting += 1
            return self.due
        wait_s = self.pace.wait_s(self.now, self.links)
        self.slowest = max(self.slowest, wait_s)
        if wait_s:
            self.waiting, self.due = 1, self.now + wait_s
            return self.due
        self.pace.take(self.now, 1, waited=False)
        self.rounds += 1
        return self.now


def stream(links: int, rate: int, seconds: int = 5) -> Room:
    """A room with an even stream of messages."""
    room = Room(links)
    for number in range(rate * seconds):
        room.until(number / rate)
        room.say()
    return room


def test_a_stream_to_many_is_gathered() -> None:
    room = stream(100, 1000)
    assert room.rounds < 1000
    assert room.slowest <= ROUND_S


def test_a_quiet_room_never_waits() -> None:
    for links, rate in ((100, 100), (10, 1000), (1000, 20)):
        assert stream(links, rate).rounds == rate * 5


def test_people_who_wait_for_each_other_are_soon_left_alone() -> None:
    room = Room(100)
    count = 0
    while room.now < 5.0:
        room.until(max(room.now, room.say()))  # the next message comes when this one has arrived
        room.until(room.now + 0.0006)
        count += 1
    assert count > 0.97 * 5.0 / 0.0006


def test_rounds_that_are_full_already_do_not_wait() -> None:
    pace, now = Pace(0.0), 0.0
    for _ in range(2000):
        now += 0.002
        assert pace.wait_s(now, 100) == 0.0
        pace.take(now, 32, waited=False)


class Machine:
    """A clock, and a log that answers after a time, or at once.

    Args:
        answers_after_s: How long its disk takes.
    """

    def __init__(self, answers_after_s: float = 0.0) -> None:
        self.now = 0.0
        self.answers_after_s = answers_after_s
        self.timers: list[tuple[float, Callable[[], None]]] = []
        self.rounds: list[list[bytes]] = []
        self.begun: list[float] = []
        self.waiting: list[Draft] = []
        self.pauses: list[tuple[float, float]] = []
        self.is_busy = False
        self.appender = Appender(self, self, self.pause)  # type: ignore[arg-type]  # as much of a log as it uses

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> None:
        self.timers.append((when, callback))

    def call_soon(self, callback: Callable[..., None], *args: object) -> None:
        callback(*args)

    def pause(self, seconds: float) -> None:
        """Notes from when to when."""
        assert not self.is_busy
        self.pauses.append((self.now, self.now + seconds))

    def append(self, drafts: list[Draft]) -> None:
        self.waiting += drafts
        if not self.is_busy:
            self.begin()

    def begin(self) -> None:
        self.is_busy = True
        drafts, self.waiting = self.waiting, []
        self.begun.append(self.now)
        if self.answers_after_s:
            self.call_at(self.now + self.answers_after_s, lambda: self.end(drafts))
        else:
            self.end(drafts)

    def end(self, drafts: list[Draft]) -> None:
        self.rounds.append([draft.rest for draft in drafts])
        self.is_busy = False
        self.appender.stored(len(drafts), 100 * len(drafts))
        if self.waiting:
            self.begin()

    def sleep_until(self, when: float) -> None:
        while due := [timer for timer in self.timers if timer[0] <= when]:
            first = min(due, key=lambda timer: timer[0])
            self.timers.remove(first)
            self.now = first[0]
            first[1]()
        self.now = when

    def play(self, rate: int, messages: int = 2000) -> None:
        """An even stream of so many a second, and all of it stored."""
        for number in range(messages):
            self.sleep_until(number / rate)
            self.appender.append([Draft(RoomId("general"), b"%d" % number)])
        self.sleep_until(self.now + 1.0)


@pytest.mark.parametrize("disk_s", [0.0, 0.0005, 0.004, 0.030])
def test_a_stream_is_stored_in_rounds_and_in_order(disk_s: float) -> None:
    machine = Machine(disk_s)
    machine.play(rate=1000)
    assert [int(rest) for drafts in machine.rounds for rest in drafts] == list(range(2000))
    assert len(machine.rounds) < 600
    assert max(map(len, machine.rounds)) <= 12 + 1000 * disk_s


def test_the_loop_pauses_until_the_round_while_messages_are_held_back() -> None:
    machine = Machine()
    machine.play(rate=1000)
    gathered = [drafts for drafts in machine.rounds if len(drafts) > 1]
    assert len(machine.pauses) >= len(gathered) > 100
    assert all(0.0 < until - since < ROUND_S + 1e-9 for since, until in machine.pauses)


def test_the_loop_pauses_beside_a_disk_too_but_never_while_an_outcome_is_to_come() -> None:
    machine = Machine(0.0005)
    machine.play(rate=1000)
    assert len(machine.pauses) > 50


def test_the_loop_never_pauses_in_a_quiet_room() -> None:
    machine = Machine()
    machine.play(rate=100, messages=200)
    assert machine.pauses == []


def test_what_comes_while_a_gathered_round_is_on_its_way_waits_for_the_next() -> None:
    """Else each gathered round would have a small one behind it."""
    machine = Machine(0.002)
    machine.play(rate=1000)
    late = [later - earlier for earlier, later in itertools.pairwise(machine.begun[100:])]
    assert sum(gap > 0.9 * ROUND_S for gap in late) > 0.9 * len(late)
