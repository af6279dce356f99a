"""
Taking changes back: the use case behind `undo`.

What was moved goes back to where it came from, with its flags and dates, newest first. Consent is not
asked for: giving an owner his mail back is always allowed, also after he opted out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from cleaner import actions, notices
from cleaner.config import MailboxSettings
from cleaner.errors import CleanerError, StopError, UsageError
from cleaner.service.context import Context
from cleaner.steps.task import Watch
from cleaner.values import Entry, EntryState


@dataclass(frozen=True, slots=True)
class UndoRequest:
    """What is to be taken back; exactly one of `entry`, `run`, or `mailbox` with `since`."""

    entry: int | None = None
    run: str | None = None
    mailbox: str | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class MailboxUndo:
    """What came of one mailbox."""

    address: str
    entries: tuple[Entry, ...] = ()
    error: CleanerError | None = None

    def count(self, state: EntryState) -> int:
        return sum(entry.state is state for entry in self.entries)

    @property
    def failed(self) -> int:
        """Changes that could not be taken back now; they stay in the journal and can be tried again."""
        return sum(entry.state in (EntryState.DONE, EntryState.UNDOING) for entry in self.entries)


def undo(
    context: Context, request: UndoRequest, watch: Watch, stopping: Callable[[], bool]
) -> Iterator[MailboxUndo]:
    """Takes changes back, mailbox by mailbox. Raises UsageError where there is nothing to take back."""
    by_mailbox: dict[str, list[Entry]] = {}
    for entry in chosen(context, request):
        by_mailbox.setdefault(entry.mailbox, []).append(entry)
    run = context.store.runs.start("undo", context.clock())
    back = 0
    failed = False
    try:
        for address, entries in by_mailbox.items():
            if stopping():
                break
            result = undo_one(context, address, tuple(entries), watch, stopping, run)
            back += result.count(EntryState.UNDONE)
            failed = failed or result.error is not None or result.failed > 0
            yield result
    finally:
        state = "interrupted" if stopping() else "partly" if failed else "done"
        context.store.runs.finish(run, context.clock(), state=state, moved=back)


def chosen(context: Context, request: UndoRequest) -> tuple[Entry, ...]:
    """The entries that are meant and can be taken back."""
    entries = context.store.entries(
        id=request.entry, run=request.run, mailbox=request.mailbox, since=request.since
    )
    if not entries:
        raise UsageError(
            f"the journal has no change {describe(request)}; 'bounce-cleaner history' shows what there is"
        )
    able = tuple(e for e in entries if e.state in (EntryState.DONE, EntryState.UNDOING, EntryState.INTENDED))
    if not able:
        states = ", ".join(sorted({entry.state.value for entry in entries}))
        raise UsageError(f"nothing is left to take back {describe(request)}: already {states}")
    return able


def describe(request: UndoRequest) -> str:
    if request.entry is not None:
        return f"numbered {request.entry}"
    if request.run is not None:
        return f"of run {request.run}"
    return f"to {request.mailbox} since {request.since:%Y-%m-%d %H:%M}"


def undo_one(
    context: Context,
    address: str,
    entries: tuple[Entry, ...],
    watch: Watch,
    stopping: Callable[[], bool],
    run: str,
) -> MailboxUndo:
    try:
        mailbox = settings_of(context, address)
        with context.store.lock(address), context.mailboxes.changing(mailbox) as changing:
            context.note_access(mailbox, "undo", run)
            journal = context.store.journal(address)
            now = context.clock()
            actions.settle_open(changing, journal, journal.open(), notices.fingerprint, now)
            wanted = {entry.id for entry in entries}
            now_are = [e for e in context.store.entries(mailbox=address) if e.id in wanted]
            able = [entry for entry in now_are if entry.state is EntryState.DONE]
            settled = [entry for entry in now_are if entry.state is not EntryState.DONE]
            results: list[Entry] = []
            for entry in actions.undo(changing, journal, able, notices.fingerprint, stopping, now):
                results.append(entry)
                watch("taking back", len(results), len(able))
            return MailboxUndo(address, (*results, *settled))
    except StopError:
        raise
    except CleanerError as error:
        return MailboxUndo(address, error=error)


def settings_of(context: Context, address: str) -> MailboxSettings:
    if address in context.settings:
        return context.settings.mailbox(address)
    raise CleanerError(
        f"{address} is no longer configured, so it cannot be opened; add it again "
        f"(in {context.settings.path}, or bounce-cleaner optin add {address}) and repeat this command"
    )
