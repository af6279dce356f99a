"""How Graph says no: a status, a code in words, and a sentence, as JSON."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime

REALM = (
    'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize",'
    ' client_id="00000003-0000-0000-c000-000000000000"'
)


class GraphError(Exception):
    """A request is refused. Source: https://learn.microsoft.com/graph/errors"""

    def __init__(
        self, status: int, code: str, message: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, code, message)
        self.status = status
        self.code = code
        self.message = message or MESSAGES.get(code, code)
        self.headers = dict(headers or {})


MESSAGES = {
    "ErrorAccessDenied": "Access is denied. Check credentials and try again.",
    "ErrorItemNotFound": "The specified object was not found in the store.",
    "ErrorFolderNotFound": "The specified folder could not be found in the store.",
    "ErrorInvalidIdMalformed": "Id is malformed.",
    "ErrorFolderExists": "A folder with the specified name already exists.",
    "ErrorQuotaExceeded": "The mailbox is over its quota.",
    "ErrorMimeContentInvalidBase64String": "Invalid base64 string for MIME content.",
    "InefficientFilter": "The restriction or sort order is too complex for this operation.",
    "MailboxNotEnabledForRESTAPI": "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
    "SyncStateNotFound": "The sync state generation is not found; synchronise again.",
    "ApplicationThrottled": "Application is over its MailboxConcurrency limit.",
    "TooManyRequests": "Too many requests.",
    "ServiceUnavailable": "The service is unavailable.",
    "ErrorInternalServerError": "An internal server error occurred.",
    "Authorization_RequestDenied": "Insufficient privileges to complete the operation.",
}


def bad(message: str, code: str = "BadRequest") -> GraphError:
    return GraphError(400, code, message)


def unauthorised(message: str, *, challenge: str = "") -> GraphError:
    return GraphError(401, "InvalidAuthenticationToken", message, {"WWW-Authenticate": REALM + challenge})


def as_json(error: GraphError, client_request_id: str) -> dict[str, object]:
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}"
    inner = {"date": now, "request-id": str(uuid.uuid4()), "client-request-id": client_request_id}
    return {"error": {"code": error.code, "message": error.message, "innerError": inner}}
