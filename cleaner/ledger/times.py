"""
The time of a line.

    Nov  2 06:25:01 mx1 …                   syslog (RFC 3164): no year, no zone
    2026-11-02T06:25:01.123456+01:00 mx1 …  rsyslog and journald today
    2026-11-02 06:25:01 [+0100] 1tAbcd-…    Exim's own log

Without a zone it is this machine's. Without a year it is the last such day before the file was written last.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

_MONTHS: Final = {
    name: number + 1 for number, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split())
}
_SYSLOG: Final = re.compile(
    rb"(?:<\d{1,3}>)?(?P<month>[A-Z][a-z]{2}) {1,2}(?P<day>\d{1,2}) (?P<h>\d\d):(?P<m>\d\d):(?P<s>\d\d) "
)
_ISO: Final = re.compile(
    rb"(?:<\d{1,3}>\d? ?)?(?P<iso>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?[+-]\d\d:?\d\d|Z)?) "
)


class Clock:
    """Reads the times of one file's lines."""

    def __init__(self, written: datetime) -> None:
        self._written = written.astimezone()
        self._last = b""
        self._time: datetime | None = None

    def read(self, line: bytes) -> tuple[datetime | None, int]:
        """The time at the beginning of a line, and where the rest begins; None if there is none."""
        if self._last and line.startswith(self._last):
            return self._time, len(self._last)
        match = _ISO.match(line) or _SYSLOG.match(line)
        if match is None:
            return None, 0
        self._last = match[0]
        self._time = _iso(match) if match.re is _ISO else self._syslog(match)
        return self._time, match.end()

    def _syslog(self, match: re.Match[bytes]) -> datetime | None:
        month = _MONTHS.get(match["month"])
        if month is None:
            return None
        for year in (self._written.year, self._written.year - 1):
            try:
                naive = datetime(  # noqa: DTZ001 - the zone of this machine, given below
                    year, month, int(match["day"]), int(match["h"]), int(match["m"]), int(match["s"])
                )
                time = naive.astimezone()
            except (ValueError, OverflowError):
                continue
            if time <= self._written + timedelta(days=1):
                return time
        return None


def _iso(match: re.Match[bytes]) -> datetime | None:
    written = match["iso"].decode("ascii").replace(",", ".")
    stamp, point, rest = written.partition(".")
    if point:
        digits = len(rest) - len(rest.lstrip("0123456789"))
        written = stamp + rest[digits:]
    try:
        return datetime.fromisoformat(written.replace(" +", "+").replace(" -", "-")).astimezone()
    except (ValueError, OverflowError):
        return None
