"""
What the server says of a message, and what we make of it.

Flags: read is a field of EWS, but for answered, forwarded and flagged the version of 2010 has only MAPI properties
([MS-OXPROPS] PidTagLastVerbExecuted, PidTagFlagStatus).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from email.utils import format_datetime
from typing import Any, Final

from cleaner.connectors.ews.calls import T
from cleaner.connectors.exchange.item import ANSWERED, FORWARDED, Item, flat, time_of, written
from cleaner.values import MAX_HEADER_BYTES

HEADER: Final = "0x7d String"
VERB: Final = "0x1081 Integer"
FLAG: Final = "0x1090 Integer"
ICON: Final = "0x1080 Integer"
DELIVERED: Final = "0xe06 SystemTime"
STATUS: Final = "0xe07 Integer"

FOLLOW_UP: Final = "2"
SENT_NOT_DRAFT: Final = "1"
"""Value of `STATUS`: read, and not unsent; without it a new item is a draft."""

WHERE: Final = "item:ParentFolderId"
STATE: Final = ("message:IsRead", VERB, FLAG, "item:DateTimeReceived", "item:Size", WHERE)
FACE: Final = (
    HEADER,
    "item:ItemClass",
    "item:Subject",
    "item:DateTimeSent",
    "message:From",
    "message:Sender",
    "message:InternetMessageId",
)
"""What a message without a header as received is told by."""

RECIPIENTS: Final = {
    "to": "message:ToRecipients",
    "cc": "message:CcRecipients",
    "bcc": "message:BccRecipients",
}


def item_of(element: Any) -> Item | None:
    """An item of any kind; None for one without an id."""
    found = element.find(f"{T}ItemId")
    if found is None or not found.get("Id"):
        return None
    parent = element.find(f"{T}ParentFolderId")
    extended = extended_of(element)
    size = _text(element, "Size")
    return Item(
        id=str(found.get("Id")),
        change_key=str(found.get("ChangeKey") or ""),
        folder="" if parent is None else str(parent.get("Id") or ""),
        kind=_text(element, "ItemClass"),
        header=header_of(element),
        mime=decoded(_text(element, "MimeContent")),
        size=int(size) if size.isascii() and size.isdigit() and len(size) < 13 else 0,
        received=time_of(_text(element, "DateTimeReceived")),
        flags=flags_of(_text(element, "IsRead"), extended),
        has_attachments=_text(element, "HasAttachments").lower() == "true",
        properties=dict(_properties(element)),
    )


def _text(element: Any, name: str) -> str:
    return str(element.findtext(f"{T}{name}") or "")


def header_of(element: Any) -> bytes:
    """The header as received; empty where the server has none."""
    return extended_of(element).get(0x7D, "")[:MAX_HEADER_BYTES].encode("utf-8", "replace")


def decoded(text: str) -> bytes:
    """Base64, with what some servers leave out at its end."""
    flat = "".join(text.split())
    try:
        return base64.b64decode(flat + "=" * (-len(flat) % 4))
    except (binascii.Error, ValueError):
        return b""


def extended_of(element: Any) -> Mapping[int, str]:
    """MAPI properties by their tags."""
    return dict(_extended(element))


def _extended(element: Any) -> Iterable[tuple[int, str]]:
    for one in element.findall(f"{T}ExtendedProperty"):
        uri = one.find(f"{T}ExtendedFieldURI")
        tag = "" if uri is None else str(uri.get("PropertyTag") or "")
        try:
            yield int(tag, 0), str(one.findtext(f"{T}Value") or "")
        except ValueError:
            continue


def flags_of(is_read: str, extended: Mapping[int, str]) -> tuple[str, ...]:
    verb = extended.get(0x1081, "")
    found = []
    if is_read.lower() in ("true", "1"):
        found.append("\\Seen")
    if verb in map(str, ANSWERED):
        found.append("\\Answered")
    if extended.get(0x1090, "") == FOLLOW_UP:
        found.append("\\Flagged")
    if verb == str(FORWARDED):
        found.append("$Forwarded")
    return tuple(found)


def _properties(element: Any) -> Iterable[tuple[str, str]]:
    if sender := _addresses(element, "From") or _addresses(element, "Sender"):
        yield "from", sender
    for name, tag in (("to", "ToRecipients"), ("cc", "CcRecipients"), ("bcc", "BccRecipients")):
        if addresses := _addresses(element, tag):
            yield name, addresses
    if subject := _text(element, "Subject"):
        yield "subject", flat(subject)
    if message_id := _text(element, "InternetMessageId"):
        yield "message-id", flat(message_id)
    if (sent := time_of(_text(element, "DateTimeSent"))) is not None:
        yield "date", format_datetime(sent)


def _addresses(element: Any, tag: str) -> str:
    found = element.find(f"{T}{tag}")
    told = (
        written(_text(one, "Name"), _text(one, "EmailAddress"), is_sender=tag in ("From", "Sender"))
        for one in (() if found is None else found.iter(f"{T}Mailbox"))
    )
    return ", ".join(filter(None, told))
