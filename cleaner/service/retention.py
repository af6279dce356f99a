"""
Retention: what has been in the quarantine for so long goes to Trash, journalled and reversible.

Never what its owner flagged or moved, and nothing at all in a mailbox that is held, or that cannot be changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cleaner import actions, notices
from cleaner.config import MailboxSettings
from cleaner.ports import ChangeableMailbox
from cleaner.service.context import Context
from cleaner.values import ActionName, Entry, EntryState, FolderRole


@dataclass(frozen=True, slots=True)
class Retained:
    """What came of it in one mailbox."""

    expired: int = 0
    kept: int = 0
    held: str = ""
    """Why nothing was done."""


def overdue(context: Context, mailbox: MailboxSettings) -> tuple[Entry, ...]:
    """What was moved to the quarantine longer ago than it is to be kept there."""
    if not mailbox.policy.retention:
        return ()
    until = context.clock() - mailbox.policy.retention
    entries = context.store.entries(mailbox=mailbox.address, until=until, states=(EntryState.DONE,))
    return tuple(
        entry
        for entry in entries
        if entry.action is ActionName.MOVE and (entry.settled_at or entry.intended_at or until) <= until
    )


def expire(
    context: Context,
    mailbox: MailboxSettings,
    changing: ChangeableMailbox,
    entries: tuple[Entry, ...],
    stopping: Callable[[], bool],
) -> Retained:
    """Moves to Trash what is overdue. The caller holds the mailbox's lock."""
    hold = next((o for o in changing.obstacles() if o.holds or o.blocks), None)
    if hold is not None:
        return Retained(held=hold.what)
    now = context.clock()
    journal = context.store.journal(mailbox.address)
    trash = trash_of(mailbox, changing)
    run = context.store.runs.start("retention", now)
    done = 0
    state = "failed"
    try:
        context.note_access(mailbox, "retention", run)
        actions.settle_open(changing, journal, journal.open(), notices.fingerprint, now)
        found = actions.expiring(changing, journal, entries, trash, notices.fingerprint, run, now)
        journal.settle(found.settled)
        if found.intents:
            changing.create(trash)

        def may_continue() -> bool:
            return not stopping() and context.is_opted_in(mailbox)

        for entry in actions.perform(changing, journal, found.intents, may_continue, now):
            done += entry.state is EntryState.DONE
            actions.follow(journal, (entry,), now)
        state = "interrupted" if stopping() else "done"
    finally:
        context.store.runs.finish(run, context.clock(), state=state, looked_at=len(entries), moved=done)
    return Retained(expired=done, kept=found.kept)


def trash_of(mailbox: MailboxSettings, changing: ChangeableMailbox) -> str:
    """The folder of the policy, else the one that the mail system marks."""
    if mailbox.policy.trash is not None:
        return mailbox.policy.trash
    not_here = {*mailbox.policy.folders, mailbox.policy.quarantine, mailbox.policy.review}
    marked = (f.name for f in changing.folders() if f.role is FolderRole.TRASH and f.name not in not_here)
    return next(marked, "Trash")
