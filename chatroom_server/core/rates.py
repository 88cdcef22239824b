"""How fast a user may send: a bucket of tokens that fills at a steady rate."""

from dataclasses import dataclass
from typing import Final

_GRID_COST: Final = 10
"""To check a grid takes up to 5 ms, however few bytes it has."""


@dataclass(slots=True)
class Bucket:
    """Tokens of one user. It may be overdrawn: who sends too fast waits, and nothing is dropped.

    Attributes:
        burst: How many it holds when full.
        rate: How many come in a second; 0: sending is free.
        tokens: How many it held at `filled_at`, below 0 when overdrawn.
        filled_at: Monotonic seconds.
        debt_max_s: It is never overdrawn by more than so many seconds fill up.
    """

    burst: float
    rate: float
    tokens: float
    filled_at: float
    debt_max_s: float = float("inf")

    def take(self, tokens: float, now: float) -> float:
        """Take tokens; return the seconds until the bucket is not overdrawn any more, 0 if it is not."""
        if not self.rate:
            return 0.0
        left = min(self.burst, self.tokens + (now - self.filled_at) * self.rate) - tokens
        self.tokens, self.filled_at = max(left, -self.debt_max_s * self.rate), now
        return -self.tokens / self.rate if self.tokens < 0 else 0.0

    def is_full(self, now: float) -> bool:
        """Whether nothing is lost when it is thrown away."""
        return not self.rate or self.tokens + (now - self.filled_at) * self.rate >= self.burst


def message_cost(size: int, *, has_grid: bool = False) -> int:
    """The tokens of a message, by its bytes: one for each 4 KiB that it begins, with a grid at least 10."""
    cost = 1 + size // 4096
    return max(cost, _GRID_COST) if has_grid else cost
