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
    _taken: set[tuple[str, str]] = field(default_factory=set)

    def take(self, message: Heading) -> None:
        """From now on, this message is not found for any other entry."""
        self._taken.add((message.folder, message.id))

    def in_source(self, entry: Entry) -> Heading | None:
        """The message in the folder it came from: under the old id, the one it was moved by, or a new one."""
        return self._find(entry, entry.folder, (entry.message, entry.new_id))

    def in_target(self, entry: Entry) -> Heading | None:
        """
        The message in the folder it was moved to; one that was just being moved may still have its old id.

        Many a mail program moves by copying, and only marks as deleted what it leaves behind: a
        message with that mark, and without it in its source, counts as moved back.
        """
        found = self._find(entry, entry.target, (_moved_as(entry),))
        return None if found is None or self._is_left_behind(entry, found) else found

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
            is_it = self.fingerprint_of(heading.headers) == entry.fingerprint
            if is_it and not self._is_left_behind(entry, heading):
                found[entry.id] = heading
        for entry in entries:
            if entry.id not in found and (heading_now := self.in_target(entry)) is not None:
                found[entry.id] = heading_now
        return found

    def is_untouched(self, entry: Entry) -> bool:
        """Whether it is still in its source under its own id."""
        return self._matching(entry, entry.folder, (entry.message,)) is not None

    def was_brought_back(self, entry: Entry, message: Heading) -> bool:
        """
        Whether a message in a watched folder is the one of this entry, brought back by its owner or by undo.

        It is, whatever the journal knows of the move, if it left the place where the journal has it:
        moves are interrupted, and owners do not wait for the next run.
        """
        match entry.state:
            case EntryState.UNDOING | EntryState.UNDONE | EntryState.RETURNED:
                return True
            case EntryState.DONE:
                return self.in_target(entry) is None
            case EntryState.PURGED:
                return False  # Its way to Trash has an entry of its own.
            case EntryState.GONE:
                return entry.was_moved or entry.action is not ActionName.EXPIRE
            case EntryState.INTENDED | EntryState.FAILED:
                if entry.action is ActionName.EXPIRE or (entry.folder, entry.message) == (
                    message.folder,
                    message.id,
                ):
                    return False
                was_open = entry.state is EntryState.INTENDED
                return not self.is_untouched(entry) and not (was_open and self.in_target(entry) is not None)

    def _is_left_behind(self, entry: Entry, place: Heading) -> bool:
        return "\\Deleted" in place.flags and self.in_source(entry) is not None

    def claimed_by_others(self, entries: Sequence[Entry]) -> frozenset[tuple[str, str]]:
        """The messages that entries beside these speak for, about messages with the same fingerprints."""
        known = self.journal.for_fingerprints([entry.fingerprint for entry in entries])
        own = {entry.id for entry in entries}
        folders = {folder for entry in entries for folder in (entry.folder, entry.target)}
        return frozenset(
            (folder, id)
            for others in known.values()
            for other in others
            if other.id not in own and not any(_is_same_message(other, entry) for entry in entries)
            for folder in folders
            if (id := _spoken_for(other, folder)) is not None
        )

    def _find(self, entry: Entry, folder: str, expected: Iterable[str | None]) -> Heading | None:
        ids = tuple(dict.fromkeys(id for id in expected if id is not None))
        claimed = self._claimed((entry,), folder)[entry.id]

        def among(some: Iterable[str]) -> Heading | None:
            free = (id for id in some if id not in claimed and (folder, id) not in self._taken)
            return self._matching(entry, folder, free)

        return among(ids) or among(self._candidates(entry, folder))

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
