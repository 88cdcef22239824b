"""What a session has to tell, between the link and its one reader: bounded, and never in the link's way.

A reader that falls behind loses no link and no message: lines that do not fit any more are told as
`LinesMissed`, to be fetched like those of a night offline. What concerns one's own messages always fits: its
number is bounded by what one said.
"""

import asyncio
from collections import deque
from typing import Final

from chatroom.client.events import LineArrived, LinesMissed, PresenceChanged, SessionEvent
from chatroom.protocol.ids import MessageId, RoomId

EVENTS_MAX: Final = 20_000
BYTES_MAX: Final = 32 * 1024 * 1024


class EventQueue:
    """A queue for one reader."""

    def __init__(self, events_max: int = EVENTS_MAX, bytes_max: int = BYTES_MAX) -> None:
        self._events: deque[SessionEvent] = deque()
        self._missed: dict[RoomId, LinesMissed] = {}
        self._bytes = 0
        self._events_max = events_max
        self._bytes_max = bytes_max
        self._wake = asyncio.Event()
        self._finished = False

    def put(self, event: SessionEvent) -> None:
        """Add an event; after the end there are none."""
        if self._finished:
            return
        if isinstance(event, (LineArrived, LinesMissed, PresenceChanged)) and self._is_full(event):
            self._miss(event)
        else:
            self._events.append(event)
            self._bytes += len(event.body) if isinstance(event, LineArrived) else 0
        self._wake.set()

    def take_all(self) -> list[SessionEvent]:
        """All events that are there, oldest first."""
        taken = [*self._events, *self._missed.values()]
        self._events.clear()
        self._missed.clear()
        self._bytes = 0
        self._settle()
        return taken

    async def get(self) -> SessionEvent:
        """The next event.

        Raises:
            StopAsyncIteration: No more will come.
        """
        while not self._events and not self._missed:
            if self._finished:
                raise StopAsyncIteration
            await self._wake.wait()
        return self._pop()

    async def wait(self, timeout_s: float | None) -> None:
        """Return when there is an event, when none will come any more, or when the time is over."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._wake.wait()
        except TimeoutError:
            return

    def finish(self) -> None:
        """No more events will come."""
        self._finished = True
        self._wake.set()

    def _is_full(self, event: LineArrived | LinesMissed | PresenceChanged) -> bool:
        over = len(self._events) >= self._events_max or self._bytes >= self._bytes_max
        return over or _room(event) in self._missed

    def _miss(self, event: LineArrived | LinesMissed | PresenceChanged) -> None:
        """Fold an event into what the reader has to fetch."""
        room = _room(event)
        known = self._missed.get(room)
        if isinstance(event, LineArrived):
            after, last = MessageId(event.line.id - 1), MessageId(event.line.id)
        elif isinstance(event, LinesMissed):
            after, last = event.after, event.last
        elif known is not None:
            return
        else:
            after = last = MessageId(0)
        if known is not None and known.last:
            after, last = min(known.after, after), max(known.last, last)
        self._missed[room] = LinesMissed(room, after, last)

    def _pop(self) -> SessionEvent:
        if self._events:
            event = self._events.popleft()
            self._bytes -= len(event.body) if isinstance(event, LineArrived) else 0
        else:
            event = self._missed.pop(next(iter(self._missed)))
        self._settle()
        return event

    def _settle(self) -> None:
        if not self._events and not self._missed and not self._finished:
            self._wake.clear()


def _room(event: LineArrived | LinesMissed | PresenceChanged) -> RoomId:
    return event.line.room if isinstance(event, LineArrived) else event.room
