"""A person signs in once at the provider; what he granted is good until somebody takes it back."""

from __future__ import annotations

from collections.abc import Callable

from cleaner.config import MailboxSettings, Server
from cleaner.config.oauth import SignIn
from cleaner.connectors.oauth import general
from cleaner.connectors.oauth.errors import host_of
from cleaner.connectors.oauth.rights import who_signed_in
from cleaner.connectors.oauth.values import Token, client_of
from cleaner.errors import AskPersonError, SignInRefusedError
from cleaner.ports import Grant, Invitation


def person_signs_in(
    server: Server, mailbox: MailboxSettings, tell: Callable[[Invitation], None], port: int = 0
) -> Grant:
    sign_in = server.oauth
    if sign_in is None or not sign_in.asks_person:
        raise AskPersonError(f"{server.name}: nobody needs to sign in there")
    token = _token(server, sign_in, mailbox, tell, port)
    if not token.refresh_token:
        raise SignInRefusedError(
            f"{mailbox.address}: {host_of(sign_in.authority or sign_in.token_url)} lets in for one hour only, since "
            "it gave no refresh token; let the application have offline access there, or add offline_access to scope"
        )
    who = who_signed_in(token.text)
    return Grant(client_of(sign_in), token.refresh_token, token.text, token.renew_at, who)


def _token(
    server: Server,
    sign_in: SignIn,
    mailbox: MailboxSettings,
    tell: Callable[[Invitation], None],
    port: int,
) -> Token:
    if sign_in.provider == "microsoft":
        from cleaner.connectors.oauth import microsoft

        return microsoft.by_device(server, sign_in, mailbox, tell)
    if sign_in.grant == "device":
        return general.by_device(server, sign_in, mailbox, tell)
    return general.by_code(server, sign_in, mailbox, tell, port)
