"""Cases of messages that are brought to members, beside the naive server."""

from dataclasses import dataclass
from typing import Final

from benchmarks.load.talk import Outcome
from benchmarks.suite.programs import Generator, make_server, naive, pid_of, running, verify
from benchmarks.suite.results import CHATROOM, NAIVE, Talk
from benchmarks.suite.run import Run


@dataclass(frozen=True, slots=True)
class Shape:
    """Who talks with whom, and how fast.

    Attributes:
        window: Messages of a room in flight at most.
        rate: Messages a second instead.
        fsync: Which kinds of storing are measured.
    """

    title: str
    rooms: int
    members: int
    window: int = 64
    rate: float = 0.0
    fsync: tuple[bool, ...] = (True,)
    checks: bool = False

    @property
    def links(self) -> int:
        """How many there are."""
        return self.rooms * self.members


SHAPES: Final = {
    "room10": Shape("1 x 10, 64 in flight", 1, 10),
    "room100": Shape("1 x 100, 64 in flight", 1, 100),
    "room1000": Shape("1 x 1,000, 64 in flight", 1, 1000),
    "single": Shape("1 x 100, 1 in flight", 1, 100, window=1),
    "rooms": Shape("100 x 10, 4 in flight", 100, 10, window=4),
    "paced100": Shape("100 a second to 100", 1, 100, rate=100, fsync=(True, False)),
    "paced1000": Shape("1,000 a second to 100", 1, 100, rate=1000, fsync=(True, False)),
    "check": Shape("1 x 100, 64 in flight, checked", 1, 100, checks=True),
}


def deliver(case: str, run: Run) -> None:
    """Measure one shape: with our server (without fsync as well where that is wanted), and the naive one."""
    shape = SHAPES[case]
    for fsync in shape.fsync:
        outcome = _in_chatroom(case, shape, run, fsync=fsync)
        title = shape.title if fsync else f"{shape.title}, no fsync"
        run.add_talk(Talk(case if fsync else f"{case}-nofsync", title, CHATROOM, outcome))
    if not shape.checks:
        run.add_talk(Talk(case, shape.title, NAIVE, _in_naive(shape, run)))


def _in_chatroom(case: str, shape: Shape, run: Run, *, fsync: bool) -> Outcome:
    storing = "yes" if fsync else "no"
    checks = shape.checks or run.checks
    server = make_server(run.folder(), "--fsync", storing, rooms=shape.rooms)
    with running(server), Generator(server.port) as generator:
        generator.ask("enter", rooms=shape.rooms, members=shape.members, checks=checks)
        outcome = _talk(generator, shape, run, pid_of(server.process))
    if checks:
        run.add_faults(case, verify(server))
    return outcome


def _in_naive(shape: Shape, run: Run) -> Outcome:
    with naive() as (port, pid), Generator(port, NAIVE) as generator:
        generator.ask("enter", rooms=shape.rooms, members=shape.members, checks=run.checks)
        return _talk(generator, shape, run, pid)


def _talk(generator: Generator, shape: Shape, run: Run, pid: int) -> Outcome:
    return generator.talk(window=shape.window, rate=shape.rate, seconds=run.seconds, pid=pid)
