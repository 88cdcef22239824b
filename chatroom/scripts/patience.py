"""How long a script waits: one time for a server that is there, another for one that is away."""

from collections.abc import Callable


class Patience:
    """Counts the time in which nothing moved.

    While the server is there the time-out counts, anew from each time it came back. While it is away the
    other time counts, in sum until something moves again: a server that falls over and over ends it, too.

    Args:
        timeout_s: How long a server that is there may do nothing.
        away_s: How long it may be away; 0 for no difference.
        clock: Monotonic, in seconds.
        is_there: Whether there is a link.
    """

    def __init__(
        self, timeout_s: float, away_s: float, *, clock: Callable[[], float], is_there: Callable[[], bool]
    ) -> None:
        self._timeout_s = timeout_s
        self._away_max_s = away_s
        self._clock = clock
        self._is_there = is_there
        self._there_s = self._away_s = 0.0
        self._looked_at = clock()

    @property
    def left_s(self) -> float:
        """For how long to wait on, as things are; none, or less, when it is over."""
        self.look()
        if self._is_away():
            return self._away_max_s - self._away_s
        return self._timeout_s - self._there_s

    @property
    def away_left_s(self) -> float:
        """For how long it may yet be away."""
        self.look()
        return self._away_max_s - self._away_s

    def look(self) -> None:
        """Count the time since the last look; look often, as it goes to what the server is by now."""
        now = self._clock()
        passed, self._looked_at = now - self._looked_at, now
        if self._is_away():
            self._away_s += passed
            self._there_s = 0.0
        else:
            self._there_s += passed

    def begin(self) -> None:
        """Give the time-out anew: something is waited for from here on."""
        self.look()
        self._there_s = 0.0

    def renew(self) -> None:
        """Something moved, or nothing has to."""
        self.begin()
        self._away_s = 0.0

    def _is_away(self) -> bool:
        return self._away_max_s > 0 and not self._is_there()
