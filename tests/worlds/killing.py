"""Processes of ours that are killed and started again while mail arrives."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.worlds.harbor import Harbor, Interval, Letters, intervals

PATIENCE = 180
"""Seconds until all that came is seen to, once nobody is killed any more; it takes a few."""


@dataclass
class Postman(Letters):
    """Whoever restarts the server holds the lock meanwhile."""

    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass
class Process:
    """One process of ours, from its start to its end."""

    harbor: Harbor
    name: str
    popen: subprocess.Popen[bytes]
    log: Path
    died: datetime | None = None

    @classmethod
    def start(cls, harbor: Harbor, name: str, *command: str) -> Process:
        log = harbor.root / f"{name}.log"
        program = (sys.executable, "-m", "cleaner", "-c", str(harbor.configuration))
        with log.open("wb") as errors:
            return cls(harbor, name, subprocess.Popen([*program, *command], stderr=errors), log)

    def end(self, number: int) -> int:
        self.died = datetime.now(UTC)
        self.popen.send_signal(number)
        code = self.popen.wait(PATIENCE)
        if number == signal.SIGTERM:
            self.died = datetime.now(UTC)
        return code

    def events(self) -> list[dict[str, Any]]:
        """What it logged."""
        events = []
        for line in self.log.read_text(errors="replace").splitlines():
            # The last line of one that was killed may be cut off.
            with suppress(ValueError):
                events.append(json.loads(line))
        return events

    def intervals(self) -> list[Interval]:
        assert self.died is not None
        return list(intervals(self.events(), self.name, self.died))
