"""When a mailbox's next turn is, by the wall clock and over its changes."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleaner.config.service import QuietHours, ServiceSettings
from cleaner.service.serve.timing import end_of_quiet, next_digest, next_turn
from cleaner.values import Rhythm

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = (QuietHours(time(22), time(6)),)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
FIVE = timedelta(minutes=5)


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


def test_the_next_turn_is_an_interval_away_give_or_take_the_jitter() -> None:
    settings = ServiceSettings(jitter=0.1, time_zone="UTC")
    assert next_turn(NOON, FIVE, 0, settings, 0.5) == NOON + FIVE
    assert next_turn(NOON, FIVE, 0, settings, 0) == NOON + timedelta(seconds=270)
    assert next_turn(NOON, FIVE, 0, settings, 1) == NOON + timedelta(seconds=330)


def test_each_failure_doubles_the_pause_up_to_the_longest() -> None:
    settings = ServiceSettings(jitter=0, time_zone="UTC", longest_pause=timedelta(hours=1))
    pauses = [next_turn(NOON, FIVE, failures, settings, 0.5) - NOON for failures in (1, 2, 3, 4, 90)]
    assert [pause.total_seconds() / 60 for pause in pauses] == [10, 20, 40, 60, 60]


def test_an_interval_longer_than_the_longest_pause_stays_as_it_is() -> None:
    settings = ServiceSettings(jitter=0, time_zone="UTC", longest_pause=timedelta(hours=1))
    assert next_turn(NOON, timedelta(days=1), 3, settings, 0.5) == NOON + timedelta(days=1)


@pytest.mark.parametrize(
    ("at", "end"),
    [
        ("2026-11-20T21:59", None),
        ("2026-11-20T22:00", "2026-11-21T06:00"),
        ("2026-11-21T05:59", "2026-11-21T06:00"),
        ("2026-11-21T06:00", None),
        # The nights in which the clock is changed.
        ("2026-03-28T23:00", "2026-03-29T06:00"),
        ("2026-10-24T23:00", "2026-10-25T06:00"),
    ],
)
def test_quiet_hours_go_over_midnight_and_over_changes_of_the_clock(at: str, end: str | None) -> None:
    found = end_of_quiet(berlin(at), NIGHT, BERLIN)
    assert found == (berlin(end) if end is not None else None)


def test_the_night_of_the_change_is_an_hour_shorter_and_longer() -> None:
    for evening, hours in (("2026-03-28T22:00", 7), ("2026-10-24T22:00", 9), ("2026-11-20T22:00", 8)):
        end = end_of_quiet(berlin(evening), NIGHT, BERLIN)
        assert end is not None
        assert end - berlin(evening) == timedelta(hours=hours)


def test_quiet_hours_that_follow_on_each_other_are_one() -> None:
    spans = (QuietHours(time(12), time(14)), QuietHours(time(13), time(16)), QuietHours(time(16), time(17)))
    assert end_of_quiet(berlin("2026-11-20T12:30"), spans, BERLIN) == berlin("2026-11-20T17:00")


def test_quiet_hours_that_leave_nothing_of_the_day_end_all_the_same() -> None:
    spans = (QuietHours(time(0), time(12)), QuietHours(time(12), time(0)))
    assert end_of_quiet(NOON, spans, UTC) is not None


@given(
    minutes=st.integers(0, 60 * 24 * 400),
    interval=st.integers(1, 60 * 24),
    chance=st.floats(0, 1),
    failures=st.integers(0, 60),
)
def test_no_turn_is_in_quiet_hours_or_in_the_past(
    minutes: int, interval: int, chance: float, failures: int
) -> None:
    settings = ServiceSettings(quiet_hours=NIGHT, time_zone="Europe/Berlin")
    now = NOON + timedelta(minutes=minutes)
    due = next_turn(now, timedelta(minutes=interval), failures, settings, chance)
    assert due > now
    if interval < 60:
        assert end_of_quiet(due, NIGHT, BERLIN) is None


@pytest.mark.parametrize(
    ("after", "rhythm", "then"),
    [
        ("2026-11-20T07:59", Rhythm.DAILY, "2026-11-20T08:00"),
        ("2026-11-20T08:00", Rhythm.DAILY, "2026-11-21T08:00"),
        ("2026-11-20T08:00", Rhythm.WEEKLY, "2026-11-23T08:00"),
        ("2026-11-23T08:00", Rhythm.WEEKLY, "2026-11-30T08:00"),
        ("2026-03-28T12:00", Rhythm.DAILY, "2026-03-29T08:00"),
        ("2026-10-24T12:00", Rhythm.DAILY, "2026-10-25T08:00"),
    ],
)
def test_digests_come_at_their_hour(after: str, rhythm: Rhythm, then: str) -> None:
    settings = ServiceSettings(time_zone="Europe/Berlin")
    assert next_digest(berlin(after), rhythm, settings) == berlin(then)
    assert next_digest(berlin(after), Rhythm.OFF, settings) is None


def test_an_hour_that_is_left_out_in_spring_has_a_digest_all_the_same() -> None:
    settings = ServiceSettings(time_zone="Europe/Berlin", digest_at=time(2, 30))
    assert next_digest(berlin("2026-03-28T12:00"), Rhythm.DAILY, settings) == berlin("2026-03-29T03:30")
    assert next_digest(berlin("2026-03-29T03:30"), Rhythm.DAILY, settings) == berlin("2026-03-30T02:30")
