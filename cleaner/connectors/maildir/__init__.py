"""
Mailboxes on disk: Maildir and its sub-folders (Maildir++), as Dovecot, Courier, Exim and Postfix write them.

Ids are the unique parts of file names, which stay when flags change or the message moves to another
folder; the internal date is the file's modification time. Sources: https://cr.yp.to/proto/maildir.html,
the Courier project's Maildir++ page.
"""

from __future__ import annotations

from cleaner.config import MailboxSettings, Server
from cleaner.connectors.maildir.changing import ChangingMaildir
from cleaner.connectors.maildir.pulse import pulse
from cleaner.connectors.maildir.reading import ReadingMaildir

__all__ = ["ChangingMaildir", "ReadingMaildir", "open_changing", "open_reading", "pulse"]


def open_reading(server: Server, mailbox: MailboxSettings) -> ReadingMaildir:
    return ReadingMaildir(mailbox.address, server.path_of(mailbox.address))


def open_changing(server: Server, mailbox: MailboxSettings) -> ChangingMaildir:
    return ChangingMaildir(mailbox.address, server.path_of(mailbox.address))
