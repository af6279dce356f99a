"""
What goes wrong over EWS, turned into our errors: by the exception, by the HTTP status, or by the response code.

Codes: [ResponseCode](https://learn.microsoft.com/exchange/client-developer/web-service-reference/responsecode), and
`ErrorCannotFindUser`, which an open server says for an address without a mailbox.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from typing import Final

import oauthlib.oauth2
import requests.exceptions
from exchangelib import errors as library

from cleaner.config import MailboxSettings, Server
from cleaner.connectors.exchange.errors import AwayError, ThrottledError, shown
from cleaner.errors import (
    AskPersonError,
    ChangeRefusedError,
    CleanerError,
    ServerUnavailableError,
    SignInRefusedError,
)

THROTTLED: Final = frozenset("ErrorServerBusy ErrorExceededConnectionCount ErrorTooManyObjectsOpened".split())
"""The account asked too much, or the server is too busy for everybody."""

PASSING: Final = frozenset(
    """
    ErrorInternalServerError ErrorInternalServerTransientError ErrorTimeoutExpired ErrorConnectionFailed
    ErrorConnectionFailedTransientError ErrorInsufficientResources ErrorNotEnoughMemory
    ErrorADUnavailable ErrorADOperation ErrorIrresolvableConflict
    ErrorMailboxFailover ErrorSessionUnavailable ErrorNoRespondingCASInDestinationSite ErrorProxyCallFailed
    ErrorProxyRequestProcessingFailed ErrorExchangeConfigurationException
    """.split()
)
"""The server is in trouble, not the request: asked again, it may succeed."""

STOPPED: Final = frozenset(("ErrorBatchProcessingStopped",))
"""Not tried, since one before it in the same request failed."""

AWAY: Final = {
    "ErrorMailboxMoveInProgress": "the mailbox is being moved to another database or server",
    "ErrorMailboxStoreUnavailable": "the database of the mailbox is not mounted",
    "ErrorMailboxDataUnavailable": "the mailbox cannot be read just now",
}
"""The mailbox is elsewhere for a while; others of the same server are not."""

NOT_ALLOWED_TO_ACT: Final = frozenset(
    "ErrorImpersonateUserDenied ErrorImpersonationDenied ErrorImpersonationFailed ErrorImpersonationRequired".split()
)
NO_RIGHT: Final = frozenset("ErrorAccessDenied ErrorMissingArgument ErrorDelegateNoUser".split())
NO_MAILBOX: Final = frozenset(
    """
    ErrorNonExistentMailbox ErrorNonPrimarySmtpAddress ErrorMissingEmailAddress ErrorCannotFindUser
    ErrorMailboxConfiguration ErrorADSessionFilter ErrorInvalidSmtpAddress
    """.split()
)
NO_ITEM: Final = frozenset(
    """
    ErrorItemNotFound ErrorInvalidId ErrorInvalidIdEmpty ErrorInvalidIdMalformed ErrorInvalidIdMalformedEwsLegacyIdFormat
    ErrorInvalidIdMonikerTooLong ErrorInvalidIdXml ErrorInvalidIdStoreObjectIdTooLong ErrorInvalidStoreId
    ErrorInvalidIdInvalidAttachmentId ErrorInvalidIdNotAnItemAttachmentId ErrorCannotUseItemIdForFolderId
    ErrorInvalidParentFolder
    """.split()
)
"""The message is not where its id says, or the id is none of this server's."""

NO_FOLDER: Final = frozenset(
    "ErrorFolderNotFound ErrorToFolderNotFound ErrorParentFolderNotFound ErrorSyncFolderNotFound "
    "ErrorFolderPropertyRequestFailed".split()
)
NO_STATE: Final = frozenset(
    "ErrorInvalidSyncStateData ErrorSyncStateTooOld ErrorCalendarViewRangeTooBig".split()
)
NO_SPACE: Final = frozenset("ErrorQuotaExceeded ErrorMailboxSizeExceeded ErrorDataSizeLimitExceeded".split())

CERTIFICATES: Final = {
    10: "has expired; renew it on the server",
    18: "is self-signed; name it as the server's ca_file if it is the right one",
    19: "is signed by an authority of its own; name that as the server's ca_file",
    20: "is signed by an authority that this machine does not know; name that as the server's ca_file",
    62: "is for another name; correct endpoint, or the certificate",
    64: "is for another address; write the server's name in endpoint",
}
"""OpenSSL's codes (X509_V_ERR_…) → what is the matter with the certificate."""


