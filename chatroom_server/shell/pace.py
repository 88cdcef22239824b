"""Decides when a busy room's round waits for company: a lone message goes at once, a stream goes in rounds.

Writing to a room's links costs as much for one message as for ten. So where a stream of messages comes to
many links, and each would be a round of its own, rounds are held back until 10 ms have passed since the last
one. Whether that really brings messages together is seen at each round: if those who talk wait for each
other, it brings nothing but delay, and the room is left alone for a while.
"""

from typing import Final

ROUND_S: Final = 0.010
"""The longest that a message waits for others."""
GAIN: Final = 4.0
"""A round that waits must promise so many times the messages of one that does not."""
DELIVERIES: Final = 200
"""A round that waits must promise so many deliveries: below that there is little to save."""
ENOUGH: Final = 8.0
"""Rounds that hold so many messages by themselves need no company."""
_WINDOW_S: Final = 0.1
_BACKOFF_S: Final = 0.5
_BACKOFF_MAX_S: Final = 16.0


class Pace:
    """The pace of one room. Times are monotonic seconds."""

    __slots__ = ("_backoff", "_last", "_rate", "_since", "_single", "_until", "_window")

    def __init__(self, now: float) -> None:
        self._last = now - ROUND_S
        self._since = now
        self._window = 0
        self._rate = 0.0  # frames a second, in the last whole window
        self._single = 1.0  # frames in a round that did not wait, on average
        self._until = now  # no waiting before this time
        self._backoff = _BACKOFF_S

    def wait_s(self, now: float, links: int) -> float:
        """How long the room's next round should wait; 0 for not at all."""
        waited = now - self._last
        promise = self._rate * ROUND_S
        if waited >= ROUND_S or now < self._until or self._single >= ENOUGH:
            return 0.0
        if promise < GAIN * self._single or promise * links < DELIVERIES:
            return 0.0
        return ROUND_S - waited

    def take(self, now: float, frames: int, *, waited: bool) -> None:
        """A round went out.

        Args:
            frames: How many it held.
            waited: It was held back.
        """
        self._last = now
        self._window += frames
        if now - self._since >= _WINDOW_S:
            self._rate = self._window / (now - self._since)
            self._since, self._window = now, 0
        if not waited:
            self._single += 0.1 * (frames - self._single)
        elif frames < GAIN / 2 * self._single:
            self._until = now + self._backoff
            self._backoff = min(self._backoff * 2, _BACKOFF_MAX_S)
        else:
            self._backoff = _BACKOFF_S
