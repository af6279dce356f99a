"""Times and durations on the command line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cleaner.cli.options import duration_of, time_of
from cleaner.errors import UsageError

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_a_time_is_so_long_ago_or_a_date() -> None:
    assert time_of(None) is None
    assert time_of("7d", NOW) == NOW - timedelta(days=7)
    assert time_of("2026-11-01T10:15:00+00:00") == datetime(2026, 11, 1, 10, 15, tzinfo=UTC)
    day = time_of("2026-11-01")
    assert day is not None
    assert day.tzinfo is not None
    assert (day.day, day.hour) == (1, 0)


@pytest.mark.parametrize("text", ["yesterday", "7", "", "2026-13-01", "0001-01-01T00:00+23:59"])
def test_what_is_no_time_is_told_what_to_write(text: str) -> None:
    with pytest.raises(UsageError, match="write for example 7d"):
        time_of(text)


def test_a_duration() -> None:
    assert duration_of(None) is None
    assert duration_of("0") == timedelta(0)
    with pytest.raises(UsageError, match="write for example"):
        duration_of("soon")
