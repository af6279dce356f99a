"""A stolen password is noticed by the mail that left by our servers and that the user does not know."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from cleaner import evidence
from cleaner.classifier import is_proven
from cleaner.values import Lesson
from tests.evidence.scene import FULL, proven_reports

TODAY = date(2026, 11, 20)


def lessons(day: date, count: int, *, kept: int = 0, by_mark: bool = True) -> list[Lesson]:
    """So many mails of a day that came back, `kept` of them in the sent record."""
    return [
        Lesson(day=day, original=f"<{day}.{n}@mail.harbor.example>", by_mark=by_mark, in_record=n < kept)
        for n in range(count)
    ]


USUAL = [one for n in range(2, 12) for one in lessons(TODAY - timedelta(days=n), 3, kept=2)]
"""Ten days on each of which three mails came back, and one of them is unknown."""


def test_a_flood_of_signed_mail_that_nobody_kept_is_an_alarm() -> None:
    (alarm,) = evidence.alarms([*USUAL, *lessons(TODAY, 40)], TODAY)
    assert (alarm.day, alarm.mails, alarm.usual) == (TODAY, 40, 1.0)
    assert "password" in str(alarm)


@pytest.mark.parametrize(
    ("others", "what"),
    [
        (lessons(TODAY, 19), "a few"),
        (lessons(TODAY, 40, kept=25), "the user's own mailing, kept in Sent"),
        (lessons(TODAY, 40, by_mark=False), "mail of strangers"),
        (lessons(TODAY - timedelta(days=8), 40), "long ago"),
        (lessons(TODAY + timedelta(days=3), 40), "a clock that is wrong"),
        (lessons(TODAY, 1) * 40, "one mail to many recipients"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_none(others: list[Lesson], what: str) -> None:
    assert evidence.alarms([*USUAL, *others], TODAY) == (), what


def test_where_nothing_is_kept_anyway_it_says_nothing() -> None:
    never = [one for n in range(2, 12) for one in lessons(TODAY - timedelta(days=n), 3)]
    assert evidence.alarms([*never, *lessons(TODAY, 40)], TODAY) == ()
    assert evidence.alarms(lessons(TODAY, 40), TODAY) == ()


def test_where_such_days_are_usual_it_says_nothing() -> None:
    newsletters = [one for n in range(2, 6) for one in lessons(TODAY - timedelta(days=n), 60, kept=45)]
    assert evidence.alarms([*newsletters, *lessons(TODAY, 40)], TODAY) == ()


def test_of_the_notices_themselves_nothing_is_removed() -> None:
    flood = proven_reports(count=40, days=1)
    for notice in flood[:3]:
        assert is_proven(FULL.judge(notice))
