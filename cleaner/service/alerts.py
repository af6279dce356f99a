"""
Telling people of alarms: what was seen, and by the ways out of the configuration.

Whoever sees something posts it, which takes no longer than writing it down. It is told by whoever has the time to wait
for somebody else's server, and tried again until everybody was told.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final

from cleaner import evidence
from cleaner.errors import CleanerError
from cleaner.outlets import outlets
from cleaner.service.context import Context
from cleaner.values import Alarm, Alert

log = logging.getLogger(__name__)

COMPROMISED: Final = "compromised-account"
FLOOD: Final = "flood"
SAFETY_STOP: Final = "safety-stop"
KEEP: Final = timedelta(days=7)
"""After which nobody is told any more."""
DAY: Final = timedelta(days=1)
WEEK: Final = timedelta(days=7)


def post(context: Context, alerts: Iterable[Alert]) -> None:
    """They are to be told. What cannot be written down is logged: an alarm never holds up the work."""
    if not (posted := tuple(alerts)):
        return
    try:
        context.store.alerts.post(posted, context.clock())
    except CleanerError as error:
        log.warning("alarms could not be noted down: %s", error)
        for alert in posted:
            log.warning("alarm (%s) for %s: %s", alert.kind, alert.about, alert.text)


def deliver(context: Context) -> frozenset[Alert]:
    """Tells what is due; returns what somebody could not be told of, and is to be tried again. Raises StoreError."""
    book = context.store.alerts
    with context.store.telling() as ours:
        due = book.due() if ours else {}
        if not due:
            return frozenset()
        untold = outlets(context.settings.alarms, book, context.clock).tell(due).untold
        given_up = {alert for alert in untold if due[alert] <= context.clock() - KEEP}
        for alert in given_up:
            log.warning("nobody could be told of an alarm (%s) for %s; given up", alert.kind, alert.about)
        book.settle(alert for alert in due if alert not in untold or alert in given_up)
        return untold - given_up


def deliver_if_possible(context: Context) -> None:
    """For a command that is done with its work; what could not be told stays due."""
    try:
        deliver(context)
    except CleanerError as error:
        log.warning("alarms could not be told: %s", error)
    except Exception:
        log.exception("alarms could not be told")


def compromised(address: str, alarms: Iterable[Alarm]) -> tuple[Alert, ...]:
    """One alert for each day on which much came back that the owner does not know."""
    return tuple(Alert(COMPROMISED, address, str(alarm), alarm.day.isoformat()) for alarm in alarms)


def flooded(context: Context, address: str) -> Iterator[Alert]:
    """One if far more came within a day than on the days of the week before it."""
    least = context.settings.alarms.flood
    if not least:
        return
    now = context.clock()
    seen = context.store.seen(address)
    today = seen.strays(now - DAY, now)
    usual = seen.strays(now - DAY - WEEK, now - DAY) / WEEK.days
    if evidence.is_flood(today, usual, least):
        text = (
            f"within a day {today} notices came that are not known to be about mail from here ({usual:.1f} a day in "
            "the week before): somebody sends mail in this name"
        )
        yield Alert(FLOOD, address, text)
