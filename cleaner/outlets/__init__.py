"""
The ways out: how people are told of what cannot wait for them to look.

The log always; beside it `[alarms]` says which there are: a webhook, mail, both, or none. Each is told of an alert
once, and again when it still holds after `repeat`. One that does not answer keeps neither the other nor the cleaning.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from cleaner.config import AlarmSettings
from cleaner.errors import CleanerError
from cleaner.outlets.letter import Letter
from cleaner.outlets.webhook import Webhook
from cleaner.values import Alert

__all__ = ["Letter", "LogOutlet", "Memory", "Outlet", "Outlets", "Told", "Webhook", "outlets"]

log = logging.getLogger(__name__)

TOGETHER: Final = 5
"""More alerts of one kind than these are told as one: who has a thousand of them needs no thousand letters."""
NAMED: Final = 20
"""So many of them are named in it."""


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


class LogOutlet:
    """The log of this program; satisfies `Outlet`."""

    name = "log"

    def tell(self, alert: Alert, now: datetime) -> None:  # noqa: ARG002
        log.warning("alarm (%s) for %s: %s", alert.kind, alert.about, alert.text)


@dataclass(frozen=True, slots=True)
class Told:
    """What came of telling."""

    count: int
    """Tellings: one alert by two ways out are two."""
    untold: frozenset[Alert] = frozenset()
    """Those that some way out did not take."""


class Outlets:
    """All ways out together."""

    def __init__(
        self, ways: Iterable[Outlet], memory: Memory, repeat: timedelta, clock: Callable[[], datetime]
    ) -> None:
        self._ways = tuple(ways)
        self._memory = memory
        self._repeat = repeat
        self._clock = clock

    def tell(self, alerts: Iterable[Alert]) -> Told:
        """Tells what was not told lately. Never raises for a silent outlet, and asks it only once."""
        now = self._clock()
        wanted = tuple(dict.fromkeys(alerts))
        told = [self._tell(way, wanted, now) for way in self._ways]
        count = sum(one.count for one in told)
        if count:
            self._memory.forget(now - self._repeat)
        return Told(count, frozenset().union(*(one.untold for one in told)))

    def _tell(self, way: Outlet, alerts: Iterable[Alert], now: datetime) -> Told:
        left = [alert for alert in alerts if not self._was_told(way, alert, now)]
        count = 0
        for one, parts in together(left):
            try:
                way.tell(one, now)
            except CleanerError as error:
                log.warning("alarms could not be told by %s, it is tried again: %s", way.name, error)
                return Told(count, frozenset(left[count:]))
            for part in parts:
                self._memory.note(_key(way, part), now)
            count += len(parts)
        return Told(count)

    def _was_told(self, way: Outlet, alert: Alert, now: datetime) -> bool:
        last = self._memory.told(_key(way, alert))
        return last is not None and now - last < self._repeat


def _key(way: Outlet, alert: Alert) -> str:
    return f"{way.name}\n{alert.key}"


def together(alerts: list[Alert]) -> Iterator[tuple[Alert, tuple[Alert, ...]]]:
    """What is told, each with the alerts that it tells; these are put into that order."""
    alerts.sort(key=lambda alert: alert.kind)
    at = 0
    while at < len(alerts):
        kind = alerts[at].kind
        same = tuple(alert for alert in alerts[at:] if alert.kind == kind)
        if len(same) <= TOGETHER:
            yield from ((alert, (alert,)) for alert in same)
        else:
            lines = [f"{alert.about}: {alert.text}" for alert in same[:NAMED]]
            if len(same) > NAMED:
                lines.append(f"and {len(same) - NAMED} more: bounce-cleaner status")
            yield Alert(kind, f"{len(same)} alarms", "\n".join(lines)), same
        at += len(same)


def outlets(settings: AlarmSettings, memory: Memory, clock: Callable[[], datetime]) -> Outlets:
    """The log, and the ways out that the configuration names."""
    ways: list[Outlet] = [LogOutlet()]
    if settings.webhook is not None:
        ways.append(Webhook(settings))
    if settings.mail:
        ways.append(Letter(settings))
    return Outlets(ways, memory, settings.repeat, clock)
