"""
Tokens of Microsoft's identity platform, through msal.

Whether an authority is Microsoft's is for the configuration to say, so that msal need not ask for it
(`instance_discovery`): it would ask the public cloud also from a private one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msal

from cleaner.config import MailboxSettings, Server
from cleaner.config.oauth import SignIn
from cleaner.connectors.oauth.errors import host_of, of_answer, subject_of
from cleaner.connectors.oauth.values import Token, token_of
from cleaner.connectors.oauth.wire import Session
from cleaner.connectors.silence import silence
from cleaner.errors import AskPersonError, CleanerError, ServerUnavailableError, SignInRefusedError
from cleaner.ports import Invitation

SILENT: Final = ("msal", "jwt")


def application_token(server: Server, sign_in: SignIn, mailbox: MailboxSettings) -> Token:
    """By the application's own secret or certificate (RFC 6749 section 4.4), the same for all mailboxes."""
    credential, hidden = _credential(server, sign_in)
    with Session(server, sign_in) as session:
        try:
            application = _application(msal.ConfidentialClientApplication, sign_in, session, credential)
            answer = application.acquire_token_for_client([sign_in.scope])
        except Exception as error:
            raise _of(server, sign_in, mailbox, error) from None
    return _token(server, sign_in, mailbox, answer, hidden)


def by_device(
    server: Server, sign_in: SignIn, mailbox: MailboxSettings, tell: Callable[[Invitation], None]
) -> Token:
    """A person enters a code at a browser anywhere (RFC 8628)."""
    with Session(server, sign_in) as session:
        try:
            application = _application(msal.PublicClientApplication, sign_in, session)
            flow = application.initiate_device_flow([sign_in.scope])
            if "user_code" not in flow:
                raise of_answer(server, sign_in, mailbox, flow)
            tell(Invitation(flow["verification_uri"], flow["user_code"], int(flow.get("expires_in") or 900)))
            answer = application.acquire_token_by_device_flow(flow)
        except Exception as error:
            raise _of(server, sign_in, mailbox, error) from None
    return _token(server, sign_in, mailbox, answer, ())


def refreshed(server: Server, sign_in: SignIn, mailbox: MailboxSettings, refresh_token: str) -> Token:
    with Session(server, sign_in) as session:
        try:
            application = _application(msal.PublicClientApplication, sign_in, session)
            answer = application.acquire_token_by_refresh_token(refresh_token, [sign_in.scope])
        except Exception as error:
            raise _of(server, sign_in, mailbox, error) from None
    return _token(server, sign_in, mailbox, answer, (refresh_token,))


def _application(kind: Any, sign_in: SignIn, session: Session, credential: Any = None) -> Any:
    application = kind(
        sign_in.client_id,
        authority=sign_in.authority,
        client_credential=credential,
        instance_discovery=False,
        http_client=session,
        app_name="bounce-cleaner",
    )
    silence(SILENT)
    return application


def _credential(server: Server, sign_in: SignIn) -> tuple[Any, tuple[str, ...]]:
    """What msal takes, and what of it must never be shown."""
    if sign_in.certificate is not None:
        pem = sign_in.certificate.document()
        if "PRIVATE KEY-----" not in pem or "-----BEGIN CERTIFICATE-----" not in pem:
            raise AskPersonError(
                f"{server.name}: certificate ({sign_in.certificate.reference}) must hold both the private key and "
                "the certificate, as PEM"
            )
        return {"private_key": pem, "public_certificate": pem}, ()
    if sign_in.client_secret is None:
        raise AskPersonError(f"{server.name}: nothing to sign in with; add client_secret or certificate")
    secret = sign_in.client_secret.reveal()
    return secret, (secret,)


def _token(
    server: Server, sign_in: SignIn, mailbox: MailboxSettings, answer: Any, hidden: tuple[str, ...]
) -> Token:
    if not isinstance(answer, dict) or "access_token" not in answer:
        raise of_answer(server, sign_in, mailbox, answer if isinstance(answer, dict) else {}, hidden)
    return token_of(server, sign_in, answer)


def _of(server: Server, sign_in: SignIn, mailbox: MailboxSettings, error: Exception) -> CleanerError:
    """What msal raises: it answers most refusals, and raises what it finds while it looks for the endpoints."""
    match error:
        case CleanerError():
            return error
        case ValueError() if "authority" in str(error).casefold():
            return SignInRefusedError(
                f"{subject_of(server, sign_in, mailbox)}: {sign_in.authority} is no tenant of Microsoft's that "
                f"answers; correct tenant, cloud or authority in [[server]] {server.name}"
            )
        case ValueError() if sign_in.certificate is not None:
            return AskPersonError(
                f"{server.name}: certificate ({sign_in.certificate.reference}) cannot be read; it must hold an "
                "unencrypted RSA key and its certificate, as PEM"
            )
        case _:
            return ServerUnavailableError(
                f"{server.name}: the sign-in endpoint {host_of(sign_in.authority)}",
                "its answer cannot be read",
            )
