"""
What sign-in endpoints refuse, turned into our errors: by the network's exception, or by the code of the answer.

Codes are those of RFC 6749 section 5.2 and RFC 8628 section 3.5, beside them Microsoft's own numbers
(https://learn.microsoft.com/entra/identity-platform/reference-error-codes) and Google's words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import requests

from cleaner.config import MailboxSettings, Server
from cleaner.config.oauth import SERVICE_ACCOUNT, SignIn
from cleaner.connectors.oauth.rights import consent_page, login_command
from cleaner.errors import AskPersonError, CleanerError, ServerUnavailableError, SignInRefusedError

MAX_WORDS: Final = 240
"""Characters of a provider's own words that are passed on."""

BUSY: Final = frozenset(("temporarily_unavailable", "server_error", "slow_down", "too_many_requests"))

_AADSTS: Final = re.compile(r"AADSTS(\d{4,9})")
_TRACE: Final = re.compile(r"\s*(?:Trace ID|Correlation ID|Timestamp):.*", re.DOTALL)

_PORTAL: Final = "https://entra.microsoft.com (App registrations)"

MICROSOFT: Final = {
    7000215: "the client secret is wrong; make one under {portal}, Certificates & secrets, and correct {secret} "
    "(its value, not its id)",
    7000222: "the client secret has expired; make a new one under {portal}, Certificates & secrets, and put it "
    "where {secret} is read",
    700016: "there is no such application in this tenant; correct client_id or tenant, or give the admin consent: "
    "{consent}",
    7000229: "there is no such application in this tenant; an administrator brings it in by consenting at: {consent}",
    7000112: "the application is disabled; enable it under https://entra.microsoft.com, Enterprise applications, "
    "Properties",
    700027: "the certificate is not the application's; upload it under {portal}, Certificates & secrets",
    7000216: "the application has neither secret nor certificate; write client_secret or certificate",
    7000218: "the application is not allowed to sign in without a secret; under {portal}, Authentication, allow "
    "public client flows",
    90002: "there is no such tenant; correct tenant",
    900023: "there is no such tenant; correct tenant",
    65001: "nobody has consented to what the application asks for; an administrator does by: {consent}",
    90094: "an administrator must consent first, by: {consent}",
    90097: "an administrator must consent first, by: {consent}",
    70011: "the scope is not one that there is; correct scope",
    500011: "the scope is for something that this tenant does not have; correct scope, or cloud",
    50034: "there is no such account; sign in as the mailbox's owner: {login}",
    50057: "the account is disabled; enable it, or take the mailbox out",
    50173: "what was granted has been revoked, as after a change of password; sign in again: {login}",
    700082: "what was granted has expired, since it was not used for long; sign in again: {login}",
    700084: "what was granted has expired; sign in again: {login}",
    70008: "what was granted has expired; sign in again: {login}",
    70000: "what was granted has been revoked; sign in again: {login}",
    50076: "the tenant asks for another proof of identity; sign in again: {login}",
    50079: "the tenant asks for another proof of identity; sign in again: {login}",
    53003: "a Conditional Access policy forbids it; its administrator must exempt this application",
    53000: "a Conditional Access policy forbids it; its administrator must exempt this application",
    50196: None,
    90033: None,
}
"""Microsoft's number → what is the matter and what to do; None: later it may succeed."""


def subject_of(server: Server, sign_in: SignIn, mailbox: MailboxSettings) -> str:
    """What a refusal is about: one mailbox, or every one that the application opens."""
    return server.name if sign_in.grant == "client_credentials" else mailbox.address


def host_of(url: str) -> str:
    return urlsplit(url).hostname or url


def of_network(server: Server, where: str, error: Exception) -> CleanerError:
    """The sign-in endpoint cannot be asked."""
    place = f"{server.name}: the sign-in endpoint {host_of(where)}"
    match error:
        case CleanerError():
            return error
        case requests.exceptions.SSLError():
            return AskPersonError(
                f"{place} shows a certificate that is not trusted here; name its authority as ca_file, or correct "
                "the address"
            )
        case requests.exceptions.Timeout():
            return ServerUnavailableError(place, "it does not answer in time")
        case requests.exceptions.ConnectionError():
            return ServerUnavailableError(place, "nothing answers there")
        case OSError() if not isinstance(error, requests.exceptions.RequestException):
            return AskPersonError(f"{server.name}: ca_file {server.ca_file} cannot be used; correct it")
        case _:
            return ServerUnavailableError(place, "its answer cannot be read")


def of_answer(
    server: Server,
    sign_in: SignIn,
    mailbox: MailboxSettings,
    answer: Mapping[str, Any],
    hidden: Iterable[str] = (),
) -> CleanerError:
    """What an answer without a token means. `hidden` are secrets that it must not echo."""
    code = str(answer.get("error") or "")[:100]
    words = shown(str(answer.get("error_description") or code or "no reason is given"), hidden)
    where = sign_in.authority or sign_in.token_url
    if code in BUSY:
        return ServerUnavailableError(f"{server.name}: the sign-in endpoint {host_of(where)}", words)
    remedy: str | None = None
    if sign_in.provider == "microsoft":
        number = next((int(n) for n in _AADSTS.findall(words) if int(n) in MICROSOFT), 0)
        if number and (remedy := MICROSOFT[number]) is None:
            return ServerUnavailableError(f"{server.name}: the sign-in endpoint {host_of(where)}", words)
    remedy = remedy or _usual(sign_in, code)
    told = remedy.format(
        portal=_PORTAL,
        consent=consent_page(sign_in),
        login=login_command(server, mailbox),
        secret=next((secret.reference for secret in sign_in.secrets()), "client_secret"),
        server=server.name,
    )
    return SignInRefusedError(
        f"{subject_of(server, sign_in, mailbox)}: {told} ({host_of(where)} says: {words})"
    )


def _usual(sign_in: SignIn, code: str) -> str:
    match code:
        case "invalid_client":
            return "the application is not known by this client_id and secret; correct them in [[server]] {server}"
        case "unauthorized_client":
            return "the application may not sign in this way; allow it at the provider, or correct [[server]] {server}"
        case "invalid_scope":
            return "the scope is not one that there is; correct scope in [[server]] {server}"
        case "invalid_grant" if sign_in.asks_person:
            return "what was granted has been revoked or has expired; sign in again: {login}"
        case "access_denied" | "authorization_declined":
            return "access was denied"
        case "expired_token" | "bad_verification_code":
            return "nobody signed in in time; once more: {login}"
        case "invalid_grant" if sign_in.grant == SERVICE_ACCOUNT:
            return "the service account is refused; correct service_account in [[server]] {server}"
        case _:
            return "no token is given; correct [[server]] {server}"


def shown(text: str, hidden: Iterable[str] = ()) -> str:
    """A provider's own words, on one line, without what must not be shown and what only its support can read."""
    for secret in hidden:
        if secret:
            text = text.replace(secret, "***")
    plain = " ".join("".join(c if c.isprintable() else " " for c in _TRACE.sub("", text[:5000])).split())
    return plain if len(plain) <= MAX_WORDS else f"{plain[: MAX_WORDS - 1]}…"
