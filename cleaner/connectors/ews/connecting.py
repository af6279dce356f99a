"""
Which server is asked, who signs in, and how many at once.

One account opens hundreds of mailboxes, so that its sessions, its pause when the server is busy and a refusal of its
password are kept once for endpoint and credential: 300 mailboxes are not 300 wrong passwords, which lock an account.
"""

from __future__ import annotations

import atexit
import threading
import time
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from exchangelib import (
    BASIC,
    DELEGATE,
    IMPERSONATION,
    NTLM,
    OAUTH2,
    UTC,
    Account,
    Build,
    Configuration,
    Version,
)
from exchangelib.protocol import CachingProtocol

from cleaner.config import MailboxSettings, Server
from cleaner.connectors.ews.credentials import credentials
from cleaner.connectors.ews.discovery import discovered, forget_all_discovered
from cleaner.connectors.ews.library import silence
from cleaner.connectors.ews.wire import EwsProtocol, Refusals
from cleaner.connectors.exchange.backoff import Backoff
from cleaner.errors import AskPersonError

OLDEST: Final = Version(build=Build(14, 2), api_version="Exchange2010_SP2")
"""What the first request speaks, and every server since understands; the library then takes what it answers with."""

REFUSED_FOR: Final = 300
"""Seconds for which a refused password is not tried again."""

_AUTH: Final = {"basic": BASIC, "ntlm": NTLM, "oauth2": OAUTH2}
_ACCESS: Final = {"impersonation": IMPERSONATION, "delegate": DELEGATE}

Key: TypeAlias = tuple[str | None, ...]


@dataclass(slots=True)
class Endpoint:
    """One account on one server, shared by the mailboxes that it opens."""

    protocol: EwsProtocol
    server: Server
    backoff: Backoff = field(default_factory=Backoff)
    has_signed_in: bool = False
    refused_until: float = 0.0
    tells_returned_headers: bool | None = None
    """Whether it tells the header that an attached message came with; None: not seen yet."""

    def refuse(self) -> None:
        self.refused_until = time.monotonic() + REFUSED_FOR

    @property
    def is_refused(self) -> bool:
        return time.monotonic() < self.refused_until


_ENDPOINTS: Final[dict[Key, Endpoint]] = {}
_LOCK: Final = threading.Lock()


def connect(server: Server, mailbox: MailboxSettings) -> tuple[Endpoint, Account]:
    """The shared endpoint and one mailbox on it; sends nothing, but for autodiscover."""
    secret = secret_of(server, mailbox)
    user = server.client_id if server.auth == "oauth2" else server.user or mailbox.user
    url = server.endpoint or discovered(server, mailbox, user, secret)
    with _LOCK:
        key = (url, user, secret, server.auth, str(server.ca_file))
        endpoint = _ENDPOINTS.get(key)
        if endpoint is None:
            endpoint = _ENDPOINTS[key] = _endpoint(server, url, user or "", secret)
        account = Account(
            primary_smtp_address=mailbox.address,
            access_type=_ACCESS[server.access],
            config=endpoint.protocol.config,
            locale="en_US",
            default_timezone=UTC,
        )
        account.protocol = endpoint.protocol
    silence()
    return endpoint, account


def secret_of(server: Server, mailbox: MailboxSettings) -> str:
    """The secret of whoever signs in. Raises SecretUnavailableError."""
    if server.auth == "oauth2":
        secret, key = server.client_secret, f"client_secret to [[server]] {server.name}"
    elif server.user is not None:
        secret, key = server.password, f"password to [[server]] {server.name}"
    else:
        secret, key = mailbox.password, f"password to [[mailbox]] {mailbox.address}"
    if secret is None:
        raise AskPersonError(f"{mailbox.address}: nothing to sign in with; add {key}")
    return secret.reveal()


def _endpoint(server: Server, url: str, user: str, secret: str) -> Endpoint:
    server = replace(server, host=urlsplit(url).hostname)
    config = Configuration(
        service_endpoint=url,
        credentials=credentials(server, url, user, secret),
        # None: the library asks the server which ways it knows, with one request more.
        auth_type=_AUTH.get(server.auth),
        version=OLDEST.copy(),
        retry_policy=Refusals(server),
        # The others are for being told of new mail.
        max_connections=max(1, server.connections - server.idle),
    )
    # Not one that the library has kept from an earlier configuration of the same account.
    CachingProtocol._protocol_cache.pop(CachingProtocol._cache_key(config), None)
    return Endpoint(EwsProtocol(config=config, server=server), server)


def close_all() -> None:
    """Closes the sessions that are kept for the next mailbox, and forgets who was refused or is to wait."""
    with _LOCK:
        for endpoint in _ENDPOINTS.values():
            endpoint.protocol.close()
        _ENDPOINTS.clear()
    forget_all_discovered()
    CachingProtocol.clear_cache()


atexit.register(close_all)
