"""
Where a journalled message is now.

An id is believed only together with the fingerprint: ids can be given anew (UIDVALIDITY), and owners move
mail about. A message that another entry of the journal speaks for is never taken for this one: of two
copies each has its own entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from cleaner.errors import FolderMissingError
from cleaner.ports import Journal, Mailbox
from cleaner.values import Entry, EntryState, Headers

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
        return self._find(entry, entry.folder, (entry.message, entry.new_id))

    def in_target(self, entry: Entry) -> str | None:
        """Its id in the folder it was moved to; one that was just being moved may still have the old one."""
        return self._find(entry, entry.target, (entry.new_id or entry.message,))

    def is_untouched(self, entry: Entry) -> bool:
        """Whether it is still in its source under its own id."""
        return self._matching(entry, entry.folder, (entry.message,)) is not None

    def _find(self, entry: Entry, folder: str, expected: Iterable[str | None]) -> str | None:
        ids = tuple(dict.fromkeys(id for id in expected if id is not None))
        claimed = self._claimed(entry, folder)
        found = self._matching(entry, folder, (id for id in ids if id not in claimed))
        if found is not None:
            return found
        others = self._candidates(entry, folder)
        return self._matching(entry, folder, (id for id in others if id not in claimed))

    def _matching(self, entry: Entry, folder: str, ids: Iterable[str]) -> str | None:
        for heading in self.mailbox.headings(folder, tuple(ids)):
            if self.fingerprint_of(heading.headers) == entry.fingerprint:
                return heading.id
        return None

    def _claimed(self, entry: Entry, folder: str) -> frozenset[str]:
        """Messages of that folder which other entries speak for."""
        claimed: set[str] = set()
        for other in self.journal.for_fingerprints((entry.fingerprint,)).get(entry.fingerprint, ()):
            if other.id == entry.id:
                continue
            if other.state in (EntryState.DONE, EntryState.UNDOING) and other.target == folder:
                claimed.add(other.new_id or other.message)
            if other.state in (EntryState.INTENDED, EntryState.FAILED) and other.folder == folder:
                claimed.add(other.message)
        return frozenset(claimed)

    def _candidates(self, entry: Entry, folder: str) -> tuple[str, ...]:
        if entry.message_id is not None:
            return self.mailbox.find(folder, entry.message_id)
        # Many systems' notices have no Message-ID: then the whole folder is looked through, once.
        if folder not in self._by_fingerprint:
            self._by_fingerprint[folder] = self._index(folder)
        return tuple(self._by_fingerprint[folder].get(entry.fingerprint, ()))

    def _index(self, folder: str) -> dict[str, list[str]]:
        index: dict[str, list[str]] = {}
        try:
            ids = self.mailbox.list(folder).ids
        except FolderMissingError:
            return index
        for heading in self.mailbox.headings(folder, ids):
            index.setdefault(self.fingerprint_of(heading.headers), []).append(heading.id)
        return index
