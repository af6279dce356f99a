"""
Mailboxes on disk: Maildir and its sub-folders (Maildir++), as Dovecot, Courier, Exim and Postfix write them.

Ids are the unique parts of file names (`names.id_of`), which stay when flags change or the message moves to another
folder; the internal date is the file's modification time. Sources: https://cr.yp.to/proto/maildir.html,
the Courier project's Maildir++ page.
"""

from __future__ import annotations

from cleaner.config import MailboxSettings, Server
from cleaner.connectors.maildir.changing import ChangingMaildir
from cleaner.connectors.maildir.pulse import pulse
from cleaner.connectors.maildir.reading import ReadingMaildir
from cleaner.values import ActionName

__all__ = ["ChangingMaildir", "ReadingMaildir", "open_changing", "open_reading", "pulse"]


def open_reading(server: Server, mailbox: MailboxSettings) -> ReadingMaildir:
    policy = mailbox.policy
    targets = [policy.quarantine] if policy.action is ActionName.MOVE else []
    targets += [policy.review] if policy.review_unsure else []
    targets += [policy.trash] if policy.trash else []
    return ReadingMaildir(mailbox.address, server.path_of(mailbox.address), targets)


def open_changing(server: Server, mailbox: MailboxSettings) -> ChangingMaildir:
    return ChangingMaildir(mailbox.address, server.path_of(mailbox.address))
