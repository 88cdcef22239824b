"""What the message log costs over a million messages: memory, frames, jumps, arrivals.

    python -m benchmarks.bench_message_log [--messages N] [--seconds S]

History comes out of a synthetic server, page by page, as it would over a link. Goals: a whole-screen frame in
6 ms at 120x36, at most 60 MB above the bare app, and less than twice the time that 1,000 messages take.
"""

import argparse
import asyncio
import gc
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
from textual.app import App, ComposeResult
from textual.geometry import Region

from chatroom.common.texts import Texts
from chatroom.model.timeline import Timeline
from chatroom.protocol.ids import RoomId, UserId
from chatroom.tui.widgets.log_words import LogWords
from chatroom.tui.widgets.message_log import MessageLog

SIZE: Final = (120, 36)
FRAMES: Final = 200
RATE_PER_S: Final = 10_000
GATHER_S: Final = 0.05
START_MS: Final = 1_700_000_000_000
_TEXT: Final = "the deploy is green and rolling out to the second half of the fleet, who owns this test? "
_WORDS: Final = _TEXT.split()


def line(line_id: int) -> bytes:
    """A message as the server would send it; texts of 5 to 44 words, seven authors."""
    body = " ".join(_WORDS[(line_id + at) % len(_WORDS)] for at in range(5 + line_id * 7 % 40))
    author = line_id // 3 % 7
    return (
        b'{"id":%d,"at":%d,"room":"general","user":"user%d","nick":"nick%d","color":"#e06c75","dev":"a1",'
        b'"n":%d,"body":"%b"}'
    ) % (line_id, START_MS + line_id * 20_000, author, author, line_id, body.encode())


class LogApp(App[None]):
    """A log that gets the pages it asks for."""

    def __init__(self, last: int) -> None:
        super().__init__()
        words = LogWords(Texts(), _clock, _day, me=UserId("me"), nick="it4")
        self.timeline = Timeline(RoomId("general"), UserId("me"), last)
        self.log_view = MessageLog(words)
        self.log_view.timeline = self.timeline
        self.pages = 0

    def compose(self) -> ComposeResult:
        """The log alone."""
        yield self.log_view

    def on_message_log_lines_wanted(self, event: MessageLog.LinesWanted) -> None:
        """Answer at once, as a server in the same process would."""
        self.pages += 1
        self.timeline.fill(line(at) for at in range(event.first, event.last + 1))
        self.log_view.refresh_lines()


@dataclass(frozen=True, slots=True)
class Result:
    """One run's figures; times in milliseconds."""

    messages: int
    frame: list[float]
    page_up: list[float]
    jump: list[float]
    batch: list[float]
    arrived: int
    pages: int
    memory_mb: float
    resident_chunks: int


def _clock(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%H:%M")


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%a %d %b %Y")


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6


def _paint(log: MessageLog, move: Callable[[], None] | None = None) -> None:
    """Everything between a change and the bytes for the terminal, for the whole screen."""
    (move or log.refresh_lines)()
    log.refresh()
    for strip in log.render_lines(Region(0, 0, *log.size)):
        strip.render(log.app.console)


def _timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return (time.perf_counter() - start) * 1000


async def run(messages: int, seconds: float) -> Result:
    """Open a room of so many messages, read in it, and let more arrive."""
    before = _resident_mb()
    app = LogApp(messages)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        log = app.log_view

        def fresh_frame() -> None:
            log.words = replace(log.words)  # nothing that was drawn is kept
            _paint(log)

        frame = [_timed(fresh_frame) for _ in range(FRAMES)]
        page_up, jump = [], []
        for _ in range(FRAMES):
            page_up.append(_timed(lambda: _paint(log, log.page_up)))
            await pilot.pause(0)
        for at in range(20):
            log.show_line(max(1, messages * at // 20))
            await pilot.pause(0)
        for _ in range(20):
            jump.append(_timed(lambda: _paint(log, log.scroll_to_oldest)))
            await pilot.pause(0)
            jump.append(_timed(lambda: _paint(log, log.scroll_to_newest)))
            await pilot.pause(0)
        batch, arrived = _let_arrive(app, seconds)
        gc.collect()
        memory = _resident_mb() - before
        return Result(
            messages, frame, page_up, jump, batch, arrived, app.pages, memory, app.timeline.resident_chunks
        )


def _let_arrive(app: LogApp, seconds: float) -> tuple[list[float], int]:
    """Feed 10,000 messages a second in batches of 50 ms, drawing after each."""
    per_batch = int(RATE_PER_S * GATHER_S)
    times = []
    for _ in range(max(1, int(seconds / GATHER_S))):
        first = app.timeline.last + 1
        lines = [line(at) for at in range(first, first + per_batch)]

        def take(lines: list[bytes] = lines) -> None:
            for one in lines:
                app.timeline.append(one)
            _paint(app.log_view)

        times.append(_timed(take))
    return times, per_batch * len(times)


def _report(result: Result) -> None:
    print(
        f"{result.messages:>9,} messages: {result.pages} pages fetched, {result.resident_chunks} chunks kept"
    )
    for name in ("frame", "page_up", "jump", "batch"):
        times = sorted(getattr(result, name))
        worst = times[int(len(times) * 0.99)]
        print(
            f"  {name:<8} median {statistics.median(times):6.2f} ms   99 % {worst:6.2f} ms   ({len(times)})"
        )
    busy = sum(result.batch) / (len(result.batch) * GATHER_S * 1000)
    print(f"  {result.arrived:,} arrivals at {RATE_PER_S:,}/s: {busy:.0%} of one core")
    print(f"  memory   {result.memory_mb:6.1f} MB above the start")


def measure(messages: int, seconds: float) -> Result:
    """Measure in a process of its own, so that memory is this room's."""
    command = [sys.executable, "-m", "benchmarks.bench_message_log", "--one"]
    command += ["--messages", str(messages), "--seconds", str(seconds)]
    done = subprocess.run(command, check=True, capture_output=True)
    return msgspec.json.decode(done.stdout, type=Result)


def main() -> None:
    """Measure a small room, then a large one, and compare them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--one", action="store_true", help="measure once, and print JSON")
    options = parser.parse_args()
    if options.one:
        asyncio.run(run(100, 0.05))  # the caches of Textual and of the interpreter
        print(msgspec.json.encode(asyncio.run(run(options.messages, options.seconds))).decode())
        return
    small, large = (measure(count, options.seconds) for count in (1_000, options.messages))
    _report(small)
    _report(large)
    ratio = statistics.median(large.frame) / statistics.median(small.frame)
    print(f"ratio of a frame to that of 1,000 messages: {ratio:.2f}")


if __name__ == "__main__":
    main()
