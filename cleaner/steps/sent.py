"""The sent record, brought up to date right before judging (DESIGN.md, decision 4)."""

from __future__ import annotations

from collections.abc import Sequence

from cleaner import notices
from cleaner.ports import Mailbox, SentRecord
from cleaner.steps.task import HEADINGS, Watch
from cleaner.values import FolderRole


def refresh_sent(
    mailbox: Mailbox, record: SentRecord, also: Sequence[str], watch: Watch, *, label: str = ""
) -> int:
    """
    Brings the sent record up to date from the mailbox's Sent folders; returns how many mails were new.

    `also` names folders beside those with the role; `label` tells records of several mailboxes apart.
    """
    folders = [
        folder.name for folder in mailbox.folders() if folder.role is FolderRole.SENT or folder.name in also
    ]
    return sum(refresh_from(mailbox, record, folder, f"{label}{folder}", watch) for folder in folders)


def refresh_from(mailbox: Mailbox, record: SentRecord, folder: str, key: str, watch: Watch) -> int:
    listing = mailbox.list(folder, record.cursor(key))
    added = 0
    for start in range(0, len(listing.ids), HEADINGS):
        watch(f"indexing {folder}", start, len(listing.ids))
        headings = mailbox.headings(folder, listing.ids[start : start + HEADINGS])
        mails = (mail for heading in headings if (mail := notices.outgoing(heading)) is not None)
        added += record.add(key, mails, None)
    record.add(key, (), listing.cursor)
    return added
