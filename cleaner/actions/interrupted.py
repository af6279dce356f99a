"""
Completing what an interrupted run left open.

The journal says what was intended, the mailbox what happened: a message is in its source, in its target, or gone.
What stands twice becomes one first (`doubles.py`). A message that stands in its source under another id than when it
was to be moved was moved, and its owner brought it back: it is RETURNED, and never moved again. Nothing here depends
on where exactly the run was killed, so being killed here is no harm either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from cleaner.actions.doubles import leave_one_of_each
from cleaner.actions.expire import follow
from cleaner.actions.move import GONE, failed, missing, moved_to, restore_flags, returned, take_back
from cleaner.actions.whereabouts import FingerprintOf, Whereabouts
from cleaner.ports import ChangeableMailbox, Journal
from cleaner.values import Entry, EntryState, Heading


def settle_open(
    mailbox: ChangeableMailbox,
    journal: Journal,
    entries: Sequence[Entry],
    fingerprint_of: FingerprintOf,
    now: datetime,
) -> tuple[Entry, ...]:
    """Completes open entries; returns them as they are now."""
    where = Whereabouts(mailbox, journal, fingerprint_of)
    found = leave_one_of_each(mailbox, where, entries)
    return tuple(_settled(mailbox, journal, where, entries, found, now))


def _settled(
    mailbox: ChangeableMailbox,
    journal: Journal,
    where: Whereabouts,
    entries: Sequence[Entry],
    found: Mapping[int, Heading],
    now: datetime,
) -> Iterator[Entry]:
    for entry in entries:
        if (place := found.get(entry.id)) is not None:
            settled = moved_to(entry, place.id, now) if place.folder == entry.target else returned(entry, now)
        elif entry.state is EntryState.INTENDED:
            settled = _settle_move(where, entry, now)
        else:
            settled = _settle_undo(mailbox, where, entry, now)
        # One by one: each settled entry is a message that the next one cannot be taken for.
        journal.settle((settled,))
        follow(journal, (settled,), now)
        yield settled


def _settle_move(where: Whereabouts, entry: Entry, now: datetime) -> Entry:
    """
    A move that was begun: done if the message is in its target.

    If it is still in its source it is not moved now: its owner may have acted meanwhile, so the next
    judging decides, and takes the same entry up again.
    """
    if where.is_untouched(entry):
        return failed(entry, "interrupted before it was moved", now)
    place = where.in_target(entry)
    if place is not None:
        return moved_to(entry, place.id, now)
    back = where.in_source(entry)
    if back is not None:
        where.take(back)
        return returned(entry, now)
    return replace(entry, state=EntryState.GONE, settled_at=now, error=GONE)


def _settle_undo(mailbox: ChangeableMailbox, where: Whereabouts, entry: Entry, now: datetime) -> Entry:
    """An undo that was begun is completed: giving back is always right."""
    if where.in_target(entry) is not None:
        (settled,) = take_back(mailbox, where, (entry,), lambda: False, now)
        return settled
    place = where.in_source(entry)
    if place is None:
        return missing(where, entry, now)
    restore_flags(mailbox, entry, place.id)
    return replace(entry, state=EntryState.UNDONE, settled_at=now, error=None)
