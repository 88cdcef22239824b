"""How long a key takes to its paint while messages pour into the room on the screen.

    python -m benchmarks.bench_typing [--rate 1000] [--keys 200] [--every 0.05]

Another process sends through the real server, which sets no limit; the real full screen runs in a
pseudo-terminal. A key is painted when the bytes of its letter, which stands nowhere else, have come back.
Goal: 50 ms at the 99th percentile.
"""

import argparse
import asyncio
import itertools
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from benchmarks.light_readers import Reader
from chatroom.protocol.frames import AnyFrame, Gap, Line, Send
from chatroom.protocol.limits import IN_FLIGHT_MAX
from tests.conformance.peer import DEVICE, GENERAL
from tests.e2e.terminal import PATIENCE_S, Terminal, client_command
from tests.e2e.world import Person, Server, environment

SIZE: Final = (120, 36)
GATHER_S: Final = 0.01
TALKER_RATE: Final = 5_000
"""Messages a second of one sender."""
WARM_UP_KEYS: Final = 10
KEYS_A_LINE: Final = 40
_TEXT: Final = "the deploy is green and rolling out to the second half of the fleet, who owns this test?"
_LETTERS: Final = "".join(map(chr, (*range(0x100, 0x17F), *range(0x3B1, 0x3C9), *range(0x410, 0x450))))
"""Letters that stand nowhere else on the screen."""
_LATELY: Final = 100_000
"""Bytes."""


# --- the senders, in a process of their own ---------------------------------------------------------
class Talker(Reader):
    """Says what is due, as far as the server has stored what was said before."""

    def __init__(self, nick: str) -> None:
        super().__init__(nick)
        self.said = 0
        self._stored = 0
        self._is_me = nick

    def say(self, count: int) -> None:
        """Say so many messages more, or as many as may be in flight."""
        for _ in range(min(count, IN_FLIGHT_MAX - (self.said - self._stored))):
            self.said += 1
            self.send(Send(room=GENERAL, dev=DEVICE, n=self.said, body=f"{self.said} {_TEXT}"))

    def take_line(self, line: Line, _now_ns: int, /) -> None:
        """One of its own is stored."""
        if line.nick == self._is_me:
            self._stored = line.n

    def take(self, frame: AnyFrame) -> None:
        """Lines that are left out are stored, too."""
        if isinstance(frame, Gap):
            self._stored = self.said


def talkers(rate: int) -> int:
    """How many it takes; each counts its own messages."""
    return 1 + (rate - 1) // TALKER_RATE


async def send(port: int, rate: int) -> None:
    """Say so many messages a second until one is told to stop by a signal."""
    loop = asyncio.get_running_loop()
    people = [Talker(f"noisy{number}") for number in range(talkers(rate))]
    for talker in people:
        await loop.create_connection(talker.itself, "127.0.0.1", port)
        await asyncio.wait_for(talker.is_in.wait(), PATIENCE_S)
    began = loop.time()
    while not any(talker.is_over.is_set() for talker in people):
        due = int((loop.time() - began) * rate / len(people))
        for talker in people:
            talker.say(due - talker.said)
        await asyncio.sleep(GATHER_S)


# --- the one who types ------------------------------------------------------------------------------
class Watched(Terminal):
    """A terminal that can stop to draw what it gets: drawing takes longer than most keys do."""

    draws = True

    def press_key(self, letter: str) -> float:
        """Press a key; returns the seconds until the program has painted it."""
        wanted = letter.encode()
        with self._lock:
            start, began = len(self.raw), time.perf_counter()
            self.type(letter)
            while self.raw.find(wanted, start) < 0:
                if not self._lock.wait(PATIENCE_S):
                    raise TimeoutError(f"{letter!r} was never painted")
            return time.perf_counter() - began

    def newest_number(self) -> int:
        """The number of the newest message that was painted lately; 0 for none."""
        with self._lock:
            return max(map(int, re.findall(rb"(\d+) the deploy", self.raw[-_LATELY:])), default=0)

    def _feed(self, chunk: bytes) -> None:
        if self.draws:
            super()._feed(chunk)


def measure(folder: Path, rate: int, keys: int, every_s: float) -> tuple[list[float], float]:
    """Returns the seconds of each key, and how many messages a second reached the screen."""
    (folder / "server.conf").write_text("BURST=0\nRATE=0\nGUESTS=yes\n", encoding="utf-8")
    server = Server(folder, "--config", str(folder / "server.conf")).start()
    sender = None
    try:
        person = Person(folder / "typist", server, "typist")
        person.script("whoami")  # the server's key is known from now on: no question comes
        command = client_command(
            "-a", "127.0.0.1", "-p", str(server.port), "--nick", "typist", "--room", GENERAL
        )
        with Watched(command, env=environment(person.home), columns=SIZE[0], rows=SIZE[1]) as terminal:
            terminal.wait_for("ONLINE")
            sender = _start_sender(server.port, folder, rate)
            terminal.draws = False
            terminal.wait_for(lambda _text: terminal.newest_number() * talkers(rate) > rate)
            taken, arrived = _type(terminal, keys, every_s)
            return taken, arrived * talkers(rate)
    finally:
        if sender is not None:
            sender.kill()
            sender.wait(PATIENCE_S)
        server.kill()


def _type(terminal: Watched, keys: int, every_s: float) -> tuple[list[float], float]:
    letters = itertools.cycle(_LETTERS)
    for _ in range(WARM_UP_KEYS):
        terminal.press_key(next(letters))
    began, first = time.perf_counter(), terminal.newest_number()
    taken: list[float] = []
    for count in range(keys):
        if count % KEYS_A_LINE == 0:
            terminal.press("enter")
        time.sleep(every_s)
        taken.append(terminal.press_key(next(letters)))
    return taken, (terminal.newest_number() - first) / (time.perf_counter() - began)


def _start_sender(port: int, folder: Path, rate: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "benchmarks.bench_typing", "--send", str(port), "--rate", str(rate)]
    return subprocess.Popen(command, env=environment(folder), process_group=0)  # Ctrl+C is not for it


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description="Time keys to their paint in a busy room.")
    parser.add_argument("--rate", type=int, default=1_000, help="messages a second")
    parser.add_argument("--keys", type=int, default=400)
    parser.add_argument("--every", type=float, default=0.05, metavar="S", help="seconds between two keys")
    parser.add_argument("--send", type=int, metavar="PORT", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.send:
        asyncio.run(send(given.send, given.rate))
        return
    with tempfile.TemporaryDirectory(prefix="chatroom-") as folder:
        taken, arrived = measure(Path(folder), given.rate, given.keys, given.every)
    ordered = sorted(seconds * 1000 for seconds in taken)
    at = {part: ordered[min(len(ordered) - 1, len(ordered) * part // 100)] for part in (95, 99)}
    print(f"{arrived:.0f} messages a second on the screen, {len(ordered)} keys, milliseconds to the paint:")
    median, worst = statistics.median(ordered), ordered[-1]
    print(f"median {median:.1f}, p95 {at[95]:.1f}, p99 {at[99]:.1f}, worst {worst:.1f}")


if __name__ == "__main__":
    main()
