"""
A worker: takes jobs out of the queue, and carries out the turns that they carry.

procrastinate fetches in a thread with a loop of asyncio; the turns are done in other threads. Whatever ends its fetching
(the database is restarted), it is begun again.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from cleaner.errors import CleanerError, ConfigurationError, NewerStoreError, StoreError
from cleaner.service.context import Context
from cleaner.service.fleet.batching import Batching
from cleaner.service.fleet.sweeping import BEAT
from cleaner.service.serve import Observer
from cleaner.service.serve.at_work import AtWork
from cleaner.service.serve.carrying import carry_out, misplaced
from cleaner.service.serve.marks import at_work_on
from cleaner.store.fleet import FleetBook
from cleaner.store.queue import QUEUE, TASK
from cleaner.store.records import Turn
from cleaner.store.schedule import Ended

if TYPE_CHECKING:
    import procrastinate

log = logging.getLogger(__name__)

POLLING: Final = 0.5
"""Seconds between looks into the queue, where nothing was told of it."""
AGAIN: Final = 1.0
"""Seconds after which fetching is begun again."""
LOOKS: Final = 5.0
"""Seconds between looks at what else may have changed."""
FOR_NEWER: Final = 20.0
NEVER: Final = 86_400.0
"""Seconds; dead workers are the scheduler's business: right after a start of the database all look dead."""
PATIENCE: Final = 60.0
"""Seconds for which what came of a turn is tried to be written down."""
MOMENT: Final = 0.2
THEIRS: Final = ("procrastinate", "psycopg.pool", "asyncio")
"""What they log is told in our words, or quotes what nobody should read."""