class SoapFaultError(Exception):
    """The server refuses a whole request. Its words; `wait`: how many seconds it wants to be left alone."""

    def __init__(self, code: str, text: str, wait: float | None = None) -> None:
        self.code = code
        self.text = text
        self.wait = wait
        super().__init__(code)


class BareFaultError(ServerUnavailableError):
    """
    A SOAP fault without a code of EWS: `Server` speaks of the server's own trouble (SOAP 1.1 section 4.4.1).

    An open server says so, too, where it is asked for what it does not know.
    """


def said(code: str, text: str) -> str:
    words = shown(text)
    return f"the server says {code}: {words!r}" if words else f"the server says {code}"


# --- by response code ----------------------------------------------------------------------------


def of_code(
    code: str, text: str, wait: float | None, server: Server, mailbox: MailboxSettings
) -> CleanerError:
    """What a code means that speaks of the mailbox or of the whole request."""
    place = place_of(server)
    if code in THROTTLED:
        return ThrottledError(place, wait)
    if code in AWAY:
        return AwayError(mailbox.address, AWAY[code])
    if not code.startswith("Error"):
        return BareFaultError(place, said(code, text))
    if code in PASSING or code in STOPPED:
        return ServerUnavailableError(place, said(code, text))
    if code in NOT_ALLOWED_TO_ACT:
        return AskPersonError(
            f"{mailbox.address}: {who(server, mailbox)} may not act as the owner of this mailbox "
            f"({said(code, text)}). In the Exchange Management Shell: {grant(server, mailbox)}"
        )
    if code in NO_MAILBOX:
        return AskPersonError(
            f"{mailbox.address}: {server.name} has no mailbox of this address ({said(code, text)}); write its "
            "primary address (Get-Mailbox … | Format-List PrimarySmtpAddress), or take it out"
        )
    if code in NO_RIGHT:
        return AskPersonError(
            f"{mailbox.address}: {who(server, mailbox)} has no right to it ({said(code, text)}). "
            f"In the Exchange Management Shell: {grant(server, mailbox)}"
        )
    return AskPersonError(f"{mailbox.address}: {place} refuses what it is asked ({said(code, text)})")


def who(server: Server, mailbox: MailboxSettings) -> str:
    return f"the account {account_of(server, mailbox)}"


def account_of(server: Server, mailbox: MailboxSettings) -> str:
    if server.auth == "oauth2":
        return server.client_id or ""
    return server.user or mailbox.user


def grant(server: Server, mailbox: MailboxSettings) -> str:
    """The command that grants what `access` needs."""
    account = quoted(account_of(server, mailbox))
    if server.access == "impersonation":
        whom = "-App" if server.auth == "oauth2" else "-User"
        return (
            'New-ManagementRoleAssignment -Name "Bounce Cleaner" -Role ApplicationImpersonation '
            f'{whom} {account} -CustomRecipientWriteScope "Bounce Cleaner"'
        )
    return (
        f"Add-MailboxPermission -Identity {quoted(mailbox.address)} -User {account} -AccessRights FullAccess "
        "-AutoMapping $false"
    )


def quoted(name: str) -> str:
    """A name as PowerShell takes it (about_Quoting_Rules)."""
    return "'" + name.replace("'", "''") + "'"


# --- by exception --------------------------------------------------------------------------------


