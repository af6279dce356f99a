"""The sent record, brought up to date right before judging (DESIGN.md, decision 4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from cleaner import evidence, notices
from cleaner.ports import Mailbox, SentRecord
from cleaner.steps.paging import pieces
from cleaner.steps.task import Watch
from cleaner.values import FolderRole, Heading, OutgoingMail


def refresh_sent(
    mailbox: Mailbox,
    record: SentRecord,
    also: Sequence[str],
    watch: Watch,
    may_continue: Callable[[], bool] = lambda: True,
    *,
    label: str = "",
) -> int:
    """
    Brings the sent record up to date from the mailbox's Sent folders; returns how many mails were new.

    `also` names folders beside those with the role; `label` tells records of several mailboxes apart.
    When `may_continue` says no it ends, and the next time goes on from there.
    """
    folders = [
        folder.name for folder in mailbox.folders() if folder.role is FolderRole.SENT or folder.name in also
    ]
    return sum(
        refresh_from(mailbox, record, folder, f"{label}{folder}", watch, may_continue)
        for folder in folders
        if may_continue()
    )


def refresh_from(
    mailbox: Mailbox,
    record: SentRecord,
    folder: str,
    key: str,
    watch: Watch,
    may_continue: Callable[[], bool],
) -> int:
    added = 0
    for piece in pieces(mailbox, folder, record.cursor(key)):
        watch(f"indexing {folder}", piece.done, piece.expected)
        added += record.add(key, mails_of(mailbox, folder, piece.ids), piece.cursor)
        if not may_continue():
            break
    return added


def mails_of(mailbox: Mailbox, folder: str, ids: Sequence[str]) -> tuple[OutgoingMail, ...]:
    """What was sent; of mails without a Date the internal date is asked for."""
    headings = tuple(mailbox.skim(folder, ids, notices.SENT_FIELDS))
    undated = tuple(h.id for h in headings if h.received is None and notices.lacks_date(h.headers))
    dated = {h.id: h for h in mailbox.headings(folder, undated, notices.SENT_FIELDS)} if undated else {}
    mails = (outgoing(dated.get(heading.id, heading)) for heading in headings)
    return tuple(mail for mail in mails if mail is not None)


def outgoing(heading: Heading) -> OutgoingMail | None:
    """What the sent record wants of a mail in Sent, with the manner in which it is written."""
    mail = notices.outgoing(heading)
    return mail and replace(mail, manner=evidence.manner(heading.headers, mail.subject))
