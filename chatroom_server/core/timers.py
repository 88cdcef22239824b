"""What the hub does later: actions in the order of their times."""

import heapq
from collections.abc import Callable, Iterator


class Timers:
    """Actions that wait for their time (monotonic seconds)."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._asked: float | None = None

    def add(self, at: float, action: Callable[[], None]) -> None:
        """Do something at a time."""
        self._count += 1
        heapq.heappush(self._heap, (at, self._count, action))

    def take_due(self, now: float) -> Iterator[Callable[[], None]]:
        """What is due, earliest first. The caller was woken, and so has no next waking any more."""
        self._asked = None
        while self._heap and self._heap[0][0] <= now:
            yield heapq.heappop(self._heap)[2]

    def next_wake(self) -> float | None:
        """When to be woken next; None while that is as it was asked for last."""
        if not self._heap or self._heap[0][0] == self._asked:
            return None
        self._asked = self._heap[0][0]
        return self._asked
