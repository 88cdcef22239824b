"""The clock, the patience and the dice of a session, as one value that a test can replace."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

BACKOFF_BASE_S: Final = 0.5
BACKOFF_CAP_S: Final = 30.0
_LEAST_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Timing:
    """What a session knows of time.

    Attributes:
        now: A monotonic clock, in seconds.
        sleep: Waits so many seconds.
        random: Draws from 0 to 1.
    """

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = random.random

    def backoff_s(self, attempt: int) -> float:
        """Seconds to wait before an attempt (1, 2, …): exponential with full jitter.

        Full jitter, so that the clients of a server that fell do not come back as one crowd.
        """
        ceiling = min(BACKOFF_CAP_S, BACKOFF_BASE_S * 2.0 ** min(attempt - 1, 16))
        return max(_LEAST_S, self.random() * ceiling)

    def return_s(self, back_in_s: float) -> float:
        """Seconds to wait where the server said when it will be back; spread over as long again."""
        told = min(back_in_s, 10 * BACKOFF_CAP_S)
        return told + self.random() * max(told, 2.0)
