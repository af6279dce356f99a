"""A process of the fleet, as `serve` and `worker` handle it: scheduler, worker or both."""

from __future__ import annotations

import time
from collections.abc import Sequence

from cleaner.errors import CleanerError
from cleaner.service.context import Context
from cleaner.service.fleet.scheduler import Scheduler
from cleaner.service.fleet.worker import Worker
from cleaner.service.serve import Health, Observer
from cleaner.service.serve.service import CLOSING, STALE
from cleaner.store.schedule import Backlog


class Fleet:
    """Looks after mailboxes together with others like it; the queue is made where there is none."""

    def __init__(
        self,
        context: Context,
        observers: Sequence[Observer] = (),
        *,
        schedules: bool = True,
        works: bool = True,
        workers: int | None = None,
    ) -> None:
        self.context = context
        self.fault: CleanerError | None = None
        """Why this process cannot go on."""
        self._book = context.store.fleet()
        self._book.queue.prepare()
        count = workers or context.settings.service.workers
        self._scheduler = Scheduler(context, self._fail) if schedules else None
        self._worker = Worker(context, observers, self._fail, workers=count) if works else None
        self._drains = False

    def start(self) -> None:
        for part in (self._worker, self._scheduler):
            if part is not None:
                part.start()

    def _fail(self, error: CleanerError) -> None:
        self.fault = error

    @property
    def health(self) -> Health:
        times = []
        if self._scheduler is not None:
            times.append(self._scheduler.ticked)
        if self._worker is not None:
            times.append(self._worker.beaten)
        late = time.monotonic() - min(times, default=0.0)
        troubles = [part.trouble for part in (self._scheduler, self._worker) if part is not None]
        trouble = next(filter(None, troubles), "")
        is_alive = late < STALE
        if not is_alive:
            trouble = trouble or f"no sign of life for {late:.0f} seconds"
        if self.fault is not None:
            trouble = str(self.fault)
        if self._drains:
            trouble = "it is being ended"
        return Health(is_alive, is_alive and not trouble, trouble)

    def backlog(self) -> Backlog:
        return self._book.backlog(self.context.clock())

    @property
    def running(self) -> int:
        return self._worker.running if self._worker is not None else 0

    def use(self, context: Context) -> None:
        """From now on with this configuration; what is at work ends with the old one."""
        self.context = context
        if self._worker is not None:
            self._worker.context = context
        if self._scheduler is not None:
            self._scheduler.use(context)

    def stop(self) -> bool:
        """
        Begins nothing new, and lets what is at work come to its end.

        What is not done by `drain` stops after the message at hand. False if something did not even then.
        """
        self._drains = True
        if self._scheduler is not None:
            self._scheduler.end()
        is_over = True
        if self._worker is not None:
            self._worker.end()
            patience = self.context.settings.service.drain.total_seconds()
            if not self._worker.wait_until_idle(patience):
                self._worker.halt()
                self._worker.wait_until_idle(CLOSING, halted=True)
            is_over = self._worker.close(CLOSING)
        if self._scheduler is not None:
            is_over = self._scheduler.close(CLOSING) and is_over
        return is_over

    def hurry(self) -> None:
        """Asked a second time: stops at the next message. Signals call it, so that it takes no lock."""
        if self._worker is not None:
            self._worker.halt()
