"""
Bearer tokens for mailboxes (RFC 6749, RFC 6750), from Microsoft, Google or any other provider.

    tokens.py      the token of one mailbox: kept, renewed before it expires, by one thread while others wait
    keeping.py     where what people granted is kept; people.py: signing in once (`bounce-cleaner login`)
    microsoft.py   Microsoft's, through msal; google.py: service accounts, through google-auth
    general.py     any provider's, with the requests of oauthlib; loopback.py: where a browser is sent back to
    wire.py        HTTP to sign-in endpoints, bounded; errors.py: what they refuse, and the remedy
    rights.py      which right is missing where a mail server does not take a token
    libraries.py   what must be installed

Heavy libraries, which are extras, are imported when a token is first needed.
"""

from __future__ import annotations

from collections.abc import Callable

from cleaner.config import MailboxSettings, Server
from cleaner.connectors.oauth.keeping import keep_in
from cleaner.connectors.oauth.libraries import require
from cleaner.ports import Grant, Invitation

__all__ = ["access_token", "keep_in", "person_signs_in"]


def access_token(server: Server, mailbox: MailboxSettings, *, renew: bool = False) -> str:
    """
    A bearer token for that mailbox on that server; `renew`: the last one was refused.

    Raises SignInRefusedError, AskPersonError, SecretUnavailableError, ServerUnavailableError.
    """
    require(server)
    from cleaner.connectors.oauth import tokens

    return tokens.access_token(server, mailbox, renew=renew)


def person_signs_in(
    server: Server, mailbox: MailboxSettings, tell: Callable[[Invitation], None], port: int = 0
) -> Grant:
    """Has a person sign in at the provider: `tell` shows where, and this waits until it is done."""
    require(server)
    from cleaner.connectors.oauth import people

    return people.person_signs_in(server, mailbox, tell, port)
