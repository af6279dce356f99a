"""
Opening a connection and signing in.

TLS is verified unless the configuration says that there is none. A wrong password is told apart from a
connection that breaks while signing in: only the server's own NO speaks about the password.
"""

from __future__ import annotations

import base64
import random
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from imapclient import IMAPClient, SocketTimeout

from cleaner.config import MailboxSettings, Secret, Server
from cleaner.connectors.imap import bearer
from cleaner.connectors.imap.errors import error_of, is_busy, place_of, shown
from cleaner.connectors.imap.wire import Answer, Wire, string
from cleaner.connectors.oauth import access_token
from cleaner.errors import AskPersonError, CleanerError, ServerUnavailableError, SignInRefusedError

PORTS: Final = {"implicit": 993, "starttls": 143, "none": 143}

CONNECT_SECONDS: Final = 20
"""For the way to the server and its greeting."""

WAIT_FOR_SLOT: Final = 120
"""Seconds to wait until another mailbox of the same server is done, when all connections are in use."""

PAUSES: Final = (0.5, 2.0)
"""Seconds before each further try; half of it up to one and a half times, so that many do not come at once."""

SignIn: TypeAlias = Callable[[Wire, frozenset[bytes]], frozenset[bytes]]
"""Signs in, given what the server offers to everybody; returns what it can do for this user."""

QUICK_LITERALS: Final = {b"LITERAL+": 64 * 1024 * 1024, b"LITERAL-": 4096}


@dataclass(slots=True)
class Connection:
    """One connection that is signed in."""

    wire: Wire
    capabilities: frozenset[bytes]
    client: Any
    release: Callable[[], None]
    is_closed: bool = field(default=False)

    def has(self, capability: bytes) -> bool:
        return capability in self.capabilities

    def close(self, *, politely: bool = True) -> None:
        """Says good-bye where the other side may still listen, and gives the slot back."""
        if self.is_closed:
            return
        self.is_closed = True
        try:
            if politely:
                with suppress(CleanerError):
                    self.wire.command(b"LOGOUT")
            with suppress(OSError):
                self.client.shutdown()
        finally:
            self.release()


def connect(server: Server, mailbox: MailboxSettings) -> Connection:
    """
    Opens a connection and signs in. Raises what `errors.py` says.

    A server that is restarting, or busy, is asked again after a pause; a refusal is final.
    """
    for pause in PAUSES:
        try:
            return connect_once(server, mailbox)
        except ServerUnavailableError:
            back_off(pause)
    return connect_once(server, mailbox)


def back_off(seconds: float) -> None:
    time.sleep(seconds * random.uniform(0.5, 1.5))  # noqa: S311 - nothing secret about it


def connect_once(server: Server, mailbox: MailboxSettings) -> Connection:
    if server.auth == "oauth2":
        return _with_token(server, mailbox)
    secret, owner = (server.password, server.name) if server.auth == "master-user" else (mailbox.password, "")
    if secret is None:
        raise AskPersonError(f"{owner or mailbox.address}: no password is configured; add password = …")
    password = secret.reveal()
    return _in_slot(server, lambda wire, offered: _sign_in(wire, server, mailbox, password, offered))


def _with_token(server: Server, mailbox: MailboxSettings) -> Connection:
    """A token that is refused, though it should be good yet, is replaced once."""
    try:
        return _with(server, mailbox, access_token(server, mailbox))
    except bearer.TokenRefusedError:
        return _with(server, mailbox, access_token(server, mailbox, renew=True))


def _with(server: Server, mailbox: MailboxSettings, token: str) -> Connection:
    return _in_slot(
        server,
        lambda wire, offered: _capabilities(wire, bearer.sign_in(wire, server, mailbox, token, offered)),
    )


def _in_slot(server: Server, sign_in: SignIn) -> Connection:
    release = slot(server)
    try:
        return _opened(server, sign_in, release)
    except BaseException:
        release()
        raise


def _opened(server: Server, sign_in: SignIn, release: Callable[[], None]) -> Connection:
    port = server.port or PORTS[server.tls]
    with _translated(server, port):
        client = _client(server, port)
    try:
        with _translated(server, port):
            if server.tls == "starttls":
                _start_tls(server, port, client)
        # What the library would note of every line costs more than reading it.
        client._imap.debug = 0
        wire = Wire(client._imap, place_of(server, port), lambda error: error_of(server, port, error))
        offered = frozenset(client.capabilities())
        capabilities = sign_in(wire, offered)
        wire.free_literal = next((QUICK_LITERALS[c] for c in QUICK_LITERALS if c in capabilities), 0)
        return Connection(wire, capabilities, client, release)
    except BaseException:
        with suppress(OSError):
            client.shutdown()
        raise


@contextmanager
def _translated(server: Server, port: int) -> Iterator[None]:
    try:
        yield
    except (OSError, IMAPClient.Error) as error:
        raise error_of(server, port, error) from error


