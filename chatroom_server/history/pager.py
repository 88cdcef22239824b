"""Pages of a room out of its files and of what is still in memory."""

import asyncio
import functools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from chatroom.protocol.ids import MessageId
from chatroom_server.core.ports import Page
from chatroom_server.history.checkpoint import RoomFile
from chatroom_server.history.files import Files
from chatroom_server.history.pages import Budget, read_backward, read_forward
from chatroom_server.history.rooms import RoomStore, Segment, segment_name
from chatroom_server.history.state import RoomState

_Read = Callable[[Files, Path, Sequence[Segment], int, int, Budget], list[bytes]]


class Pager:
    """Reads pages. Lines in memory are there at once; files are read on threads.

    Args:
        folder: `rooms` in the data folder.
        threads: How many pages are read at once.
    """

    def __init__(self, files: Files, folder: Path, store: RoomStore, *, threads: int) -> None:
        self._files = files
        self._folder = folder
        self._store = store
        self._readers = ThreadPoolExecutor(threads, thread_name_prefix="chatroom-pages")

    def stop(self) -> None:
        """Wait for the pages that are being read."""
        self._readers.shutdown()

    async def page(
        self, state: RoomState, after: MessageId | None, before: MessageId | None, limit: int, budget: Budget
    ) -> Page:
        """Read a page of a room, see `Log.page`.

        Raises:
            OSError: The disk does not give it.
        """
        if after is not None:
            first = max(after, 0) + 1
            lines = await self._forward(state, first, min(state.stored, first + limit - 1), budget)
        else:
            last = state.stored if before is None else min(before - 1, state.stored)
            lines = await self._backward(state, max(1, last - limit + 1), last, budget)
            first = last - len(lines) + 1
        if not lines:
            return Page(MessageId(0), MessageId(0), [])
        return Page(MessageId(first), MessageId(first + len(lines) - 1), lines)

    async def _forward(self, state: RoomState, first: int, last: int, budget: Budget) -> list[bytes]:
        durable = state.durable
        in_memory = state.tail[max(0, first - durable - 1) : max(0, last - durable)]
        lines: list[bytes] = []
        if first <= min(last, durable):
            lines = await self._read(state, read_forward, first, min(last, durable), budget)
        for line in in_memory:
            if not budget.takes(line):
                break
            lines.append(line)
        return lines

    async def _backward(self, state: RoomState, first: int, last: int, budget: Budget) -> list[bytes]:
        durable = state.durable
        lines: list[bytes] = []
        for number in range(last, max(first, durable + 1) - 1, -1):
            line = state.tail[number - durable - 1]
            if not budget.takes(line):
                break
            lines.append(line)
        lines.reverse()
        if first <= min(last, durable) and not budget.spent:
            lines = await self._read(state, read_backward, first, min(last, durable), budget) + lines
        return lines

    async def _read(
        self, state: RoomState, read: _Read, first: int, last: int, budget: Budget
    ) -> list[bytes]:
        """Read durable lines."""
        job = functools.partial(self._read_now, state, state.filed, read, first, last, budget)
        return await asyncio.get_running_loop().run_in_executor(self._readers, job)

    def _read_now(
        self, state: RoomState, file: RoomFile | None, read: _Read, first: int, last: int, budget: Budget
    ) -> list[bytes]:
        """On a thread; `file` is how things stood when the page was asked for."""
        if file is None:
            return []
        begin, sealed = state.sealed
        if begin != file.first:
            sealed = self._store.sealed(file)
            state.sealed = (int(file.first), sealed)
        active = Segment(segment_name(file.first), file.first, file.last, file.size)
        segments = [*sealed, active] if file.size else sealed
        return read(self._files, self._folder / file.folder, segments, first, last, budget)
