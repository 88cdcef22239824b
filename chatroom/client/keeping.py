"""Keeps recent lines on disk, for reading offline, and one's rooms, of which a backup may know less."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final, ParamSpec, TypeVar

from chatroom.client.disk import Disk
from chatroom.client.errors import ProfileError
from chatroom.client.store import LINES_MAX, KeptLine, Store
from chatroom.client.tasks import Tasks
from chatroom.client.timing import Timing
from chatroom.protocol.frames import Line, RoomInfo
from chatroom.protocol.ids import Epoch, MessageId, RoomId

P = ParamSpec("P")
T = TypeVar("T")
_EVERY_S: Final = 1.0
_log = logging.getLogger(__name__)


class Keeper:
    """Feeds one store from a thread. What goes wrong there is logged: none of it is worth stopping for."""

    def __init__(self, timing: Timing) -> None:
        self.store: Store | None = None
        self._disk = Disk()
        self._timing = timing
        self._lines: dict[RoomId, deque[KeptLine]] = {}
        self._rooms: list[RoomInfo] | None = None
        self._written: list[RoomInfo] | None = None
        self._rooms_changed = asyncio.Event()

    async def open(self, make: Callable[[], Store]) -> None:
        """Open the store."""
        self.store = await self._try(make)

    def line(self, line: Line, body: bytes) -> None:
        """Keep a line soon."""
        if self.store is not None:
            kept = self._lines.setdefault(line.room, deque(maxlen=LINES_MAX))
            kept.append((line.room, MessageId(line.id), body))

    def keep_rooms(self, rooms: Iterable[RoomInfo]) -> None:
        """Keep at once which rooms one is in."""
        self._rooms = list(rooms)
        self._rooms_changed.set()

    async def is_replaced(self, epoch: Epoch) -> bool:
        """Whether what is kept is of another past than the server's."""
        return bool(self.store is not None and await self._try(self.store.is_replaced, epoch))

    async def enter(self, epoch: Epoch) -> None:
        """Note the server's epoch; what was kept of another past is gone."""
        await self._flush()
        if self.store is not None:
            await self._try(self.store.enter_epoch, epoch)

    async def rooms(self) -> list[RoomInfo]:
        """The rooms that one was in last."""
        return [] if self.store is None else await self._try(self.store.rooms) or []

    async def forget(self) -> None:
        """Forget the lines: the server has another past."""
        self._lines.clear()
        if self.store is not None:
            await self._try(self.store.forget_lines)

    async def run(self) -> None:
        """Write lines a second's worth at a time, and rooms when they change."""
        async with Tasks("keeper") as tasks:
            lines = tasks.start(self._run_lines(), name="lines")
            rooms = tasks.start(self._run_rooms(), name="rooms")
            await tasks.first_of(lines, rooms)

    async def close(self) -> None:
        """Write what is left, and close the store."""
        await self._flush()
        await self._flush_rooms()
        if self.store is not None:
            await self._try(self.store.close)
        await self._disk.close()

    async def _run_lines(self) -> None:
        while True:
            await self._timing.sleep(_EVERY_S)
            await self._flush()

    async def _run_rooms(self) -> None:
        while True:
            await self._rooms_changed.wait()
            self._rooms_changed.clear()
            await self._flush_rooms()

    async def _flush_rooms(self) -> None:
        rooms = self._rooms
        if self.store is not None and rooms is not None and rooms != self._written:
            await self._try(self.store.save_rooms, rooms)
            self._written = rooms  # only now: a write that was called off is done by `close`

    async def _flush(self) -> None:
        lines = [line for kept in self._lines.values() for line in kept]
        self._lines.clear()
        if lines and self.store is not None:
            await self._try(self.store.keep_lines, lines)

    async def _try(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        try:
            return await self._disk.run(work, *args, **kwargs)
        except ProfileError:
            _log.warning("nothing can be kept for reading offline", exc_info=True)
            return None
