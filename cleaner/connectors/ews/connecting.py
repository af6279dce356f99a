"""
Which server is asked, who signs in, and how many at once.

One account opens hundreds of mailboxes, so that its sessions, its pause when the server is busy and a refusal of its
password are kept once for endpoint and credential: 300 mailboxes are not 300 wrong passwords, which lock an account.
"""

from __future__ import annotations

import atexit
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

import exchangelib.autodiscover.cache
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
    Credentials,
    OAuth2Credentials,
    Version,
)
from exchangelib.autodiscover import Autodiscovery
from exchangelib.autodiscover.protocol import AutodiscoverProtocol
from exchangelib.protocol import CachingProtocol

from cleaner.config import MailboxSettings, Server
from cleaner.connectors.ews.errors import error_of
from cleaner.connectors.ews.library import silence
from cleaner.connectors.ews.wire import Adapter, EwsProtocol, Refusals
from cleaner.connectors.exchange.backoff import Backoff
from cleaner.errors import AskPersonError, CleanerError

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


class TokenCredentials(OAuth2Credentials):  # type: ignore[misc]
    """Client credentials of an authority of one's own (AD FS), or of Microsoft's."""

    def __init__(self, token_url: str, scope: str, **given: Any) -> None:
        self._token_url = token_url
        self._scope = scope
        super().__init__(**given)

    @property
    def token_url(self) -> str:
        return self._token_url

    @property
    def scope(self) -> list[str]:
        return self._scope.split()


_ENDPOINTS: Final[dict[Key, Endpoint]] = {}
_LOCK: Final = threading.Lock()

_FOUND: Final[dict[Key, str | tuple[float, CleanerError]]] = {}
"""What autodiscover told, or when it failed, and how."""
_DISCOVERY: Final = threading.Lock()
"""A domain whose autodiscover does not answer holds up no other server's mailboxes."""


def connect(server: Server, mailbox: MailboxSettings) -> tuple[Endpoint, Account]:
    """The shared endpoint and one mailbox on it; sends nothing, but for autodiscover."""
    secret = secret_of(server, mailbox)
    user = server.client_id if server.auth == "oauth2" else server.user or mailbox.user
    url = server.endpoint or _discovered(server, mailbox, user, secret)
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


def credentials(server: Server, url: str, user: str, secret: str) -> Any:
    if server.auth != "oauth2":
        return Credentials(user, secret)
    parts = urlsplit(url)
    scope = server.scope or f"{parts.scheme}://{parts.netloc}/.default"
    return TokenCredentials(
        server.token_url or "", scope, client_id=user, client_secret=secret, tenant_id=None
    )


# --- autodiscover --------------------------------------------------------------------------------


def _discovered(server: Server, mailbox: MailboxSettings, user: str | None, secret: str) -> str:
    """The endpoint of a mailbox's domain, asked for once in a process; a failure counts for a while."""
    key = (server.name, mailbox.address.rpartition("@")[2].casefold(), user)
    with _DISCOVERY:
        found = _FOUND.get(key)
        if isinstance(found, tuple) and time.monotonic() < found[0] + REFUSED_FOR:
            raise found[1].with_traceback(None)
        if isinstance(found, str):
            return found
        try:
            url = _FOUND[key] = _discover(server, mailbox, user or "", secret)
        except CleanerError as error:
            _FOUND[key] = time.monotonic(), error
            raise
        return url


def _discover(server: Server, mailbox: MailboxSettings, user: str, secret: str) -> str:
    signing_in = credentials(server, "https://outlook.office365.com", user, secret)
    with _ours_for_autodiscover(server):
        try:
            _, protocol = Autodiscovery(email=mailbox.address, credentials=signing_in).discover()
        except Exception as error:
            raise error_of(error, server, mailbox) from None
    return _trusted(server, protocol.service_endpoint)


def _trusted(server: Server, url: str) -> str:
    if not url.startswith("https://"):
        raise AskPersonError(
            f"{server.name}: autodiscover names {url}, which is not https; write endpoint = … yourself"
        )
    return url


def forget_discovered(server: Server) -> None:
    """A mailbox is not where autodiscover said: the next one asks again."""
    with _DISCOVERY:
        for key in [key for key in _FOUND if key[0] == server.name]:
            del _FOUND[key]


@contextmanager
def _ours_for_autodiscover(server: Server) -> Iterator[None]:
    """
    Autodiscover with our adapter, and with its cache in a folder of our own.

    The library keeps it under a name that anybody can guess in a folder where anybody can write, and unpickles it.
    """
    with tempfile.TemporaryDirectory(prefix="bounce-cleaner-") as folder:
        before = AutodiscoverProtocol.HTTP_ADAPTER_CLS
        exchangelib.autodiscover.cache.AUTODISCOVER_PERSISTENT_STORAGE = Path(folder, "autodiscover")
        AutodiscoverProtocol.HTTP_ADAPTER_CLS = lambda **_: Adapter(server, translates=False)
        try:
            yield
        finally:
            AutodiscoverProtocol.HTTP_ADAPTER_CLS = before
            with suppress(OSError):
                exchangelib.autodiscover.cache.autodiscover_cache.close()


def close_all() -> None:
    """Closes the sessions that are kept for the next mailbox, and forgets who was refused or is to wait."""
    with _LOCK:
        for endpoint in _ENDPOINTS.values():
            endpoint.protocol.close()
        _ENDPOINTS.clear()
    with _DISCOVERY:
        _FOUND.clear()
    CachingProtocol.clear_cache()


atexit.register(close_all)
