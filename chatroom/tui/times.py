"""The time of this machine, where no server tells it."""

from time import time

from chatroom.dates import moment


def now_ms() -> int:
    """Milliseconds since 1970, UTC."""
    return int(time() * 1000)


def iso_day(at_ms: int) -> str:
    """`2026-11-21`, in the reader's zone."""
    return moment(at_ms).date().isoformat()
