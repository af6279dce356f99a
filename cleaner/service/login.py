"""
A person signs in once, for one mailbox: the use case behind `login`.

What he granted is kept only where it opens the mailbox, and takes the place of what was kept before.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cleaner.config import MailboxSettings, Server
from cleaner.errors import (
    AskPersonError,
    NotOptedInError,
    ServerUnavailableError,
    SignInRefusedError,
    UsageError,
)
from cleaner.ports import Grant
from cleaner.service.context import Context
from cleaner.store.records import ConsentState

TAKEN_BACK_AT: Final = {
    "google": "https://myaccount.google.com/connections",
    "microsoft": "https://myapps.microsoft.com",
}
"""Where a person takes back at the provider what he granted."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What came of it."""

    mailbox: str
    server: str
    folders: int
    """Of the mailbox, opened to see that it can be."""
    trouble: str = ""
    """Why it could not be tried now; what was granted is kept all the same."""
    taken_back_at: str = ""


def login(
    context: Context,
    signs_in: Callable[[MailboxSettings], Grant],
    server_name: str,
    address: str | None = None,
) -> SignedIn:
    """Raises UsageError, NotOptedInError, and what signing in and opening the mailbox raise."""
    server = server_of(context, server_name)
    mailbox = mailbox_of(context, server, address)
    if server.oauth is None or not server.oauth.asks_person:
        how = "by the application's own secret" if server.oauth is not None else "without tokens"
        raise UsageError(
            f"{server.name} is signed in to {how}, so that nobody needs to do it himself; see whether it works: "
            "bounce-cleaner check"
        )
    if context.consent_state(mailbox) == ConsentState.OPTED_OUT.value:
        raise NotOptedInError(mailbox.address, ConsentState.OPTED_OUT.value)
    granted = signs_in(mailbox)
    before = context.store.grants.find(server.name, mailbox.address)
    if not context.store.grants.keep(server.name, mailbox.address, granted):
        raise NotOptedInError(mailbox.address, ConsentState.OPTED_OUT.value)
    page = TAKEN_BACK_AT.get(server.oauth.provider, "")
    try:
        return SignedIn(mailbox.address, server.name, count_folders(context, mailbox), taken_back_at=page)
    except ServerUnavailableError as error:
        return SignedIn(mailbox.address, server.name, 0, str(error), page)
    except BaseException as error:
        put_back(context, server, mailbox, before)
        if (
            isinstance(error, AskPersonError)
            and is_another(granted, mailbox)
            and granted.who not in str(error)
        ):
            raise SignInRefusedError(f"{granted.who} signed in, and may not open it: {error}") from error
        raise


def put_back(context: Context, server: Server, mailbox: MailboxSettings, before: Grant | None) -> None:
    if before is None:
        context.store.grants.forget(server.name, mailbox.address)
    else:
        context.store.grants.keep(server.name, mailbox.address, before)


def is_another(granted: Grant, mailbox: MailboxSettings) -> bool:
    """Whether it was not the mailbox's owner who signed in, as far as it is told."""
    return bool(granted.who) and granted.who.casefold() not in {
        mailbox.address.casefold(),
        mailbox.user.casefold(),
    }


def forget(context: Context, server_name: str, address: str | None) -> tuple[str, bool]:
    """The mailbox, and whether anything was kept for it."""
    if address is not None and address not in context.settings:
        # It stood in the configuration once.
        return address, context.store.grants.forget(server_name, address)
    mailbox = mailbox_of(context, server_of(context, server_name), address)
    return mailbox.address, context.store.grants.forget(server_name, mailbox.address)


def count_folders(context: Context, mailbox: MailboxSettings) -> int:
    context.note_access(mailbox, "login")
    with context.mailboxes.reading(mailbox) as reading:
        return len(reading.folders())


def server_of(context: Context, name: str) -> Server:
    names = [server.name for server in context.settings.servers]
    if name in names:
        return context.settings.server(name)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(names) or 'none'}"
    raise UsageError(f"there is no server {name} in {context.settings.path}; {hint}")


def mailbox_of(context: Context, server: Server, address: str | None) -> MailboxSettings:
    """The mailbox named, else the only one of the server."""
    if address is not None:
        found = context.settings.mailbox(address)
        if found.server != server.name:
            raise UsageError(f"{found.address} is on server {found.server}, not on {server.name}")
        return found
    here = [mailbox for mailbox in context.settings.mailboxes if mailbox.server == server.name]
    if len(here) == 1:
        return here[0]
    if not here:
        raise UsageError(
            f"there is no mailbox on server {server.name}; add one as a [[mailbox]] to {context.settings.path}"
        )
    some = ", ".join(mailbox.address for mailbox in here[:5]) + (" …" if len(here) > 5 else "")
    raise UsageError(f"say which mailbox of {server.name}: {some}")
