"""
Moving messages, and moving them back.

Intent is journalled before the mailbox is touched, the result after it; undo replays the journal backwards
in the same way. Whatever interrupts in between leaves an entry open, and `interrupted.py` finds out from
the mailbox what became of it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Final

from cleaner.actions.whereabouts import FingerprintOf, Whereabouts
from cleaner.errors import AskPersonError, MessageGoneError
from cleaner.ports import ChangeableMailbox, Journal, Moved
from cleaner.values import Entry, EntryState, Heading

BATCH: Final = 50
"""Entries intended, moved and settled together: two durable writes a batch."""

GONE: Final = "it was no longer there"
STOPPED: Final = "stopped before it was moved"


def perform(
    mailbox: ChangeableMailbox,
    journal: Journal,
    entries: Sequence[Entry],
    may_continue: Callable[[], bool],
    now: datetime,
) -> Iterator[Entry]:
    """
    Carries out intended moves, yielding each entry with what became of it.

    `may_continue` is asked before each message; when it says no, what was intended is settled as
    failed, so that nothing stays open, and the rest is not intended. Entries that the journal has as
    done already come back as they stand. A mailbox that refuses changes (AskPersonError) leaves no
    entry open either; a connection that breaks, or another program in between, leaves open what nobody
    can know.
    """
    for batch in batches(entries):
        if not may_continue():
            return
        yield from recorded(journal, carry_out(mailbox, journal.intend(batch), may_continue, now))


def batches(entries: Iterable[Entry]) -> Iterator[tuple[Entry, ...]]:
    """Runs of entries with the same source and target, in their order."""
    for _, same in groupby(entries, key=lambda entry: (entry.folder, entry.target)):
        run = tuple(same)
        for start in range(0, len(run), BATCH):
            yield run[start : start + BATCH]


def recorded(journal: Journal, results: Generator[Entry]) -> Iterator[Entry]:
    """The results as they come; the journal gets them together, whatever ends the work."""
    settled: list[Entry] = []
    try:
        # Closed first: the mailbox makes durable what it did before the journal claims it.
        with closing(results):
            for entry in results:
                settled.append(entry)
                yield entry
    finally:
        if settled:
            journal.settle(settled)


def carry_out(
    mailbox: ChangeableMailbox, batch: Sequence[Entry], may_continue: Callable[[], bool], now: datetime
) -> Generator[Entry]:
    left: dict[str, Entry] = {}
    for entry in batch:
        if entry.state is EntryState.INTENDED:
            left[entry.message] = entry
        else:
            yield entry
    if not left:
        return
    source, target = batch[0].folder, batch[0].target
    try:
        for moved in until(mailbox.move(source, tuple(left), target), may_continue):
            yield moved_entry(left.pop(moved.id), moved, now)
    except AskPersonError as error:
        yield from (failed(entry, str(error), now) for entry in left.values())
        raise
    yield from (failed(entry, STOPPED, now) for entry in left.values())


def until(moves: Iterator[Moved], may_continue: Callable[[], bool]) -> Generator[Moved]:
    """The moves as they are made, until somebody says stop; the mailbox then makes them durable."""
    certain = False
    try:
        while (certain or may_continue()) and (moved := next(moves, None)) is not None:
            certain = moved.more
            yield moved
    finally:
        if isinstance(moves, Generator):
            moves.close()


def moved_entry(entry: Entry, moved: Moved, now: datetime) -> Entry:
    if moved.unclear:
        return entry
    if moved.gone:
        return replace(entry, state=EntryState.GONE, settled_at=now, error=GONE)
    if moved.error is not None:
        return failed(entry, moved.error, now)
    return moved_to(entry, moved.new_id, now)


def moved_to(entry: Entry, new_id: str | None, now: datetime) -> Entry:
    return replace(entry, state=EntryState.DONE, new_id=new_id, settled_at=now, error=None)


def failed(entry: Entry, error: str, now: datetime) -> Entry:
    return replace(entry, state=EntryState.FAILED, settled_at=now, error=error)


# --- and back -------------------------------------------------------------------------------------


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

    A message that is not in its target any more is RETURNED if it stands in its source again; if it is in
    neither, its owner deleted it or put it elsewhere: GONE.
    """
    where = Whereabouts(mailbox, journal, fingerprint_of)
    for batch in batches(sorted(entries, key=lambda entry: entry.id, reverse=True)):
        if stopping():
            return
        undoing = tuple(replace(entry, state=EntryState.UNDOING, error=None) for entry in batch)
        journal.settle(undoing)
        left = {entry.id: entry for entry in batch}
        for entry in recorded(journal, take_back(mailbox, where, undoing, stopping, now)):
            left.pop(entry.id)
            yield entry
        if left:
            journal.settle(tuple(left.values()))


def take_back(
    mailbox: ChangeableMailbox,
    where: Whereabouts,
    batch: Sequence[Entry],
    stopping: Callable[[], bool],
    now: datetime,
) -> Generator[Entry]:
    """Moves back what is still in its target, and says of the others where they are."""
    found = where.in_targets(batch)
    left: dict[str, Entry] = {}
    for entry in batch:
        place = found.get(entry.id)
        if place is None or place.id in left:
            yield missing(where, entry, now)
        else:
            left[place.id] = entry
    if not left:
        return
    source, target = batch[0].folder, batch[0].target
    try:
        mailbox.create(source)
        for moved in until(mailbox.move(target, tuple(left), source), lambda: not stopping()):
            entry = left.pop(moved.id)
            yield returned_entry(mailbox, where, entry, found[entry.id], moved, now)
    except AskPersonError as error:
        # The owner's folder is in order but closed to us: the entry says so, and waits to be tried again.
        yield from (not_taken_back(entry, str(error), now) for entry in left.values())


def returned_entry(
    mailbox: ChangeableMailbox, where: Whereabouts, entry: Entry, was: Heading, moved: Moved, now: datetime
) -> Entry:
    """What an entry becomes whose message was moved back, with the flags that it had before it was moved."""
    if moved.unclear:
        return entry
    if moved.gone:
        return missing(where, entry, now)
    if moved.error is not None:
        return not_taken_back(entry, moved.error, now)
    if set(was.flags) != set(entry.flags):
        found = None if moved.new_id is not None else where.in_source(entry)
        restore_flags(mailbox, entry, moved.new_id if found is None else found.id)
    return replace(entry, state=EntryState.UNDONE, settled_at=now, error=None)


def missing(where: Whereabouts, entry: Entry, now: datetime) -> Entry:
    """What an entry becomes whose message is not where it was moved to."""
    back = where.in_source(entry)
    if back is not None:
        where.take(back)
        return returned(entry, now)
    error = f"it is no longer in {entry.target}: its owner deleted it, or put it elsewhere"
    return replace(entry, state=EntryState.GONE, settled_at=now, error=error)


def returned(entry: Entry, now: datetime) -> Entry:
    """What an entry becomes whose message its owner brought back."""
    return replace(entry, state=EntryState.RETURNED, settled_at=now, error=None)


def not_taken_back(entry: Entry, error: str, now: datetime) -> Entry:
    return replace(entry, state=EntryState.DONE, settled_at=now, error=error)


def restore_flags(mailbox: ChangeableMailbox, entry: Entry, id: str | None) -> None:
    # Gone in this very moment: its owner has it in his hands, and then its flags are his too.
    with suppress(MessageGoneError):
        if id is not None:
            mailbox.set_flags(entry.folder, id, entry.flags)
