"""When a room's rounds wait: only where that brings messages together."""

from chatroom_server.shell.pace import ROUND_S, Pace


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
