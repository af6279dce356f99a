"""
Where a look at a folder ended, so that the next one stats no more than it must.

A file's time of last change (st_ctime) is set by delivery, by a move into the folder and by a change of
flags, and no program can set it back; so whatever came after a look has a later one. That holds while the
clock runs evenly and the folder is the same one. A cursor therefore carries, besides the time of the look:

- the time since boot and the name of that boot: where the wall clock went further or less far than the
  machine ran, it was stepped, and between steps messages may hide; after a reboot nobody can tell;
- device and inode of `new/` and `cur/`: a whole folder that was exchanged or restored by renaming brings
  messages whose times are old.

In each of these cases everything is listed again, which costs time and misses nothing. SLACK covers what
remains: clocks that are slewed, file servers whose clock is not ours, coarse time stamps.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SLACK: Final = 10 * 60 * 10**9
"""Nanoseconds that a file server's clock may differ from ours before a message could be missed."""

MAX_DRIFT: Final = SLACK // 2

_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Cursor:
    """The moment of a look, and what it looked at."""

    wall: int
    uptime: int
    boot: str
    place: str

    @classmethod
    def now(cls, folder: Path) -> Cursor:
        """To be taken before the folder is read. Raises OSError."""
        clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
        places = ((folder / sub).stat() for sub in ("new", "cur"))
        return cls(
            wall=time.time_ns(),
            uptime=time.clock_gettime_ns(clock),
            boot=_boot(),
            place=",".join(f"{place.st_dev:x}.{place.st_ino:x}" for place in places),
        )

    @classmethod
    def parse(cls, text: str) -> Cursor | None:
        """None for what is not a cursor of ours."""
        parts = text.split(":")
        if len(parts) != 4 or not all(part.isascii() and part.isdigit() for part in parts[:2]):
            return None
        return cls(int(parts[0][:20]), int(parts[1][:20]), parts[2], parts[3])

    def __str__(self) -> str:
        return f"{self.wall}:{self.uptime}:{self.boot}:{self.place}"

    def changed_since(self, earlier: str | None) -> int:
        """The st_ctime in nanoseconds from which on a message may be new since that look; 0 for all."""
        before = None if earlier is None else Cursor.parse(earlier)
        if before is None or (before.boot, before.place) != (self.boot, self.place):
            return 0
        passed = self.wall - before.wall
        drift = abs(passed - (self.uptime - before.uptime))
        return before.wall - SLACK if passed >= 0 and drift <= MAX_DRIFT else 0


def _boot() -> str:
    """The name of the time since the last boot; empty where the system has none."""
    try:
        return _BOOT.read_text("ascii").strip()
    except OSError:
        return ""
