"""
What goes wrong over Graph, turned into our errors: by the exception, by the HTTP status, or by Graph's own word.

Statuses and the form of an error: [Graph errors](https://learn.microsoft.com/graph/errors). The words that Exchange
puts into `error.code` are those of EWS ([ResponseCode]) and a few more that were sighted: `MailboxNotEnabledForRESTAPI`
(a mailbox on premises, without a licence, or soft-deleted), `ErrorInvalidUser`, `ApplicationThrottled`
(MailboxConcurrency), `SyncStateNotFound` with 410.

[ResponseCode]: https://learn.microsoft.com/exchange/client-developer/web-service-reference/responsecode
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import httpx2

from cleaner.config import MailboxSettings, Server
from cleaner.connectors.exchange import errors
from cleaner.connectors.exchange.errors import AwayError, shown
from cleaner.errors import (
    AskPersonError,
    ChangeRefusedError,
    CleanerError,
    ServerUnavailableError,
    SignInRefusedError,
)

if TYPE_CHECKING:
    from cleaner.connectors.graph.wire import Answer

BUSY: Final = (429, 503)
PASSING: Final = (408, 500, 502, 504, 509)
"""The service is in trouble, not the request: asked again, it may succeed."""

THROTTLED: Final = frozenset(
    "TooManyRequests ApplicationThrottled activityLimitReached ErrorServerBusy".split()
)
AWAY: Final = {
    "ErrorMailboxMoveInProgress": "the mailbox is being moved to another database or server",
    "MailboxInTransit": "the mailbox is being moved to another database or server",
    "ErrorMailboxStoreUnavailable": "the database of the mailbox is not mounted",
    "MailboxStoreUnavailable": "the database of the mailbox is not mounted",
    "ErrorMailboxDataUnavailable": "the mailbox cannot be read just now",
}
"""The mailbox is elsewhere for a while; others are not."""

NO_MAILBOX: Final = frozenset(
    """
    MailboxNotEnabledForRESTAPI MailboxNotSupportedForRESTAPI ErrorInvalidUser ErrorNonExistentMailbox
    ResourceNotFound Request_ResourceNotFound MailboxNotFound ErrorMailboxNotFound UserNotFound
    """.split()
)
NO_ITEM: Final = frozenset(
    """
    ErrorItemNotFound ErrorInvalidId ErrorInvalidIdEmpty ErrorInvalidIdMalformed ErrorInvalidMailboxItemId itemNotFound
    ErrorInvalidIdStoreObjectIdTooLong ErrorInvalidIdMonikerTooLong ErrorCannotUseItemIdForFolderId ErrorFolderNotFound
    ErrorToFolderNotFound ErrorParentFolderNotFound ErrorSyncFolderNotFound ErrorCannotUseFolderIdForItemId
    """.split()
)
"""The message or folder is not where its id says, or the id is none of this mailbox's."""

NO_SPACE: Final = frozenset(
    "ErrorQuotaExceeded ErrorMailboxSizeExceeded ErrorDataSizeLimitExceeded QuotaExceeded".split()
)
NO_STATE: Final = frozenset(
    "SyncStateNotFound SyncStateInvalid resyncRequired ErrorInvalidSyncStateData ErrorSyncStateTooOld".lower().split()
)

CERTIFICATES: Final = {
    10: "has expired",
    18: "is self-signed; name it as the server's ca_file if it is the right one",
    19: "is signed by an authority of its own; name that as the server's ca_file",
    20: "is signed by an authority that this machine does not know; something between here and there may read along "
    "(then name its authority as the server's ca_file), or the system's certificates are missing",
    62: "is for another name; correct endpoint",
    64: "is for another address; write the server's name in endpoint",
}
"""OpenSSL's codes (X509_V_ERR_…) → what is the matter with the certificate."""


class ThrottledError(errors.ThrottledError):
    """The application is to leave the mailbox alone for a while; Graph counts for each mailbox by itself."""

    is_for_all = False


class TooLargeError(ServerUnavailableError):
    """An answer that is larger than can be taken."""


def said(answer: Answer) -> str:
    words = f": {shown(answer.text)!r}" if answer.text else ""
    return f"the server says {answer.status}{' ' + shown(answer.code) if answer.code else ''}{words}"


# --- by answer -----------------------------------------------------------------------------------


def is_busy(answer: Answer) -> bool:
    """Whether it is refused only for now, so that nothing was done."""
    return (answer.status in BUSY and answer.code not in AWAY) or answer.code in THROTTLED


def is_passing(answer: Answer) -> bool:
    return answer.status in PASSING and answer.code not in (*AWAY, *NO_SPACE)


def is_gone(answer: Answer) -> bool:
    """Whether that message or folder is not there."""
    return answer.status in (400, 404) and answer.code in NO_ITEM


def is_stale(answer: Answer) -> bool:
    """Whether a stored state of a folder is of no use any more: 410, or a state that the server cannot read."""
    if answer.status == 410 or answer.code.lower() in NO_STATE:
        return True
    return answer.status in (400, 404) and answer.code not in NO_MAILBOX


def is_without_rounds(answer: Answer) -> bool:
    """
    Whether rounds of changes are not to be had, while the folder may be read all the same.

    What Exchange keeps for them needs room, so that a full mailbox refuses them ([mailFolder: delta]); in the cloud
    that 21Vianet runs in China they are not offered, and were sighted to be refused as if the id were wrong.

    [mailFolder: delta]: https://learn.microsoft.com/graph/api/mailfolder-delta
    """
    if answer.status in (400, 404, 405, 501):
        return answer.code not in NO_MAILBOX
    return answer.code in NO_SPACE


