"""How long the full screen takes to its first frame, against a Textual app with nothing of its own.

    python -m benchmarks.bench_first_paint [--times 20]

Both start in turns, in a pseudo-terminal, with byte code that is there already. The full screen has a profile
that knows the server, which runs, and a room: no question comes. A frame is drawn when a text of it has come;
one can type when a letter that was pressed at that moment stands on the screen.
Goal: the first frame after at most 1.15 times what the bare app takes.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.bare_app import MARK
from tests.e2e.terminal import PATIENCE_S, Terminal, client_command
from tests.e2e.world import Person, Server, environment

SIZE: Final = (120, 36)
BARE: Final = [sys.executable, "-m", "benchmarks.bare_app"]
FIRST_FRAME: Final = b"ROOMS"
"""Stands in the outline, which is the first frame, already."""
ONLINE: Final = "ONLINE — ".encode()
LETTER: Final = "ẋ"
"""Stands nowhere else; it is typed when the first frame is there."""


class Watched(Terminal):
    """A terminal that only looks for texts: drawing would take time from the program."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        self._began = time.perf_counter()
        super().__init__(command, env=env, columns=SIZE[0], rows=SIZE[1])

    def seconds_to(self, wanted: bytes) -> float:
        """Wait for a text; returns the seconds from the start of the program."""
        with self._lock:
            while self.raw.find(wanted) < 0:
                if not self._lock.wait(PATIENCE_S):
                    raise TimeoutError(f"{wanted!r} was never drawn")
            return time.perf_counter() - self._began

    def _feed(self, chunk: bytes) -> None:
        """Only keep it."""


def start(command: Sequence[str], env: Mapping[str, str], first: bytes, *later: bytes) -> list[float]:
    """Start a program once; returns the seconds to its first frame, to a letter on it, and to later texts."""
    with Watched(command, env) as terminal:
        seconds = [terminal.seconds_to(first)]
        terminal.type(LETTER)
        seconds += [terminal.seconds_to(text) for text in (LETTER.encode(), *later)]
        terminal.press("ctrl+q")
        terminal.wait_end()
        return seconds


def measure(folder: Path, times: int) -> tuple[list[list[float]], list[list[float]]]:
    """Returns what `start` measured: of the bare app, and of the full screen."""
    server = Server(folder).start()
    try:
        person = Person(folder / "somebody", server, "somebody")
        person.script("send", "general", "a first message")  # the server's key is known from now on
        command = client_command(
            "-a", "127.0.0.1", "-p", str(server.port), "--nick", "somebody", "--room", "general"
        )
        env = environment(person.home)
        bare, ours = [], []
        for _ in range(times + 1):
            bare.append(start(BARE, env, MARK.encode()))
            ours.append(start(command, env, FIRST_FRAME, ONLINE))
    finally:
        server.kill()
    return bare[1:], ours[1:]  # the first ones leave byte code behind


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description="Time the start of the full screen.")
    parser.add_argument("--times", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="chatroom-") as folder:
        bare, ours = measure(Path(folder), given.times)
    frame, typed = zip(*bare, strict=True)
    print(f"{given.times} starts of each in turns; milliseconds from the start of the program:")
    _say("a bare app's first frame", frame, frame)
    _say("a letter typed then", typed, typed)
    for name, taken, against in zip(
        ("the full screen's first frame", "a letter typed then", "online"),
        zip(*ours, strict=True),
        (frame, typed, typed),
        strict=True,
    ):
        _say(name, taken, against)


def _say(name: str, taken: Sequence[float], bare: Sequence[float]) -> None:
    median, fastest = statistics.median(taken), min(taken)
    ratio = median / statistics.median(bare)
    print(
        f"{name:<32}median {median * 1000:6.0f}   ratio {ratio:5.2f}   "
        f"fastest {fastest * 1000:6.0f}   ratio {fastest / min(bare):5.2f}"
    )


if __name__ == "__main__":
    main()
