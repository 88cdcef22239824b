"""Whether a reader that stops reading slows down the others of its room.

    python -m benchmarks.bench_slow_reader [--members 500] [--rate 100] [--pairs 8] [--seconds 5]

The real server, without TLS. Two processes hold the readers; this one holds the sender, and the reader that
does not read its socket in every other phase. A message says when it was sent, and each reader notes how long
it took. Goal: the 99th percentile of the others moves by less than 10 %. Phases alternate. With `--control`
nobody stops in any of them: no difference that is smaller than the one it shows means anything.
"""

import argparse
import asyncio
import multiprocessing
import os
import socket
import statistics
import tempfile
import time
from array import array
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Final

from benchmarks.light_readers import OVER, PATIENCE_S, Heard, Listener, Reader, Stopper
from benchmarks.load.machine import cpu_s
from chatroom.protocol.frames import Send
from chatroom.protocol.limits import DEAD_AFTER_S
from tests.conformance.peer import DEVICE, GENERAL
from tests.e2e.world import Server

PROCESSES: Final = 2
PADDING: Final = "x" * 500
KIB, MIB = 1024, 1024 * 1024
SETTLE_S: Final = 2.0
"""At the start of each phase, not counted: then the socket that is not read fills."""
UNCOUNTED: Final = 0
SEGMENT_BYTES, RECEIVE_BYTES = 1400, 16 * 1024
"""As over Ethernet, and little: between sockets of one machine megabytes would find room."""


# --- the many, in processes of their own --------------------------------------------------------------
def hear(port: int, nicks: list[str], all_in: Barrier, results: "multiprocessing.Queue[Heard]") -> None:
    """Be so many readers until the sender says that it is over; then tell what was heard."""
    results.put(asyncio.run(_hear(port, nicks, all_in)))


async def _hear(port: int, nicks: list[str], all_in: Barrier) -> Heard:
    heard: Heard = {}
    loop, listeners = asyncio.get_running_loop(), list[Listener]()
    for nick in nicks:
        listener = Listener(nick, heard)
        await loop.create_connection(listener.itself, "127.0.0.1", port)
        await asyncio.wait_for(listener.is_in.wait(), PATIENCE_S)
        listeners.append(listener)
    await asyncio.to_thread(all_in.wait, PATIENCE_S)
    for listener in listeners:
        await listener.is_over.wait()
        listener.transport.abort()
    return heard


# --- the sender, and the one that stops ---------------------------------------------------------------
class Talk:
    """Says so many messages a second, in phases."""

    def __init__(self, sender: Reader, rate: int) -> None:
        self.said = 0
        self.counted = 0
        self._sender, self._rate = sender, rate

    async def go_on(self, phase: int, seconds: float) -> None:
        """Talk for a while, with equal pauses."""
        loop = asyncio.get_running_loop()
        began, count = loop.time(), int(seconds * self._rate)
        for number in range(count):
            await asyncio.sleep(max(0.0, began + number / self._rate - loop.time()))
            self.say(phase)
        self.counted += count if phase else 0

    def say(self, phase: int | str) -> None:
        """Say a message."""
        self.said += 1
        body = f"{phase} {time.monotonic_ns()} {PADDING}"
        self._sender.send(Send(room=GENERAL, dev=DEVICE, n=self.said, body=body))


@dataclass(frozen=True)
class Phase:
    """What one phase was like.

    Attributes:
        cpu_s: Of the server.
        growth: Of the server's memory, in bytes.
        said: Bytes that people said in it.
        taken: Bytes that the sockets between the server and the one that stopped took in it.
    """

    number: int
    stops: bool
    cpu_s: float
    growth: int
    said: int
    taken: int


class Stage:
    """A room of people who read, one who stops, and one who talks."""

    def __init__(self, server: Server, stopper: Stopper, talk: Talk, given: argparse.Namespace) -> None:
        assert server.process is not None
        self._pid, self._port = server.process.pid, server.port
        self._stopper, self._talk = stopper, talk
        self._seconds, self._is_control = given.seconds, given.control

    async def go_through(self, number: int, *, stops: bool) -> Phase:
        """One phase, until the one that had stopped has read everything."""
        stopper, talk = self._stopper, self._talk
        memory = self._memory()
        if stops and not self._is_control:
            stopper.stop()
        await talk.go_on(UNCOUNTED, SETTLE_S)
        said, taken, cpu = talk.said, self._in_sockets(), cpu_s(self._pid)
        await talk.go_on(number, self._seconds)
        growth, cpu = self._memory() - memory, cpu_s(self._pid) - cpu
        said, taken = talk.said - said, self._in_sockets() - taken
        stopper.transport.resume_reading()
        await stopper.wait_for(talk.said)
        return Phase(number, stops, cpu, growth, said * len(PADDING), taken)

    def _memory(self) -> int:
        """What the server holds of the machine's memory."""
        status = Path(f"/proc/{self._pid}/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) * 1024

    def _in_sockets(self) -> int:
        """Bytes that wait in the two sockets between the server and the one that stopped."""
        port = self._stopper.transport.get_extra_info("sockname")[1]
        ends = {f":{self._port:04X}", f":{port:04X}"}
        rows = [row.split() for row in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
        queues = [row[4].split(":") for row in rows if {row[1][8:], row[2][8:]} == ends]
        return sum(int(unacknowledged, 16) + int(unread, 16) for unacknowledged, unread in queues)


async def measure(server: Server, given: argparse.Namespace) -> None:
    """Fill the room, talk in phases, and print what was heard."""
    context = multiprocessing.get_context("spawn")
    all_in, results = context.Barrier(PROCESSES + 1), context.Queue()
    nicks = [f"m{number}" for number in range(given.members - 2)]
    others = [
        context.Process(target=hear, args=(server.port, nicks[part::PROCESSES], all_in, results), daemon=True)
        for part in range(PROCESSES)
    ]
    for process in others:
        process.start()
    stopper, sender = Stopper("stopper"), Reader("sender")
    await _enter(server.port, stopper)
    await _enter(server.port, sender)
    await asyncio.to_thread(all_in.wait, PATIENCE_S)

    talk = Talk(sender, given.rate)
    stage, phases = Stage(server, stopper, talk, given), list[Phase]()
    await talk.go_on(UNCOUNTED, SETTLE_S)
    for number in range(1, 2 * given.pairs + 1):
        phases.append(await stage.go_through(number, stops=number % 4 in (2, 3)))  # whatever drifts, cancels
    talk.say(OVER)
    await stopper.wait_for(talk.said)
    heard = [await asyncio.to_thread(results.get, True, PATIENCE_S) for _process in others]
    for reader in (stopper, sender):
        reader.transport.abort()
    for process in others:
        process.join(PATIENCE_S)
    report(talk, phases, _joined(heard), stopper, len(nicks))


async def _enter(port: int, reader: Reader) -> None:
    sock = socket.socket()
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT_BYTES)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, ("127.0.0.1", port))
    await loop.create_connection(reader.itself, sock=sock)
    await asyncio.wait_for(reader.is_in.wait(), PATIENCE_S)