def _client(server: Server, port: int) -> Any:
    return IMAPClient(
        server.host,
        port,
        ssl=server.tls == "implicit",
        ssl_context=_trust(server) if server.tls == "implicit" else None,
        timeout=SocketTimeout(
            min(CONNECT_SECONDS, server.timeout.total_seconds()), server.timeout.total_seconds()
        ),
    )


def _start_tls(server: Server, port: int, client: Any) -> None:
    if b"STARTTLS" not in client.capabilities():
        raise AskPersonError(
            f"{server.name}: {place_of(server, port)} offers no STARTTLS; "
            'write tls = "implicit" (port 993), or correct port'
        )
    client.starttls(_trust(server))


def _trust(server: Server) -> ssl.SSLContext:
    """Verifies name and certificate; a `ca_file` replaces the authorities that this machine trusts."""
    try:
        return ssl.create_default_context(cafile=server.ca_file)
    except (OSError, ssl.SSLError) as error:
        why = "holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise AskPersonError(
            f"{server.name}: ca_file {server.ca_file} cannot be used ({why}); correct it"
        ) from error


# --- signing in


def _sign_in(
    wire: Wire, server: Server, mailbox: MailboxSettings, password: str, offered: frozenset[bytes]
) -> frozenset[bytes]:
    """Returns what the server can do for this user."""
    user, acting_as = names(server, mailbox)
    if acting_as or b"LOGINDISABLED" in offered or not f"{user}{password}".isascii():
        answer = _authenticate_plain(wire, acting_as, user, password, offered)
    else:
        answer = wire.command(b"LOGIN", string(user.encode()), string(password.encode()))
    if not answer.is_ok:
        raise refusal(wire, server, mailbox, answer, password)
    return _capabilities(wire, answer)


def _capabilities(wire: Wire, answer: Answer) -> frozenset[bytes]:
    """What the server can do for whoever signed in: told along, or asked for."""
    told = answer.code(b"CAPABILITY")
    if told is None:
        lines = answer.named(b"CAPABILITY") or wire.command(b"CAPABILITY").named(b"CAPABILITY")
        told = lines[-1][0] if lines else b""
    return frozenset(told.upper().split())


def names(server: Server, mailbox: MailboxSettings) -> tuple[str, str]:
    """
    The name to sign in with, and whom to act as where that is told apart (SASL's authorization identity).

    Dovecot's master user signs in as `ann*admin`; Cyrus and Zimbra take both names one by one (RFC 4616).
    """
    user = mailbox.user or mailbox.address
    if server.auth != "master-user":
        return user, ""
    master = server.user or ""
    if not server.master_separator:
        return master, user
    return f"{user}{server.master_separator}{master}", ""


def _authenticate_plain(
    wire: Wire, acting_as: str, user: str, password: str, offered: frozenset[bytes]
) -> Answer:
    message = base64.b64encode("\0".join((acting_as, user, password)).encode())
    if b"SASL-IR" in offered:
        return wire.command(b"AUTHENTICATE PLAIN", message)
    return wire.dialogue(b"AUTHENTICATE PLAIN", message)


def refusal(
    wire: Wire, server: Server, mailbox: MailboxSettings, answer: Answer, password: str
) -> CleanerError:
    """Why signing in failed."""
    code, text = answer.status.code, answer.status.text.replace(password.encode(), b"***")
    if is_busy(code, text) or answer.status.kind == b"BAD":
        # Exchange says BAD to users whom it knows and cannot serve now.
        return wire.broken("signing in failed for now", text)
    if code == b"PRIVACYREQUIRED":
        return AskPersonError(f'{server.name}: signing in needs TLS; write tls = "implicit" or "starttls"')
    user, acting_as = names(server, mailbox)
    whom = f"{user!r} for {acting_as!r}" if acting_as else repr(user)
    where = f"[[server]] {server.name}" if server.auth == "master-user" else f"[[mailbox]] {mailbox.address}"
    secret = reference(server.password if server.auth == "master-user" else mailbox.password)
    return SignInRefusedError(
        f"{mailbox.address}: {server.host} refuses user {whom} with the password of {secret} "
        f"({shown(text)}); correct user or password of {where}"
    )


def reference(secret: Secret | None) -> str:
    return secret.reference if secret is not None else "nowhere"


# --- how many at once

_SLOTS: Final[dict[tuple[str | None, int | None], threading.BoundedSemaphore]] = {}
_SLOTS_LOCK: Final = threading.Lock()


def slot(server: Server) -> Callable[[], None]:
    """Waits until one of the server's connections is free; returns what gives it back, once."""
    with _SLOTS_LOCK:
        key = (server.host, server.port)
        places = _SLOTS.setdefault(key, threading.BoundedSemaphore(server.connections))
    if not places.acquire(timeout=WAIT_FOR_SLOT):
        raise ServerUnavailableError(
            place_of(server, server.port or PORTS[server.tls]),
            f"all {server.connections} connections that it may have are in use",
        )
    lock = threading.Lock()

    def release() -> None:
        if lock.acquire(blocking=False):
            places.release()

    return release
