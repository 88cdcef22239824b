"""Time that a test moves: whoever sleeps wakes when the test says that it is late enough."""

import asyncio
import heapq
import itertools


class Clock:
    """A monotonic clock, in seconds.

    `now` and `sleep` take the places of `time.monotonic` and `asyncio.sleep`.
    """

    def __init__(self, now: float = 1_000.0) -> None:
        self._now = now
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> float:
        """The time."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock was moved on by so much."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        waking = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._order), waking))
        await waking

    async def move(self, seconds: float) -> None:
        """Let time pass: all who sleep until then wake, one after the other, and get to do something."""
        end = self._now + seconds
        while self._sleepers and self._sleepers[0][0] <= end:
            self._now, _order, waking = heapq.heappop(self._sleepers)
            if not waking.done():
                waking.set_result(None)
            await asyncio.sleep(0)
        self._now = end
        await asyncio.sleep(0)

    @property
    def sleepers(self) -> int:
        """How many sleep."""
        return sum(not waking.done() for _at, _order, waking in self._sleepers)
