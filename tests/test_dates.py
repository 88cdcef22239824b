"""Times are shown in the reader's zone and language."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.dates import clock, day_label, moment

PARIS = ZoneInfo("Europe/Paris")
AT = int(datetime(2026, 11, 21, 8, 11, 59, tzinfo=UTC).timestamp()) * 1000 + 999


def test_the_clock_is_the_readers() -> None:
    assert clock(AT, UTC) == "08:11"
    assert clock(AT, PARIS) == "09:11"
    assert clock(AT, timezone(timedelta(hours=-9, minutes=-30))) == "22:41"


def test_summer_and_winter_differ() -> None:
    summer = int(datetime(2026, 7, 1, 12, tzinfo=UTC).timestamp()) * 1000
    assert clock(summer, PARIS) == "14:00"


@pytest.mark.parametrize(("lang", "label"), [("en", "Sat 21 Nov 2026"), ("fr", "sam. 21 nov. 2026")])
def test_the_day_is_in_the_readers_language(lang: str, label: str) -> None:
    assert day_label(AT, UTC, lang) == label


def test_the_day_begins_at_the_readers_midnight() -> None:
    midnight = int(datetime(2026, 11, 21, 23, 30, tzinfo=UTC).timestamp()) * 1000
    assert day_label(midnight, UTC, "en") == "Sat 21 Nov 2026"
    assert day_label(midnight, PARIS, "en") == "Sun 22 Nov 2026"


@given(st.integers())
def test_no_number_is_too_much(ms: int) -> None:
    assert len(clock(ms, PARIS)) == 5
    assert day_label(ms, PARIS, "fr")
    assert len(clock(ms)) == 5


@given(st.integers(0, 4_000_000_000_000))
def test_a_moment_is_exact(ms: int) -> None:
    assert (moment(ms, UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1) == ms


def test_babel_waits_until_a_day_is_written() -> None:
    code = "import sys, chatroom.dates as d; d.clock(0); print('babel' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "False"
