"""Processes of ours that are killed and started again while mail arrives."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.servers.dovecot import Dovecot
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


@contextmanager
def writing(harbor: Harbor, postman: Postman, chance: random.Random) -> Iterator[None]:
    """Mail comes in meanwhile."""
    stop = threading.Event()
    trouble: list[BaseException] = []

    def keep_writing() -> None:
        try:
            while not stop.is_set():
                with postman.lock:
                    harbor.write_to(chance.choice(harbor.users), postman, datetime.now(UTC))
                stop.wait(0.05)
        except BaseException as error:
            trouble.append(error)

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        yield
    finally:
        stop.set()
        writer.join()
    assert not trouble


def wait_until_ready(processes: Sequence[Process]) -> None:
    """Before that one that is asked to end does so at once, without a word, and one without its database gives up."""
    until = time.monotonic() + PATIENCE
    for process in processes:
        while not any(event["event"].startswith("ready") for event in process.events()):
            assert time.monotonic() < until, process.log.read_text()
            time.sleep(0.05)


def wait_until_served(harbor: Harbor, dovecot: Dovecot, processes: Sequence[Process]) -> None:
    until = time.monotonic() + PATIENCE
    waiting = set(harbor.users)
    while waiting:
        for user in sorted(waiting):
            owner = dovecot.owner(user)
            inbox = {item.digest for item in owner.items("INBOX")}
            owner.close()
            if not inbox & set(harbor.of(harbor.spurious, user)):
                waiting.discard(user)
        assert time.monotonic() < until, f"not served: {sorted(waiting)}"
        for process in processes:
            assert process.popen.poll() is None, process.log.read_text()
