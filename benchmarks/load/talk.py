"""Talks in the rooms of a crowd for a while, and tells what came of it."""

import hashlib
import time
from array import array
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from benchmarks.load.crowd import Crowd
from benchmarks.load.links import Link
from benchmarks.load.machine import busy_s, cpu_s
from benchmarks.load.wire import MARK, Said

TEXT: Final = b" the deploy is green and rolling out to the second half of the fleet"
DRAIN_S: Final = 20.0
_FAULTS_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be said.

    Attributes:
        window: Messages of a room in flight at most until its slowest member has them; without a rate.
        rate: Messages a second in each room, however long they take; 0: as the window allows.
        seconds: How long.
        warm_s: How long before that.
        messages: So many in each room, instead of `seconds`; 0: no such end.
        times_all: Take the times of all members, not of one in each room.
        pid: Of the server, to tell what it costs; 0: it is not asked.
    """

    window: int = 64
    rate: float = 0.0
    seconds: float = 2.0
    warm_s: float = 0.3
    messages: int = 0
    times_all: bool = False
    pid: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it; without the time of warming up, except for `lost` and `faults`.

    Attributes:
        messages: Those that were said in that time.
        deliveries: Those that came in it, also of what was on its way when it began.
        generator_share: How busy this process was, 1 for a whole core.
        others_share: The same for everything that is neither it nor the server.
        bytes_per_delivery: What a link got for each message.
        faults: Lines that were missing, came twice or out of order, where that is looked for.
    """

    seconds: float
    messages: int
    deliveries: int
    lost: int
    server_cpu_s: float
    generator_share: float
    others_share: float
    p50_ms: float
    p99_ms: float
    worst_ms: float
    bytes_per_delivery: float
    checked: bool
    faults: list[str]

    def to_json(self) -> dict[str, Any]:
        """For the one who started this process."""
        return asdict(self)


class Room:
    """What was said in a room, and how far its members are."""

    def __init__(self, links: list[Link], name: str) -> None:
        self.links, self.name = links, name
        self.sent = 0
        self.floor = 0
        self._had = [0] * len(links)
        self._first = links[0].number
        self._at = {0: len(links)}

    @property
    def in_flight(self) -> int:
        """Messages that the slowest member still waits for."""
        return self.sent - self.floor

    def heard(self, link: Link, count: int) -> None:
        """A member has so many more."""
        place, at = link.number - self._first, self._at
        before = self._had[place]
        self._had[place] = before + count
        at[before + count] = at.get(before + count, 0) + 1
        at[before] -= 1
        while not at.get(self.floor, 0):
            at.pop(self.floor, None)
            self.floor += 1

    def missing(self) -> int:
        """Deliveries that did not come."""
        return sum(abs(self.sent - had) for had in self._had)


class Checker:
    """Sees to it that each member gets each message once, and all of them in one order."""

    def __init__(self, rooms: list[list[Link]]) -> None:
        self.faults: list[str] = []
        self._last: dict[Link, tuple[int, int]] = {}
        self._digests = {link: hashlib.sha256() for room in rooms for link in room}

    def take(self, link: Link, line: Said) -> None:
        """A line came."""
        number = int(line.body[18:26], 16)
        line_id, before = self._last.get(link, (0, 0))
        if number != before + 1 or (line.id and line_id and line.id != line_id + 1):
            self._fault(f"{link.nick} got {line.id} ({number}) after {line_id} ({before}) in {line.room}")
        self._last[link] = (line.id, number)
        self._digests[link].update(f"{line.id} {line.room} {line.body}\n".encode())

    def finish(self, rooms: list[list[Link]]) -> list[str]:
        """Compare what the members of each room got."""
        for place, room in enumerate(rooms):
            if len({self._digests[link].digest() for link in room}) > 1:
                self._fault(f"the members of room {place} did not get the same")
        return self.faults

    def _fault(self, sentence: str) -> None:
        if len(self.faults) < _FAULTS_SHOWN:
            self.faults.append(sentence)


