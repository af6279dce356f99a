"""
Which service is asked, through which client, and how many at once.

The client with its connections serves all mailboxes of a server. What Graph counts, it counts for an application and a
mailbox (10,000 requests in ten minutes, four at once: [throttling limits]), so that a pause is kept for the mailbox,
and one process asks for one thing at a time about it: of a batch Graph itself sends four to Exchange at once, by
its documentation; where more than that were sighted to be refused, the batch becomes smaller (`Gate.many`).

[throttling limits]: https://learn.microsoft.com/graph/throttling-limits#outlook-service-limits
"""

from __future__ import annotations

import atexit
import threading
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import urlsplit

from cleaner.config import MailboxSettings, Server
from cleaner.connectors.exchange.backoff import Backoff
from cleaner.connectors.graph.library import silence
from cleaner.connectors.graph.wire import Wire

VERSION: Final = "/v1.0"

BATCH: Final = 20
"""Requests in a batch; Graph takes no more."""


LEAST: Final = 4
"""Requests that Exchange takes at once for a mailbox."""

TRIED_AFTER: Final = 10
"""After so many batches without a refusal a larger one is tried."""


@dataclass(slots=True)
class Gate:
    """What all who work on one mailbox in this process share."""

    backoff: Backoff = field(default_factory=Backoff)
    lock: threading.Lock = field(default_factory=threading.Lock)
    many: int = BATCH
    """Requests that go into one batch."""
    well: int = 0
    """Batches since one was last refused in part."""

    def note(self, asked: int, refused: int) -> None:
        """Some services answer so many of a batch and call themselves too busy for the rest, some only for a while."""
        if refused:
            self.well = 0
            if asked > LEAST:
                self.many = max(LEAST, min(self.many, asked - refused))
        else:
            self.well += 1
            if self.well % TRIED_AFTER == 0:
                self.many = min(BATCH, self.many + LEAST)


@dataclass(slots=True)
class Endpoint:
    """One service, shared by the mailboxes on it."""

    server: Server
    wire: Wire
    tells_returned_headers: bool | None = None
    """Whether it tells the header that an attached message came with; None: not seen yet."""
    _gates: dict[str, Gate] = field(default_factory=dict)

    def gate(self, mailbox: MailboxSettings) -> Gate:
        with _LOCK:
            return self._gates.setdefault(mailbox.user.casefold(), Gate())


_ENDPOINTS: Final[dict[Server, Endpoint]] = {}
_LOCK: Final = threading.Lock()


def connect(server: Server) -> Endpoint:
    """The shared endpoint; sends nothing."""
    root = root_of(server)
    with _LOCK:
        endpoint = _ENDPOINTS.get(server)
        if endpoint is None:
            known = replace(server, host=urlsplit(root).hostname)
            endpoint = _ENDPOINTS[server] = Endpoint(known, Wire(known, root))
    silence()
    return endpoint


def root_of(server: Server) -> str:
    return (server.endpoint or "").rstrip("/").removesuffix(VERSION) + VERSION


def close_all() -> None:
    """Closes the connections that are kept for the next mailbox, and forgets who is to wait."""
    with _LOCK:
        for endpoint in _ENDPOINTS.values():
            endpoint.wire.close()
        _ENDPOINTS.clear()


atexit.register(close_all)
