"""The server's times as readers see them: in their zone, and in their language."""

import time
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS_MAX: Final = 253_370_764_800_000
"""The first of January 9999: later times, which only a broken or hostile server sends, are shown as this."""


def moment(ms: int, zone: tzinfo | None = None) -> datetime:
    """A time of the server in a zone.

    Args:
        ms: Milliseconds since 1970, UTC; what is beyond the years that there are is moved to their end.
        zone: Without one, that of this machine.
    """
    return (_EPOCH + timedelta(milliseconds=min(max(ms, 0), _MS_MAX))).astimezone(zone)


def now_ms() -> int:
    """Milliseconds since 1970, UTC, by this machine's clock."""
    return int(time.time() * 1000)


def iso_day(ms: int, zone: tzinfo | None = None) -> str:
    """`2026-11-21`; see `moment` for the arguments."""
    return moment(ms, zone).date().isoformat()


def clock(ms: int, zone: tzinfo | None = None) -> str:
    """`09:11`; see `moment` for the arguments."""
    at = moment(ms, zone)
    return f"{at.hour:02}:{at.minute:02}"


def day_label(ms: int, zone: tzinfo | None, lang: str) -> str:
    """`Sat 21 Nov 2026`, `sam. 21 nov. 2026`; see `moment` for `ms` and `zone`."""
    return _label(moment(ms, zone).date().toordinal(), lang)


@lru_cache(maxsize=64)
def _label(ordinal: int, lang: str) -> str:
    from babel.dates import format_date  # only here: it takes as long to load as the rest of the client

    return format_date(datetime.fromordinal(ordinal), "EEE d MMM y", locale=lang)
