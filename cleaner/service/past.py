"""
What happened to a message before: when it was judged, what was done with it, who took it back.

Out of the journal, which keeps what was done, and of what is remembered of notices, which keeps why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cleaner.ports import Mailbox
from cleaner.steps.lines import iso
from cleaner.values import ActionName, Entry, EntryState, Message, SeenNotice

_SETTLED: Final = {
    EntryState.UNDONE: "put back to {folder} with 'undo'",
    EntryState.RETURNED: "moved back by the owner of the mailbox",
    EntryState.PURGED: "deleted from {target} for good, where it had lain for as long as such mail is kept",
    EntryState.FAILED: "could not be moved ({error}), and stayed in {folder}",
    EntryState.INTENDED: "the move was begun and cut off; the next scan completes it",
    EntryState.UNDOING: "putting it back was begun and cut off; it is completed by 'undo' or the next scan",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened to a message."""

    at: datetime | None
    what: str
    entry: int | None = None

    def to_json(self) -> dict[str, Any]:
        return {"at": iso(self.at), "what": self.what, "entry": self.entry}


@dataclass(frozen=True, slots=True)
class Past:
    """All that is on record about one message."""

    entries: tuple[Entry, ...] = ()
    """Oldest first."""
    seen: SeenNotice | None = None
    moved: Entry | None = None
    """The entry by which it lies where it is now."""
    put_back: Entry | None = None
    """The entry that was taken back; such a message stays (DESIGN.md, decision 14)."""

    def then(self, entry: Entry) -> Mapping[str, Any] | None:
        """The line of the day that led to the entry, if that is still kept."""
        report = self.seen.report if self.seen is not None else None
        return report if report is not None and report.get("entry") == entry.id else None

    def steps(self) -> tuple[Step, ...]:
        told = [step for entry in self.entries for step in _steps(entry, self.then(entry))]
        if self.put_back is not None and self.put_back.state not in (EntryState.UNDONE, EntryState.RETURNED):
            back = f"taken out of {self.put_back.target} again by the owner of the mailbox"
            told.append(Step(None, back, self.put_back.id))
        if self.seen is not None and not any(self.then(entry) for entry in self.entries):
            told.append(Step(self.seen.judged_at, f"judged {self.seen.opinion.value}"))
        dated = [(step.at, number, step) for number, step in enumerate(told) if step.at is not None]
        return (
            *(step for _, _, step in sorted(dated, key=lambda one: one[:2])),
            *(s for s in told if s.at is None),
        )


def past_of(entries: tuple[Entry, ...], seen: SeenNotice | None, message: Message, reading: Mailbox) -> Past:
    """What is on record, compared with where the message lies; asks the mailbox only where that is in doubt."""
    moved = next((e for e in reversed(entries) if lies_where_moved(e, message)), None)
    back = (
        None if moved is not None else next((e for e in entries if was_taken_back(e, message, reading)), None)
    )
    return Past(entries, seen, moved, back)


def lies_where_moved(entry: Entry, message: Message) -> bool:
    return entry.state is EntryState.DONE and (entry.target, entry.new_id) == (message.folder, message.id)


def was_taken_back(entry: Entry, message: Message, reading: Mailbox) -> bool:
    """As `scan` sees it: undone, moved back, or no longer in the folder that it was moved to."""
    if entry.state in (EntryState.UNDONE, EntryState.RETURNED):
        return True
    if message.folder == entry.target:
        return False
    if entry.state is EntryState.GONE:
        return entry.was_moved
    if entry.state is not EntryState.DONE or entry.new_id is None:
        return False
    return not reading.present(entry.target, (entry.new_id,))


def _steps(entry: Entry, then: Mapping[str, Any] | None) -> Iterator[Step]:
    if then is not None:
        yield Step(entry.intended_at, f"judged {then['verdict']}: {then['because']}", entry.id)
    if entry.was_moved:
        verb = "deleted (moved to trash)" if entry.action is ActionName.DELETE else "moved"
        yield Step(
            entry.intended_at, f"{verb} from {entry.folder} to {entry.target} in run {entry.run}", entry.id
        )
    if entry.state is EntryState.GONE:
        at = (
            f"{entry.target} any more"
            if entry.was_moved
            else f"{entry.folder} any more when it was to be moved"
        )
        yield Step(entry.settled_at, f"not found in {at}: its owner took or deleted it", entry.id)
    elif entry.state in _SETTLED:
        told = _SETTLED[entry.state].format(folder=entry.folder, target=entry.target, error=entry.error or "")
        yield Step(entry.settled_at or entry.intended_at, told, entry.id)
