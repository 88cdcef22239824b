"""When messages wait: only where that brings them together."""

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
    """A clock and a log in one, that store at once what they are given."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[tuple[float, Callable[[], None]]] = []
        self.rounds: list[list[bytes]] = []
        self.rests: list[tuple[float, float]] = []
        self.is_busy = False
        self.appender = Appender(self, self, self.rest)  # type: ignore[arg-type]  # as much of a log as it uses

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> None:
        self.timers.append((when, callback))

    def call_soon(self, callback: Callable[..., None], *args: object) -> None:
        callback(*args)

    def rest(self, seconds: float) -> None:
        """Notes from when to when."""
        self.rests.append((self.now, self.now + seconds))

    def append(self, drafts: list[Draft]) -> None:
        self.rounds.append([draft.rest for draft in drafts])
        self.appender.stored(len(drafts), 100 * len(drafts))

    def sleep_until(self, when: float) -> None:
        due = sorted(timer for timer in self.timers if timer[0] <= when)
        self.timers = [timer for timer in self.timers if timer[0] > when]
        for at, callback in due:
            self.now = at
            callback()
        self.now = when


def test_a_stream_is_stored_in_rounds_and_in_order() -> None:
    machine = Machine()
    for number in range(2000):
        machine.sleep_until(number / 1000)
        machine.appender.append([Draft(RoomId("general"), b"%d" % number)])
    machine.appender.release()
    assert [int(rest) for drafts in machine.rounds for rest in drafts] == list(range(2000))
    assert len(machine.rounds) < 600
    assert max(map(len, machine.rounds)) <= 12


def play(machine: Machine, messages: int = 2000) -> None:
    """An even stream of a thousand a second."""
    for number in range(messages):
        machine.sleep_until(number / 1000)
        machine.appender.append([Draft(RoomId("general"), b"%d" % number)])


def test_the_loop_rests_until_the_round_while_messages_are_held_back() -> None:
    machine = Machine()
    play(machine)
    gathered = [drafts for drafts in machine.rounds if len(drafts) > 1]
    assert len(machine.rests) >= len(gathered) > 100
    assert all(0.0 < until - since < ROUND_S + 1e-9 for since, until in machine.rests)


def test_the_loop_never_rests_while_an_outcome_is_to_come() -> None:
    machine = Machine()
    machine.is_busy = True
    play(machine)
    assert any(len(drafts) > 1 for drafts in machine.rounds)
    assert machine.rests == []


def test_the_loop_never_rests_in_a_quiet_room() -> None:
    machine = Machine()
    for number in range(200):
        machine.sleep_until(number / 100)
        machine.appender.append([Draft(RoomId("general"), b"%d" % number)])
    assert machine.rests == []


def test_a_round_comes_ten_milliseconds_behind_the_last_even_when_the_disk_is_slow() -> None:
    pace = Pace(0.0)
    for number in range(200):
        pace.take(number / 1000, 1, waited=False)
    pace.begin(0.2)
    assert pace.wait_s(0.204, 100) == pytest.approx(0.006)
