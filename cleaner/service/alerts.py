"""Telling people of alarms: what was seen, and by the ways out of the configuration."""

from __future__ import annotations

from collections.abc import Iterable

from cleaner.outlets import outlets
from cleaner.service.context import Context
from cleaner.values import Alarm, Alert

COMPROMISED = "compromised-account"


def tell(context: Context, alerts: Iterable[Alert]) -> int:
    """Tells what was not told lately; returns how many tellings there were."""
    return outlets(context.settings.alarms, context.store.alerts, context.clock).tell(alerts)


def compromised(address: str, alarms: Iterable[Alarm]) -> tuple[Alert, ...]:
    """One alert for each day on which much came back that the owner does not know."""
    return tuple(Alert(COMPROMISED, address, str(alarm), alarm.day.isoformat()) for alarm in alarms)