class Meter:
    """What was used since a moment."""

    def __init__(self, crowd: Crowd, pid: int) -> None:
        self._crowd, self._pid = crowd, pid
        self.began, self._cpu, self._own, self._busy = self._now()
        self.deliveries, self._received = self._counts()

    def _now(self) -> tuple[float, float, float, float]:
        server_s = cpu_s(self._pid) if self._pid else 0.0
        return time.monotonic(), server_s, time.process_time(), busy_s()

    def _counts(self) -> tuple[int, int]:
        links = self._crowd.links
        return sum(link.got for link in links), sum(link.received for link in links)

    def outcome(self, times: Sequence[int], rooms: list[Room], said: int, checker: Checker | None) -> Outcome:
        """Everything, as of now."""
        ended, cpu, own, busy = self._now()
        seconds, server_s, own_s = ended - self.began, cpu - self._cpu, own - self._own
        deliveries, received = self._counts()
        deliveries -= self.deliveries
        taken = sorted(times) or [0]
        return Outcome(
            seconds=seconds,
            messages=said,
            deliveries=deliveries,
            lost=sum(room.missing() for room in rooms),
            server_cpu_s=server_s,
            generator_share=own_s / seconds,
            others_share=max(0.0, busy - self._busy - server_s - own_s) / seconds,
            p50_ms=taken[len(taken) // 2] / 1e6,
            p99_ms=taken[len(taken) * 99 // 100] / 1e6,
            worst_ms=taken[-1] / 1e6,
            bytes_per_delivery=(received - self._received) / max(1, deliveries),
            checked=checker is not None,
            faults=checker.finish(self._crowd.rooms) if checker else [],
        )


class Talk:
    """One talk in all rooms of a crowd; the first member of each room speaks."""

    def __init__(self, crowd: Crowd, plan: Plan, names: list[str]) -> None:
        self._crowd, self._plan = crowd, plan
        self._rooms = [Room(links, name) for links, name in zip(crowd.rooms, names, strict=True)]
        self._hungry = set(self._rooms)
        self._times = array("q")
        self._device_n = time.time_ns() // 1_000_000
        checks = any(link.checks for link in crowd.links)
        self._checker = Checker(crowd.rooms) if checks else None
        crowd.on_heard = self._heard
        crowd.on_line = self._checker.take if self._checker else None
        everyone = plan.times_all or bool(plan.rate)
        crowd.timed = set(crowd.links) if everyone else {links[-1] for links in crowd.rooms}

    def run(self) -> Outcome:
        """Talk, and wait until everything has come, for a while at most."""
        meter, warm_said = Meter(self._crowd, self._plan.pid), 0
        if not self._plan.messages:
            self._until(meter.began + self._plan.warm_s)
            meter, warm_said = Meter(self._crowd, self._plan.pid), self._said()
            self._times = array("q")
        self._until(meter.began + (DRAIN_S if self._plan.messages else self._plan.seconds))
        patience = time.monotonic() + DRAIN_S
        while any(room.in_flight for room in self._rooms) and time.monotonic() < patience:
            self._crowd.turn(0.05)
        result = meter.outcome(self._times, self._rooms, self._said() - warm_said, self._checker)
        self._crowd.on_heard = self._crowd.on_line = None
        return result

    def _said(self) -> int:
        return sum(room.sent for room in self._rooms)

    def _until(self, end: float) -> None:
        began, already = time.monotonic(), [room.sent for room in self._rooms]
        while (now := time.monotonic()) < end:
            if self._plan.messages and self._said() >= self._plan.messages * len(self._rooms):
                return
            if self._plan.rate:
                self._say_due(began, now, already)
                pause = 1 / self._plan.rate - (time.monotonic() - began) % (1 / self._plan.rate)
            else:
                self._say_in_window()
                pause = 0.05
            self._crowd.turn(max(0.0, min(pause, end - now)))

    def _say_due(self, began: float, now: float, already: list[int]) -> None:
        """Say what is due by now; its time counts from when it was due."""
        due = int((now - began) * self._plan.rate)
        if self._plan.messages:
            due = min(due, self._plan.messages)
        for room, before in zip(self._rooms, already, strict=True):
            said = room.sent - before
            stamps = [int((began + (said + n) / self._plan.rate) * 1e9) for n in range(1, due - said + 1)]
            self._say(room, stamps)

    def _say_in_window(self) -> None:
        """Fill the windows of rooms in which something was heard."""
        for room in self._hungry:
            count = self._plan.window - room.in_flight
            if self._plan.messages:
                count = min(count, self._plan.messages - room.sent)
            self._say(room, [time.monotonic_ns()] * count)
        self._hungry.clear()

    def _say(self, room: Room, stamps: list[int]) -> None:
        frames = []
        for stamp in stamps:
            room.sent += 1
            body = b"%b%016x%08x%b" % (MARK, stamp, room.sent, TEXT)
            frames.append(self._crowd.dialect.say(room.name, self._device_n + room.sent, body))
        if frames:
            self._crowd.send(room.links[0], b"".join(frames))

    def _heard(self, link: Link, count: int, stamps: list[bytes]) -> None:
        room = self._rooms[link.room]
        room.heard(link, count)
        self._hungry.add(room)
        if stamps:
            now = time.monotonic_ns()
            self._times.extend(now - int(stamp, 16) for stamp in stamps)
