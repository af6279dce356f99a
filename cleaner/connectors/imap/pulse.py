"""Whether anything came into a mailbox, at the price of signing in and one STATUS for each folder."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from cleaner.config import MailboxSettings, Server
from cleaner.connectors.imap.connecting import connect
from cleaner.connectors.imap.session import Session
from cleaner.connectors.imap.wire import Answer, Wire, Word
from cleaner.connectors.roles import INBOX
from cleaner.errors import FolderMissingError

_ITEMS: Final = re.compile(rb"\b(UIDVALIDITY|UIDNEXT) (\d{1,20})", re.IGNORECASE)
STATUS: Final = (b"UIDVALIDITY", b"UIDNEXT")


def pulse(server: Server, mailbox: MailboxSettings, folders: Sequence[str]) -> str | None:
    """
    A text that changes when a message comes into one of the folders; None where the server does not tell.

    Not when one is taken out or marked: that asks for nothing.
    """
    if tuple(folders) == (INBOX,):
        # By far the most common, and it is called so everywhere (RFC 9051 section 5.1).
        connection = connect(server, mailbox)
        try:
            return _joined([_status(connection.wire, b"INBOX")])
        finally:
            connection.close()
    session = Session(mailbox.address, lambda: connect(server, mailbox))
    try:
        return _joined([_named(session, folder) for folder in folders])
    finally:
        session.close()


def _named(session: Session, folder: str) -> str | None:
    try:
        name = session.name_of(folder)
    except FolderMissingError:
        return "missing"
    return _status(session.wire, name)


def _status(wire: Wire, name: Word) -> str | None:
    answer = wire.command(b"STATUS", name, b"(%b)" % b" ".join(STATUS))
    return told(answer) if answer.is_ok else "missing"


def told(answer: Answer) -> str | None:
    for parts in answer.named(b"STATUS"):
        found = {name.upper(): value.decode() for name, value in _ITEMS.findall(parts[-1])}
        if all(name in found for name in STATUS):
            return ".".join(found[name] for name in STATUS)
    return None


def _joined(told: Sequence[str | None]) -> str | None:
    return None if None in told else " ".join(filter(None, told))
