"""Stands between clients and the server, and cuts their links in ugly ways, or holds them up."""

import asyncio
import random
import socket
import struct
from types import TracebackType
from typing import Final, Self, cast

from chatroom.client.tasks import Tasks

_RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER: closing sends RST, and forgets what was not sent."""
_PATIENT: Final = 0.9
"""How many of the links that begin while there is no server wait for it; attempts in vain cost time."""


class _End(asyncio.Protocol):
    """One end of a link that passes through."""

    def __init__(self, link: "Link") -> None:
        self._link = link
        self.transport: asyncio.Transport | None = None
        self.other: _End
        self._holds: set[str] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._link.made(self)

    def data_received(self, data: bytes) -> None:
        if self._link.tears_at is not None:
            self._link.tear(self, data)
        elif self.other.transport is not None:
            self.other.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._link.lost(self, is_reset=exc is not None)

    def pause_writing(self) -> None:
        self.other.hold("full")

    def resume_writing(self) -> None:
        self.other.let_go("full")

    def hold(self, why: str) -> None:
        """Read nothing more for now."""
        if not self._holds and self.transport is not None:
            self.transport.pause_reading()
        self._holds.add(why)

    def let_go(self, why: str) -> None:
        """Read on, unless there is another reason not to."""
        self._holds.discard(why)
        if not self._holds and self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()

    def reset(self) -> None:
        """Close with RST."""
        if self.transport is None or self.transport.is_closing():
            return
        sock: socket.socket = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.transport.abort()

    def close(self) -> None:
        """Close when what waits is sent."""
        if self.transport is not None:
            self.transport.close()


class Link:
    """A client's connection, and ours to the server."""

    def __init__(self, proxy: "Proxy") -> None:
        self._proxy = proxy
        self._is_over = False
        self.tears_at: float | None = None
        """How much of the next chunk is let through, as a share; then the link is torn."""
        self.client, self.server = _End(self), _End(self)
        self.client.other, self.server.other = self.server, self.client

    def made(self, end: _End) -> None:
        """One end is connected."""
        if end is self.client:
            end.hold("no server")
            self._proxy.reach(self)
        elif self._is_over:
            end.close()
        else:
            self.client.let_go("no server")
            self._proxy.links.append(self)

    def lost(self, end: _End, *, is_reset: bool) -> None:
        """One end is gone; so is the other."""
        self._is_over = True
        if self in self._proxy.links:
            self._proxy.links.remove(self)
        end.transport = None
        if is_reset:
            end.other.reset()
        else:
            end.other.close()

    def reset(self) -> None:
        """Cut it at once, both ways."""
        self.client.reset()
        self.server.reset()

    def tear(self, end: _End, data: bytes) -> None:
        """Let the begin of a chunk through, and no more."""
        share, self.tears_at = self.tears_at or 0.0, 1.0
        if end.other.transport is not None and not end.other.transport.is_closing():
            end.other.transport.write(data[: int(share * len(data))])
            end.other.close()
        end.reset()

    def stall(self, seconds: float) -> None:
        """Let nothing through for a while."""
        for end in (self.client, self.server):
            end.hold("stall")
            asyncio.get_running_loop().call_later(seconds, end.let_go, "stall")


class Proxy:
    """Listens on loopback, inside `async with`.

    Attributes:
        port: Where clients find it.
        links: Those that are up.
        cuts, stalls: How many there were.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._server_port = 0
        self._is_there = asyncio.Event()
        self._tasks = Tasks("proxy")
        self.port = 0
        self.links: list[Link] = []
        self.cuts = self.stalls = 0
        self._listener: asyncio.Server

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: Link(self).client, "127.0.0.1", 0)
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()
        await self._tasks.cancel_all()
        for link in list(self.links):
            link.reset()

    def lead_to(self, port: int) -> None:
        """The server is there from now on."""
        self._server_port = port
        self._is_there.set()

    def lead_nowhere(self) -> None:
        """There is no server now: most links that begin wait for it, the others are refused."""
        self._is_there.clear()

    def reach(self, link: Link) -> None:
        """Connect a new link to the server."""
        self._tasks.start(self._reach(link), name="reach")

    async def _reach(self, link: Link) -> None:
        loop = asyncio.get_running_loop()
        if self._rng.random() < _PATIENT:
            await self._is_there.wait()
        try:
            await loop.create_connection(lambda: link.server, "127.0.0.1", self._server_port)
        except OSError:  # no server just now
            link.client.reset()

    def cut(self) -> None:
        """Cut a link at random: at once with RST, or in the middle of what comes next."""
        if not self.links:
            return
        self.cuts += 1
        link = self._rng.choice(self.links)
        if self._rng.random() < 0.5:
            link.reset()
        else:
            link.tears_at = self._rng.random()

    def stall(self, seconds: float) -> None:
        """Hold a link up at random."""
        if self.links:
            self.stalls += 1
            self._rng.choice(self.links).stall(seconds)