def error_of(error: Exception, server: Server, mailbox: MailboxSettings) -> CleanerError:
    """The one table of what the library, HTTP and the network raise."""
    place = place_of(server)
    match error:
        case CleanerError():
            return error
        case SoapFaultError():
            return of_code(error.code, error.text, error.wait, server, mailbox)
        case library.UnauthorizedError():
            return refusal(server, mailbox)
        case oauthlib.oauth2.OAuth2Error():
            return SignInRefusedError(
                f"{mailbox.address}: {server.token_url} gives no token to client {server.client_id} "
                f"({shown(str(error.error or type(error).__name__))}); correct client_id, client_secret or scope of "
                f"[[server]] {server.name}"
            )
        case library.AutoDiscoverError() | library.AutoDiscoverFailed():
            return AskPersonError(
                f"{server.name}: autodiscover finds no Exchange server for {mailbox.address.rpartition('@')[2]}; write "
                'endpoint = "https://…/EWS/Exchange.asmx" instead'
            )
        case requests.exceptions.RequestException() | OSError():
            return of_network(server, error)
        case library.ResponseMessageError():
            return of_code(
                type(error).__name__, str(error), getattr(error, "back_off", None), server, mailbox
            )
        case library.EWSError():
            return ServerUnavailableError(
                place, f"it does not speak EWS as it should: {type(error).__name__}"
            )
        case _:
            return ServerUnavailableError(place, f"the request failed: {type(error).__name__}")


def place_of(server: Server) -> str:
    return server.host or server.name


def of_network(server: Server, error: Exception) -> CleanerError:
    """What HTTP, TLS and the network raise."""
    match error:
        case requests.exceptions.SSLError() | ssl.SSLError():
            return of_tls(server, error)
        case requests.exceptions.Timeout() | TimeoutError():
            return ServerUnavailableError(place_of(server), "it does not answer in time")
        case _:
            return _of_connection(server, error)


def _of_connection(server: Server, error: BaseException) -> CleanerError:
    causes = tuple(causes_of(error))
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            if cause.errno == socket.EAI_AGAIN:
                return ServerUnavailableError(place_of(server), "its name cannot be looked up")
            return AskPersonError(
                f"{server.name}: there is no host {place_of(server)}; correct endpoint in [[server]]"
            )
        if isinstance(cause, ConnectionRefusedError):
            return ServerUnavailableError(
                place_of(server), "nothing answers there; is the server running, and is endpoint right?"
            )
    return ServerUnavailableError(place_of(server), "the connection broke")


def of_tls(server: Server, error: BaseException) -> CleanerError:
    place = place_of(server)
    for cause in causes_of(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            what = CERTIFICATES.get(cause.verify_code, f"cannot be trusted ({cause.verify_message})")
            return AskPersonError(f"{server.name}: the certificate of {place} {what}")
        if isinstance(cause, ssl.SSLError) and cause.reason in (
            "WRONG_VERSION_NUMBER",
            "RECORD_LAYER_FAILURE",
            "UNKNOWN_PROTOCOL",
            "HTTP_REQUEST",
        ):
            return AskPersonError(f"{server.name}: {place} does not speak TLS there; correct endpoint")
    return ServerUnavailableError(place, "the TLS connection broke")


def causes_of(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was raised from: the HTTP library packs them several deep, some into `args`."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop(0)
        if not isinstance(one, BaseException) or id(one) in seen or len(seen) > 20:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]


def refusal(server: Server, mailbox: MailboxSettings) -> SignInRefusedError:
    """The user or the secret is refused."""
    if server.auth == "oauth2":
        return SignInRefusedError(
            f"{mailbox.address}: {place_of(server)} does not accept the token of client {server.client_id}; give the "
            f"application the right to EWS, or correct scope of [[server]] {server.name}"
        )
    secret = server.password if server.user is not None else mailbox.password
    where = f"[[server]] {server.name}" if server.user is not None else f"[[mailbox]] {mailbox.address}"
    return SignInRefusedError(
        f"{mailbox.address}: {place_of(server)} refuses user {account_of(server, mailbox)!r} with the password of "
        f"{secret.reference if secret is not None else 'nowhere'}; correct user, password or auth of {where}"
    )


def change_refused(what: str, code: str, text: str, server: Server, mailbox: MailboxSettings) -> CleanerError:
    """A change that the server does not make."""
    if code in NO_SPACE:
        return ChangeRefusedError(
            f"{mailbox.address}: {what}", "the mailbox is full; make room, or raise its quota"
        )
    if code in NO_RIGHT:
        return ChangeRefusedError(
            f"{mailbox.address}: {what}",
            f"{who(server, mailbox)} has no right to do that; in the Exchange Management Shell: "
            f"{grant(server, mailbox)}",
        )
    if code in THROTTLED or code in PASSING or code in AWAY:
        return of_code(code, text, None, server, mailbox)
    return ChangeRefusedError(f"{mailbox.address}: {what}", said(code, text))
