"""
Moving messages, and moving them back.

Intent is journalled before the mailbox is touched, the result after it; undo replays the journal backwards
in the same way. Whatever interrupts in between leaves an entry open, and `settle_open` finds out from the
mailbox what became of it: a message is in its source, in its target, or gone, never in doubt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Final

from cleaner.errors import MessageGoneError
from cleaner.ports import ChangeableMailbox, Journal, Moved
from cleaner.values import Entry, EntryState, Headers

BATCH: Final = 20
"""Entries intended, moved and settled together: two durable writes a batch."""

FingerprintOf = Callable[[Headers], str]


def perform(
    mailbox: ChangeableMailbox,
    journal: Journal,
    entries: Sequence[Entry],
    may_continue: Callable[[], bool],
    now: datetime,
) -> Iterator[Entry]:
    """
    Carries out intended moves, yielding each entry with what became of it.

    `may_continue` is asked before each message; when it says no, what was not begun is not intended
    either. Entries that the journal has as done already come back as they stand.
    """
    for batch in batches(entries):
        if not may_continue():
            return
        intended = journal.intend(batch)
        settled = tuple(carry_out(mailbox, intended, may_continue, now))
        journal.settle(settled)
        yield from settled


def batches(entries: Sequence[Entry]) -> Iterator[tuple[Entry, ...]]:
    """Runs of entries with the same source and target, in their order."""
    for _, same in groupby(entries, key=lambda entry: (entry.folder, entry.target)):
        run = tuple(same)
        for start in range(0, len(run), BATCH):
            yield run[start : start + BATCH]


def carry_out(
    mailbox: ChangeableMailbox, batch: Sequence[Entry], may_continue: Callable[[], bool], now: datetime
) -> Iterator[Entry]:
    to_move = {entry.message: entry for entry in batch if entry.state is EntryState.INTENDED}
    left = dict(to_move)
    if to_move:
        first = batch[0]
        moves = mailbox.move(first.folder, tuple(to_move), first.target)
        for moved in until(moves, may_continue):
            yield moved_entry(left.pop(moved.id), moved, now)
    for entry in left.values():
        yield replace(entry, state=EntryState.FAILED, settled_at=now, error="stopped before it was moved")
    yield from (entry for entry in batch if entry.state is not EntryState.INTENDED)


def until(moves: Iterator[Moved], may_continue: Callable[[], bool]) -> Iterator[Moved]:
    """The moves as they are made, until somebody says stop; the mailbox then closes its books."""
    try:
        while may_continue() and (moved := next(moves, None)) is not None:
            yield moved
    finally:
        close = getattr(moves, "close", None)
        if close is not None:
            close()


def moved_entry(entry: Entry, moved: Moved, now: datetime) -> Entry:
    if moved.gone:
        return replace(entry, state=EntryState.GONE, settled_at=now, error="it was no longer there")
    if moved.error is not None:
        return replace(entry, state=EntryState.FAILED, settled_at=now, error=moved.error)
    return replace(entry, state=EntryState.DONE, new_id=moved.new_id, settled_at=now, error=None)


# --- back again -----------------------------------------------------------------------------------


def undo(
    mailbox: ChangeableMailbox,
    journal: Journal,
    entries: Sequence[Entry],
    fingerprint_of: FingerprintOf,
    stopping: Callable[[], bool],
    now: datetime,
) -> Iterator[Entry]:
    """
    Moves messages back to where they came from, flags as they were, the latest first.

    A message that is not in its target any more is RETURNED if it stands in its source again; if it
    is nowhere, the entry stays DONE with an error, and can be tried again.
    """
    for entry in sorted(entries, key=lambda entry: entry.id, reverse=True):
        if stopping():
            return
        undoing = replace(entry, state=EntryState.UNDOING, error=None)
        journal.settle((undoing,))
        back = move_back(mailbox, undoing, fingerprint_of, now)
        journal.settle((back,))
        yield back


def move_back(
    mailbox: ChangeableMailbox, entry: Entry, fingerprint_of: FingerprintOf, now: datetime
) -> Entry:
    place = place_in(mailbox, entry.target, entry.new_id, entry, fingerprint_of)
    if place is None:
        return missing(mailbox, entry, fingerprint_of, now)
    mailbox.create(entry.folder)
    for moved in mailbox.move(entry.target, (place,), entry.folder):
        if moved.gone:
            return missing(mailbox, entry, fingerprint_of, now)
        if moved.error is not None:
            return replace(entry, state=EntryState.DONE, settled_at=now, error=moved.error)
        restore_flags(mailbox, entry, moved.new_id or place)
    return replace(entry, state=EntryState.UNDONE, settled_at=now)


def missing(mailbox: ChangeableMailbox, entry: Entry, fingerprint_of: FingerprintOf, now: datetime) -> Entry:
    """What an entry becomes whose message is not where it was moved to."""
    place = place_in(mailbox, entry.folder, entry.message, entry, fingerprint_of)
    if place is not None:
        return replace(entry, state=EntryState.RETURNED, settled_at=now)
    error = f"it is no longer in {entry.target}: its owner moved or deleted it"
    return replace(entry, state=EntryState.DONE, settled_at=now, error=error)


def restore_flags(mailbox: ChangeableMailbox, entry: Entry, id: str) -> None:
    # Gone in this very moment: its owner has it in his hands, and then its flags are his too.
    with suppress(MessageGoneError):
        mailbox.set_flags(entry.folder, id, entry.flags)


# --- after an interruption ------------------------------------------------------------------------


def settle_open(
    mailbox: ChangeableMailbox,
    journal: Journal,
    entries: Sequence[Entry],
    fingerprint_of: FingerprintOf,
    now: datetime,
) -> tuple[Entry, ...]:
    """Completes the entries that an interrupted run left open; returns them as they are now."""
    settled = tuple(
        settle_move(mailbox, entry, fingerprint_of, now)
        if entry.state is EntryState.INTENDED
        else settle_undo(mailbox, entry, fingerprint_of, now)
        for entry in entries
    )
    if settled:
        journal.settle(settled)
    return settled


def settle_move(
    mailbox: ChangeableMailbox, entry: Entry, fingerprint_of: FingerprintOf, now: datetime
) -> Entry:
    """
    A move that was begun: done if the message is in its target.

    If it is still in its source it is not moved now: its owner may have acted meanwhile, so the
    next judging decides, and takes the same entry up again.
    """
    if mailbox.present(entry.folder, (entry.message,)):
        error = "interrupted before it was moved"
        return replace(entry, state=EntryState.FAILED, settled_at=now, error=error)
    place = place_in(mailbox, entry.target, entry.message, entry, fingerprint_of)
    if place is None:
        return replace(entry, state=EntryState.GONE, settled_at=now, error="it was no longer there")
    return replace(entry, state=EntryState.DONE, new_id=place, settled_at=now, error=None)


def settle_undo(
    mailbox: ChangeableMailbox, entry: Entry, fingerprint_of: FingerprintOf, now: datetime
) -> Entry:
    """An undo that was begun is completed: giving back is always right."""
    if place_in(mailbox, entry.target, entry.new_id, entry, fingerprint_of) is not None:
        return move_back(mailbox, entry, fingerprint_of, now)
    place = place_in(mailbox, entry.folder, entry.message, entry, fingerprint_of)
    if place is None:
        return missing(mailbox, entry, fingerprint_of, now)
    restore_flags(mailbox, entry, place)
    return replace(entry, state=EntryState.UNDONE, settled_at=now)


def place_in(
    mailbox: ChangeableMailbox,
    folder: str,
    id: str | None,
    entry: Entry,
    fingerprint_of: FingerprintOf,
) -> str | None:
    """The message's id in a folder: the one that is expected, else whichever has its fingerprint."""
    candidates = () if id is None else (id,)
    found = same(mailbox, folder, candidates, entry, fingerprint_of)
    if found is None and entry.message_id is not None:
        found = same(mailbox, folder, mailbox.find(folder, entry.message_id), entry, fingerprint_of)
    return found


def same(
    mailbox: ChangeableMailbox,
    folder: str,
    ids: Sequence[str],
    entry: Entry,
    fingerprint_of: FingerprintOf,
) -> str | None:
    present = mailbox.present(folder, ids)
    for heading in mailbox.headings(folder, tuple(id for id in ids if id in present)):
        if fingerprint_of(heading.headers) == entry.fingerprint:
            return heading.id
    return None
