"""
Signing in with a token: SASL OAUTHBEARER (RFC 7628), or XOAUTH2 where a server has no more than its forerunner
(https://developers.google.com/workspace/gmail/imap/xoauth2-protocol), as at Gmail and Exchange.

A server that does not take the token sends a challenge first, in JSON, which says why and must be answered before it
says NO (RFC 7628 section 3.2.3).
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Final

from cleaner.config import MailboxSettings, Server
from cleaner.connectors.imap.errors import is_busy, place_of, shown
from cleaner.connectors.imap.wire import Answer, Wire
from cleaner.connectors.oauth.rights import remedy
from cleaner.errors import AskPersonError, CleanerError, SignInRefusedError

STATUSES: Final = {
    "invalid_token": "it has expired, was revoked, or is not for this server",
    "insufficient_scope": "it is not for mail",
    "invalid_request": "it is for somebody else, or cannot be read",
    "400": "it is not valid, or for another server",
    "401": "it has expired, or was revoked",
    "403": "it is not for mail",
}
"""What the status of a challenge means (RFC 7628 section 3.2.2, RFC 6750 section 3.1; Google sends numbers)."""

NOT_CONNECTED: Final = b"authenticated but not connected"
"""What Exchange Online says of a mailbox that the token's owner has no right over."""


class TokenRefusedError(SignInRefusedError):
    """The server does not take this token; another one may do."""


def sign_in(
    wire: Wire, server: Server, mailbox: MailboxSettings, token: str, offered: frozenset[bytes]
) -> Answer:
    """Returns the answer to a sign-in that succeeded. Raises TokenRefusedError."""
    user = mailbox.user or mailbox.address
    if b"AUTH=OAUTHBEARER" in offered:
        mechanism, message, farewell = b"OAUTHBEARER", oauthbearer(user, server, token), b"AQ=="
    elif b"AUTH=XOAUTH2" in offered:
        mechanism, message, farewell = b"XOAUTH2", xoauth2(user, token), b""
    else:
        raise AskPersonError(
            f"{server.name}: {server.host} takes no tokens (neither AUTH=OAUTHBEARER nor AUTH=XOAUTH2); allow them "
            'there, or write auth = "password"'
        )
    answer, challenge = wire.authenticate(
        mechanism, base64.b64encode(message), at_once=b"SASL-IR" in offered, farewell=farewell
    )
    if not answer.is_ok:
        raise _refusal(wire, server, mailbox, answer, challenge, token)
    if server.oauth is not None and server.oauth.provider == "microsoft":
        _check_connected(wire, server, mailbox, token)
    return answer


def xoauth2(user: str, token: str) -> bytes:
    return f"user={user}\1auth=Bearer {token}\1\1".encode()


def oauthbearer(user: str, server: Server, token: str) -> bytes:
    """RFC 7628 section 3.1; in the name, `,` and `=` are escaped (RFC 5801 section 4)."""
    name = user.replace("=", "=3D").replace(",", "=2C")
    port = f"\1port={server.port}" if server.port else ""
    return f"n,a={name},\1host={server.host}{port}\1auth=Bearer {token}\1\1".encode()


def status_of(challenge: bytes) -> str:
    """The status in a challenge; empty where there is none."""
    try:
        told = json.loads(base64.b64decode(challenge.strip(), validate=True))
    except (binascii.Error, ValueError, RecursionError):
        return ""
    return shown(str(told.get("status") or "").encode())[:40] if isinstance(told, dict) else ""


def _refusal(
    wire: Wire, server: Server, mailbox: MailboxSettings, answer: Answer, challenge: bytes, token: str
) -> CleanerError:
    code, text = answer.status.code, answer.status.text.replace(token.encode(), b"***")
    status = status_of(challenge)
    if not status and (is_busy(code, text) or answer.status.kind == b"BAD"):
        return wire.broken("signing in failed for now", text)
    if code == b"PRIVACYREQUIRED":
        return AskPersonError(f'{server.name}: signing in needs TLS; write tls = "implicit" or "starttls"')
    why = f": {STATUSES[status]}" if status in STATUSES else ""
    said = ", ".join(part for part in (f"status {status}" if status else "", shown(text)) if part)
    return TokenRefusedError(
        f"{mailbox.address}: {server.host} does not take the token for user {mailbox.user or mailbox.address!r}{why} "
        f"({said}); {remedy(server, mailbox, token)}"
    )


def _check_connected(wire: Wire, server: Server, mailbox: MailboxSettings, token: str) -> None:
    """Exchange Online lets in whoever has a token, and then says BAD to each command."""
    answer = wire.command(b"LIST", b'""', b'""')
    if not answer.is_ok and NOT_CONNECTED in answer.status.text.lower():
        raise SignInRefusedError(
            f"{mailbox.address}: {place_of(server, server.port or 993)} takes the token, and does not open the mailbox "
            f"({shown(answer.status.text)}); {remedy(server, mailbox, token)}"
        )
