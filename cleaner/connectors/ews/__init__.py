"""
Mailboxes on Exchange Server 2010 SP2 and later, over Exchange Web Services, through exchangelib.

    connecting.py   which server, how many at once; credentials.py: who signs in; discovery.py: autodiscover
    library.py      exchangelib, late and silent
    wire.py         HTTP and XML, bounded; calls.py: the operations; backoff.py: when the server wants to be left alone
    session.py      one mailbox at work: asking, asking again
    folders.py      what folders are called; items.py: what GetItem answers; returned.py: originals in attachments
    reading.py      listing, headings, messages; cursor.py: what is new
    changing.py     moving, flags, new messages
    arrivals.py     whether anything came, for `serve`; waiting.py: being told of new mail
    obstacles.py    what stands in the way, for `check`
    errors.py       what goes wrong, turned into our errors

Of exchangelib we take signing in, sessions, autodiscover, versions and the frame of an operation. What an operation
asks and what its answer says is written here, since its own item classes drop a date that they cannot parse, raise
one item's error for the whole call, and follow no hint of a busy server that is in an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from cleaner.config import MailboxSettings, Server
from cleaner.connectors.ews.library import require

if TYPE_CHECKING:
    from cleaner.connectors.ews.changing import ChangingEws
    from cleaner.connectors.ews.reading import ReadingEws

__all__ = ["open_changing", "open_reading", "pulse", "wait_for_mail"]


def open_reading(server: Server, mailbox: MailboxSettings) -> ReadingEws:
    require(mailbox.address)
    from cleaner.connectors.ews.reading import ReadingEws
    from cleaner.connectors.ews.session import Session

    return ReadingEws(mailbox, Session(server, mailbox))


def open_changing(server: Server, mailbox: MailboxSettings) -> ChangingEws:
    require(mailbox.address)
    from cleaner.connectors.ews.changing import ChangingEws
    from cleaner.connectors.ews.session import Session

    return ChangingEws(mailbox, Session(server, mailbox))


def pulse(server: Server, mailbox: MailboxSettings, folders: Sequence[str]) -> str | None:
    """A text that changes when a message comes into one of the folders."""
    require(mailbox.address)
    from cleaner.connectors.ews import arrivals

    return arrivals.pulse(server, mailbox, folders)


def wait_for_mail(
    server: Server, mailbox: MailboxSettings, stopping: Callable[[], bool], came: Callable[[], None]
) -> bool:
    """Calls `came` whenever something came in, until asked to stop; false where the server tells of nothing."""
    require(mailbox.address)
    from cleaner.connectors.ews import waiting

    return waiting.wait_for_mail(server, mailbox, stopping, came)