class Worker:
    """Works from `start` to `end`."""

    def __init__(
        self,
        context: Context,
        observers: Sequence[Observer],
        failed: Callable[[CleanerError], None],
        *,
        workers: int,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.context = context
        self.trouble = ""
        self.beaten = time.monotonic()
        """When its loop was last alive."""
        self._at_work = AtWork(observers)
        self._failed = failed
        self._chance = chance
        self._workers = workers
        self._book: FleetBook = context.store.fleet()
        self._take_up = Batching(self._book.take_up)
        self._write_down = Batching(self._written_down)
        self._steps = context.store.consent.steps()
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="worker")
        self._guard = threading.Lock()
        self._jobs: set[int] = set()
        self._ids: set[int] = set()
        """What procrastinate calls this worker; another one after each time that fetching was begun again."""
        self._ends = threading.Event()
        self._halts = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._fetching: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="fetching", daemon=True)

    def start(self) -> None:
        for name in THEIRS:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._thread.start()

    # --- fetching

    def _run(self) -> None:
        asyncio.run(self._fetch_until_end())

    async def _fetch_until_end(self) -> None:
        self._loop = asyncio.get_running_loop()
        beating = asyncio.create_task(self._beat())
        while not self._ends.is_set():
            app = self._book.queue.application()
            app.task(name=TASK, pass_context=True)(self._carry)
            self._fetching = asyncio.create_task(self._fetch(app))
            if self._ends.is_set():
                self._fetching.cancel()
            try:
                await self._fetching
            except asyncio.CancelledError:
                break
            except Exception as error:
                self._in_trouble(error)
            if not self._ends.is_set():
                await asyncio.sleep(AGAIN)
        beating.cancel()

    async def _fetch(self, app: procrastinate.App) -> None:
        """Until it is cancelled; jobs that are at work then come to their end."""
        async with app.open_async():
            tending = asyncio.create_task(self._tend(app))
            try:
                await app.run_worker_async(
                    queues=[QUEUE],
                    concurrency=self._workers,
                    install_signal_handlers=False,
                    fetch_job_polling_interval=POLLING,
                    update_heartbeat_interval=BEAT,
                    stalled_worker_timeout=NEVER,
                    delete_jobs="successful",
                )
            finally:
                tending.cancel()

    async def _carry(self, given: procrastinate.JobContext, mailbox: int) -> None:
        """What each job is."""
        job = given.job
        if job.id is None:
            return
        with self._guard:
            self._jobs.add(job.id)
            if job.worker_id is not None:
                self._ids.add(job.worker_id)
        try:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._threads, self._work, mailbox, job.id)
        finally:
            with self._guard:
                self._jobs.discard(job.id)

    async def _beat(self) -> None:
        while True:
            self.beaten = time.monotonic()
            await asyncio.sleep(AGAIN)

    async def _tend(self, app: procrastinate.App) -> None:
        """While fetching goes on."""
        suspects: frozenset[int] = frozenset()
        looked = time.monotonic()
        while True:
            await asyncio.sleep(LOOKS)
            try:
                suspects = await self._end_orphans(app, suspects)
                await asyncio.to_thread(self._follow_if_behind)
                if time.monotonic() - looked >= FOR_NEWER:
                    looked = time.monotonic()
                    await asyncio.to_thread(self.context.store.refuse_newer)
                self._is_well()
            except NewerStoreError as error:
                self._failed(error)
            except Exception as error:
                self._in_trouble(error)

    async def _end_orphans(self, app: procrastinate.App, suspects: frozenset[int]) -> frozenset[int]:
        """
        Fails jobs that count as ours though nobody works on them here, at the second look.

        Such are left where the database was away when a job was to be finished. Nobody else would end them, for we
        give signs of life.
        """
        from procrastinate.jobs import Status

        with self._guard:
            ids = tuple(self._ids)
        ours = [
            job
            for id in ids
            for job in await app.job_manager.list_jobs_async(worker_id=id, status=Status.DOING.value)
        ]
        with self._guard:
            idle = {job.id: job for job in ours if job.id is not None and job.id not in self._jobs}
        for id, job in idle.items():
            if id in suspects:
                await app.job_manager.finish_job(job, Status.FAILED, delete_job=False)
        return frozenset(idle)

    # --- one turn

    def _work(self, mailbox: int, job: int) -> None:
        turn = self._take_up((mailbox, job))
        if turn is None:
            return
        context = self.context
        if turn.address not in context.settings:
            # Added a moment ago.
            context = self._follow()
        self._at_work.begin(turn.server)
        try:
            with at_work_on(turn.address):
                self._put_down(self._carried_out(context, turn))
        finally:
            self._at_work.end(turn.server)

    def _carried_out(self, context: Context, turn: Turn) -> Ended:
        try:
            carried = carry_out(context, turn, lambda: self._halts, chance=self._chance())
            self._at_work.tell(context, carried)
        except Exception:
            log.exception("what came of a turn could not be told")
            return misplaced(context, turn)
        return carried.ended

    def _put_down(self, ended: Ended) -> None:
        """Raises StoreError where it could not be written for long; then the scheduler gives it its next place."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                self._write_down(ended)
            except StoreError:
                if self._halts or time.monotonic() > until:
                    raise
                time.sleep(MOMENT)
            else:
                return

    def _written_down(self, ended: Sequence[Ended]) -> Sequence[None]:
        self._book.put_down(ended)
        return [None] * len(ended)

    def _follow_if_behind(self) -> None:
        if self.context.store.consent.steps() != self._steps:
            self._follow()

    def _follow(self) -> Context:
        """With the mailboxes that the store has now."""
        steps = self.context.store.consent.steps()
        try:
            self.context = self.context.with_stored()
        except ConfigurationError as error:
            log.error("the mailboxes that were added cannot be used: %s", error)
        self._steps = steps
        return self.context

    def _is_well(self) -> None:
        if self.trouble:
            log.info("the queue can be used again")
        self.trouble = ""

    def _in_trouble(self, error: Exception) -> None:
        told = str(error) if isinstance(error, CleanerError) else f"the queue fails ({type(error).__name__})"
        if not self.trouble:
            log.warning("%s; it is tried again", told)
        self.trouble = told

    # --- end

    @property
    def running(self) -> int:
        return self._at_work.total

    def end(self) -> None:
        """Takes no more jobs; what is at work goes on."""
        self._ends.set()
        loop, fetching = self._loop, self._fetching
        if loop is not None and fetching is not None and not loop.is_closed():
            loop.call_soon_threadsafe(fetching.cancel)

    def halt(self) -> None:
        """What is at work stops at the next message. Takes no lock."""
        self._halts = True

    def wait_until_idle(self, seconds: float, *, halted: bool = False) -> bool:
        return self._at_work.wait_until_idle(seconds, lambda: self._halts and not halted)

    def close(self, patience: float) -> bool:
        """False if something is still at work."""
        self._thread.join(patience)
        if self._thread.is_alive() or self.running:
            return False
        self._threads.shutdown(wait=True)
        return True
