"""How `serve` works: when mailboxes are looked at, how many at once, and where it is seen from outside."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cleaner.config import forms
from cleaner.config.table import Table

_SPAN: Final = re.compile(r"(\d{2}:\d{2})\s{0,9}-\s{0,9}(\d{2}:\d{2})")
_LISTEN: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([^\s:\[\]]{1,253})):(\d{1,5})")


@dataclass(frozen=True, slots=True)
class QuietHours:
    """A span of each day by the wall clock in which no mailbox is opened; it may go over midnight."""

    begin: time
    end: time


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """`[service]` of the configuration."""

    jitter: float = 0.1
    """By which share of the interval the next look may come earlier or later."""
    quiet_hours: tuple[QuietHours, ...] = ()
    time_zone: str = ""
    """Of quiet hours and digests; empty: that of this machine."""
    digest_at: time = time(8)
    workers: int = 8
    longest_pause: timedelta = timedelta(hours=6)
    """Between two tries of a mailbox that keeps failing."""
    drain: timedelta = timedelta(seconds=60)
    """How long work that is begun may go on once an end is asked for."""
    listen: tuple[str, int] | None = ("127.0.0.1", 9825)
    log: str = "human"

    @property
    def zone(self) -> tzinfo:
        if self.time_zone:
            return ZoneInfo(self.time_zone)
        return _zone_of_this_machine()


def read(table: Table) -> ServiceSettings:
    usual = ServiceSettings()
    return ServiceSettings(
        jitter=table.one("jitter", _part, usual.jitter),
        quiet_hours=table.many("quiet_hours", quiet_hours, usual.quiet_hours),
        time_zone=table.one("time_zone", time_zone, usual.time_zone),
        digest_at=table.one("digest_at", time_of_day, usual.digest_at),
        workers=table.one("workers", forms.whole(1, 200), usual.workers),
        longest_pause=table.one("longest_pause", forms.some_time, usual.longest_pause),
        drain=table.one("drain", forms.duration, usual.drain),
        listen=table.one("listen", listen, usual.listen),
        log=table.one("log", forms.among({"human": "human", "json": "json"}), usual.log),
    )


def time_of_day(value: object) -> time:
    try:
        return time.fromisoformat(forms.text(value))
    except ValueError:
        raise ValueError(f'{forms.show(value)} is no time of day; write for example "08:00"') from None


def quiet_hours(value: object) -> QuietHours:
    found = _SPAN.fullmatch(forms.text(value))
    if found is None:
        raise ValueError(f'{forms.show(value)} is no span of hours; write for example "22:00-06:00"')
    begin, end = time_of_day(found[1]), time_of_day(found[2])
    if begin == end:
        raise ValueError(f"{forms.show(value)} would be always; take it out, or stop the service")
    return QuietHours(begin, end)


def time_zone(value: object) -> str:
    name = forms.text(value)
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f'{forms.show(value)} is no time zone that this machine knows; write for example "Europe/Berlin"'
        ) from None
    return name


def listen(value: object) -> tuple[str, int] | None:
    """An address with its port; "off": nothing is listened on."""
    written = forms.text(value)
    if written == "off":
        return None
    found = _LISTEN.fullmatch(written)
    if found is None or not 0 < int(found[3]) < 65_536:
        raise ValueError(
            f'{forms.show(value)} is no address; write for example "127.0.0.1:9825", "[::1]:9825" or "off"'
        )
    return found[1] or found[2], int(found[3])


def _part(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 0.5:
        raise ValueError("must be a share from 0 to 0.5; write for example 0.1 for a tenth")
    return float(value)


def _zone_of_this_machine() -> tzinfo:
    """
    By its name where the machine tells it, so that a change of summer time is followed.

    Else the offset of the moment.
    """
    place = Path("/etc/localtime")
    name = str(place.resolve()).partition("zoneinfo/")[2]
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError):
        return datetime.now().astimezone().tzinfo or UTC