def of_answer(answer: Answer, server: Server, mailbox: MailboxSettings) -> CleanerError:
    """What an answer means that speaks of the mailbox or of the whole request."""
    place = place_of(server)
    if answer.code in AWAY:
        return AwayError(mailbox.address, AWAY[answer.code])
    if is_busy(answer):
        return ThrottledError(place, answer.wait)
    if answer.status in PASSING or answer.status >= 500:
        return ServerUnavailableError(place, said(answer))
    if answer.status == 401:
        return refusal(server, mailbox, answer)
    if answer.code in NO_MAILBOX:
        return AskPersonError(
            f"{mailbox.address}: there is no mailbox of that name in Exchange Online ({said(answer)}): it may be on "
            'premises (then use connector = "ews"), without a licence, or deleted; or write its user principal name '
            f"as user = … under [[mailbox]]. In Exchange Online PowerShell: Get-EXOMailbox {quoted(mailbox.user)}"
        )
    if answer.status == 403:
        return AskPersonError(
            f"{mailbox.address}: {who(server)} may not open it ({said(answer)}). {grant(server, mailbox)}"
        )
    if answer.status in (404, 405) and not answer.code:
        return AskPersonError(
            f"{server.name}: there is no Microsoft Graph at {place} (HTTP {answer.status}); take endpoint out, or "
            "correct it"
        )
    if 300 <= answer.status < 400:
        return AskPersonError(f"{server.name}: {place} sends us elsewhere; correct endpoint")
    return AskPersonError(f"{mailbox.address}: {place} refuses what it is asked ({said(answer)})")


def refusal(server: Server, mailbox: MailboxSettings, answer: Answer) -> SignInRefusedError:
    """A token that was given out a moment ago is not taken."""
    return SignInRefusedError(
        f"{mailbox.address}: {place_of(server)} does not accept the token of {who(server)} ({said(answer)}); is cloud "
        f"of [[server]] {server.name} the one of your tenant, and the application still enabled there?"
    )


def change_refused(what: str, answer: Answer, server: Server, mailbox: MailboxSettings) -> CleanerError:
    """A change that the server does not make."""
    if answer.code in NO_SPACE or answer.status == 507:
        return ChangeRefusedError(
            f"{mailbox.address}: {what}", "the mailbox is full; make room, or raise its quota"
        )
    if answer.status == 403:
        return ChangeRefusedError(
            f"{mailbox.address}: {what}",
            f"{who(server)} may not change it ({said(answer)}). {grant(server, mailbox).rstrip('.')}",
        )
    found = of_answer(answer, server, mailbox)
    if answer.status >= 500 or answer.status in (401, 408, 429) or answer.code in NO_MAILBOX | AWAY.keys():
        return found
    return ChangeRefusedError(f"{mailbox.address}: {what}", said(answer))


def client_of(server: Server) -> str:
    return server.oauth.client_id if server.oauth is not None else ""


def who(server: Server) -> str:
    return f"the application {client_of(server)}"


def grant(server: Server, mailbox: MailboxSettings) -> str:
    """How it gets the right, and how that is tried; what was granted holds only after a while."""
    if server.oauth is not None and server.oauth.asks_person:
        return (
            "At https://entra.microsoft.com, App registrations, API permissions: add Microsoft Graph, Delegated "
            "permissions, Mail.ReadWrite (for a shared mailbox Mail.ReadWrite.Shared); then run: "
            f"bounce-cleaner login {server.name}"
        )
    app, resource = quoted(client_of(server)), quoted(mailbox.user)
    return (
        f"In Exchange Online PowerShell, Test-ServicePrincipalAuthorization -Identity {app} -Resource {resource} "
        f"tells what is missing. The right: New-ManagementRoleAssignment -Name 'Bounce Cleaner' -App {app} -Role "
        "'Application Mail.ReadWrite' -CustomResourceScope 'Bounce Cleaner'. The mailbox: Add-DistributionGroupMember "
        f"-Identity 'Bounce Cleaner' -Member {resource}. Either takes up to two hours to take "
        "effect (docs/graph.md)."
    )


def quoted(name: str) -> str:
    """A name as PowerShell takes it (about_Quoting_Rules)."""
    return "'" + name.replace("'", "''") + "'"


# --- by exception --------------------------------------------------------------------------------


def place_of(server: Server) -> str:
    return server.host or server.name


def of_network(server: Server, error: BaseException) -> CleanerError:
    """What HTTP, TLS and the network raise. None of their words: those may name what was sent."""
    place = place_of(server)
    for cause in causes_of(error):
        match cause:
            case ssl.SSLCertVerificationError():
                what = CERTIFICATES.get(cause.verify_code, f"cannot be trusted ({cause.verify_message})")
                return AskPersonError(f"{server.name}: the certificate of {place} {what}")
            case ssl.SSLError():
                return ServerUnavailableError(place, "the TLS connection broke")
            case socket.gaierror() if cause.errno != socket.EAI_AGAIN:
                return AskPersonError(
                    f"{server.name}: there is no host {place}; correct endpoint in [[server]]"
                )
            case socket.gaierror():
                return ServerUnavailableError(place, "its name cannot be looked up")
            case ConnectionRefusedError():
                return ServerUnavailableError(place, "nothing answers there")
            case FileNotFoundError() | PermissionError() | IsADirectoryError():
                return AskPersonError(f"{server.name}: ca_file {server.ca_file} cannot be read; correct it")
    if isinstance(error, httpx2.TimeoutException | TimeoutError):
        return ServerUnavailableError(place, "it does not answer in time")
    return ServerUnavailableError(place, "the connection broke")


def causes_of(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was raised from; the libraries pack them several deep."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop(0)
        if not isinstance(one, BaseException) or id(one) in seen or len(seen) > 20:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__]
