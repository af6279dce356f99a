"""
The token of one mailbox: kept in the process, renewed before it expires, by one thread while others wait.

One application's token opens hundreds of mailboxes, so that it is kept once for the credential; so is a refusal, for a
while: 300 mailboxes are not 300 wrong secrets. What a person granted is read from where it is kept each time, since
another process may have renewed it, somebody signed in anew, or its owner opted out.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from cleaner.config import MailboxSettings, Server
from cleaner.config.oauth import SERVICE_ACCOUNT, SignIn
from cleaner.connectors.oauth.keeping import kept, number
from cleaner.connectors.oauth.rights import login_command
from cleaner.connectors.oauth.values import Token, client_of
from cleaner.errors import AskPersonError, NotOptedInError, ServerUnavailableError, SignInRefusedError
from cleaner.ports import Grant, Grants

REFUSED_FOR: Final = 300
"""Seconds for which a refused credential is not tried again."""

OFTEN: Final = 3
PERIOD: Final = 60
"""A token that serves many mailboxes is replaced so often in so many seconds because one of them refused it."""

OTHERS: Final = 60
"""Seconds to wait until another process has renewed a grant."""
AGAIN: Final = 0.1
"""Seconds between looks whether it has."""

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
    replaced: deque[float] = field(default_factory=lambda: deque(maxlen=OFTEN))
    """When a token was, because it was refused."""
    refusal: tuple[float, str, SignInRefusedError] | None = None
    """Until when, and which refresh token it was about."""

    def may_replace(self) -> bool:
        """
        Whether a token that a mailbox refused is replaced, so that it is not for want of a new one.

        A mailbox that the application has no right over refuses any, and of those there may be hundreds.
        """
        now = time.monotonic()
        if len(self.replaced) == OFTEN and now - self.replaced[0] < PERIOD:
            return False
        self.replaced.append(now)
        return True


_CREDENTIALS: Final[dict[Key, Credential]] = {}
"""Those of the configuration that counts now."""
_LOCK: Final = threading.Lock()


def access_token(server: Server, mailbox: MailboxSettings, *, renew: bool = False) -> str:
    sign_in = server.oauth
    if sign_in is None:
        raise AskPersonError(f'{server.name}: it is not signed in to with tokens; write auth = "oauth2"')
    credential = _credential(_key(server, sign_in, mailbox))
    with credential.turn:
        if sign_in.asks_person:
            return _granted(server, sign_in, mailbox, credential, renew=renew)
        token = credential.token
        refused = renew and credential.given.get(mailbox.address) == credential.number
        if token is None or not token.is_fresh() or (refused and credential.may_replace()):
            credential.token = None
            credential.token = token = _got(credential, "", lambda: _asked(server, sign_in, mailbox))
            credential.number += 1
        credential.given[mailbox.address] = credential.number
        return token.text


def forget_all() -> None:
    """Forgets every token, and who was refused."""
    with _LOCK:
        _CREDENTIALS.clear()


def _credential(key: Key) -> Credential:
    with _LOCK:
        if key not in _CREDENTIALS:
            for outdated in [other for other in _CREDENTIALS if other[0] != key[0]]:
                del _CREDENTIALS[outdated]
        return _CREDENTIALS.setdefault(key, Credential())


def _key(server: Server, sign_in: SignIn, mailbox: MailboxSettings) -> Key:
    if sign_in.grant == "client_credentials":
        return number(), server.name, sign_in
    return number(), server.name, sign_in, mailbox.address, mailbox.user


def _got(credential: Credential, refresh_token: str, get: Callable[[], Token]) -> Token:
    """A new token; not asked for again where the same was refused a while ago."""
    if credential.refusal is not None:
        until, which, refusal = credential.refusal
        if time.monotonic() < until and which == refresh_token:
            raise refusal.with_traceback(None)
    try:
        token = get()
    except SignInRefusedError as error:
        credential.refusal = time.monotonic() + REFUSED_FOR, refresh_token, error
        raise
    credential.refusal = None
    return token


def _asked(server: Server, sign_in: SignIn, mailbox: MailboxSettings) -> Token:
    if sign_in.provider == "microsoft":
        from cleaner.connectors.oauth import microsoft

        return microsoft.application_token(server, sign_in, mailbox)
    if sign_in.grant == SERVICE_ACCOUNT:
        from cleaner.connectors.oauth import google

        return google.delegated_token(server, sign_in, mailbox)
    from cleaner.connectors.oauth import general

    return general.application_token(server, sign_in, mailbox)


# --- what a person granted


def _granted(
    server: Server, sign_in: SignIn, mailbox: MailboxSettings, credential: Credential, *, renew: bool
) -> str:
    grants = kept()
    refused = credential.token.text if renew and credential.token is not None else ""
    grant = _found(grants, server, sign_in, mailbox)
    until = time.monotonic() + OTHERS
    while not _is_good(grant, refused):
        with grants.turn(server.name, mailbox.address) as held:
            # Read again: whoever had it before us may have renewed it.
            grant = _found(grants, server, sign_in, mailbox)
            if held and not _is_good(grant, refused):
                grant = _renewed(grants, grant, server, sign_in, mailbox, credential)
                break
        if not held:
            if time.monotonic() > until:
                raise ServerUnavailableError(
                    f"{server.name}: the sign-in of {mailbox.address}", "another process is renewing it"
                )
            time.sleep(AGAIN)
    credential.token = Token(grant.access_token, grant.renew_at)
    return grant.access_token


def _is_good(grant: Grant, refused: str) -> bool:
    return bool(grant.access_token) and time.time() < grant.renew_at and grant.access_token != refused


def _found(grants: Grants, server: Server, sign_in: SignIn, mailbox: MailboxSettings) -> Grant:
    grant = grants.find(server.name, mailbox.address)
    if grant is None or grant.client != client_of(sign_in):
        why = (
            "nobody has signed in yet"
            if grant is None
            else "somebody signed in for another client_id or tenant"
        )
        raise SignInRefusedError(f"{mailbox.address}: {why}; run: {login_command(server, mailbox)}")
    return grant


def _renewed(
    grants: Grants,
    grant: Grant,
    server: Server,
    sign_in: SignIn,
    mailbox: MailboxSettings,
    credential: Credential,
) -> Grant:
    """A new access token; where the refresh token was replaced, too, the new one is kept before anything else."""
    old = grant.refresh_token
    token = _got(credential, old, lambda: _refreshed(server, sign_in, mailbox, old))
    new = Grant(grant.client, token.refresh_token or old, token.text, token.renew_at, grant.who)
    if not grants.keep(server.name, mailbox.address, new):
        raise NotOptedInError(mailbox.address, "opted-out")
    return new


def _refreshed(server: Server, sign_in: SignIn, mailbox: MailboxSettings, refresh_token: str) -> Token:
    if sign_in.provider == "microsoft":
        from cleaner.connectors.oauth import microsoft

        return microsoft.refreshed(server, sign_in, mailbox, refresh_token)
    from cleaner.connectors.oauth import general

    return general.refreshed(server, sign_in, mailbox, refresh_token)
