"""Keeps drafts and read markers on the disk, off the event loop and in the order in which they changed."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final, Protocol

from chatroom.client.disk import Disk
from chatroom.client.errors import ClientError
from chatroom.protocol.ids import MessageId, RoomId

CURRENT_ROOM: Final = "room"
"""What the window remembers the current room as."""


class Shelf(Protocol):
    """The part of a store that is written here. Its methods block."""

    def save_draft(self, room: RoomId, text: str) -> None:
        """Keep what is being written in a room; an empty text forgets it."""
        ...

    def save_marker(self, room: RoomId, read: MessageId) -> None:
        """Keep how far a room was read."""
        ...

    def save_window(self, name: str, value: str) -> None:
        """Keep something of the window."""
        ...


class Keeper:
    """Writes what changed, the newest state only, one write after the other.

    Attributes:
        drafts: What is being written in each room.
        shelf: Where it is kept; None until it is known which server this is.
    """

    def __init__(self) -> None:
        self.drafts: dict[RoomId, str] = {}
        self.shelf: Shelf | None = None
        self._waiting: dict[tuple[str, RoomId], Callable[[Shelf], None]] = {}
        self._changed = asyncio.Event()
        self._disk = Disk()

    def keep_draft(self, room: RoomId, text: str) -> None:
        """Keep what is being written in a room."""
        if self.drafts.get(room, "") != text:
            self.drafts[room] = text
            self._put("draft", room, lambda shelf: shelf.save_draft(room, text))

    def keep_read(self, room: RoomId, line_id: int) -> None:
        """Keep how far a room was read."""
        self._put("read", room, lambda shelf: shelf.save_marker(room, MessageId(line_id)))

    def keep_current(self, room: RoomId) -> None:
        """Keep which room is on the screen, for the next start."""
        self._put("current", RoomId(""), lambda shelf: shelf.save_window(CURRENT_ROOM, room))

    async def run(self) -> None:
        """Write for ever; the last changes are written by `finish`."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self.finish()

    async def finish(self) -> None:
        """Write what waits, behind what is being written."""
        if self.shelf is not None:
            waiting, self._waiting = self._waiting, {}
            await self._disk.run(_write, self.shelf, list(waiting.values()))

    async def let_go(self) -> None:
        """Write what waits; the shelf is about to be closed."""
        try:
            await self.finish()
        finally:
            self.shelf = None

    async def close(self) -> None:
        """Nothing is written any more."""
        await self._disk.close()

    def _put(self, what: str, room: RoomId, write: Callable[[Shelf], None]) -> None:
        self._waiting.pop((what, room), None)
        self._waiting[what, room] = write
        self._changed.set()


def _write(shelf: Shelf, writes: list[Callable[[Shelf], None]]) -> None:
    for write in writes:
        with contextlib.suppress(ClientError):  # a full disk costs the draft, never the conversation
            write(shelf)
