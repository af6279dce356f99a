"""
The ways out: how people are told of what cannot wait for them to look.

`[alarms]` says which there are: a webhook, mail, both, or none. Each is told of an alert once, and again when it
still holds after `repeat`. One that does not answer is tried again at the next run, and keeps neither the other
nor the cleaning.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final, Protocol

from cleaner.config import AlarmSettings
from cleaner.errors import CleanerError
from cleaner.outlets.letter import Letter
from cleaner.outlets.webhook import Webhook
from cleaner.values import Alert

__all__ = ["Letter", "Memory", "Outlet", "Outlets", "Webhook", "outlets"]

log = logging.getLogger(__name__)

MOST: Final = 20
"""Alerts told in one go: who has a thousand of them needs no thousand letters."""


class Outlet(Protocol):
    """One way out."""

    name: str

    def tell(self, alert: Alert, now: datetime) -> None:
        """Raises CleanerError where nobody took it."""


class Memory(Protocol):
    """What was told when."""

    def told(self, key: str) -> datetime | None: ...

    def note(self, key: str, at: datetime) -> None: ...

    def forget(self, before: datetime) -> None: ...


class Outlets:
    """All ways out together."""

    def __init__(
        self, ways: Iterable[Outlet], memory: Memory, repeat: timedelta, clock: Callable[[], datetime]
    ) -> None:
        self._ways = tuple(ways)
        self._memory = memory
        self._repeat = repeat
        self._clock = clock

    def tell(self, alerts: Iterable[Alert]) -> int:
        """Tells what was not told lately; returns how many tellings there were. Never raises for a silent outlet."""
        now = self._clock()
        count = 0
        for alert in dict.fromkeys(alerts):
            for way in self._ways:
                if count >= MOST:
                    log.warning("more alarms than %d at once: the others are told by the next run", MOST)
                    return count
                count += self._tell(way, alert, now)
        if count:
            self._memory.forget(now - self._repeat)
        return count

    def _tell(self, way: Outlet, alert: Alert, now: datetime) -> bool:
        key = f"{way.name}\n{alert.key}"
        last = self._memory.told(key)
        if last is not None and now - last < self._repeat:
            return False
        try:
            way.tell(alert, now)
        except CleanerError as error:
            log.warning("an alarm could not be told by %s: %s", way.name, error)
            return False
        self._memory.note(key, now)
        return True


def outlets(settings: AlarmSettings, memory: Memory, clock: Callable[[], datetime]) -> Outlets:
    """The ways out that the configuration names."""
    ways: list[Outlet] = []
    if settings.webhook is not None:
        ways.append(Webhook(settings))
    if settings.mail:
        ways.append(Letter(settings))
    return Outlets(ways, memory, settings.repeat, clock)
