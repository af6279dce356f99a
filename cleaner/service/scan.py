"""
Cleaning mailboxes once: the use case behind `scan`.

Each mailbox is a world of its own: whatever goes wrong in one is recorded with it and the next is
opened. An interrupted run is completed before anything new is begun.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime

from cleaner import actions, evidence, notices
from cleaner.config import MailboxSettings
from cleaner.errors import (
    CleanerError,
    MailboxBusyError,
    NotOptedInError,
    SafetyStopError,
    StopError,
    UsageError,
)
from cleaner.pipeline import clean
from cleaner.ports import ChangeableMailbox, Mailbox, Proposals, SentRecord
from cleaner.service import drift
from cleaner.service.alerts import DAY, SAFETY_STOP, compromised, deliver_if_possible, flooded, post
from cleaner.service.context import Context
from cleaner.service.models import candidate_for, model_for
from cleaner.service.runs import close_runs, cut_off_runs, moved_by, recovered
from cleaner.service.senders import ended
from cleaner.steps.act import LIMITED
from cleaner.steps.lines import Line, line_of_decision, line_of_other
from cleaner.steps.sent import refresh_sent
from cleaner.steps.task import Cleaned, Task, Watch
from cleaner.values import ActionName, Alarm, Alert, Kind, Outcome, Plan

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ScanRequest:
    """What was asked for. Without mailboxes: all that have opted in."""

    mailboxes: tuple[str, ...] = ()
    dry_run: bool = False
    preview: bool = False
    since: datetime | None = None
    all_messages: bool = False
    confirm: str | None = None
    """A run that the safety limit stopped, to be continued."""

    @property
    def only_looks(self) -> bool:
        return self.dry_run or self.preview


@dataclass(frozen=True, slots=True)
class MailboxScan:
    """What came of one mailbox."""

    address: str
    run: str | None
    lines: tuple[Line, ...] = ()
    looked_at: int = 0
    moved: int = 0
    error: CleanerError | None = None
    interrupted: bool = False
    preview_until: datetime | None = None
    recovered: tuple[tuple[str, int], ...] = ()
    """Runs that were cut off, and how many messages each had moved here; what they had begun is completed."""
    held: int = 0
    """Messages that the safety limit holds back now, also those from before."""
    waits_for: str | None = None
    """The run that an answer about them is to be given to, where it is another one."""
    newly_sent: int = 0
    """Mails added to the sent record."""
    notes: tuple[str, ...] = ()
    looked_again: bool = False
    """Whether what was judged before was judged again, so that not only new notices are in the lines."""
    is_opted_in: bool = True

    def count(self, **wanted: str) -> int:
        """Lines that have all these values."""
        return sum(all(line[key] == value for key, value in wanted.items()) for line in self.lines)


def scan(
    context: Context, request: ScanRequest, watch: Watch, stopping: Callable[[], bool]
) -> Iterator[MailboxScan]:
    """
    Cleans the mailboxes one after the other, yielding each result as it is known.

    Raises UsageError for a mailbox or run that does not exist, NotOptedInError for a mailbox that was named and
    may not be opened, StopError where no mailbox could go on. Where all owners have paused or withdrawn, there is
    nothing to do, and no run.
    """
    request, chosen = choose(context, request)
    if not chosen:
        return
    cut_off = () if request.only_looks else cut_off_runs(context)
    run = begin(context, request)
    if run is not None:
        remember_keys(context)
    results: list[MailboxScan] = []
    try:
        for mailbox in chosen:
            if stopping():
                break
            result = scan_one(context, request, mailbox, run, watch, stopping)
            result = replace(result, recovered=recovered(context, cut_off, mailbox.address))
            results.append(result)
            yield result
    except (KeyboardInterrupt, StopError):
        # As if killed (stopped at once, or no room for the store): the next run completes what was begun,
        # and tells what this one had moved.
        run = None
        raise
    finally:
        close_runs(context, cut_off)
        if run is not None:
            finish(context, request, run, results, interrupted=stopping())
            post(context, drift.alerts(drift.drifts(context)))
            deliver_if_possible(context)


def begin(context: Context, request: ScanRequest) -> str | None:
    """None for who only looks. An answer goes on with the run that asked, so that both parts are taken back by it."""
    if request.only_looks:
        return None
    if request.confirm is not None:
        context.store.runs.resume(request.confirm)
        return request.confirm
    return context.store.runs.start("scan", context.clock())


def remember_keys(context: Context) -> None:
    """Configured keys, too, are remembered: they are taken out of the file when they rotate."""
    for organisation in context.settings.organisations:
        context.store.keys.remember(organisation.dkim_keys, context.clock(), "configuration")


def choose(context: Context, request: ScanRequest) -> tuple[ScanRequest, tuple[MailboxSettings, ...]]:
    """The mailboxes that are meant, and the request completed from the run that is confirmed."""
    if request.confirm is not None:
        stopped = context.store.runs.stopped(request.confirm)
        if not stopped:
            raise UsageError(
                f"run {request.confirm} was not stopped by the safety limit, or nothing of what it held back "
                "is left, so there is nothing to confirm; 'bounce-cleaner history' lists the runs"
            )
        since = context.store.runs.get(request.confirm).since
        request = replace(request, mailboxes=stopped, since=request.since or since)
    if request.mailboxes:
        named = tuple(context.settings.mailbox(address) for address in request.mailboxes)
        if request.confirm is None:
            for mailbox in named:
                permit(context, request, mailbox)
        return request, named
    opted_in = tuple(m for m in context.settings.mailboxes if context.is_opted_in(m))
    if not opted_in and not any(context.consent_state(m) for m in context.settings.mailboxes):
        raise UsageError(
            "no mailbox has opted in yet, so none is opened. When an owner agrees: "
            "bounce-cleaner optin add ADDRESS"
        )
    return request, opted_in


def finish(
    context: Context,
    request: ScanRequest,
    run: str,
    results: Sequence[MailboxScan],
    *,
    interrupted: bool,
) -> None:
    failed = sum(result.error is not None for result in results)
    state = "done"
    if interrupted:
        state = "interrupted"
    elif any(isinstance(result.error, SafetyStopError) for result in results):
        state = "stopped"
    elif failed:
        busy = any(isinstance(result.error, MailboxBusyError) for result in results)
        state = "failed" if failed == len(results) and not busy else "partly"
    looked_at = sum(result.looked_at for result in results)
    moved = sum(result.moved for result in results)
    if request.confirm is not None:
        # What it looked at before it has looked at again; what it moved then it has moved, too.
        looked_at = max(looked_at, context.store.runs.get(run).looked_at)
        moved = moved_by(context, run)
    context.store.runs.finish(
        run, context.clock(), state=state, looked_at=looked_at, moved=moved, since=request.since
    )
    context.expire_samples()


def scan_one(
    context: Context,
    request: ScanRequest,
    mailbox: MailboxSettings,
    run: str | None,
    watch: Watch,
    stopping: Callable[[], bool],
) -> MailboxScan:
    """One mailbox, with every failure of it turned into a part of the result."""
    began = context.clock()
    try:
        permit(context, request, mailbox)
        with context.store.lock(mailbox.address) as hold:
            # One whose lock was lifted (the database was restarted) leaves the mailbox to whoever comes next.
            ends = lambda: stopping() or not hold.is_kept()  # noqa: E731
            return scan_locked(context, request, mailbox, run, watch, ends)
    except StopError:
        raise
    except CleanerError as error:
        return broken_off(context, mailbox, run, error, began)
    except Exception as error:
        # The one place that catches all: one bad mailbox never stops the others.
        log.exception("mailbox %s failed", mailbox.address)
        told = CleanerError(
            f"{mailbox.address}: a fault of this program ({type(error).__name__}: {error}). Nothing is lost: the "
            "next run completes what was begun. BOUNCE_CLEANER_DEBUG=1 before the command shows where it happened."
        )
        return broken_off(context, mailbox, run, told, began)


def broken_off(
    context: Context, mailbox: MailboxSettings, run: str | None, error: CleanerError, began: datetime
) -> MailboxScan:
    """What failed may have moved messages before it did; they are told, since they can be taken back."""
    moved = 0 if run is None else moved_by(context, run, mailbox.address, began)
    return MailboxScan(mailbox.address, run, moved=moved, error=error)


def permit(context: Context, request: ScanRequest, mailbox: MailboxSettings) -> None:
    """A preview may open a mailbox before its owner agreed, but not after he withdrew."""
    state = context.consent_state(mailbox)
    if state == "opted-in" or (request.preview and state in ("", "invited")):
        return
    raise NotOptedInError(mailbox.address, state)


def scan_locked(
    context: Context,
    request: ScanRequest,
    mailbox: MailboxSettings,
    run: str | None,
    watch: Watch,
    stopping: Callable[[], bool],
) -> MailboxScan:
    purpose = "preview" if request.preview else "dry run" if request.dry_run else "scan"
    context.note_access(mailbox, purpose, run)
    if request.only_looks:
        with context.mailboxes.reading(mailbox) as reading:
            return look_only(context, request, mailbox, reading, watch, stopping)
    with context.mailboxes.changing(mailbox) as changing:
        complete_interrupted(context, mailbox, changing)
        added, notes = update_sent_record(context, mailbox, changing, watch, stopping)
        task = task_for(context, request, mailbox, changing, run or "", stopping)
        task = replace(
            task,
            changes=changing,
            proposals=proposals_of(context, mailbox),
            observations=context.store.observations(mailbox.organisation),
        )
        cleaned = clean(task, watch, keep_others=request.all_messages)
        ask_or_settle(context, mailbox, task, cleaned)
        result = result_of(context, mailbox, task, cleaned, request)
        held = context.store.seen(mailbox.address).held()
        waits_for = context.store.runs.waiting(mailbox.address) if held else None
        return replace(
            result,
            run=run,
            held=held,
            waits_for=waits_for if waits_for != run else None,
            newly_sent=added,
            notes=(*notes, *result.notes),
        )


def ask_or_settle(context: Context, mailbox: MailboxSettings, task: Task, cleaned: Cleaned) -> None:
    """
    Asks once about what the safety limit holds back, and tells of it once.

    The caller holds the mailbox's lock, so that no other scan asks as well.
    """
    address, runs = mailbox.address, context.store.runs
    if cleaned.stopped is not None:
        runs.stop(task.run, address)
        post(context, (Alert(SAFETY_STOP, address, str(cleaned.stopped), task.run),))
    elif cleaned.interrupted:
        return
    elif task.is_answer:
        runs.confirm(address, context.clock())
    elif task.awaits_answer and not context.store.seen(address).held():
        runs.settle(address)


def proposals_of(context: Context, mailbox: MailboxSettings) -> Proposals:
    keeps = bool(context.settings.labels.keep_samples)
    return context.store.proposals(mailbox.address, mailbox.organisation, keep_samples=keeps)


def look_only(
    context: Context,
    request: ScanRequest,
    mailbox: MailboxSettings,
    reading: Mailbox,
    watch: Watch,
    stopping: Callable[[], bool],
) -> MailboxScan:
    """A dry run or preview: the mailbox is opened read-only, and only the sent record is kept."""
    task = task_for(context, request, mailbox, reading, "", stopping)
    with ExitStack() as stack:
        if context.is_opted_in(mailbox):
            added, notes = update_sent_record(context, mailbox, reading, watch, stopping)
        else:
            # Nobody agreed yet: what is learned for the preview is forgotten with it.
            record = stack.enter_context(context.scratch()).sent_record(mailbox.address)
            added = refresh_sent(reading, record, mailbox.policy.sent, watch, lambda: not stopping())
            notes = ()
            task = replace(task, sent=record)
        cleaned = clean(task, watch, keep_others=request.all_messages)
        result = result_of(context, mailbox, task, cleaned, request)
    return replace(result, newly_sent=added, notes=(*notes, *result.notes))


def complete_interrupted(context: Context, mailbox: MailboxSettings, changing: ChangeableMailbox) -> None:
    """Finds out what became of changes that a killed run had begun, and completes them."""
    journal = context.store.journal(mailbox.address)
    actions.settle_open(changing, journal, journal.open(), notices.fingerprint, context.clock())


def update_sent_record(
    context: Context,
    mailbox: MailboxSettings,
    reading: Mailbox,
    watch: Watch,
    stopping: Callable[[], bool],
) -> tuple[int, tuple[str, ...]]:
    """Indexes what was sent since the last time, here and in the mailboxes of `sent_from`."""
    begins = context.record_begins()
    record = context.store.sent_record(mailbox.address, begins)
    if begins is not None:
        record.expire(begins)
    added = refresh_sent(reading, record, mailbox.policy.sent, watch, lambda: not stopping())
    notes: list[str] = []
    for other in mailbox.sent_from:
        try:
            added += update_from(context, mailbox, context.settings.mailbox(other), record, watch, stopping)
        except StopError:
            raise
        except CleanerError as error:
            notes.append(f"the sent mail of {other} is not known: {error}")
    return added, tuple(notes)


def update_from(
    context: Context,
    mailbox: MailboxSettings,
    other: MailboxSettings,
    record: SentRecord,
    watch: Watch,
    stopping: Callable[[], bool],
) -> int:
    context.require_consent(other)
    context.note_access(other, f"sent mail for {mailbox.address}")
    with context.mailboxes.reading(other) as reading:
        label = f"{other.address}:"
        return refresh_sent(reading, record, other.policy.sent, watch, lambda: not stopping(), label=label)


def task_for(
    context: Context,
    request: ScanRequest,
    mailbox: MailboxSettings,
    reading: Mailbox,
    run: str,
    stopping: Callable[[], bool],
) -> Task:
    """The task without leave to change anything."""
    store = context.store
    is_answer = request.confirm is not None
    # What it held back is known by now, and later ones with it; what else there is since then is not meant.
    since = None if is_answer and store.seen(mailbox.address).held() else request.since
    model = model_for(context, mailbox.organisation)
    return Task(
        run=run,
        mailbox=reading,
        changes=None,
        owner=mailbox.owner(),
        organisation=context.settings.judging(mailbox.organisation),
        policy=mailbox.policy,
        safety=None if request.confirm or request.only_looks else context.settings.safety,
        sent=store.sent_record(mailbox.address),
        journal=store.journal(mailbox.address),
        memory=context.memory(mailbox),
        now=context.clock(),
        sources=context.sources(mailbox.organisation, asks=True, remembers=not request.only_looks),
        model=model,
        shadow=candidate_for(context, mailbox.organisation, model),
        knowledge=context.knowledge(mailbox, model.name if model is not None else None),
        # Who only looks wants to know what cleaning will do once it begins.
        preview_until=None if request.only_looks else preview_until(context, mailbox),
        since=since,
        moved_before=0 if request.only_looks else moved_of_late(context, mailbox.address),
        awaits_answer=not is_answer and store.runs.waiting(mailbox.address) is not None,
        is_answer=is_answer,
        may_continue=lambda: not stopping() and (request.only_looks or context.is_opted_in(mailbox)),
    )


def moved_of_late(context: Context, address: str) -> int:
    """What counts towards the safety limit: moved within a day, and since somebody last let more go."""
    since = context.clock() - DAY
    answered = context.store.runs.confirmed_at(address)
    return context.store.moved_since(address, max(since, answered or since), LIMITED)


def preview_until(context: Context, mailbox: MailboxSettings) -> datetime | None:
    """The time until which this mailbox is only reported on; None if it is past."""
    consent = context.store.consent.current(mailbox.address)
    if consent is None:
        return None
    until = consent.preview_until or consent.at + mailbox.policy.preview
    return until if until > context.clock() else None


def result_of(
    context: Context, mailbox: MailboxSettings, task: Task, cleaned: Cleaned, request: ScanRequest
) -> MailboxScan:
    address = mailbox.address
    shown = [
        d
        for d in cleaned.decisions
        if request.all_messages or d.notice.kind is not Kind.NOT_A_BOUNCE or d.error
    ]
    lines = [line_of_decision(address, decision) for decision in shown]
    alarms = alarms_of(task, cleaned)
    if not request.only_looks:
        outside = (decision.lesson.outside for decision in cleaned.decisions)
        post(
            context,
            (
                *compromised(address, alarms),
                *(flooded(context, address) if cleaned.decisions else ()),
                *ended(
                    context,
                    mailbox.organisation,
                    (*cleaned.look.outside, *(one for one in outside if one is not None)),
                    task.sources.outside_senders,
                ),
            ),
        )
    nothing = Plan(ActionName.NONE, "This is not a notice.")
    lines += [
        line_of_other(address, heading, notices.fingerprint(heading.headers), nothing)
        for heading in (*cleaned.look.others, *cleaned.look.unreadable)
    ]
    return MailboxScan(
        address,
        None,
        lines=tuple(lines),
        looked_at=cleaned.look.looked_at,
        moved=sum(decision.outcome is Outcome.DONE for decision in cleaned.decisions),
        error=cleaned.stopped,
        interrupted=cleaned.interrupted and not context_stopped(context, mailbox, task),
        preview_until=preview_until(context, mailbox),
        looked_again=task.looks_again,
        is_opted_in=context.is_opted_in(mailbox),
        notes=(
            *(f"there is no folder {name!r}" for name in cleaned.look.missing),
            *(f"ALARM: {alarm}" for alarm in alarms),
        ),
    )


def alarms_of(task: Task, cleaned: Cleaned) -> tuple[Alarm, ...]:
    """Alarms to which this look added something; `status` shows the others, too."""
    fresh = [decision.lesson for decision in cleaned.decisions]
    days = {lesson.day for lesson in fresh if lesson.by_mark}
    lessons = (*task.memory.lessons(evidence.asked(fresh)), *fresh)
    return tuple(alarm for alarm in evidence.alarms(lessons, task.now.date()) if alarm.day in days)


def context_stopped(context: Context, mailbox: MailboxSettings, task: Task) -> bool:
    """Whether the run ended because consent was withdrawn meanwhile, not because it was interrupted."""
    return task.changes is not None and not context.is_opted_in(mailbox)
