"""
The compromised account: mail that left by our servers in this user's name, and that he does not know.

Whoever has stolen a password sends through our relay, so the mail is signed as ours and its reports are genuine:
nothing of them is removed. What gives it away is that none of it is in the sent record, while the user's own mail
mostly is, and that it is far more than on other days.

Source: observed: a stolen password is used for one mailing of thousands within hours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final

from cleaner.values import Alarm, Lesson

MANY: Final = 20
"""Unknown mails of one day."""
TIMES: Final = 10
"""How many times as many as on other days."""
ENOUGH: Final = 10
MOSTLY: Final = 0.5
"""The share of marked mail in the record from which on the record is said to hold the user's mail."""
RECENT: Final = timedelta(days=7)


def is_flood(today: int, usual: float, least: int) -> bool:
    """Whether so many notices about mail of strangers in a day are an attack and no bad day."""
    return today >= least and today >= TIMES * usual


def alarms(lessons: Iterable[Lesson], today: date) -> tuple[Alarm, ...]:
    """Days of the last week on which much came back that bears our mark and that the user did not keep."""
    own = (one for one in lessons if not one.of_colleague)
    marked = {one.original: one for one in own if one.by_mark and one.original and one.day is not None}
    known = Counter(one.day for one in marked.values() if one.in_record)
    unknown = Counter(one.day for one in marked.values() if not one.in_record)
    found = []
    for day, count in sorted(unknown.items()):
        if day is None or not today - RECENT <= day <= today or count < MANY:
            continue
        kept = known.total() - known[day]
        not_kept = unknown.total() - count
        others = len({*known, *unknown} - {day})
        if kept + not_kept < ENOUGH or kept < MOSTLY * (kept + not_kept):
            continue
        usual = not_kept / others
        if count >= TIMES * max(usual, 1.0):
            found.append(Alarm(day, count, usual))
    return tuple(found)
