"""Cases of the full screen, which the benchmarks of their own do; here only their figures are taken."""

import statistics
from typing import Final

from benchmarks import bench_first_paint, bench_message_log, bench_million, bench_typing
from benchmarks.suite.results import Figure
from benchmarks.suite.run import Run

_PAINTS: Final = 10
_TYPED_KEYS: Final = 200
_TYPED_RATE: Final = 1_000
_TYPED_EVERY_S: Final = 0.05
_LOG_S: Final = 2.0


def paint(case: str, run: Run) -> None:
    """The first frame of the full screen beside that of a bare Textual app."""
    bare, ours = bench_first_paint.measure(run.folder(), _PAINTS)
    medians = []
    for what, starts, place in (
        ("a bare app's first frame", bare, 0),
        ("the first frame", ours, 0),
        ("a letter on it", ours, 1),
        ("online", ours, 2),
    ):
        medians.append(statistics.median(start[place] for start in starts))
        run.add(Figure(case, what, medians[-1] * 1000, "ms"))
    run.add(Figure(case, "the first frame, by that of a bare app", medians[1] / medians[0], "times"))


def million(case: str, run: Run) -> None:
    """Reading in a room of a million messages, beside one of a thousand."""
    small, large = (
        bench_million.measure(run.folder() / "room", messages)
        for messages in (bench_million.SMALL_ROOM, 1_000_000)
    )
    for what, ours, theirs in (
        ("start of the server", large[0], small[0]),
        ("open the room", [large[1].opened], [small[1].opened]),
        ("jump to the first", large[1].top, small[1].top),
        ("jump to the last", large[1].bottom, small[1].bottom),
        ("jump in between", large[1].middle, small[1].middle),
        ("a screen back", large[1].page_up, small[1].page_up),
    ):
        median = statistics.median(ours)
        run.add(Figure(case, f"{what}, 1,000,000 messages", median, "ms"))
        run.add(Figure(case, f"{what}, by that with 1,000", median / statistics.median(theirs), "times"))
    run.add(Figure(case, "growth of the client", large[1].grown_mb, "MB"))


def typing(case: str, run: Run) -> None:
    """A key to its paint while a burst pours into the room."""
    taken, arrived = bench_typing.measure(run.folder(), _TYPED_RATE, _TYPED_KEYS, _TYPED_EVERY_S)
    ordered = sorted(seconds * 1000 for seconds in taken)
    run.add(Figure(case, "messages on the screen", arrived, "a second"))
    run.add(Figure(case, "a key to its paint: median", statistics.median(ordered), "ms"))
    run.add(Figure(case, "a key to its paint: p99", ordered[len(ordered) * 99 // 100], "ms"))


def scroll(case: str, run: Run) -> None:
    """The message log alone: frames, and ten thousand arrivals a second."""
    result = bench_message_log.measure(1_000_000, _LOG_S)
    run.add(Figure(case, "a whole frame", statistics.median(result.frame), "ms"))
    run.add(Figure(case, "a screen back", statistics.median(result.page_up), "ms"))
    run.add(Figure(case, "a jump to an end", statistics.median(result.jump), "ms"))
    busy = sum(result.batch) / (len(result.batch) * bench_message_log.GATHER_S * 1000)
    run.add(
        Figure(case, f"of a core for {bench_message_log.RATE_PER_S:,} arrivals a second", busy * 100, "%")
    )
    run.add(Figure(case, "memory above the start", result.memory_mb, "MB"))
