"""
Tokens by a Google service account with domain-wide delegation, through google-auth.

The account acts as the owner of the mailbox (https://support.google.com/a/answer/162106,
https://developers.google.com/identity/protocols/oauth2/service-account). IMAP wants the scope of all mail
(https://developers.google.com/workspace/gmail/imap/xoauth2-protocol).
"""

from __future__ import annotations

import json
from typing import Any, Final

from google.auth.exceptions import GoogleAuthError, RefreshError
from google.auth.transport.requests import Request
from google.oauth2 import service_account

from cleaner.config import MailboxSettings, Server
from cleaner.config.oauth import SignIn
from cleaner.connectors.oauth.errors import host_of, shown
from cleaner.connectors.oauth.values import Token, token_of
from cleaner.connectors.oauth.wire import Session
from cleaner.connectors.silence import silence
from cleaner.errors import AskPersonError, CleanerError, ServerUnavailableError, SignInRefusedError

SILENT: Final = ("google.auth", "google.oauth2")
PAGE: Final = "https://admin.google.com/ac/owl/domainwidedelegation"


def delegated_token(server: Server, sign_in: SignIn, mailbox: MailboxSettings) -> Token:
    """A token for the mailbox's owner."""
    key = _key(server, sign_in)
    user = mailbox.user or mailbox.address
    silence(SILENT)
    try:
        credentials = service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
            key, scopes=[sign_in.scope], subject=user
        )
    except (GoogleAuthError, ValueError, KeyError, TypeError):
        raise _no_key(server, sign_in) from None
    with Session(server, sign_in) as session:
        try:
            credentials.refresh(Request(session=session))
        except RefreshError as error:
            answer = error.args[1] if len(error.args) > 1 and isinstance(error.args[1], dict) else {}
            raise _refusal(server, sign_in, mailbox, key, answer) from None
        except GoogleAuthError:
            raise ServerUnavailableError(
                f"{server.name}: the sign-in endpoint {host_of(str(key['token_uri']))}",
                "its answer cannot be read",
            ) from None
    life = (credentials.expiry - _now()).total_seconds() if credentials.expiry is not None else None
    return token_of(server, sign_in, {"access_token": credentials.token, "expires_in": life})


def _now() -> Any:
    from google.auth import _helpers

    return _helpers.utcnow()  # type: ignore[no-untyped-call]


def _key(server: Server, sign_in: SignIn) -> dict[str, Any]:
    if sign_in.service_account is None:
        raise AskPersonError(f"{server.name}: nothing to sign in with; add service_account")
    try:
        key = json.loads(sign_in.service_account.document())
    except (ValueError, RecursionError):
        raise _no_key(server, sign_in) from None
    needed = ("client_email", "private_key", "token_uri")
    if not isinstance(key, dict) or not all(isinstance(key.get(name), str) for name in needed):
        raise _no_key(server, sign_in)
    if not key["token_uri"].startswith("https://"):
        raise _no_key(server, sign_in)
    return key


def _no_key(server: Server, sign_in: SignIn) -> AskPersonError:
    where = sign_in.service_account.reference if sign_in.service_account is not None else "nowhere"
    return AskPersonError(
        f"{server.name}: service_account ({where}) is no key of a service account; make one in Google Cloud under "
        "IAM & Admin, Service Accounts, Keys, of type JSON"
    )


def _refusal(
    server: Server, sign_in: SignIn, mailbox: MailboxSettings, key: dict[str, Any], answer: dict[str, Any]
) -> CleanerError:
    code, words = str(answer.get("error") or ""), str(answer.get("error_description") or "")
    account, user = shown(str(key["client_email"])), mailbox.user or mailbox.address
    lower = words.casefold()
    if code in ("unauthorized_client", "access_denied"):
        id = shown(str(key.get("client_id") or "that of the service account"))
        remedy = (
            f"the service account may not act for the people of this domain; under {PAGE} (Admin console: Security, "
            f"Access and data control, API controls, Domain-wide delegation) add the client id {id} with the scope "
            f"{sign_in.scope}. It may take a day to count"
        )
    elif "email or user" in lower:
        remedy = f"Google knows no user {user}; correct address or user of [[mailbox]] {mailbox.address}"
    elif (
        "signature" in lower or "account not found" in lower or code in ("invalid_client", "disabled_client")
    ):
        remedy = (
            f"the key of {account} does not count any more, or the account is gone; make a new key and put it "
            f"where {_reference(sign_in)} is read"
        )
    elif "short-lived" in lower or "iat" in lower:
        remedy = "the clock of this machine is wrong; set it"
    elif code == "admin_policy_enforced":
        remedy = "an administrator of the Workspace forbids it; let the client id through under API controls"
    elif code == "invalid_scope":
        remedy = f"there is no scope {sign_in.scope}; correct scope in [[server]] {server.name}"
    else:
        remedy = f"{account} gets no token; correct service_account in [[server]] {server.name}"
    told = shown(f"{code}: {words}" if words else code or "no reason is given")
    return SignInRefusedError(f"{mailbox.address}: {remedy} ({host_of(str(key['token_uri']))} says: {told})")


def _reference(sign_in: SignIn) -> str:
    return sign_in.service_account.reference if sign_in.service_account is not None else "service_account"
