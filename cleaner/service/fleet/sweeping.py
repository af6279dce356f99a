"""
Jobs of workers that are no more.

A worker gives a sign of life every few seconds. The job of one that gives none is failed, and its mailbox is due again
at once; if that happens to a mailbox again and again, later and later: it may be what ends the workers.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace
from typing import Final

from cleaner.service.context import Context
from cleaner.service.serve.carrying import FIRST, policy_of
from cleaner.service.serve.timing import next_turn
from cleaner.store.fleet import FleetBook
from cleaner.store.queue import QUEUE
from cleaner.store.records import Turn
from cleaner.store.schedule import Ended

log = logging.getLogger(__name__)

BEAT: Final = 2.0
"""Seconds between a worker's signs of life."""
SILENCE: Final = 10.0
"""Seconds without one after which it counts as dead."""
KEEP_FAILED: Final = 72
"""Hours that failed jobs are kept, for whoever wants to look at them; others are deleted when they are done."""
CUT_OFF: Final = "the worker that had it was ended in the middle; what it had begun is completed first"
MIDDLE: Final = 0.5


def sweep(book: FleetBook) -> None:
    """
    Fails the jobs of dead workers.

    Not right after a start of the database: while it was down nobody could give a sign of life. It is done within a
    loop of its own, once in a few seconds.
    """
    if book.seconds_up() > 2 * SILENCE:
        with book.queue.in_our_words():
            asyncio.run(_sweep(book))


async def _sweep(book: FleetBook) -> None:
    from procrastinate.exceptions import ConnectorException
    from procrastinate.jobs import Status

    app = book.queue.application(most=1)
    async with app.open_async():
        manager = app.job_manager
        for job in await manager.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=SILENCE):
            # One that was only slow may be done by now.
            with suppress(ConnectorException):
                await manager.finish_job(job, Status.FAILED, delete_job=False)
        await manager.prune_stalled_workers(SILENCE)


def forget_old(book: FleetBook) -> None:
    """Deletes what was failed long ago."""

    async def delete() -> None:
        app = book.queue.application(most=1)
        async with app.open_async():
            await app.job_manager.delete_old_jobs(
                KEEP_FAILED, queue=QUEUE, include_failed=True, include_cancelled=True, include_aborted=True
            )

    with book.queue.in_our_words():
        asyncio.run(delete())


def bring_back(context: Context, book: FleetBook) -> int:
    """Gives turns whose job is over, though nobody wrote down what came of them, their next place."""
    lost = book.cut_off()
    if lost:
        log.info("%d mailboxes were at work on by workers that are no more; they come again", len(lost))
        book.put_down([again(context, turn) for turn in lost])
    return len(lost)


def again(context: Context, turn: Turn) -> Ended:
    now = context.clock()
    due = FIRST
    if turn.failures:
        interval = policy_of(context, turn).interval
        due = next_turn(now, interval, turn.failures, context.settings.service, MIDDLE)
    failed = replace(
        turn, state="failed", error=CUT_OFF, failures=turn.failures + 1, due=due, finished=now, pulse=None
    )
    return Ended(failed, now)
