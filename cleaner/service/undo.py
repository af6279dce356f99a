"""
Taking changes back: the use case behind `undo`.

What was moved goes back to where it came from, with its flags and dates, newest first. Consent is not
asked for: giving an owner his mail back is always allowed, also after he opted out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from cleaner import actions, notices
from cleaner.config import MailboxSettings
from cleaner.errors import CleanerError, StopError, UsageError
from cleaner.ports import ChangeableMailbox
from cleaner.service.context import Context
from cleaner.steps.task import Watch
from cleaner.values import Entry, EntryState, Ground

BEFORE: Final = {
    EntryState.UNDONE: "put back already",
    EntryState.RETURNED: "put back by its owner",
    EntryState.FAILED: "never moved",
    EntryState.GONE: "gone before it could be moved",
}
"""Why there is nothing to take back of a change any more."""


@dataclass(frozen=True, slots=True)
class UndoRequest:
    """
    What is to be taken back: `entries`, a `run`, a `mailbox` with `since`, or all that rested on a `ground`.

    A ground may be narrowed down to an organisation, a mailbox and a time.
    """

    entries: tuple[int, ...] = ()
    run: str | None = None
    mailbox: str | None = None
    since: datetime | None = None
    ground: Ground | None = None
    organisation: str | None = None


@dataclass(frozen=True, slots=True)
class MailboxUndo:
    """What came of one mailbox."""

    address: str
    entries: tuple[Entry, ...] = ()
    error: CleanerError | None = None
    before: tuple[Entry, ...] = ()
    """Those asked for by number that there is nothing to take back of any more."""

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
    except StopError:
        failed = True
        raise
    finally:
        state = "interrupted" if stopping() else "partly" if failed else "done"
        context.store.runs.finish(run, context.clock(), state=state, moved=back)


def chosen(context: Context, request: UndoRequest) -> tuple[Entry, ...]:
    """The entries that are meant and can be taken back, and those that were asked for by number."""
    entries = asked_for(context, request)
    able = tuple(entry for entry in entries if can_be_taken_back(entry))
    if not able:
        found = "; ".join(sorted({BEFORE[entry.state] for entry in entries}))
        raise UsageError(f"nothing is left to take back {describe(request)}: {found}")
    return entries if request.entries else able


def asked_for(context: Context, request: UndoRequest) -> tuple[Entry, ...]:
    if not request.entries:
        entries = context.store.entries(
            run=request.run, mailbox=request.mailbox, since=request.since, ground=request.ground
        )
        if request.organisation is not None:
            own = {m.address for m in context.settings.mailboxes if m.organisation == request.organisation}
            entries = tuple(entry for entry in entries if entry.mailbox in own)
        if not entries:
            raise none_such(request)
        return entries
    found = {number: context.store.entries(id=number) for number in request.entries}
    if missing := tuple(number for number, entries in found.items() if not entries):
        raise none_such(replace(request, entries=missing))
    return tuple(entry for entries in found.values() for entry in entries)


def none_such(request: UndoRequest) -> UsageError:
    return UsageError(
        f"the journal has no change {describe(request)}; 'bounce-cleaner history' shows what there is"
    )


def can_be_taken_back(entry: Entry) -> bool:
    """A message that was found gone may be back in the quarantine, and then it can be asked for again."""
    if entry.state is EntryState.GONE:
        return entry.was_moved
    return entry.state in (EntryState.DONE, EntryState.UNDOING, EntryState.INTENDED, EntryState.PURGED)


def describe(request: UndoRequest) -> str:
    if request.entries:
        return f"numbered {', '.join(map(str, request.entries))}"
    if request.run is not None:
        return f"of run {request.run}"
    if request.ground is not None:
        return f"that rested on the ground {request.ground.value!r}"
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
            before = tuple(entry for entry in entries if not can_be_taken_back(entry))
            wanted = {entry.id for entry in entries if can_be_taken_back(entry)}
            now_are = [e for e in context.store.entries(mailbox=address) if e.id in wanted]
            able = [entry for entry in now_are if can_be_taken_back(entry)]
            settled = [entry for entry in now_are if not can_be_taken_back(entry)]
            able = put_back_into_quarantine(context, changing, able, stopping)
            results: list[Entry] = []
            for entry in actions.undo(changing, journal, able, notices.fingerprint, stopping, now):
                results.append(entry)
                actions.follow(journal, (entry,), now)
                watch("taking back", len(results), len(able))
            return MailboxUndo(address, (*results, *settled), before=before)
    except StopError:
        raise
    except CleanerError as error:
        return MailboxUndo(address, error=error)


def put_back_into_quarantine(
    context: Context, changing: ChangeableMailbox, entries: list[Entry], stopping: Callable[[], bool]
) -> list[Entry]:
    """The entries as they are once those that went on to Trash are in the quarantine again."""
    purged = {entry.id for entry in entries if entry.state is EntryState.PURGED}
    if not purged:
        return entries
    now = context.clock()
    journal = context.store.journal(entries[0].mailbox)
    expiries = tuple(e for e in actions.expiries(journal, entries) if can_be_taken_back(e))
    for entry in actions.undo(changing, journal, expiries, notices.fingerprint, stopping, now):
        actions.follow(journal, (entry,), now)
    # An expiry that was itself asked for is done with now.
    done = purged | {entry.id for entry in expiries}
    now_are = [e for id in purged for e in context.store.entries(id=id) if e.state is not EntryState.PURGED]
    return [entry for entry in entries if entry.id not in done] + now_are


def settings_of(context: Context, address: str) -> MailboxSettings:
    if address in context.settings:
        return context.settings.mailbox(address)
    raise CleanerError(
        f"{address} is no longer configured, so it cannot be opened; add it again "
        f"(in {context.settings.path}, or bounce-cleaner optin add {address}) and repeat this command"
    )
