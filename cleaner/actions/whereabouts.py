"""
Where a journalled message is now.

An id is believed only together with the fingerprint: ids can be given anew (UIDVALIDITY), and owners move
mail about. A message that another entry of the journal speaks for is never taken for this one: of two
copies each has its own entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from cleaner.errors import FolderMissingError
from cleaner.ports import Journal, Mailbox
from cleaner.values import ActionName, Entry, EntryState, Headers, Heading

FingerprintOf: TypeAlias = Callable[[Headers], str]


@dataclass(slots=True)
class Whereabouts:
    """Looks for messages in one mailbox; lives as long as one undo or one settling."""

    mailbox: Mailbox
    journal: Journal
    fingerprint_of: FingerprintOf
    _by_fingerprint: dict[str, dict[str, list[str]]] = field(default_factory=dict)

    def in_source(self, entry: Entry) -> str | None:
        """Its id in the folder it came from: the old one, the one it was moved by, or a new one."""
        found = self._find(entry, entry.folder, (entry.message, entry.new_id))
        return None if found is None else found.id

    def in_target(self, entry: Entry) -> Heading | None:
        """The message in the folder it was moved to; one that was just being moved may still have its old id."""
        return self._find(entry, entry.target, (_moved_as(entry),))

    def in_targets(self, entries: Sequence[Entry]) -> dict[int, Heading]:
        """
        The same for many entries with one target, by their numbers; those found nowhere are left out.

        The folder is asked once for all that stand there under their ids, as nearly all do.
        """
        target = entries[0].target
        claimed = self._claimed(entries, target)
        expected = {_moved_as(entry): entry for entry in entries if _moved_as(entry) not in claimed[entry.id]}
        found: dict[int, Heading] = {}
        for heading in self.mailbox.headings(target, tuple(expected)):
            entry = expected[heading.id]
            if self.fingerprint_of(heading.headers) == entry.fingerprint:
                found[entry.id] = heading
        for entry in entries:
            if entry.id not in found and (heading_now := self.in_target(entry)) is not None:
                found[entry.id] = heading_now
        return found

    def is_untouched(self, entry: Entry) -> bool:
        """Whether it is still in its source under its own id."""
        return self._matching(entry, entry.folder, (entry.message,)) is not None

    def _find(self, entry: Entry, folder: str, expected: Iterable[str | None]) -> Heading | None:
        ids = tuple(dict.fromkeys(id for id in expected if id is not None))
        claimed = self._claimed((entry,), folder)[entry.id]
        found = self._matching(entry, folder, (id for id in ids if id not in claimed))
        if found is not None:
            return found
        others = self._candidates(entry, folder)
        return self._matching(entry, folder, (id for id in others if id not in claimed))

    def _matching(self, entry: Entry, folder: str, ids: Iterable[str]) -> Heading | None:
        for heading in self.mailbox.headings(folder, tuple(ids)):
            if self.fingerprint_of(heading.headers) == entry.fingerprint:
                return heading
        return None

    def _claimed(self, entries: Sequence[Entry], folder: str) -> dict[int, frozenset[str]]:
        """For each entry, the messages of that folder which other entries speak for."""
        known = self.journal.for_fingerprints([entry.fingerprint for entry in entries])
        return {
            entry.id: frozenset(
                id
                for other in known.get(entry.fingerprint, ())
                if not _is_same_message(other, entry) and (id := _spoken_for(other, folder)) is not None
            )
            for entry in entries
        }

    def _candidates(self, entry: Entry, folder: str) -> tuple[str, ...]:
        if entry.message_id is not None:
            return self.mailbox.find(folder, entry.message_id)
        # Many systems' notices have no Message-ID: then the whole folder is looked through, once.
        if folder not in self._by_fingerprint:
            self._by_fingerprint[folder] = self._index(folder)
        return tuple(self._by_fingerprint[folder].get(entry.fingerprint, ()))

    def _index(self, folder: str) -> dict[str, list[str]]:
        index: dict[str, list[str]] = {}
        for heading in self._all(folder):
            index.setdefault(self.fingerprint_of(heading.headers), []).append(heading.id)
        return index

    def _all(self, folder: str) -> Iterator[Heading]:
        cursor = None
        left = True
        while left:
            try:
                listing = self.mailbox.list(folder, cursor)
            except FolderMissingError:
                return
            yield from self.mailbox.headings(folder, listing.ids)
            cursor, left = listing.cursor, listing.left > 0


def _is_same_message(one: Entry, other: Entry) -> bool:
    """Whether two entries are about one copy: what was moved to the quarantine may go on to Trash later."""
    journey = {ActionName.MOVE, ActionName.EXPIRE}
    return one.id == other.id or (
        one.occurrence == other.occurrence and {one.action, other.action} == journey
    )


def _moved_as(entry: Entry) -> str:
    return entry.new_id or entry.message


def _spoken_for(entry: Entry, folder: str) -> str | None:
    """The message of that folder which an entry says is its own."""
    if entry.state in (EntryState.DONE, EntryState.UNDOING) and entry.target == folder:
        return _moved_as(entry)
    if entry.state in (EntryState.INTENDED, EntryState.FAILED) and entry.folder == folder:
        return entry.message
    return None
