"""
One mailbox's turn.

First a short look from outside: where nothing came since all of it was looked through, that is all. Else
it is scanned, as `scan` does, and at times its retention and its digest are seen to.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, TypeVar

from cleaner.config import MailboxSettings
from cleaner.errors import CleanerError, MailboxBusyError, NotOptedInError, SafetyStopError, StopError
from cleaner.service import digest
from cleaner.service.context import Context
from cleaner.service.retention import Retained, expire, overdue
from cleaner.service.scan import MailboxScan, ScanRequest, finish, scan_one
from cleaner.store.records import Turn

T = TypeVar("T")
log = logging.getLogger(__name__)

LOOK_THROUGH: Final = timedelta(hours=4)
"""At least so often a mailbox is looked through whether it changed or not: what is known may have grown."""
UPKEEP: Final = timedelta(days=1)
"""Between looks at what is too old; where little time is given, half of that."""
BUSY_PAUSE: Final = timedelta(seconds=30)
"""Until a mailbox that another process is cleaning is tried again."""


@dataclass(frozen=True, slots=True)
class Worked:
    """What came of one turn."""

    turn: Turn
    """With what is to be remembered; when the next one is, the service decides."""
    only_looked: bool = False
    scan: MailboxScan | None = None
    error: CleanerError | None = None
    not_wanted: bool = False
    """The owner does not agree any more."""
    busy: bool = False
    expired: int = 0
    """Quarantined notices that went to Trash."""
    has_digest: bool = False


def work(context: Context, turn: Turn, stopping: Callable[[], bool]) -> Worked:
    """Raises StopError where no mailbox could go on; everything else is in the result."""
    if turn.address not in context.settings:
        return failed(context, turn, NotOptedInError(turn.address, "not configured"))
    mailbox = context.settings.mailbox(turn.address)
    try:
        pulse = look_from_outside(context, mailbox)
        if pulse is not None and pulse == turn.pulse and not must_look_through(context, mailbox, turn):
            done = replace(turn, state="done", error=None, finished=context.clock())
            return Worked(done, only_looked=True)
    except StopError:
        raise
    except CleanerError as error:
        return failed(context, turn, error)
    except Exception as error:
        log.exception("the look from outside failed")
        return failed(context, turn, CleanerError(f"{turn.address}: unexpected {type(error).__name__}"))
    return scanned(context, mailbox, turn, pulse, stopping)


def look_from_outside(context: Context, mailbox: MailboxSettings) -> str | None:
    context.require_consent(mailbox)
    return context.mailboxes.pulse(mailbox)


def must_look_through(context: Context, mailbox: MailboxSettings, turn: Turn) -> bool:
    now = context.clock()
    if turn.state != "done" or turn.looked_at is None or turn.looked_at + LOOK_THROUGH <= now:
        return True
    if any(due is not None and due <= now for due in (turn.upkeep_due, turn.digest_due)):
        return True
    consent = context.store.consent.current(mailbox.address)
    ends = consent.preview_until if consent is not None else None
    return ends is not None and turn.looked_at < ends <= now


def scanned(
    context: Context, mailbox: MailboxSettings, turn: Turn, pulse: str | None, stopping: Callable[[], bool]
) -> Worked:
    began = context.clock()
    request = ScanRequest(mailboxes=(mailbox.address,))
    run = context.store.runs.start("scan", began)
    log.info("scan begins", extra={"run": run})
    try:
        result = scan_one(context, request, mailbox, run, quiet, stopping)
    except BaseException:
        context.store.runs.finish(run, context.clock(), state="failed")
        raise
    finish(context, request, run, (result,), interrupted=result.interrupted)
    turn = replace(turn, run=run, finished=context.clock())
    if isinstance(result.error, SafetyStopError):
        # The rest of the mailbox is in order, and what waits for an answer is told where it belongs.
        stopped = replace(turn, state="stopped", error=None, pulse=None, looked_at=began)
        return kept_up(context, mailbox, Worked(stopped, scan=result, error=result.error), stopping)
    if result.error is not None:
        return replace(failed(context, turn, result.error), scan=result)
    if result.interrupted:
        return Worked(replace(turn, state="interrupted", error=None, pulse=None), scan=result)
    waits = is_waiting(context, mailbox)
    seen = replace(turn, state="done", error=None, pulse=None if waits else pulse, looked_at=began)
    return kept_up(context, mailbox, replace(Worked(seen), scan=result), stopping)


def kept_up(
    context: Context, mailbox: MailboxSettings, worked: Worked, stopping: Callable[[], bool]
) -> Worked:
    """With what is done at times: retention, and the digest. A failure of these is no failure of the scan."""
    now = context.clock()
    if is_due(worked.turn.upkeep_due, now) and not stopping():
        retained = attempted(lambda: retain(context, mailbox, stopping), Retained(), "retention")
        if retained.held:
            log.info("nothing is put away: %s", retained.held)
        pause = min(UPKEEP, mailbox.policy.retention / 2 or UPKEEP)
        turn = replace(worked.turn, upkeep_due=now + pause)
        worked = replace(worked, turn=turn, expired=retained.expired)
    if worked.turn.digest_due is not None and is_due(worked.turn.digest_due, now) and not stopping():
        told = attempted(lambda: tell(context, mailbox, worked.turn), None, "the digest")
        turn = replace(worked.turn, digest_due=None)
        if told is not None:
            turn = replace(turn, digested_at=now)
        worked = replace(worked, turn=turn, has_digest=bool(told))
    return worked


def is_due(at: datetime | None, now: datetime) -> bool:
    return at is None or at <= now


def attempted(piece: Callable[[], T], otherwise: T, name: str) -> T:
    try:
        return piece()
    except StopError:
        raise
    except CleanerError as error:
        log.warning("%s failed, the next time it is tried again: %s", name, error)
    except Exception:
        log.exception("%s failed", name)
    return otherwise


def tell(context: Context, mailbox: MailboxSettings, turn: Turn) -> bool:
    """The digest, if there is something to tell. The mailbox is opened only then."""
    consent = context.store.consent.current(mailbox.address)
    since = turn.digested_at or (consent.at if consent is not None else context.clock())
    if not (told := digest.items(context, mailbox, since)):
        return False
    context.require_consent(mailbox)
    with context.store.lock(mailbox.address), context.mailboxes.changing(mailbox) as changing:
        return digest.write(context, mailbox, changing, told, since)


def retain(context: Context, mailbox: MailboxSettings, stopping: Callable[[], bool]) -> Retained:
    """The mailbox is opened only if something is overdue."""
    if not (entries := overdue(context, mailbox)):
        return Retained()
    context.require_consent(mailbox)
    with context.store.lock(mailbox.address), context.mailboxes.changing(mailbox) as changing:
        return expire(context, mailbox, changing, entries, stopping)


def is_waiting(context: Context, mailbox: MailboxSettings) -> bool:
    """Whether notices are looked at again soon, though nothing new comes; not those that are gone meanwhile."""
    policy = mailbox.policy
    since = context.clock() - policy.grace - 2 * policy.interval
    return context.store.seen(mailbox.address).is_waiting(since)


def failed(context: Context, turn: Turn, error: CleanerError) -> Worked:
    turn = replace(turn, state="failed", error=str(error), finished=context.clock(), pulse=None)
    return Worked(
        turn,
        error=error,
        not_wanted=isinstance(error, NotOptedInError),
        busy=isinstance(error, MailboxBusyError),
    )


def quiet(stage: str, done: int, total: int | None) -> None:
    """Nobody watches."""
