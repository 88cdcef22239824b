"""Light clients for benchmarks: hundreds in one process, which keep nothing but figures."""

import asyncio
import os
import time
from array import array
from typing import Final, TypeAlias

import msgspec

from chatroom.protocol import Connection, Role
from chatroom.protocol.events import FrameReceived
from chatroom.protocol.frames import (
    AnyFrame,
    Fetch,
    Gap,
    Hello,
    Join,
    Joined,
    Line,
    Login,
    Page,
    ServerHello,
    Welcome,
)
from chatroom.protocol.limits import PAGE_LINES_MAX, REQUESTS_MAX, VERSION_MAX, VERSION_MIN
from tests.conformance.peer import DEVICE, GENERAL

PATIENCE_S: Final = 60.0
OVER: Final = "over"
"""Begins the last message of all."""
MISSED, FILLS = 1, 2
"""What pages are fetched for."""
Heard: TypeAlias = "dict[int, array[int]]"
"""By phase, how long each line took, in microseconds."""


class Reader(asyncio.Protocol):
    """A guest in the room, over one link."""

    def __init__(self, nick: str) -> None:
        self.is_in = asyncio.Event()
        self.is_over = asyncio.Event()
        self._nick = nick
        self._connection = Connection(Role.CLIENT, now=0.0)
        self._transport: asyncio.Transport | None = None

    def itself(self) -> "Reader":
        """What makes the protocol, for asyncio."""
        return self

    @property
    def transport(self) -> asyncio.Transport:
        """The socket."""
        assert self._transport is not None
        return self._transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say hello."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.send(Hello(versions=(VERSION_MIN, VERSION_MAX), nonce=os.urandom(32)))

    def connection_lost(self, _error: Exception | None) -> None:
        """Nothing more comes."""
        self.is_over.set()

    def data_received(self, data: bytes) -> None:
        """Take the frames that are whole."""
        now_ns = time.monotonic_ns()
        for event in self._connection.feed(data, now=0.0):
            if isinstance(event, FrameReceived):
                self._take(event.frame, now_ns)
        self._flush()

    def send(self, frame: AnyFrame) -> None:
        """Send a frame."""
        self._connection.send(frame)
        self._flush()

    def take_line(self, line: Line, now_ns: int, /) -> None:
        """A line came."""

    def take(self, frame: AnyFrame) -> None:
        """Another frame came."""

    def _take(self, frame: AnyFrame, now_ns: int) -> None:
        match frame:
            case Line():
                self.take_line(frame, now_ns)
            case ServerHello():
                self.send(Login(nick=self._nick, devices=[DEVICE], quiet=True))
            case Welcome():
                self.send(Join(rid=1, room=GENERAL))
            case Joined():
                self.is_in.set()
            case _:
                self.take(frame)

    def _flush(self) -> None:
        if output := self._connection.take_output():
            self.transport.write(output)


class Listener(Reader):
    """One of the many: notes how long each line took."""

    def __init__(self, nick: str, heard: Heard) -> None:
        super().__init__(nick)
        self._heard = heard

    def take_line(self, line: Line, now_ns: int, /) -> None:
        """Note how long it took."""
        phase, sent_ns, _padding = line.body.split(" ", 2)
        if phase == OVER:
            self.is_over.set()
        else:
            self._heard.setdefault(int(phase), array("L")).append((now_ns - int(sent_ns)) // 1000)


class Stopper(Reader):
    """The one that stops reading; afterwards it fetches what a gap leaves out, as every client does."""

    def __init__(self, nick: str) -> None:
        super().__init__(nick)
        self.ids: list[int] = []
        self.gaps = 0
        self._wanted = 0
        self._has_all = asyncio.Event()
        self._missing: list[Gap] = []

    def stop(self) -> None:
        """Read nothing more, and ask for so many pages that the socket is full at once."""
        self.transport.pause_reading()
        for _ in range(REQUESTS_MAX):
            self.send(Fetch(rid=FILLS, room=GENERAL, after=0, limit=PAGE_LINES_MAX))

    def take_line(self, line: Line, _now_ns: int, /) -> None:
        """Note its number."""
        self._note([line.id])

    async def wait_for(self, count: int) -> None:
        """Wait until so many lines have come."""
        self._wanted = count
        self._has_all.clear()
        self._note([])
        await asyncio.wait_for(self._has_all.wait(), PATIENCE_S)

    def _note(self, ids: list[int]) -> None:
        self.ids += ids
        if len(self.ids) >= self._wanted:
            self._has_all.set()

    def take(self, frame: AnyFrame) -> None:
        """Fetch what is missing."""
        if isinstance(frame, Gap):
            self.gaps += 1
            self._missing.append(frame)
            self.send(Fetch(rid=MISSED, room=GENERAL, after=frame.after))
        elif isinstance(frame, Page) and frame.rid == MISSED:
            last = self._missing[0].last
            ids = [msgspec.json.decode(line, type=Line).id for line in frame.lines]
            self._note([line_id for line_id in ids if line_id <= last])
            if ids[-1] < last:
                self.send(Fetch(rid=MISSED, room=GENERAL, after=ids[-1]))
            else:
                del self._missing[0]
