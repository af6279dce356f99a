"""
Proposing: what a mailbox's owner says by moving messages.

He takes a message back out of the quarantine: it was genuine. He puts one into the quarantine, or into the
training folder: it was spurious. Both are noted for an administrator to confirm, and nothing is learned before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

from cleaner import notices
from cleaner.steps.look import fetch
from cleaner.steps.specimens import specimen_of
from cleaner.steps.task import HEADINGS, Sighting, Task
from cleaner.values import (
    EntryState,
    FolderRole,
    Heading,
    Message,
    Notice,
    Opinion,
    Proposal,
    Verdict,
)

Judged: TypeAlias = tuple[Message, Notice, Verdict]
Judge: TypeAlias = Callable[[Sequence[Message]], Sequence[Judged]]

MOST: Final = 100
"""Messages of one folder that are looked at in one run, the latest: more by hand is rare, by program common."""

MINE: Final = frozenset((EntryState.INTENDED, EntryState.DONE, EntryState.UNDOING))
"""States of an entry whose message we moved where it is."""


def note_moved_out(task: Task, taken_back: Sequence[Sighting], judge: Judge) -> None:
    """Notes the messages that the owner took back out of where we had moved them to."""
    if task.proposals is not None and taken_back and task.may_continue():
        task.proposals.propose(tuple(moved_out(task, taken_back, judge)))


def note_moved_in(task: Task, judge: Judge) -> None:
    """Notes what the owner put into the quarantine or the training folder since the last run."""
    if task.proposals is None or not task.may_continue():
        return
    for folder in folders(task):
        key = f"moved into {folder}"
        listing = task.mailbox.list(folder, task.memory.cursor(key))
        task.proposals.propose(tuple(moved_in(task, folder, listing.ids, judge)))
        task.memory.record((), {key: listing.cursor})


def moved_out(task: Task, taken_back: Sequence[Sighting], judge: Judge) -> Iterator[Proposal]:
    entries = {s.fingerprint: s.taken_back for s in taken_back if s.taken_back is not None}
    for message, notice, verdict in judged(task, [s.heading for s in taken_back], judge):
        entry = entries.get(notice.fingerprint)
        if entry is not None:
            why = f"its owner moved it out of {entry.target}"
            specimen = specimen_of(message, notice, verdict)
            yield Proposal(specimen, Opinion.GENUINE, task.now, why, entry.id)


def moved_in(task: Task, folder: str, ids: Sequence[str], judge: Judge) -> Iterator[Proposal]:
    for message, notice, verdict in judged(task, tuple(put_there(task, folder, ids)), judge):
        specimen = specimen_of(message, notice, verdict)
        yield Proposal(specimen, Opinion.BACKSCATTER, task.now, f"its owner moved it to {folder}")


def judged(task: Task, headings: Sequence[Heading], judge: Judge) -> Iterator[Judged]:
    found = fetch(task.mailbox, headings[-MOST:])
    for one in judge([message for _, message in found if isinstance(message, Message)]):
        if one[1].kind.is_judged:
            yield one


def folders(task: Task) -> Iterator[str]:
    """
    Where what was put there says something.

    Not the junk folder, should the quarantine be one: there the mail system's own filter puts things.
    """
    wanted = (task.policy.quarantine, task.policy.training_folder)
    for folder in task.mailbox.folders():
        if folder.name in wanted and folder.role is not FolderRole.JUNK:
            yield folder.name


def put_there(task: Task, folder: str, ids: Sequence[str]) -> Iterator[Heading]:
    """Likely notices in a folder that no move of ours brought there."""
    fields = notices.SHORTLIST_FIELDS | notices.FINGERPRINT_FIELDS
    for start in range(0, len(ids), HEADINGS):
        likely = {
            notices.fingerprint(heading.headers): heading
            for heading in task.mailbox.headings(folder, ids[start : start + HEADINGS], fields)
            if not heading.unreadable and notices.is_likely(heading.headers)
        }
        history = task.journal.for_fingerprints(tuple(likely))
        for fingerprint, heading in likely.items():
            entries = history.get(fingerprint, ())
            if not any(entry.target == folder and entry.state in MINE for entry in entries):
                yield heading
