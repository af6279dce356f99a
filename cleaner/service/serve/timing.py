"""When a mailbox's next turn is. Pure: the time and the chance are given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

from cleaner.config.service import QuietHours, ServiceSettings
from cleaner.values import Rhythm

MONDAY: Final = 0
DOUBLINGS: Final = 16
"""Beyond these the longest pause is reached whatever it is."""
WEEK: Final = 7


def next_turn(
    now: datetime, interval: timedelta, failures: int, settings: ServiceSettings, chance: float
) -> datetime:
    """
    After the interval, doubled with each failure in a row, a little earlier or later, outside of quiet hours.

    `chance` is a number from 0 to 1. By it many mailboxes that were due together do not stay so, also when
    the quiet hours end.
    """
    longest = max(interval, settings.longest_pause)
    pause = min(interval * 2 ** min(failures, DOUBLINGS), longest)
    spread = interval * settings.jitter
    due = now + pause + spread * (2 * chance - 1)
    end = end_of_quiet(due, settings.quiet_hours, settings.zone)
    return due if end is None else end + spread * chance


def is_quiet(at: datetime, settings: ServiceSettings) -> bool:
    return end_of_quiet(at, settings.quiet_hours, settings.zone) is not None


def end_of_quiet(at: datetime, hours: Sequence[QuietHours], zone: tzinfo) -> datetime | None:
    """When the quiet hours end that this time lies in; None outside of them."""
    end = None
    # One span may end within another.
    for _ in range(len(hours) + 1):
        found = max((e for span in hours if (e := _end(end or at, span, zone))), default=None)
        if found is None:
            break
        end = found
    return end


def _end(at: datetime, span: QuietHours, zone: tzinfo) -> datetime | None:
    """
    The end of this span, if it lasts at that time.

    Begin and end are points of the wall clock, so that on the days when the clock is changed a night is an
    hour shorter or longer.
    """
    day = at.astimezone(zone).date()
    for first in (day - timedelta(days=1), day):
        last = first if span.begin < span.end else first + timedelta(days=1)
        begin, end = _wall(first, span.begin, zone), _wall(last, span.end, zone)
        if begin <= at < end:
            return end
    return None


def next_digest(after: datetime, rhythm: Rhythm, settings: ServiceSettings) -> datetime | None:
    """The first digest after that time: each day, or each Monday, at its hour."""
    if rhythm is Rhythm.OFF:
        return None
    day = after.astimezone(settings.zone).date()
    for ahead in range(WEEK + 1):
        then = day + timedelta(days=ahead)
        at = _wall(then, settings.digest_at, settings.zone)
        if at > after and (rhythm is Rhythm.DAILY or then.weekday() == MONDAY):
            return at
    raise AssertionError("a week has a Monday")


def _wall(day: date, at: time, zone: tzinfo) -> datetime:
    """
    That hour of the wall clock as a point in time.

    One that is left out in spring is read with the offset from before the change, so as far behind it as it
    is behind its hour; one that comes twice in autumn is the first (PEP 495).
    """
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)