# --- the figures ----------------------------------------------------------------------------------------
def _joined(parts: list[Heard]) -> Heard:
    whole: Heard = {}
    for part in parts:
        for phase, taken in part.items():
            whole.setdefault(phase, array("L")).extend(taken)
    return whole


def _percentiles(taken: "array[int]") -> list[float]:
    """The 50th, 95th and 99th, in milliseconds."""
    ordered = sorted(taken)
    return [ordered[len(ordered) * part // 100] / 1000 for part in (50, 95, 99)]


def _row(values: list[float]) -> str:
    return "".join(f"{value:8.2f}" for value in values)


def report(talk: Talk, phases: list[Phase], heard: Heard, stopper: Stopper, listeners: int) -> None:
    """Print what came out."""
    count = sum(len(heard[phase.number]) for phase in phases)
    print(f"{listeners} listeners heard {count} of {talk.counted * listeners} lines; milliseconds of each:")
    print(f"{'':20}{'p50':>8}{'p95':>8}{'p99':>8}  median   of the p99 of each phase")
    rows: list[list[float]] = []
    for stops, name in ((False, "all read"), (True, "one does not read")):
        numbers = [phase.number for phase in phases if phase.stops is stops]
        worst = [_percentiles(heard[number])[2] for number in numbers]
        pooled = _percentiles(_joined([{0: heard[number]} for number in numbers])[0])
        rows.append([*pooled, statistics.median(worst)])
        print(f"{name:20}{_row(rows[-1])}   " + " ".join(f"{value:.0f}" for value in worst))
    print(f"{'ratio':20}{_row([stopped / reading for reading, stopped in zip(*rows, strict=True)])}")
    for stops, name in ((False, "all read"), (True, "a stop")):
        chosen = [phase for phase in phases if phase.stops is stops]
        grown = " ".join(f"{phase.growth / MIB:.2f}" for phase in chosen)
        print(f"the server, {name}: {sum(phase.cpu_s for phase in chosen):.2f} s of CPU; grew by {grown} MiB")
    stopped = [phase for phase in phases if phase.stops]
    said, taken = max(phase.said for phase in stopped), max(phase.taken for phase in stopped)
    print(f"{said / KIB:.0f} KiB were said in a stop, of which its sockets took {taken / KIB:.0f} at most")
    is_whole = sorted(stopper.ids) == list(range(1, talk.said + 1))
    word = "has every line once" if is_whole else "MISSES LINES OR HAS SOME TWICE"
    print(f"the one that stopped {word}, of {talk.said}; it was told of {stopper.gaps} gaps")
    print("load averages: " + " ".join(f"{load:.1f}" for load in os.getloadavg()))


def main() -> None:
    """Start a server, and measure."""
    parser = argparse.ArgumentParser(description="Measure what one who does not read costs the others.")
    parser.add_argument("--members", type=int, default=500)
    parser.add_argument("--rate", type=int, default=100, help="messages a second")
    parser.add_argument("--pairs", type=int, default=8, help="phases of each kind")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each phase")
    parser.add_argument("--control", action="store_true", help="nobody stops: what noise alone makes of it")
    given = parser.parse_args()
    if given.seconds + SETTLE_S > DEAD_AFTER_S - SETTLE_S:
        parser.error(f"--seconds {given.seconds:g}: a link that says nothing for {DEAD_AFTER_S:g} s is cut")
    with tempfile.TemporaryDirectory(prefix="chatroom-") as name:
        folder = Path(name)
        settings = "BURST=0\nRATE=0\nGUESTS=yes\nLOG_CONVERSATION=no\n"
        (folder / "server.conf").write_text(settings, encoding="utf-8")
        server = Server(folder, "--config", str(folder / "server.conf"), "--quiet").start()
        try:
            asyncio.run(measure(server, given))
        finally:
            server.kill()


if __name__ == "__main__":
    main()
