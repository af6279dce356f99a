"""
The token of one mailbox: kept in the process, renewed before it expires, by one thread while others wait.

One application's token opens hundreds of mailboxes, so that it is kept once for the credential; so is a refusal, for a
while: 300 mailboxes are not 300 wrong secrets.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from cleaner.config import MailboxSettings, Server
from cleaner.config.oauth import SignIn
from cleaner.connectors.oauth.errors import require
from cleaner.connectors.oauth.values import Token
from cleaner.errors import AskPersonError, SignInRefusedError

REFUSED_FOR: Final = 300
"""Seconds for which a refused credential is not tried again."""

Key: TypeAlias = tuple[object, ...]


@dataclass(slots=True)
class Credential:
    """What opens one mailbox, or many."""

    turn: threading.Lock = field(default_factory=threading.Lock)
    token: Token | None = None
    number: int = 0
    """Of the token, counted up with each new one."""
    given: dict[str, int] = field(default_factory=dict)
    """Which token each mailbox was given last."""
    refusal: tuple[float, SignInRefusedError] | None = None


_CREDENTIALS: Final[dict[Key, Credential]] = {}
_LOCK: Final = threading.Lock()


def access_token(server: Server, mailbox: MailboxSettings, *, renew: bool = False) -> str:
    """
    A bearer token for that mailbox on that server; `renew`: the last one was refused.

    Raises SignInRefusedError, AskPersonError, SecretUnavailableError, ServerUnavailableError.
    """
    sign_in = server.oauth
    if sign_in is None:
        raise AskPersonError(f'{server.name}: it is not signed in to with tokens; write auth = "oauth2"')
    with _LOCK:
        credential = _CREDENTIALS.setdefault(_key(server, sign_in, mailbox), Credential())
    with credential.turn:
        refused = renew and credential.given.get(mailbox.address) == credential.number
        if credential.token is None or refused or not credential.token.is_fresh():
            credential.token = _renewed(credential, lambda: _got(server, sign_in, mailbox))
            credential.number += 1
        credential.given[mailbox.address] = credential.number
        return credential.token.text


def forget_all() -> None:
    """Forgets every token, and who was refused."""
    with _LOCK:
        _CREDENTIALS.clear()


def _renewed(credential: Credential, get: Callable[[], Token]) -> Token:
    if credential.refusal is not None and time.monotonic() < credential.refusal[0]:
        raise credential.refusal[1].with_traceback(None)
    credential.token = None
    try:
        token = get()
    except SignInRefusedError as error:
        credential.refusal = time.monotonic() + REFUSED_FOR, error
        raise
    credential.refusal = None
    return token


def _key(server: Server, sign_in: SignIn, mailbox: MailboxSettings) -> Key:
    return (
        (server.name, sign_in) if sign_in.grant == "client_credentials" else (server.name, sign_in, mailbox)
    )


def _got(server: Server, sign_in: SignIn, mailbox: MailboxSettings) -> Token:
    match sign_in.provider, sign_in.grant:
        case "microsoft", "client_credentials":
            require(server, _load_microsoft, "graph" if server.connector == "graph" else "microsoft")
            from cleaner.connectors.oauth import microsoft

            return microsoft.application_token(server, sign_in, mailbox)
        case _:
            raise AskPersonError(f"{server.name}: this release cannot sign in this way yet")


def _load_microsoft() -> None:
    from cleaner.connectors.oauth import microsoft  # noqa: F401
