"""Makes messages of a session's events: a lone one at once, a burst twenty times a second."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from time import monotonic
from typing import Final, Protocol

from chatroom.client.events import LineArrived, MessageChanged, SessionEvent

GATHER_S: Final = 0.05
BATCH_MAX: Final = 200
"""Events of one message, so that keys are answered between two of them."""


class EventSource(Protocol):
    """The part of a session that is read here."""

    def __aiter__(self) -> AsyncIterator[SessionEvent]:
        """Iterate over events as they come."""
        ...

    def events_nowait(self) -> list[SessionEvent]:
        """All events that are there already."""
        ...


class Bridge:
    """Hands over events in batches.

    Args:
        deliver: Takes a batch, and whether another one is right behind it; meanwhile the session holds back.
        clock: Monotonic, in seconds.
    """

    def __init__(
        self,
        deliver: Callable[[list[SessionEvent], bool], Awaitable[None]],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._deliver = deliver
        self._clock = clock
        self._waiting: list[SessionEvent] = []
        self._delivered_at = float("-inf")

    async def run(self, source: EventSource) -> None:
        """Read events until there are no more; what comes within 50 ms of a batch waits for the next one."""
        async for event in source:
            self._waiting += [event, *source.events_nowait()]
            if not any(_is_own(waiting) for waiting in self._waiting):
                await asyncio.sleep(max(0.0, self._delivered_at + GATHER_S - self._clock()))
                self._waiting += source.events_nowait()
            await self._flush()

    async def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        for start in range(0, len(waiting), BATCH_MAX):
            end = start + BATCH_MAX
            await self._deliver(waiting[start:end], end < len(waiting))
        self._delivered_at = self._clock()


def _is_own(event: SessionEvent) -> bool:
    """Whether it answers what somebody at this screen has just done."""
    return isinstance(event, MessageChanged) or (isinstance(event, LineArrived) and bool(event.key))
