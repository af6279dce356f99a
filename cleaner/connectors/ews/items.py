"""
What the server says of a message, and what we make of it.

The header as received stands in property 0x007D ([MS-OXPROPS] PidTagTransportMessageHeaders), folds and parameters
intact. What never came by SMTP has none: mail that was sent from here, and notices that Exchange writes itself.
For those the fields are put together from the item's properties.

Flags: read is a field of EWS, but for answered, forwarded and flagged the version of 2010 has only MAPI properties
([MS-OXPROPS] PidTagLastVerbExecuted, PidTagFlagStatus).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final

from cleaner.connectors.ews.calls import T
from cleaner.values import MAX_HEADER_BYTES, Headers, Heading, Message

MAX_MESSAGE: Final = 2 * 1024 * 1024
"""Bytes of a message that are kept: as many as its reader looks at (`cleaner.notices.limits.MAX_READ`)."""

HEADER: Final = "0x7d String"
VERB: Final = "0x1081 Integer"
FLAG: Final = "0x1090 Integer"
ICON: Final = "0x1080 Integer"
DELIVERED: Final = "0xe06 SystemTime"
STATUS: Final = "0xe07 Integer"

FORWARDED: Final = 104
ANSWERED: Final = (102, 103)
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

UNSEEN: Final = frozenset(
    """
    received dkim-signature return-path authentication-results delivered-to x-original-to envelope-to auto-submitted
    precedence list-id list-post list-unsubscribe x-failed-recipients x-autoreply x-auto-response-suppress
    in-reply-to references content-type
    """.split()
)
"""Fields of which properties tell nothing: where they are not seen, they are unknown."""

REPORT: Final = "REPORT."


@dataclass(frozen=True, slots=True)
class Item:
    """One message, as far as it was asked for."""

    id: str
    change_key: str = ""
    folder: str = ""
    kind: str = ""
    header: bytes = b""
    mime: bytes = b""
    size: int = 0
    received: datetime | None = None
    flags: tuple[str, ...] = ()
    has_attachments: bool = False
    properties: Mapping[str, str] = field(default_factory=dict)
    """Header fields by name, as the item's properties tell them."""

    @property
    def is_empty(self) -> bool:
        return not self.header.strip()

    def headers(self, wanted: Collection[str] = ()) -> Headers:
        """The fields as received, with recipients that only the properties tell; else what the properties tell."""
        if self.is_empty:
            return Headers(tuple(map(_raw, self._told())), UNSEEN)
        found = Headers.parse(self.header.lstrip(b"\r\n"))
        more = [
            (name, value)
            for name, value in self.properties.items()
            if name in RECIPIENTS and name in wanted and name not in found
        ]
        return Headers((*found.items, *map(_raw, more)), found.unknown) if more else found

    def _told(self) -> Iterable[tuple[str, str]]:
        yield from self.properties.items()
        if self.kind.upper().startswith(REPORT):
            yield "content-type", "multipart/report"

    def heading(self, folder: str, wanted: Collection[str] = ()) -> Heading:
        return Heading(folder, self.id, self.headers(wanted), self.size, self.received, self.flags)

    def message(self, folder: str) -> Message:
        raw, header = self.mime[:MAX_MESSAGE], self.header if not self.is_empty else b""
        return Message(folder, self.id, raw, self.received, self.flags, rebuilt=True, header=header)


def _raw(told: tuple[str, str]) -> tuple[bytes, bytes]:
    name, value = told
    return name.title().encode("ascii"), b" " + value.encode("utf-8", "replace")


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


def time_of(text: str) -> datetime | None:
    """A time as XML writes it (XML Schema, dateTime); what has no zone is UTC."""
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


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
        yield "subject", _flat(subject)
    if message_id := _text(element, "InternetMessageId"):
        yield "message-id", _flat(message_id)
    if (sent := time_of(_text(element, "DateTimeSent"))) is not None:
        yield "date", format_datetime(sent)


def _addresses(element: Any, tag: str) -> str:
    """Names and addresses; those of Exchange's own kind (`/O=…`) are none that mail from outside could name."""
    found = element.find(f"{T}{tag}")
    written = []
    for mailbox in () if found is None else found.iter(f"{T}Mailbox"):
        address = _flat(_text(mailbox, "EmailAddress"))
        name = _flat(_text(mailbox, "Name")).replace('"', "'").replace("\\", "/")
        if "@" in address and address != name:
            written.append(f'"{name}" <{address}>' if name else f"<{address}>")
        elif "@" in address:
            written.append(f"<{address}>")
        elif name and tag in ("From", "Sender"):
            written.append(f'"{name}" <>')
    return ", ".join(written)


def _flat(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def in_order(ids: Sequence[str], items: Iterable[Item]) -> Iterable[Item]:
    """In the order asked, each once."""
    found = {item.id: item for item in items}
    return (found[id] for id in dict.fromkeys(ids) if id in found)
