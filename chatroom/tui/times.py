"""Times and days in the reader's zone and language."""

from collections.abc import Callable
from datetime import UTC, datetime
from time import time

_DAY_FORMAT = "EEE d MMM y"
"""`Sat 21 Nov 2026`, in the patterns of Unicode's LDML."""


def now_ms() -> int:
    """Milliseconds since 1970, UTC."""
    return int(time() * 1000)


def clock(at_ms: int) -> str:
    """`09:00`"""
    return _local(at_ms).strftime("%H:%M")


def iso_day(at_ms: int) -> str:
    """`2026-11-21`"""
    return _local(at_ms).date().isoformat()


def day_labels(lang: str) -> Callable[[int], str]:
    """What days are called: `Sat 21 Nov 2026`, `sam. 21 nov. 2026`. Babel is imported by the first."""

    def label(at_ms: int) -> str:
        from babel.dates import format_date

        return format_date(_local(at_ms).date(), _DAY_FORMAT, locale=lang)

    return label


def _local(at_ms: int) -> datetime:
    try:
        return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone()
    except (OverflowError, OSError, ValueError):  # a time that somebody made up
        return datetime.fromtimestamp(0, UTC)
