"""
The tick, the workers, beginning and end.

One job of APScheduler, the tick, asks the store what is due. A worker that is done asks, too, so that a long
backlog is not held up by the tick. The clock is given: tests drive a day through it in minutes.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from cleaner.errors import CleanerError, StoreError
from cleaner.service.context import Context
from cleaner.service.retraining import Retraining
from cleaner.service.runs import close_runs, cut_off_runs
from cleaner.service.scan import remember_keys
from cleaner.service.serve.at_work import AtWork, Observer
from cleaner.service.serve.carrying import carry_out, misplaced
from cleaner.service.serve.following import Following, hasten_interrupted, take_up
from cleaner.service.serve.marks import at_work_on
from cleaner.service.serve.shares import allot
from cleaner.service.serve.telling import Telling
from cleaner.service.serve.timing import is_quiet
from cleaner.service.serve.upkeep import JOBS, Job, Upkeep
from cleaner.service.serve.waking import Wakers
from cleaner.store.records import Turn
from cleaner.store.schedule import Backlog, Ended
from cleaner.values import address_key

log = logging.getLogger(__name__)

TICK: Final = 1.0
"""Seconds."""
HOUSEKEEPING: Final = 20.0
"""Seconds between the times that claims of processes that are no more are taken over, and their runs closed."""
CLOSING: Final = 10.0
"""Seconds for the message at hand, once work is told to stop."""
FAREWELL: Final = 3.0
"""Seconds for connections that wait for new mail to be closed."""
STALE: Final = 30.0
"""Seconds after which a tick that did not come counts as a fault."""


@dataclass(frozen=True, slots=True)
class Health:
    """How the service is, as it is told to the outside."""

    is_alive: bool
    is_ready: bool
    trouble: str = ""


class Service:
    """One process that looks after all opted-in mailboxes."""

    def __init__(
        self,
        context: Context,
        observers: Sequence[Observer] = (),
        *,
        tick: float = TICK,
        chance: Callable[[], float] = random.random,
        retraining: Retraining | None = None,
        jobs: Sequence[Job] = JOBS,
    ) -> None:
        self.context = context
        self.fault: CleanerError | None = None
        """Why it cannot go on; where one process does all, it always can."""
        self._at_work = AtWork(observers)
        self._tick_seconds = tick
        self._chance = chance
        self._scheduler: Any = None
        self._workers = ThreadPoolExecutor(context.settings.service.workers, thread_name_prefix="worker")
        self._over: deque[Ended] = deque()
        self._woken: set[str] = set()
        self._guard = threading.Lock()
        self._turning = threading.Lock()
        self._wanted = threading.Event()
        self._drains = threading.Event()
        self._halts = False
        self._following = Following()
        self._upkeep = Upkeep(jobs)
        self._telling = Telling(lambda: self.context)
        self._housekept = -HOUSEKEEPING
        self._ticked = time.monotonic()
        self._trouble = ""
        self._wakers = Wakers(self.wake)
        self._retraining = retraining or Retraining()

    # --- beginning

    def start(self) -> None:
        """Joins the schedule and begins to tick. What an interrupted run left comes first."""
        from apscheduler.schedulers.background import BackgroundScheduler

        # It tells of each tick, and warns when one takes long, which the backlog's numbers tell better.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        context = self.context
        context.store.schedule.join()
        remember_keys(context)
        self._follow(context.clock())
        hasten_interrupted(self.context)
        self._keep_house()
        self._scheduler = BackgroundScheduler(timezone=UTC)
        self._scheduler.add_job(
            self.tick,
            "interval",
            seconds=self._tick_seconds,
            next_run_time=datetime.now(UTC),
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
        )
        self._scheduler.start()
        self._telling.start()

    # --- while it runs

    def tick(self) -> None:
        """What the one scheduled job does."""
        try:
            if time.monotonic() - self._housekept >= HOUSEKEEPING:
                self._keep_house()
            self.turn()
        except StoreError as error:
            self._in_trouble(error)
        self._ticked = time.monotonic()

    def turn(self) -> None:
        """Writes down the turns that are over and gives the free workers what is due."""
        self._wanted.set()
        # Whoever comes while another is at it leaves it to him, and he looks again before he goes.
        while self._wanted.is_set() and self._turning.acquire(blocking=False):
            try:
                self._wanted.clear()
                self._take_turns()
            finally:
                self._turning.release()

    def _take_turns(self) -> None:
        context = self.context
        now = context.clock()
        over: list[Ended] = []
        while self._over:
            over.append(self._over.popleft())
        try:
            if self._following.is_behind(context):
                self._follow(now)
            rests = self._drains.is_set() or self._is_quiet(now)
            servers = () if rests else tuple(server.name for server in context.settings.servers)
            if over or servers:
                for turn in context.store.schedule.turns(over, servers, now, self._choose):
                    self._begin(turn)
        except StoreError as error:
            self._over.extendleft(reversed(over))
            self._in_trouble(error)
        else:
            if self._trouble:
                log.info("the store can be used again")
            self._trouble = ""

    def _is_quiet(self, now: datetime) -> bool:
        return is_quiet(now, self.context.settings.service)

    def _choose(self, due: Mapping[str, Sequence[Turn]]) -> Sequence[Turn]:
        settings = self.context.settings
        running = self._at_work.counts()
        free = settings.service.workers - sum(running.values())
        limits = {server.name: limit_of(self.context, server.name) for server in settings.servers}
        return allot(due, running, limits, free)

    def _begin(self, turn: Turn) -> None:
        with self._guard:
            self._woken.discard(turn.address)
        self._at_work.begin(turn.server)
        self._workers.submit(self._work, self.context, turn)

    def _work(self, context: Context, turn: Turn) -> None:
        with at_work_on(turn.address):
            try:
                carried = carry_out(
                    context,
                    turn,
                    lambda: self._halts,
                    chance=self._chance(),
                    is_woken=lambda: turn.address in self._woken,
                )
                self._at_work.tell(context, carried)
                if carried.worked.not_wanted:
                    self._following.again()
                self._over.append(carried.ended)
            except Exception:
                # Without a next place it would be claimed for as long as this process lives.
                log.exception("what came of a turn could not be told")
                self._over.append(misplaced(context, turn))
            finally:
                self._at_work.end(turn.server)
        try:
            self.turn()
        except Exception:
            # The next tick tries again, and tells of it.
            log.exception("the next turn could not be taken")

    def _follow(self, now: datetime) -> None:
        self.context, waited_at = self._following.follow(self.context, now)
        self._wakers.keep(self.context, waited_at)

    def _keep_house(self) -> None:
        """Takes over from processes that are no more, and gives their runs an end."""
        self._housekept = time.monotonic()
        store = self.context.store
        if store.schedule.take_over():
            log.info("another process is no more; its mailboxes are taken over")
            hasten_interrupted(self.context)
        if runs := cut_off_runs(self.context):
            close_runs(self.context, runs)
        if not self._drains.is_set():
            self._retraining.look(self.context)
            self._upkeep.turn(self.context)

    def _in_trouble(self, error: CleanerError) -> None:
        if not self._trouble:
            log.error("%s", error)
        self._trouble = str(error)

    # --- from outside

    @property
    def health(self) -> Health:
        late = time.monotonic() - self._ticked
        is_alive = late < max(STALE, 3 * self._tick_seconds)
        trouble = self._trouble or ("" if is_alive else f"no tick for {late:.0f} seconds")
        if self._drains.is_set():
            trouble = "it is being ended"
        return Health(is_alive, is_alive and not trouble, trouble)

    def backlog(self) -> Backlog:
        return self.context.store.schedule.backlog(self.context.clock())

    @property
    def running(self) -> int:
        return self._at_work.total

    def wake(self, address: str) -> None:
        """Something came into that mailbox; in quiet hours it waits with everything else."""
        if self._is_quiet(self.context.clock()):
            return
        with self._guard:
            # What comes while it is worked on may have been overlooked.
            self._woken.add(address_key(address))
        self.context.store.schedule.hasten((address,), self.context.clock())
        self.turn()

    def use(self, context: Context) -> None:
        """From now on with this configuration; what is at work ends with the old one."""
        with self._turning:
            self.context = context
            self._following.again()
            self._wakers.keep(context, frozenset())
            take_up(context)
        self.turn()

    # --- end

    def stop(self) -> bool:
        """
        Begins nothing new, and lets what is at work come to its end.

        What is not done by `drain` stops after the message at hand. False if something did not even then.
        """
        self._drains.set()
        with self._turning:
            pass  # Whoever was just giving out turns, and did not know of it yet, is done.
        self._upkeep.end()
        self._wakers.close(FAREWELL)
        self._retraining.stop()
        patience = self.context.settings.service.drain.total_seconds()
        if not self._at_work.wait_until_idle(patience, lambda: self._halts):
            log.info("%d mailboxes are still at work; they stop at the next message", self.running)
            self._halts = True
            self._at_work.wait_until_idle(CLOSING)
        self._telling.close(FAREWELL)
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=True)
        self.turn()
        ended = self._upkeep.close(CLOSING) and not self.running
        if ended:
            self._workers.shutdown(wait=True)
            self.turn()
            self.context.store.schedule.leave()
        return ended

    def hurry(self) -> None:
        """Asked a second time: stops at the next message. Signals call it, so that it takes no lock."""
        self._halts = True


def limit_of(context: Context, server: str) -> int:
    """
    How many mailboxes of a server are worked on together.

    One connection stays free where one mailbox needs a second one, for the sent mail of another: it would
    wait for ever if all others waited, too.
    """
    settings = context.settings
    found = settings.server(server)
    if found.connector == "maildir":
        return settings.service.workers
    lends = any(mailbox.sent_from for mailbox in settings.mailboxes if mailbox.server == server)
    return max(1, found.connections - found.idle - lends)
