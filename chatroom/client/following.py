"""Reads one room from a place on, without a gap and without a line twice, whatever happens to the link."""

import asyncio
from collections import deque
from typing import Final

from chatroom.client.errors import ClientError, PastReplacedError
from chatroom.protocol.frames import Line
from chatroom.protocol.ids import MessageId, RoomId

Stored = tuple[Line, bytes]
"""A line, and its JSON as the server stores it."""
_AHEAD_MAX: Final = 1_000
_AHEAD_BYTES: Final = 8 * 1024 * 1024


class Follower:
    """One reader's place in a room.

    Live lines wait here as one run of consecutive ids; whatever is missing in front of it is fetched in
    pages, while the run grows: a gap is asked for once, not once per line.
    """

    def __init__(self, room: RoomId, after: MessageId) -> None:
        self.room = room
        self._taken: int = after
        self._live: deque[Stored] = deque()
        self._live_bytes = 0
        self._known: int = after
        self._wake = asyncio.Event()
        self._error: ClientError | None = None
        self._lost: PastReplacedError | None = None

    @property
    def after(self) -> MessageId:
        """The last line that was given out."""
        return MessageId(self._taken)

    @property
    def is_behind(self) -> bool:
        """Whether the next line has to be fetched."""
        if self._live:
            return self._live[0][0].id > self._taken + 1
        return self._known > self._taken

    def arrived(self, line: Line, body: bytes) -> None:
        """Take in a live line of the room."""
        follows = line.id == self._known + 1 and (not self._live or self._live[-1][0].id == self._known)
        if follows and len(self._live) < _AHEAD_MAX and self._live_bytes < _AHEAD_BYTES:
            self._live.append((line, body))
            self._live_bytes += len(body)
        self.exists(line.id)

    def exists(self, last: int) -> None:
        """The room holds lines up to this one."""
        self._known = max(self._known, last)
        self._wake.set()

    def lose(self, error: PastReplacedError) -> None:
        """The server has another past, in which our place may be behind other lines: give out no more."""
        self.replaced(self._taken)
        if self._taken > 0:
            self._lost = error

    def replaced(self, last: int) -> None:
        """The room ends here: go on at its end where that lies before our place."""
        self._live.clear()
        self._live_bytes = 0
        self._taken = min(self._taken, last)
        self._known = last
        self._wake.set()

    def end(self, error: ClientError) -> None:
        """Nothing comes any more."""
        self._error = error
        self._wake.set()

    def take_live(self) -> list[Stored]:
        """The lines that are here and follow upon what was given out."""
        if not self._live or self.is_behind:
            return []
        taken = list(self._live)
        self._live.clear()
        self._live_bytes = 0
        return self._give(taken)

    def take_page(self, page: list[Stored]) -> list[Stored]:
        """What of a page behind `after` was not given out yet; raises where our place was lost meanwhile."""
        if self._lost is not None:
            raise self._lost
        if not page:  # the server says that there is nothing between
            self._taken = self._live[0][0].id - 1 if self._live else self._taken
            self._known = max(self._taken, self._live[-1][0].id) if self._live else self._taken
        return self._give(page)

    async def wait(self) -> None:
        """Return when there may be something to take or to fetch.

        Raises:
            PastReplacedError: Our place was lost.
            ClientError: There never will.
        """
        while self._lost is None and not self._live and not self.is_behind:
            if self._error is not None:
                raise self._error
            self._wake.clear()
            await self._wake.wait()
        if self._lost is not None:
            raise self._lost

    def _give(self, stored: list[Stored]) -> list[Stored]:
        fresh = [one for one in stored if one[0].id > self._taken]
        if fresh:
            self._taken = fresh[-1][0].id
            self._known = max(self._known, self._taken)
        return fresh
