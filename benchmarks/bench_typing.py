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

from chatroom.client.address import Address
from chatroom.client.profile import Profile
from chatroom.client.session import connect
from chatroom.client.trust import Trust
from chatroom.common.texts import Texts
from chatroom.protocol.ids import RoomId
from tests.e2e.terminal import PATIENCE_S, Terminal, client_command
from tests.e2e.world import Person, Server, environment

ROOM: Final = RoomId("general")
SIZE: Final = (120, 36)
GATHER_S: Final = 0.01
WARM_UP_KEYS: Final = 10
KEYS_A_LINE: Final = 40
_TEXT: Final = "the deploy is green and rolling out to the second half of the fleet, who owns this test?"
_LETTERS: Final = "".join(map(chr, (*range(0x100, 0x17F), *range(0x3B1, 0x3C9), *range(0x410, 0x450))))
"""Letters that stand nowhere else on the screen."""
_LATELY: Final = 100_000
"""Bytes."""


# --- the sender, in a process of its own -----------------------------------------------------------
async def send(port: int, home: Path, rate: int) -> None:
    """Say so many messages a second until one is told to stop by a signal."""
    profile = Profile.open(home)
    address = Address("127.0.0.1", port)
    async with connect(address, profile, nick="noisy", trust=Trust.PIN_IF_LOCAL, texts=Texts()) as session:
        await session.ready()
        await session.join(ROOM)
        loop = asyncio.get_running_loop()
        began, said = loop.time(), 0
        while True:
            due = int((loop.time() - began) * rate) - said
            await session.say_many(ROOM, [f"{said + n} {_TEXT}" for n in range(due)])
            said += due
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
    (folder / "server.conf").write_text("BURST=0\nRATE=0\n", encoding="utf-8")
    server = Server(folder, "--config", str(folder / "server.conf")).start()
    sender = None
    try:
        person = Person(folder / "typist", server, "typist")
        person.script("whoami")  # the server's key is known from now on: no question comes
        command = client_command(
            "-a", "127.0.0.1", "-p", str(server.port), "--nick", "typist", "--room", ROOM
        )
        with Watched(command, env=environment(person.home), columns=SIZE[0], rows=SIZE[1]) as terminal:
            terminal.wait_for("ONLINE")
            sender = _start_sender(server.port, folder, rate)
            terminal.wait_for(lambda text: f" {rate // 2} the" in text or terminal.newest_number() > rate)
            terminal.draws = False
            return _type(terminal, keys, every_s)
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
    return subprocess.Popen([*command, "--home", str(folder / "noisy")], env=environment(folder / "noisy"))


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description="Time keys to their paint in a busy room.")
    parser.add_argument("--rate", type=int, default=1_000, help="messages a second")
    parser.add_argument("--keys", type=int, default=400)
    parser.add_argument("--every", type=float, default=0.05, metavar="S", help="seconds between two keys")
    parser.add_argument("--send", type=int, metavar="PORT", help=argparse.SUPPRESS)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.send:
        asyncio.run(send(given.send, given.home, given.rate))
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
