"""
Mailboxes on IMAP servers (RFC 9051, RFC 3501), through imapclient.

    connecting.py   opening a connection, signing in, how many at once
    bearer.py       signing in with a token
    wire.py         commands and responses over it; grammar.py: their words
    session.py      which folder is open, reconnecting; folders.py: what folders are called
    reading.py      listing, headings, messages; fetching.py: what FETCH answers; cursor.py: what is new
    changing.py     moving, flags, new messages; copying.py: moving where the server has no MOVE
    pulse.py        whether anything came, for `serve`; waiting.py: until something comes
    obstacles.py    what stands in the way, for `check`
    errors.py       what goes wrong, turned into our errors
"""

from __future__ import annotations

from cleaner.config import MailboxSettings, Server
from cleaner.connectors.imap.changing import ChangingImap
from cleaner.connectors.imap.connecting import connect
from cleaner.connectors.imap.pulse import pulse
from cleaner.connectors.imap.reading import ReadingImap
from cleaner.connectors.imap.session import Session
from cleaner.connectors.imap.waiting import wait_for_mail

__all__ = ["ChangingImap", "ReadingImap", "open_changing", "open_reading", "pulse", "wait_for_mail"]


def open_reading(server: Server, mailbox: MailboxSettings) -> ReadingImap:
    return ReadingImap(mailbox, Session(mailbox.address, lambda: connect(server, mailbox)))


def open_changing(server: Server, mailbox: MailboxSettings) -> ChangingImap:
    return ChangingImap(mailbox, Session(mailbox.address, lambda: connect(server, mailbox)))
