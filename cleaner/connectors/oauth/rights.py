"""
Which right is missing when a mail server does not take a token, and the page or command that grants it.

Microsoft's tokens tell what they are for (https://learn.microsoft.com/exchange/client-developer/legacy-protocols/
how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth). They are read for that alone: nothing else is decided
by them.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from cleaner.config import MailboxSettings, Server
from cleaner.config.oauth import SERVICE_ACCOUNT, SignIn

APPLICATION: Final = "IMAP.AccessAsApp"
DELEGATED: Final = "IMAP.AccessAsUser.All"

_ID: Final = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_NAMES: Final = ("preferred_username", "upn", "unique_name")


def login_command(server: Server, mailbox: MailboxSettings) -> str:
    return f"bounce-cleaner login {server.name} {mailbox.address}"


def consent_page(sign_in: SignIn) -> str:
    """Where an administrator consents to what the application's registration asks for."""
    return f"{sign_in.authority}/adminconsent?client_id={sign_in.client_id}"


def claims_of(token: str) -> Mapping[str, Any]:
    """What a token says of itself, unverified; nothing where it is not a JWT."""
    try:
        part = token.split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, binascii.Error, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def who_signed_in(token: str) -> str:
    """The name in Microsoft's token; empty where it tells none."""
    claims = claims_of(token)
    return next((str(claims[name])[:100] for name in _NAMES if isinstance(claims.get(name), str)), "")


def remedy(server: Server, mailbox: MailboxSettings, token: str) -> str:
    """What to do about an IMAP server that does not take the token."""
    sign_in = server.oauth
    if sign_in is None:
        return f"correct [[server]] {server.name}"
    match sign_in.provider:
        case "microsoft" if sign_in.grant == "client_credentials":
            return _microsoft_application(sign_in, mailbox, claims_of(token))
        case "microsoft":
            return _microsoft_person(server, mailbox, token)
        case "google":
            return _google(server, sign_in, mailbox)
        case _ if sign_in.asks_person:
            return f"let its owner sign in again: {login_command(server, mailbox)}"
        case _:
            return (
                f"see in the mail server's log why, and whether it asks {sign_in.token_url} and no other provider; "
                f"correct scope in [[server]] {server.name}, or user of [[mailbox]] {mailbox.address}"
            )


def _microsoft_application(sign_in: SignIn, mailbox: MailboxSettings, claims: Mapping[str, Any]) -> str:
    roles = claims.get("roles")
    if claims and not (isinstance(roles, list) and APPLICATION in roles):
        return (
            f"the application lacks the permission {APPLICATION}: in https://entra.microsoft.com, App registrations, "
            "API permissions, Add a permission, APIs my organization uses, Office 365 Exchange Online, Application "
            f"permissions, add {APPLICATION}; then an administrator consents at {consent_page(sign_in)}"
        )
    told = str(claims.get("oid") or "")
    id = told if _ID.fullmatch(told) else "OBJECT-ID-OF-THE-ENTERPRISE-APPLICATION"
    user = mailbox.user or mailbox.address
    return (
        "let the application into the mailbox, in Exchange Online PowerShell: "
        f"New-ServicePrincipal -AppId {sign_in.client_id} -ObjectId {id} (once), then "
        f'Add-MailboxPermission -Identity "{user}" -User {id} -AccessRights FullAccess; and see that IMAP is on: '
        f'Set-CASMailbox -Identity "{user}" -ImapEnabled $true'
    )


def _microsoft_person(server: Server, mailbox: MailboxSettings, token: str) -> str:
    claims, who = claims_of(token), who_signed_in(token)
    user = mailbox.user or mailbox.address
    again = login_command(server, mailbox)
    scopes = str(claims.get("scp") or "").split()
    if claims and DELEGATED not in scopes:
        return (
            f"the application lacks the permission {DELEGATED}: in https://entra.microsoft.com, App registrations, API "
            f"permissions, Add a permission, Microsoft Graph, Delegated permissions, add it; then sign in again: {again}"
        )
    if who and who.casefold() != user.casefold():
        return f"{who} signed in, and not {user}; let the owner do it: {again}"
    return (
        f'let its owner sign in: {again}; and see that IMAP is on: Set-CASMailbox -Identity "{user}" '
        "-ImapEnabled $true"
    )


def _google(server: Server, sign_in: SignIn, mailbox: MailboxSettings) -> str:
    page = "https://admin.google.com/ac/apps/gmail/enduseraccess"
    if sign_in.grant == SERVICE_ACCOUNT:
        return (
            f"see that IMAP is on for {mailbox.user or mailbox.address}, under {page} (Admin console: Apps, Google "
            f"Workspace, Gmail, End User Access), and that scope in [[server]] {server.name} is that of all mail"
        )
    return (
        f"let the owner of {mailbox.user or mailbox.address}, and nobody else, sign in: "
        f"{login_command(server, mailbox)}; in a Workspace see that IMAP is on: {page}"
    )
