"""What a run has found, as it is written to benchmarks/results/, and the medians of it."""

import statistics
from collections import Counter
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.load.talk import Outcome

RESULTS: Final = Path(__file__).parents[1] / "results"
QUIET: Final = RESULTS / "quiet.json"
"""The run that docs/performance.md shows; there is none until a machine was quiet."""
CHATROOM: Final = "chatroom"
NAIVE: Final = "naive"
ROUGH_CPU_S: Final = 0.2
"""What rests on less CPU time is rough: it is counted in steps of 10 ms."""


class Talk(msgspec.Struct, frozen=True):
    """One talk in one server.

    Attributes:
        case: Which case, in its own word.
        title: What was done, for people.
    """

    case: str
    title: str
    server: str
    outcome: Outcome

    @property
    def per_second(self) -> float:
        """Deliveries a second."""
        return self.outcome.deliveries / self.outcome.seconds

    @property
    def per_cpu_second(self) -> float:
        """Deliveries for each second of the server's CPU; 0 where it used less than can be seen."""
        return self.outcome.deliveries / self.outcome.server_cpu_s if self.outcome.server_cpu_s else 0.0


class Figure(msgspec.Struct, frozen=True):
    """One number that is not of a talk.

    Attributes:
        cpu_s: The CPU time that it was computed from, if it was.
    """

    case: str
    what: str
    value: float
    unit: str
    server: str = CHATROOM
    cpu_s: float | msgspec.UnsetType = msgspec.UNSET

    @property
    def is_rough(self) -> bool:
        """It rests on so few steps of CPU time that another run may well differ."""
        return self.cpu_s is not msgspec.UNSET and self.cpu_s < ROUGH_CPU_S


class Machine(msgspec.Struct, frozen=True):
    """Where it was measured.

    Attributes:
        sync_ms: What the disk takes for one small write and fdatasync; the median of some.
        load: The load average of a minute when the run began.
    """

    system: str
    processor: str
    cores: int
    python: str
    disk: str
    sync_ms: float
    load: float


class Report(msgspec.Struct):
    """A whole run.

    Attributes:
        at: When, UTC.
        notes: What the machine did not allow.
        faults: What was wrong: messages that were lost, or came twice or out of order; findings of `verify`.
    """

    at: str
    version: str
    machine: Machine
    seconds: float
    repeat: int
    talks: list[Talk] = []
    figures: list[Figure] = []
    notes: list[str] = []
    faults: list[str] = []


class Row(msgspec.Struct, frozen=True):
    """The medians of one case and server over all turns."""

    case: str
    title: str
    server: str
    per_second: float
    per_cpu_second: float
    server_cpu_s: float
    p50_ms: float
    p99_ms: float
    bytes_per_delivery: float
    lost: int
    generator_share: float
    others_share: float
    checked: bool

    @property
    def is_rough(self) -> bool:
        """What it says of CPU rests on so few steps that another run may well differ."""
        return self.server_cpu_s < ROUGH_CPU_S


def rows(talks: list[Talk]) -> list[Row]:
    """One for each case and server, in the order in which they were first done."""
    grouped: dict[tuple[str, str], list[Talk]] = {}
    for talk in talks:
        grouped.setdefault((talk.case, talk.server), []).append(talk)
    return [_row(group) for group in grouped.values()]


def _row(talks: list[Talk]) -> Row:
    def median(name: str) -> float:
        return float(statistics.median(getattr(talk.outcome, name) for talk in talks))

    return Row(
        case=talks[0].case,
        title=talks[0].title,
        server=talks[0].server,
        per_second=statistics.median(talk.per_second for talk in talks),
        per_cpu_second=statistics.median(talk.per_cpu_second for talk in talks),
        server_cpu_s=median("server_cpu_s"),
        p50_ms=median("p50_ms"),
        p99_ms=median("p99_ms"),
        bytes_per_delivery=median("bytes_per_delivery"),
        lost=sum(talk.outcome.lost for talk in talks),
        generator_share=median("generator_share"),
        others_share=median("others_share"),
        checked=all(talk.outcome.checked for talk in talks),
    )


def merged(figures: list[Figure]) -> list[Figure]:
    """The median of the figures that say the same."""
    grouped: dict[tuple[str, str, str], list[Figure]] = {}
    for figure in figures:
        grouped.setdefault((figure.case, figure.what, figure.server), []).append(figure)
    return [_middle(group) for group in grouped.values()]


def _middle(group: list[Figure]) -> Figure:
    cpu = [each.cpu_s for each in group if each.cpu_s is not msgspec.UNSET]
    return msgspec.structs.replace(
        group[0],
        value=statistics.median(each.value for each in group),
        cpu_s=statistics.median(cpu) if cpu else msgspec.UNSET,
    )


def yardstick(row: Row, others: list[Row]) -> Row | None:
    """What the naive server did in the same case, if its CPU time was seen."""
    for other in others:
        if (other.case, other.server) == (row.case, NAIVE) and other.per_cpu_second and row.server != NAIVE:
            return other
    return None


def multiple(row: Row, others: list[Row]) -> float | None:
    """How many times as much the row's server delivers for a second of its CPU as the naive one."""
    other = yardstick(row, others)
    return None if other is None else row.per_cpu_second / other.per_cpu_second


def turns(report: Report) -> dict[str, int]:
    """How often each case was done, in the order in which they were first done."""
    counts = Counter((talk.case, talk.title, talk.server) for talk in report.talks)
    counts.update((figure.case, figure.what, figure.server) for figure in report.figures)
    found: dict[str, int] = {}
    for (case, *_), count in counts.items():
        found[case] = max(count, found.get(case, 0))
    return found


def read(path: Path) -> Report:
    """Read a run.

    Raises:
        OSError: There is none.
        msgspec.ValidationError: It is none.
    """
    return msgspec.json.decode(path.read_bytes(), type=Report)


def try_path(path: Path) -> None:
    """See whether a file can be written there, before the work for it is done.

    Raises:
        OSError: It cannot.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    was_there = path.exists()
    with path.open("ab"):
        pass
    if not was_there:
        path.unlink()


def write(report: Report, path: Path) -> None:
    """Write a run, one value a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")
