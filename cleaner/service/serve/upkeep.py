"""
What is done at times for the installation as a whole, beside the mailboxes: alarms, and keeping the store small.

Jobs run one after the other in a thread of their own, so that none keeps a worker from a mailbox or the tick from
its time. Of several processes on one store one does each, and a restart does none again before its time. What is done
at times for a single mailbox (retention, digest) belongs to its turn, in `work.py`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cleaner.errors import CleanerError
from cleaner.service.alerts import post
from cleaner.service.context import Context
from cleaner.service.drift import alerts, drifts
from cleaner.service.serve.alarming import failing

log = logging.getLogger(__name__)

Do = Callable[[Context, Callable[[], bool]], None]
"""What a job does, and how it is told to stop: at its next step."""

IDLE_RUNS: Final = timedelta(days=30)
"""After which runs that did nothing are forgotten; those that moved something stay."""

LOOK: Final = timedelta(minutes=5)
"""Between looks at whether what somebody else did is due again."""


@dataclass(frozen=True, slots=True)
class Job:
    """Something to be done every so often, the first time at once."""

    name: str
    every: timedelta
    do: Do


def alarm_of_failing(context: Context, _stopping: Callable[[], bool]) -> None:
    post(context, failing(context.store.schedule.all()))


def alarm_of_drift(context: Context, _stopping: Callable[[], bool]) -> None:
    post(context, alerts(drifts(context)))


def forget_idle_runs(context: Context, _stopping: Callable[[], bool]) -> None:
    context.store.runs.forget_idle(context.clock() - IDLE_RUNS)


JOBS: Final = (
    Job("alarms of what keeps failing", timedelta(minutes=5), alarm_of_failing),
    Job("alarms of models that fit no more", timedelta(hours=1), alarm_of_drift),
    Job("forgetting runs that did nothing", timedelta(days=1), forget_idle_runs),
)


class Upkeep:
    """Has the jobs done when they are due."""

    def __init__(self, jobs: Sequence[Job] = JOBS) -> None:
        self._jobs = tuple(jobs)
        self._began: dict[str, datetime] = {}
        self._at_work: set[str] = set()
        self._guard = threading.Condition()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="upkeep")
        self._ends = threading.Event()

    def turn(self, context: Context) -> None:
        """Begins what is due and not still being done."""
        now = context.clock()
        for job in self._jobs:
            with self._guard:
                last = self._began.get(job.name)
                # A clock that was set back does not keep a job waiting until it is that late again.
                is_due = last is None or not last <= now < last + job.every
                if not is_due or job.name in self._at_work or self._ends.is_set():
                    continue
                self._began[job.name] = now
                self._at_work.add(job.name)
            self._worker.submit(self._do, job, context, now)

    def _do(self, job: Job, context: Context, now: datetime) -> None:
        try:
            if self._ends.is_set():
                return
            if context.store.upkeep.claim(job.name, now, job.every):
                job.do(context, self._ends.is_set)
            else:
                # Another process did it, or this one before its last start: it may be due long before `every` is over.
                with self._guard:
                    self._began[job.name] = now - job.every + min(job.every, LOOK)
        except CleanerError as error:
            log.warning("%s: put off: %s", job.name, error)
        except Exception:
            log.exception("%s: failed", job.name)
        finally:
            with self._guard:
                self._at_work.discard(job.name)
                self._guard.notify_all()

    def end(self) -> None:
        """Asks what is at work to stop, and begins nothing new."""
        self._ends.set()

    def close(self, patience: float) -> bool:
        """False if what is at work does not stop within so many seconds."""
        self.end()
        with self._guard:
            is_idle = self._guard.wait_for(lambda: not self._at_work, patience)
        self._worker.shutdown(wait=is_idle, cancel_futures=True)
        return is_idle
