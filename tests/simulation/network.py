"""A network in memory: links that are slow, stall, are cut, or vanish without a word."""

import asyncio
import errno
import random
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Final

if TYPE_CHECKING:
    from tests.simulation.loop import Process, SimLoop

_APART_S: Final = 1e-6
_FIRST_FD: Final = 1 << 20
Accept = Callable[["SimSocket", tuple[str, int]], None]


class SimSocket:
    """One end of a connection, as much of a socket as asyncio and the server use."""

    by_fd: ClassVar[dict[int, "SimSocket"]] = {}
    family = socket.AF_INET
    type = socket.SOCK_STREAM
    proto = socket.IPPROTO_TCP

    def __init__(self, network: "Network", here: tuple[str, int], there: tuple[str, int]) -> None:
        self._network = network
        self._fd = network.next_fd()
        self._here, self._there = here, there
        self.by_fd[self._fd] = self
        self.peer: SimSocket
        self.process: Process | None = None
        self.inbox = bytearray()
        self.on_the_way = 0
        self.has_ended = False
        self.error = 0
        self.is_closed = False
        self._has_shut = False
        self.is_dark = False
        """Its machine has lost its power: what it had not sent never leaves."""
        self._arrives = 0.0
        self.stalled_until = 0.0

    # --- what the loop asks --------------------------------------------------------------------------
    @property
    def is_readable(self) -> bool:
        return bool(self.inbox or self.has_ended or self.error)

    @property
    def is_writable(self) -> bool:
        return bool(self.error) or self._room() > 0

    def _room(self) -> int:
        return self._network.window - self.on_the_way - len(self.peer.inbox)

    # --- the socket ----------------------------------------------------------------------------------
    def fileno(self) -> int:
        return -1 if self.is_closed else self._fd

    def setblocking(self, _flag: bool) -> None:
        """It never blocks."""

    def setsockopt(self, *_args: Any) -> None:
        """It has no options."""

    def getsockopt(self, *_args: Any) -> int:
        return 0

    def getsockname(self) -> tuple[str, int]:
        return self._here

    def getpeername(self) -> tuple[str, int]:
        return self._there

    def gettimeout(self) -> float:
        return 0.0

    def recv(self, size: int) -> bytes:
        self._raise_error()
        if self.inbox:
            size = min(size, self._network.bite(len(self.inbox)))
            data = bytes(self.inbox[:size])
            del self.inbox[:size]
            return data
        if self.has_ended:
            return b""
        raise BlockingIOError(errno.EAGAIN, "nothing there")

    def recv_into(self, buffer: Any) -> int:
        data = self.recv(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def send(self, data: Any) -> int:
        self._raise_error()
        if self.is_closed or self._has_shut:
            raise OSError(errno.EPIPE, "broken pipe")
        room = self._room()
        if room <= 0 and len(data):
            raise BlockingIOError(errno.EAGAIN, "no room")
        taken = bytes(data[:room])
        if taken:
            self.on_the_way += len(taken)
            self._deliver(lambda: self._arrive(taken))
        return len(taken)

    def shutdown(self, _how: int) -> None:
        if self.error:
            raise OSError(self.error, "not connected")
        self._shut()

    def close(self) -> None:
        if self.is_closed:
            return
        unread = bool(self.inbox)
        self.is_closed = True
        self.by_fd.pop(self._fd, None)
        if self.process is not None and self in self.process.sockets:
            self.process.sockets.remove(self)
        if unread:
            self._deliver(self.peer.reset)
        else:
            self._shut()

    def detach(self) -> int:
        return self._fd

    # --- what happens to it --------------------------------------------------------------------------
    def die(self, *, silently: bool) -> None:
        """Its process is gone."""
        if not silently:
            self.close()
            return
        self.is_closed = self.is_dark = True
        self.by_fd.pop(self._fd, None)

    def reset(self) -> None:
        """The connection is gone: nothing of what is on the way comes."""
        self.error = self.error or errno.ECONNRESET
        self.inbox.clear()

    def _shut(self) -> None:
        if not self._has_shut:
            self._has_shut = True
            self._deliver(self._arrive_end)

    def _arrive(self, data: bytes) -> None:
        self.on_the_way -= len(data)
        peer = self.peer
        if self.is_dark or peer.is_dark:
            return
        if peer.is_closed:
            self.reset()
        elif not peer.error:
            peer.inbox += data

    def _arrive_end(self) -> None:
        if not self.is_dark:
            self.peer.has_ended = True

    def _deliver(self, what: Callable[[], None]) -> None:
        loop = self._network.loop
        start = max(loop.time(), self.stalled_until)
        # Never at the same time: timers of one moment run in any order, and bytes of one connection do not.
        self._arrives = max(self._arrives + _APART_S, start + self._network.delay())
        loop.in_world(self._arrives - loop.time(), what)

    def _raise_error(self) -> None:
        if self.error:
            raise ConnectionResetError(self.error, "connection reset")


class Network:
    """All connections of a world.

    Attributes:
        delay_s: How long bytes travel, at least and at most.
        is_down: Nobody can connect.
        window: Bytes of a connection that are on their way, or wait to be read, at most.
    """

    def __init__(self, loop: "SimLoop", rng: random.Random) -> None:
        self.loop, self.rng = loop, rng
        self.delay_s = (0.0002, 0.05)
        self.is_down = False
        self.window = 32 * 1024
        self.pairs: list[tuple[SimSocket, SimSocket]] = []
        self._listening: dict[tuple[str, int], tuple[Accept, Process | None]] = {}
        self._last_fd = _FIRST_FD
        self._last_port = 40_000

    def next_fd(self) -> int:
        self._last_fd += 1
        return self._last_fd

    def delay(self) -> float:
        return self.rng.uniform(*self.delay_s)

    def bite(self, size: int) -> int:
        """How much of what is there one read gives."""
        return self.rng.randint(1, size) if self.rng.random() < 0.3 else size

    def listen(self, address: tuple[str, int], accept: Accept, process: "Process") -> None:
        """Have connections to an address accepted by a process."""
        self._listening[address] = (accept, process)

    def close(self, address: tuple[str, int]) -> None:
        """Have nobody listen there any more."""
        self._listening.pop(address, None)

    async def connect(self, host: str, port: int, process: "Process | None") -> SimSocket:
        """Open a connection from a process."""
        await asyncio.sleep(self.delay())
        accept, server = self._listening.get((host, port), (None, None))
        if accept is None or server is None or not server.is_alive or self.is_down:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "refused")
        self._last_port += 1
        here = ("10.0.0.1", self._last_port)
        ours, theirs = SimSocket(self, here, (host, port)), SimSocket(self, (host, port), here)
        ours.peer, theirs.peer = theirs, ours
        for sock, owner in ((ours, process), (theirs, server)):
            sock.process = owner
            if owner is not None:
                owner.sockets.append(sock)
        self.pairs.append((ours, theirs))
        server.run(lambda: accept(theirs, here))
        return ours

    def alive(self) -> list[tuple[SimSocket, SimSocket]]:
        """The connections that both ends still have."""
        self.pairs = [pair for pair in self.pairs if not any(end.is_closed or end.error for end in pair)]
        return self.pairs

    def cut(self, pair: tuple[SimSocket, SimSocket]) -> None:
        """End a connection as a router does that forgets it."""
        for end in pair:
            end.reset()

    def stall(self, pair: tuple[SimSocket, SimSocket], seconds: float) -> None:
        """Let nothing pass on a connection for a while."""
        for end in pair:
            end.stalled_until = max(end.stalled_until, self.loop.time() + seconds)
