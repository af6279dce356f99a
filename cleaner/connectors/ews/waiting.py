"""
Waiting for new mail with streaming notifications (Exchange 2010 SP1 and later).

They only wake the service; that mail is found does not depend on them. A subscription tells of what comes into one
folder, in an answer that goes on for minutes, an envelope for each event; every answer is read as it comes and kept
nowhere. The connection is one of its own and not of those that the account's mailboxes share. Known from Microsoft's
documentation (Subscribe, GetStreamingEvents) and not tried on Exchange.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from cleaner.config import MailboxSettings, Server
from cleaner.connectors.ews import calls
from cleaner.connectors.ews.calls import CALLS
from cleaner.connectors.ews.errors import error_of, of_code, refusal
from cleaner.connectors.ews.session import Session
from cleaner.connectors.ews.wire import StreamingAdapter
from cleaner.connectors.roles import INBOX
from cleaner.errors import CleanerError, FolderMissingError, ServerUnavailableError

MINUTES: Final = 2
"""How long an answer goes on; as long as a stop may take where the server says nothing in between."""

EVENTS: Final = ("NewMailEvent", "CreatedEvent", "MovedEvent", "CopiedEvent")
_TOLD: Final = re.compile(rb"<(?:\w{1,20}:)?(?:NewMail|Created|Moved|Copied)Event[ />]")
_LOST: Final = re.compile(rb"Error\w{0,20}Subscription|ErrorReadEventsFailed|ErrorMissedNotificationEvents")
_REFUSED: Final = re.compile(rb"ResponseCode(?: [^<>]{0,200})?>(Error\w{1,60})<")
_OVERLAP: Final = 300
"""Bytes in which a name may be cut in two by the end of a piece."""
_LONGEST: Final = 1024 * 1024

SHORT: Final = 1.0
"""Seconds that an answer goes on at least, where nobody cuts it short."""
MOST_SHORT: Final = 5
"""Answers in a row that may be cut short: a server that is stopped, a proxy that does not let pass what goes on."""

_UNKNOWN: Final = frozenset(
    "ErrorInvalidOperation ErrorInvalidRequest ErrorInvalidServerVersion ErrorSchemaValidation".split()
)


def wait_for_mail(
    server: Server, mailbox: MailboxSettings, stopping: Callable[[], bool], came: Callable[[], None]
) -> bool:
    """
    Calls `came` whenever something comes into the first watched folder, until asked to stop.

    False where the server knows no such notifications. Raises what connecting raises, and ServerUnavailableError
    when the connection breaks.
    """
    session = Session(server, mailbox)
    name = mailbox.policy.folders[0] if mailbox.policy.folders else INBOX
    folder = session.folder(name)
    if folder is None:
        raise FolderMissingError(mailbox.address, name)
    subscription = ""
    short = 0
    try:
        while not stopping():
            if not subscription:
                answer = session.one_once("Subscribe", calls.subscribe(folder, EVENTS))
                if answer.code in _UNKNOWN:
                    return False
                if not answer.is_ok:
                    raise session.trouble(answer)
                subscription = answer.text_of("SubscriptionId").strip()
            began = time.monotonic()
            if not _listen(session, subscription, stopping, came):
                # Nobody knows what came meanwhile.
                subscription = ""
                came()
            short = 0 if time.monotonic() - began > SHORT else short + 1
            if short > MOST_SHORT:
                raise ServerUnavailableError(session.place, "it ends its notifications as soon as they begin")
    finally:
        if subscription:
            # An account may hold few (EwsMaxSubscriptions, 20 on Exchange 2010), and they last for half an hour.
            with suppress(CleanerError):
                session.once("Unsubscribe", calls.unsubscribe(subscription))
    return True


def _listen(
    session: Session, subscription: str, stopping: Callable[[], bool], came: Callable[[], None]
) -> bool:
    """Reads one answer to its end; whether the subscription goes on."""
    protocol, call = session.endpoint.protocol, CALLS["GetStreamingEvents"](account=session.account)
    body = call.wrap(calls.get_events(subscription, MINUTES), session.account.version.api_version)
    try:
        connection = protocol.create_session()
        try:
            connection.mount(protocol.service_endpoint, StreamingAdapter(session.server))
            response = connection.post(
                protocol.service_endpoint,
                data=body,
                headers=call._extra_headers() | {"Accept-Encoding": "identity"},
                cookies=getattr(session.account, "kept_cookies", None),
                allow_redirects=False,
                stream=True,
                timeout=(protocol.TIMEOUT, MINUTES * 60 + protocol.TIMEOUT),
            )
            if response.status_code == 401:
                raise refusal(session.server, session.mailbox)
            if response.status_code != 500:
                protocol.retry_policy.raise_response_errors(response)
            return _read(session, response, stopping, came)
        finally:
            connection.close()
    except Exception as error:
        raise error_of(error, session.server, session.mailbox) from None


def _read(session: Session, response: Any, stopping: Callable[[], bool], came: Callable[[], None]) -> bool:
    seen = b""
    for piece in response.iter_content(None):
        seen = seen[-_OVERLAP:] + piece[:_LONGEST]
        if _LOST.search(seen):
            return False
        if found := _REFUSED.search(seen):
            raise of_code(found[1].decode(), "", None, session.server, session.mailbox)
        if stopping():
            return True
        if told := list(_TOLD.finditer(seen)):
            seen = seen[told[-1].end() :]
            came()
    if response.status_code != 200:
        raise ServerUnavailableError(session.place, f"it answers with HTTP {response.status_code}")
    return True
