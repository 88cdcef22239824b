"""Decides when messages wait for company: a lone one goes at once, a stream to many links goes in rounds.

A round to the disk, and from there to a room's links, costs as much for one message as for ten. So where a
stream of messages comes to many links, and each would be a round of its own, they are held back until 10 ms
have passed since the last round. Whether that really brings messages together is seen at each round: if those
who talk wait for each other, it brings nothing but delay, and is left alone for a while.

When messages are held back and nothing is on its way to the disk, the event loop pauses until the round: what
comes until then is read in one go. Woken for each message, it would spend most of its time on waking.
"""

from collections.abc import Callable
from typing import Final, Protocol

from chatroom_server.core.ports import Draft, Log

ROUND_S: Final = 0.010
"""The longest that a message waits for others."""
PROMISE: Final = 2.5
"""A round that waits must promise so many times the messages of one that does not."""
GAIN: Final = 1.5
"""And it must hold so many times as many."""
MISSES: Final = 2
"""Rounds one after the other that waited in vain, before nothing waits for a while."""
DELIVERIES: Final = 200
"""A round that waits must promise so many deliveries: below that there is little to save."""
ENOUGH: Final = 8.0
"""Rounds that hold so many messages by themselves need no company."""
_SHARE: Final = 0.05
"""How fast the average of links a message follows what comes."""
_WINDOW_S: Final = 0.1
_BACKOFF_S: Final = 0.5
_BACKOFF_MAX_S: Final = 16.0


class Pace:
    """The pace of all rooms together. Times are monotonic seconds."""

    __slots__ = ("_backoff", "_last", "_misses", "_rate", "_since", "_single", "_until", "_window")

    def __init__(self, now: float) -> None:
        self._last = now - ROUND_S
        self._since = now
        self._window = 0
        self._rate = 0.0  # frames a second, in the last whole window
        self._single = 1.0  # frames in a round that did not wait, on average
        self._until = now  # no waiting before this time
        self._backoff = _BACKOFF_S
        self._misses = 0

    def wait_s(self, now: float, links: float) -> float:
        """How long a message should wait, when so many links get one on average; 0 for not at all."""
        waited = now - self._last
        promise = self._rate * ROUND_S
        if waited >= ROUND_S or now < self._until or self._single >= ENOUGH:
            return 0.0
        if promise < PROMISE * self._single or promise * links < DELIVERIES:
            return 0.0
        return ROUND_S - waited

    def begin(self, now: float) -> None:
        """A round that was held back is on its way."""
        self._last = now

    def take(self, now: float, frames: int, *, waited: bool) -> None:
        """A round has come back from the disk.

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
        elif frames >= GAIN * self._single:
            self._misses, self._backoff = 0, _BACKOFF_S
        else:
            self._misses += 1
            if self._misses >= MISSES:
                self._misses, self._until = 0, now + self._backoff
                self._backoff = min(self._backoff * 2, _BACKOFF_MAX_S)


class Clock(Protocol):
    """The part of an event loop that an appender uses."""

    def time(self) -> float:
        """Monotonic seconds."""

    def call_at(self, when: float, callback: Callable[[], None]) -> object:
        """Call a function at a time."""

    def call_soon(self, callback: Callable[..., None], *args: object) -> object:
        """Call a function in the next turn."""


class Appender:
    """Gives drafts to the log, at once or in rounds, always in their order.

    Args:
        pause: Does nothing for so many seconds, the event loop neither.
    """

    def __init__(self, clock: Clock, log: Log, pause: Callable[[float], None]) -> None:
        self._clock, self._log, self._pause = clock, log, pause
        self._pace = Pace(clock.time())
        self._links = 0.0
        self._held: list[Draft] = []
        self._waited = False
        self._due = 0.0

    def append(self, drafts: list[Draft]) -> None:
        """Take drafts to store."""
        if self._held:
            self._held += drafts
            return
        now = self._clock.time()
        wait_s = self._pace.wait_s(now, self._links)
        if wait_s > 0.0:
            self._held = drafts
            self._due = now + wait_s
            self._clock.call_at(self._due, self.release)
            self._clock.call_soon(self._pause_for_more)
        else:
            self._log.append(drafts)

    def _pause_for_more(self) -> None:
        """Let come what comes until the round, unless the outcome of another one is to come."""
        wait_s = self._due - self._clock.time()
        if wait_s > 0.0 and not self._log.is_busy:
            self._pause(wait_s)

    def release(self) -> None:
        """Hold nothing back any longer."""
        if self._held:
            self._pace.begin(self._clock.time())
            held, self._held = self._held, []
            self._waited = True
            self._log.append(held)

    def stored(self, lines: int, deliveries: int) -> None:
        """A round of so many lines came back from the disk, and is so many lines on so many links."""
        self._pace.take(self._clock.time(), lines, waited=self._waited)
        self._waited = False
        self._links += _SHARE * (deliveries / lines - self._links)
        if self._held:
            self._clock.call_soon(self._pause_for_more)
