"""The time of a line, also where it names neither year nor zone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from cleaner.ledger.times import Clock


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def read(line: str, written: datetime = datetime(2026, 11, 20, tzinfo=UTC)) -> datetime | None:
    found, _ = Clock(written).read(line.encode())
    return found.astimezone(UTC) if found is not None else None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Nov  2 10:15:00 mx1 x", datetime(2026, 11, 2, 9, 15, tzinfo=UTC)),
        ("<22>Nov 12 10:15:00 mx1 x", datetime(2026, 11, 12, 9, 15, tzinfo=UTC)),
        ("Jul  2 10:15:00 mx1 x", datetime(2026, 7, 2, 8, 15, tzinfo=UTC)),
        ("Dec 24 10:15:00 mx1 x", datetime(2025, 12, 24, 9, 15, tzinfo=UTC)),
        ("2026-11-02T10:15:00.123456+02:00 mx1 x", datetime(2026, 11, 2, 8, 15, tzinfo=UTC)),
        ("2026-11-02T10:15:00+0200 mx1 x", datetime(2026, 11, 2, 8, 15, tzinfo=UTC)),
        ("2026-11-02T10:15:00Z mx1 x", datetime(2026, 11, 2, 10, 15, tzinfo=UTC)),
        ("<22>1 2026-11-02T10:15:00Z mx1 x", datetime(2026, 11, 2, 10, 15, tzinfo=UTC)),
        ("2026-11-02 10:15:00 1tAbcd", datetime(2026, 11, 2, 9, 15, tzinfo=UTC)),
        ("2026-11-02 10:15:00 +0500 1tAbcd", datetime(2026, 11, 2, 5, 15, tzinfo=UTC)),
        ("2026-11-02 10:15:00.123 -0500 1tAbcd", datetime(2026, 11, 2, 15, 15, tzinfo=UTC)),
    ],
)
def test_every_way_of_writing_it_is_read(line: str, expected: datetime) -> None:
    assert read(line) == expected


def test_a_year_is_the_last_one_that_fits_the_file() -> None:
    new_year = datetime(2027, 1, 1, 0, 10, tzinfo=UTC)
    assert read("Dec 31 23:59:00 mx1 x", new_year) == datetime(2026, 12, 31, 22, 59, tzinfo=UTC)
    assert read("Jan  1 00:20:00 mx1 x", new_year) == datetime(2026, 12, 31, 23, 20, tzinfo=UTC)
    leap = datetime(2025, 1, 10, tzinfo=UTC)
    assert read("Feb 29 12:00:00 mx1 x", leap) == datetime(2024, 2, 29, 11, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "x",
        "Foo  2 10:15:00 mx1 x",
        "Feb 30 10:15:00 x",
        "2026-13-02T10:15:00Z x",
        "9999-99-99 99:99:99 x",
    ],
)
def test_what_is_no_time_is_none(line: str) -> None:
    assert read(line) is None
