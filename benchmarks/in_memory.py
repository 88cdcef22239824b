"""An engine in one thread, its data wherever it is put, whose guests talk but are written nothing."""

import asyncio
import contextlib
import socket
import time
from asyncio import AbstractEventLoop
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final, TypeVar

from benchmarks.load.wire import DIALECTS, RefusedError
from chatroom.protocol.ids import RoomId
from chatroom_server.core.settings import HubSettings
from chatroom_server.shell.engine import Engine, Seams
from chatroom_server.shell.identity import load_identity
from chatroom_server.shell.link import READ_SIZE
from chatroom_server.shell.logs import OperatorLog

T = TypeVar("T")

ROOM: Final = RoomId("general")
MEMBERS_MAX: Final = 400
_TEXT: Final = b"the quick brown fox jumps over the lazy dog, and does it again"
_BODY_SIZE: Final = 64
_TURNS_MAX: Final = 1_000_000
_CUT: Final = "the server cut a link"
_dialect = DIALECTS["chatroom"]


class InlineJobs:
    """Does jobs at once, in the thread of the loop; see `history.worker.Jobs`."""

    def __init__(self, _name: str, loop: AbstractEventLoop) -> None:
        self._loop = loop

    def submit(self, job: Callable[[], T], done: Callable[[T], None]) -> None:
        """Run it now, and `done` in the next turn."""
        self._loop.call_soon(done, job())

    def stop(self) -> None:
        """Nothing waits."""


class Swallower:
    """A socket that takes everything, and counts how often."""

    writes = 0

    def send(self, data: bytes, /) -> int:
        """Take it."""
        self.writes += 1
        return len(data)


class Guests:
    """People in one room of an engine.

    Attributes:
        engine: Where they are.
        sink: Takes all that is said there, once `deafen` was called.
    """

    def __init__(self, engine: Engine) -> None:
        self.sink = Swallower()
        self.engine = engine
        self._peers: list[socket.socket] = []
        self._said = 0

    async def enter(self, nick: str) -> None:
        """Let one more in, through a pair of sockets.

        Raises:
            RefusedError: The engine does not want that.
        """
        loop = asyncio.get_running_loop()
        theirs, ours = socket.socketpair()
        self._peers.append(ours)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * READ_SIZE)
        for end in (theirs, ours):
            end.setblocking(False)
        self.engine.runner.accept(theirs, ("127.0.0.1", len(self._peers)))
        greeting, buffer = _dialect.greet(nick, ROOM), bytearray()
        output = next(greeting)
        with contextlib.suppress(StopIteration):
            while True:
                await loop.sock_sendall(ours, output)
                while (frame := _dialect.take(buffer)) is None:
                    if not (chunk := await loop.sock_recv(ours, READ_SIZE)):
                        raise RefusedError(_CUT)
                    buffer += chunk
                output = greeting.send(frame)

    def deafen(self) -> None:
        """Write nothing to them from here on."""
        for link in self.engine.runner.links.values():
            link.sink = self.sink

    async def talk(self, window: int, senders: int) -> float:
        """Have some say so many messages together; the seconds until these have gone to all.

        Raises:
            RefusedError: They do not go.
        """
        log = self.engine.log
        last = log.last_id(ROOM) + window
        for place, peer in enumerate(self._peers[:senders]):
            peer.sendall(self._frames(window // senders + (place < window % senders)))
        began = time.perf_counter()
        for _ in range(_TURNS_MAX):
            await asyncio.sleep(0)
            if log.last_id(ROOM) >= last:
                return time.perf_counter() - began
        raise RefusedError(_CUT)

    def _frames(self, count: int) -> bytes:
        first, self._said = self._said + 1, self._said + count
        said = ((n, (b"%016x %b" % (n, _TEXT))[:_BODY_SIZE]) for n in range(first, self._said + 1))
        return b"".join(_dialect.say(ROOM, n, body) for n, body in said)

    def close(self) -> None:
        """Let go of their ends."""
        for peer in self._peers:
            peer.close()


@contextlib.asynccontextmanager
async def guests_of(folder: Path, members: int) -> AsyncIterator[Guests]:
    """An engine whose guests are in, and hear nothing any more."""
    async with AsyncExitStack() as stack:
        logs = OperatorLog()
        stack.callback(logs.close)
        engine = Engine(asyncio.get_running_loop(), logs, Seams(start_jobs=InlineJobs), flush_s=3600.0)
        await engine.open(folder, fsync=False)
        stack.push_async_callback(engine.abandon)
        identity = await asyncio.to_thread(load_identity, folder)
        settings = HubSettings(burst=0, rate=0, guests=True)
        engine.prepare(identity, settings, is_local=lambda _host: True, max_links=MEMBERS_MAX)
        stack.callback(engine.runner.abort_all)
        await engine.begin()
        guests = Guests(engine)
        stack.callback(guests.close)
        for number in range(members):
            await guests.enter(f"guest{number}")
        guests.deafen()
        yield guests
