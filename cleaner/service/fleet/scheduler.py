"""
The scheduler: at each tick it puts what is due into the queue.

Of all processes that would be it, one holds the office, by a lock that the database lifts when that process ends or is
cut off. The others ask for it every second. Beside that the database counts the ticks, so that none comes twice,
whatever a process believes of itself.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from cleaner.errors import CleanerError, NewerStoreError, StoreError
from cleaner.service.context import Context
from cleaner.service.fleet.sweeping import bring_back, forget_old, sweep
from cleaner.service.retraining import Retraining
from cleaner.service.runs import close_runs, cut_off_runs
from cleaner.service.scan import remember_keys
from cleaner.service.serve.following import Following, hasten_interrupted, take_up
from cleaner.service.serve.telling import Telling
from cleaner.service.serve.timing import is_quiet
from cleaner.service.serve.upkeep import Upkeep
from cleaner.service.serve.waking import Wakers
from cleaner.store.fleet import Bell, FleetBook
from cleaner.store.locks import Hold
from cleaner.values import address_key

log = logging.getLogger(__name__)

TICK: Final = 1.0
"""Seconds."""
SWEEPING: Final = 5.0
"""Seconds between looks for jobs of dead workers."""
HOUSEKEEPING: Final = 20.0
FORGETTING: Final = 3600.0
FAREWELL: Final = 3.0
UNBOUNDED: Final = 100
"""As many mailboxes of a server that sets no limit (Maildir) are in the queue at once."""


class Scheduler:
    """A thread that holds the office, or waits for it."""

    def __init__(self, context: Context, failed: Callable[[CleanerError], None]) -> None:
        self.context = context
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self.trouble = ""
        self.ticked = time.monotonic()
        """When it last ticked, or found that another does."""
        self._failed = failed
        self._book: FleetBook = context.store.fleet()
        self._following = Following()
        self._upkeep = Upkeep()
        self._retraining = Retraining()
        self._wakers = Wakers(self.wake)
        self._woken: set[str] = set()
        self._guard = threading.Lock()
        self._last: dict[str, float] = {}
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Gives the office back."""
        self._ends.set()
        self._upkeep.end()
        self._retraining.stop()
        self._wakers.close(FAREWELL)

    def close(self, patience: float) -> bool:
        self._thread.join(patience)
        return self._upkeep.close(patience) and not self._thread.is_alive()

    def use(self, context: Context) -> None:
        """From now on with this configuration."""
        with self._guard:
            self.context = context
            self._following.again()
            self._wakers.keep(context, frozenset())
            take_up(context)

    def wake(self, address: str) -> None:
        """Something came into that mailbox. One that is at work just then is due again when it is over."""
        context = self.context
        if not is_quiet(context.clock(), context.settings.service):
            with self._guard:
                self._woken.add(address_key(address))

    # --- the office

    def _run(self) -> None:
        while not self._ends.is_set():
            try:
                # Also right after a failure: a newer program may have changed what was asked for.
                if self._is_time("newer", HOUSEKEEPING):
                    self.context.store.refuse_newer()
                with self._book.candidate() as hold:
                    if hold:
                        log.info("this process is the scheduler now")
                        self._hold_office(hold)
                        log.info("this process is the scheduler no more")
                self._is_well()
            except NewerStoreError as error:
                self._failed(error)
                return
            except StoreError as error:
                self._in_trouble(error)
            except Exception:
                log.exception("the scheduler failed; it begins again")
            self._ends.wait(TICK)

    def _hold_office(self, hold: Hold) -> None:
        self._last = {}
        self._following.again()
        remember_keys(self.context)
        hasten_interrupted(self.context)
        telling = Telling(lambda: self.context)
        telling.start()
        try:
            with self._book.bell() as bell:
                while not self._ends.is_set() and hold.is_kept():
                    began = time.monotonic()
                    with self._guard:
                        self._tick()
                    self._is_well()
                    self._refill(bell, began + TICK)
        finally:
            telling.close(FAREWELL)
            self._wakers.keep(self.context, frozenset())

    def _tick(self) -> None:
        context = self.context
        now = context.clock()
        if self._following.is_behind(context):
            self.context, waited_at = self._following.follow(context, now)
            self._wakers.keep(self.context, waited_at)
            context = self.context
        if self._woken:
            self._woken = set(self._book.waken(self._woken, now))
        limits = {} if is_quiet(context.clock(), context.settings.service) else limits_of(context)
        self._book.tick(self.name, TICK, limits, now)
        self._keep_house(context)

    def _refill(self, bell: Bell, until: float) -> None:
        """Until the next tick: as turns are over, others of the same servers take their places."""
        while (left := until - time.monotonic()) > 0 and not self._ends.is_set():
            over = bell.wait(left)
            if over and not is_quiet(self.context.clock(), self.context.settings.service):
                over |= bell.wait(0)
                limits = limits_of(self.context, over)
                if self._book.refill(self.name, limits, self.context.clock()) is None:
                    return

    def _keep_house(self, context: Context) -> None:
        if self._is_time("sweeping", SWEEPING):
            sweep(self._book)
            # What they had begun to change does not hasten them further: it may be what ends the workers.
            bring_back(context, self._book)
        if self._is_time("housekeeping", HOUSEKEEPING):
            context.store.refuse_newer()
            # Claims of a `serve` from before there was a queue, or from when this was a database of one machine.
            context.store.schedule.take_over()
            if runs := cut_off_runs(context):
                close_runs(context, runs)
            self._upkeep.turn(context)
            self._retraining.look(context)
        if self._is_time("forgetting", FORGETTING):
            forget_old(self._book)

    def _is_time(self, name: str, every: float) -> bool:
        now = time.monotonic()
        if now - self._last.get(name, -every) < every:
            return False
        self._last[name] = now
        return True

    def _is_well(self) -> None:
        self.ticked = time.monotonic()
        if self.trouble:
            log.info("the store can be used again")
        self.trouble = ""

    def _in_trouble(self, error: CleanerError) -> None:
        self.ticked = time.monotonic()
        if not self.trouble:
            log.error("%s", error)
        self.trouble = str(error)


def limits_of(context: Context, servers: Iterable[str] | None = None) -> Mapping[str, int]:
    """
    How many mailboxes of each server are worked on together, by all workers.

    A mailbox that needs the sent mail of another has two connections meanwhile.
    """
    settings = context.settings
    lending = {mailbox.server for mailbox in settings.mailboxes if mailbox.sent_from}
    wanted = None if servers is None else frozenset(servers)
    limits = {}
    for server in settings.servers:
        if wanted is None or server.name in wanted:
            free = server.connections - server.idle
            each = 2 if server.name in lending else 1
            limits[server.name] = UNBOUNDED if server.connector == "maildir" else max(1, free // each)
    return limits
