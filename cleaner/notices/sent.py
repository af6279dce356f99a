"""A mail of a Sent folder, as the sent record wants it: from its header fields alone."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from cleaner.notices.cover import Cover
from cleaner.notices.fields import addresses_in, date, message_id
from cleaner.notices.trace import hop
from cleaner.values import Headers, Heading, OutgoingMail

_RECIPIENTS: Final = ("to", "cc", "bcc", "resent-to", "resent-cc", "resent-bcc")
FIELDS: Final = frozenset(
    (
        *("date", "message-id", "subject", "content-type", *_RECIPIENTS),
        *("user-agent", "x-mailer", "content-language"),
    )
)
"""What `outgoing` looks at, and what shows how somebody writes (`evidence.manner`)."""


def outgoing(heading: Heading) -> OutgoingMail | None:
    """
    What was sent, when, and to whom; None where that cannot be told.

    Date is when the user sent it; the internal date is only when the copy was saved.
    """
    headers = heading.headers
    time = date(headers.text("date")) or heading.received
    recipients = addresses_in(headers, _RECIPIENTS)
    own_id = message_id(headers.text("message-id"))
    if time is None or not (recipients or own_id):
        return None
    return OutgoingMail(own_id, time, recipients, Cover(headers).subject)


def lacks_date(headers: Headers) -> bool:
    """Whether only the internal date can tell when a mail was sent."""
    return date(headers.text("date")) is None


def arrived(headers: Headers, received: datetime | None) -> datetime | None:
    """When a message came: its topmost Received, else the internal date, else its Date."""
    top = next(iter(headers.all("received")), "")
    return (hop(top).time if top else None) or received or date(headers.text("date"))
