"""
Mailboxes of Microsoft 365, over Microsoft Graph.

    connecting.py  which service, one client for all of its mailboxes, one request at a time for each
    wire.py        HTTP and JSON, bounded
    session.py     one mailbox at work: tokens, batches, asking again, waiting
    folders.py     what folders are called; items.py: what is told of a message; returned.py: originals in attachments
    reading.py     headings, messages; listing.py: what is new; cursor.py: since when
    changing.py    moving, flags, new messages
    pulsing.py     whether anything came
    obstacles.py   what stands in the way, for `check`
    errors.py      what goes wrong, turned into our errors; library.py: the HTTP library, late and silent

Graph is a dozen of its requests to us, so that they are written here, over an HTTP library: Microsoft's own client
brings all of Graph with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cleaner.config import MailboxSettings, Server
from cleaner.connectors.graph.library import require

if TYPE_CHECKING:
    from cleaner.connectors.graph.changing import ChangingGraph
    from cleaner.connectors.graph.reading import ReadingGraph

__all__ = ["open_changing", "open_reading", "pulse"]


def open_reading(server: Server, mailbox: MailboxSettings) -> ReadingGraph:
    require(mailbox.address)
    from cleaner.connectors.graph.reading import ReadingGraph
    from cleaner.connectors.graph.session import Session

    return ReadingGraph(mailbox, Session(server, mailbox))


def open_changing(server: Server, mailbox: MailboxSettings) -> ChangingGraph:
    require(mailbox.address)
    from cleaner.connectors.graph.changing import ChangingGraph
    from cleaner.connectors.graph.session import Session

    return ChangingGraph(mailbox, Session(server, mailbox))


def pulse(server: Server, mailbox: MailboxSettings, folders: Sequence[str]) -> str | None:
    """A text that changes when a message comes into one of the folders."""
    require(mailbox.address)
    from cleaner.connectors.graph.pulsing import pulse_of
    from cleaner.connectors.graph.session import Session

    return pulse_of(Session(server, mailbox), folders)
