"""
Carrying out one mailbox's turn, and finding its next place in the schedule.

It needs a context and a turn that was claimed, and nothing of the process that it runs in; whoever
called it writes what came of it into the schedule.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from cleaner.errors import CleanerError, ServerUnavailableError, StopError
from cleaner.service.context import Context
from cleaner.service.serve.timing import next_digest, next_turn
from cleaner.service.serve.work import BUSY_PAUSE, Worked, work
from cleaner.store.records import Turn
from cleaner.store.schedule import Ended
from cleaner.values import Policy

log = logging.getLogger(__name__)

FIRST: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Due before everything else."""


@dataclass(frozen=True, slots=True)
class Carried:
    """A turn that was carried out."""

    worked: Worked
    ended: Ended
    """Its next place in the schedule, to be written down."""
    seconds: float


def carry_out(
    context: Context,
    turn: Turn,
    stopping: Callable[[], bool],
    *,
    chance: float,
    is_woken: Callable[[], bool] = lambda: False,
) -> Carried:
    """
    Never raises for what the mailbox, its server or the store did.

    `chance` (0 to 1) spreads the next turns; `is_woken` tells whether something came in meanwhile.
    """
    began = time.monotonic()
    worked = worked_on(context, turn, stopping)
    seconds = time.monotonic() - began
    note(worked, seconds)
    return Carried(worked, placed(context, worked, chance=chance, is_woken=is_woken()), seconds)


def worked_on(context: Context, turn: Turn, stopping: Callable[[], bool]) -> Worked:
    try:
        return work(context, turn, stopping)
    except StopError as error:
        return Worked(replace(turn, state="failed", error=str(error), pulse=None), error=error)
    except Exception:
        log.exception("a turn failed")
        return Worked(replace(turn, state="failed", error="a fault of this program", pulse=None))


def note(worked: Worked, seconds: float) -> None:
    """In the log."""
    turn, scan = worked.turn, worked.scan
    marks: dict[str, object] = {"run": turn.run, "seconds": round(seconds, 3)}
    if worked.only_looked:
        log.debug("nothing new", extra=marks)
    elif worked.not_wanted or worked.busy:
        log.info("left alone: %s", worked.error, extra=marks)
    elif turn.state == "stopped":
        log.warning("%s", worked.error, extra=marks)
    elif turn.state == "failed":
        log.warning("failed: %s", turn.error, extra=marks)
    elif scan is not None:
        marks |= {"looked_at": scan.looked_at, "moved": scan.moved}
        log.info("scan ends: %s", turn.state, extra=marks)


def placed(context: Context, worked: Worked, *, chance: float, is_woken: bool) -> Ended:
    """The turn with its next place in the schedule."""
    now, turn, settings = context.clock(), worked.turn, context.settings.service
    policy = policy_of(context, turn)
    failures = 0
    if worked.busy:
        due = now + min(BUSY_PAUSE, policy.interval)
    elif turn.state == "interrupted":
        due = FIRST
    elif turn.state in ("done", "stopped") and is_woken:
        due = now
    else:
        failures = turn.failures + 1 if turn.state == "failed" else 0
        due = next_turn(now, policy.interval, failures, settings, chance)
    rests_until = None
    if pause := asked_pause(worked.error, settings.longest_pause):
        is_for_all = isinstance(worked.error, ServerUnavailableError) and worked.error.is_for_all
        alone = "its server" if is_for_all else "it"
        log.info("%s is to be left alone for %.0f seconds", alone, pause.total_seconds())
        rests_until = now + pause if is_for_all else None
        due = max(due, now + pause)
    turn = replace(turn, due=due, failures=failures, digest_due=digest_due(context, turn, policy, now))
    return Ended(turn, now, context.actor if worked.only_looked else None, rests_until)


def asked_pause(error: CleanerError | None, longest: timedelta) -> timedelta | None:
    """What a busy server asks for (EWS BackOffMilliseconds, HTTP Retry-After), at most the longest pause."""
    asked = error.again_in if isinstance(error, ServerUnavailableError) else None
    # Also where it is no number (NaN).
    if asked is None or not asked > 0:
        return None
    return timedelta(seconds=min(asked, longest.total_seconds()))


def misplaced(context: Context, turn: Turn) -> Ended:
    """The turn after its usual interval: for one of which nobody could tell what came of it."""
    now = context.clock()
    later = now + policy_of(context, turn).interval
    return Ended(replace(turn, due=later, state="failed", pulse=None), now)


def policy_of(context: Context, turn: Turn) -> Policy:
    """That of all, where the mailbox was taken out meanwhile."""
    settings = context.settings
    return settings.mailbox(turn.address).policy if turn.address in settings else settings.policy


def digest_due(context: Context, turn: Turn, policy: Policy, now: datetime) -> datetime | None:
    """One that is overdue stays so until it is written."""
    following = next_digest(now, policy.digest, context.settings.service)
    if following is None or turn.digest_due is None:
        return following
    return min(turn.digest_due, following)
