"""
What has been in the quarantine for long enough goes to Trash.

That is a move with an entry of its own, so that it can be taken back like any other; the entry that brought the
message into the quarantine is PURGED then. Taken back, the message is in the quarantine again, and
stays there: what somebody put back is not taken a second time (DESIGN.md, decision 14).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from cleaner.actions.move import batches, missing
from cleaner.actions.whereabouts import FingerprintOf, Whereabouts
from cleaner.ports import ChangeableMailbox, Journal
from cleaner.values import ActionName, Entry, EntryState, Heading

MARKS_OF_NOBODY: Final = frozenset(("\\seen", "\\recent"))
"""Flags that a message gets by being looked at."""


@dataclass(frozen=True, slots=True)
class Expiring:
    """What is to be done about entries whose time is over."""

    intents: tuple[Entry, ...] = ()
    settled: tuple[Entry, ...] = ()
    """Whose message is no longer in the quarantine."""
    kept: int = 0
    """Whose message its owner flagged, moved or put back."""


def expiring(
    mailbox: ChangeableMailbox,
    journal: Journal,
    entries: Sequence[Entry],
    trash: str,
    fingerprint_of: FingerprintOf,
    run: str,
    now: datetime,
) -> Expiring:
    """Where the messages of these entries are, and which of them nobody has laid a hand on."""
    where = Whereabouts(mailbox, journal, fingerprint_of)
    intents: list[Entry] = []
    settled: list[Entry] = []
    kept = 0
    for batch in batches(entries):
        history = journal.for_fingerprints([entry.fingerprint for entry in batch])
        found = where.in_targets(batch)
        for entry in batch:
            before = _expiry(history.get(entry.fingerprint, ()), entry)
            place = found.get(entry.id)
            if before is not None and before.state is EntryState.DONE:
                settled.append(replace(entry, state=EntryState.PURGED, settled_at=now))
            elif before is not None and before.state is not EntryState.FAILED:
                kept += 1
            elif place is None:
                settled.append(missing(where, entry, now))
            elif is_touched(entry, place):
                kept += 1
            else:
                intents.append(_intent(entry, place, trash, run, now))
    return Expiring(tuple(intents), tuple(settled), kept)


def is_touched(entry: Entry, place: Heading) -> bool:
    """
    Whether its owner flagged the message, or moved it away and back.

    Any flag counts that was not there when it was moved, also a program's `$NotJunk`; that it was
    read does not.
    """
    if entry.new_id is not None and place.id != entry.new_id:
        return True
    before = {flag.lower() for flag in entry.flags} - {"\\flagged"}
    return bool({flag.lower() for flag in place.flags} - before - MARKS_OF_NOBODY)


def _intent(entry: Entry, place: Heading, trash: str, run: str, now: datetime) -> Entry:
    return Entry(
        id=0,
        run=run,
        mailbox=entry.mailbox,
        fingerprint=entry.fingerprint,
        occurrence=entry.occurrence,
        action=ActionName.EXPIRE,
        folder=entry.target,
        message=place.id,
        target=trash,
        flags=place.flags,
        received=place.received,
        message_id=entry.message_id,
        intended_at=now,
    )


def expiries(journal: Journal, originals: Iterable[Entry]) -> Iterator[Entry]:
    """The entries by which these purged ones went to Trash, so that they can be taken back first."""
    purged = [entry for entry in originals if entry.state is EntryState.PURGED]
    history = journal.for_fingerprints([entry.fingerprint for entry in purged])
    for entry in purged:
        found = _expiry(history.get(entry.fingerprint, ()), entry)
        if found is not None:
            yield found


def follow(journal: Journal, settled: Iterable[Entry], now: datetime) -> None:
    """Brings the entries that had put messages into the quarantine into line with what became of these since."""
    changed = [entry for entry in settled if entry.action is ActionName.EXPIRE]
    history = journal.for_fingerprints([entry.fingerprint for entry in changed])
    originals: list[Entry] = []
    for entry in changed:
        for other in history.get(entry.fingerprint, ()):
            if other.action is ActionName.MOVE and other.occurrence == entry.occurrence:
                originals += _in_line(other, entry, now)
    journal.settle(originals)


def _in_line(original: Entry, expiry: Entry, now: datetime) -> Iterator[Entry]:
    match expiry.state:
        case EntryState.DONE if original.state is EntryState.DONE:
            yield replace(original, state=EntryState.PURGED, settled_at=now)
        case EntryState.UNDONE | EntryState.RETURNED if original.state is EntryState.PURGED:
            # Back in the quarantine, under an id that nobody was told.
            yield replace(original, state=EntryState.DONE, new_id=None, settled_at=now)
        case EntryState.GONE if original.state is EntryState.PURGED:
            yield replace(original, state=EntryState.GONE, settled_at=now, error=expiry.error)


def _expiry(history: Iterable[Entry], original: Entry) -> Entry | None:
    return next(
        (e for e in history if e.action is ActionName.EXPIRE and e.occurrence == original.occurrence), None
    )
