"""
What Graph tells of a message ([message]), and what we make of it.

The header as received is property 0x007D, word for word, by way of an extended property; `internetMessageHeaders` is
a list that the service makes of it, and serves where that is not told. Flags: whether it was read and flagged, and
its categories, are fields of Graph; for answered and forwarded there are only MAPI properties ([MS-OXPROPS]
PidTagLastVerbExecuted, PidTagIconIndex).

[message]: https://learn.microsoft.com/graph/api/resources/message
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from email.utils import format_datetime
from typing import Any, Final

from cleaner.connectors.exchange.item import ANSWERED, FORWARDED, Item, flat, time_of, written
from cleaner.connectors.graph.wire import text_of
from cleaner.values import MAX_HEADER_BYTES, MAX_HEADER_FIELDS, Headers

HEADER: Final = "String 0x007D"
KIND: Final = "String 0x001A"
SIZE: Final = "Integer 0x0E08"
VERB: Final = "Integer 0x1081"
ICON: Final = "Integer 0x1080"
STATUS: Final = "Integer 0x0E07"
DELIVERED: Final = "SystemTime 0x0E06"

NO_VERB: Final = "0"
NO_ICON: Final = "-1"
ICONS: Final = {"102": "261", "103": "261", "104": "262"}
"""What Outlook shows beside a message that was answered or forwarded."""

SENT_NOT_DRAFT: Final = "1"
"""Value of `STATUS` ([MS-OXCMSG] PidTagMessageFlags): read, and not unsent."""

WHERE: Final = "parentFolderId"
STATE: Final = "isRead,flag,categories,receivedDateTime,hasAttachments,parentFolderId"
FACE: Final = (
    "subject,from,sender,toRecipients,ccRecipients,bccRecipients,sentDateTime,internetMessageId,"
    "internetMessageHeaders"
)
ALL: Final = f"{STATE},{FACE}"

CUT: Final = (255, 256)
"""Characters after which some ways to read a store cut off a text (EWS does in FindItem)."""

SYSTEM_FLAGS: Final = frozenset(("\\Seen", "\\Answered", "\\Flagged", "$Forwarded"))


def expanding(*properties: str) -> str:
    """The value of `$expand` for extended properties."""
    wanted = " or ".join(f"id eq '{one}'" for one in properties)
    return f"singleValueExtendedProperties($filter={wanted})"


def item_of(told: Mapping[str, Any]) -> Item | None:
    """A message; None for one without an id, or that is told to be gone."""
    id = text_of(told, "id")
    if not id or "@removed" in told:
        return None
    extended = dict(_extended(told))
    size = extended.get(0xE08, "")
    return Item(
        id=id,
        change_key=text_of(told, "changeKey"),
        folder=text_of(told, WHERE),
        kind=extended.get(0x1A, ""),
        header=header_of(told),
        size=int(size) if size.isascii() and size.isdigit() and len(size) < 13 else 0,
        received=time_of(text_of(told, "receivedDateTime")),
        flags=flags_of(told, extended.get(0x1081, "")),
        has_attachments=told.get("hasAttachments") is True,
        properties=dict(_properties(told)),
    )


def is_whole(told: Mapping[str, Any]) -> bool:
    """
    Whether a look for changes told all that was asked for.

    Of a message of which only `isRead` changed it tells that alone ([issue 5544], in spite of the documentation).

    [issue 5544]: https://github.com/microsoftgraph/microsoft-graph-docs-contrib/issues/5544
    """
    return "receivedDateTime" in told and "subject" in told


def _extended(told: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    """By the number of the property; they come back as `String 0x7d`, however they were asked for."""
    found = told.get("singleValueExtendedProperties")
    for one in found if isinstance(found, list) else ():
        tag = text_of(one, "id").rpartition(" ")[2]
        try:
            yield int(tag, 16), text_of(one, "value")
        except ValueError:
            continue


def header_of(told: Mapping[str, Any]) -> bytes:
    """The header as received; empty where the server has none."""
    kept = dict(_extended(told)).get(0x7D, "")
    listed = _listed(told)
    if not kept.strip():
        return listed
    header = kept[:MAX_HEADER_BYTES].encode("utf-8", "replace")
    if len(kept) in CUT and listed and len(_fields(listed)) > len(_fields(header)):
        return listed
    return header


def _fields(header: bytes) -> tuple[tuple[bytes, bytes], ...]:
    return Headers.parse(header.lstrip(b"\r\n")).items


def _listed(told: Mapping[str, Any]) -> bytes:
    """`internetMessageHeaders` as a block again."""
    found = told.get("internetMessageHeaders")
    lines: list[str] = []
    size = 0
    for one in found[:MAX_HEADER_FIELDS] if isinstance(found, list) else ():
        name, value = flat(text_of(one, "name")), flat(text_of(one, "value")[:MAX_HEADER_BYTES])
        if name and ":" not in name and " " not in name and size < MAX_HEADER_BYTES:
            lines.append(f"{name}: {value}\r\n")
            size += len(lines[-1])
    return "".join(lines).encode("utf-8", "replace")[:MAX_HEADER_BYTES]


def flags_of(told: Mapping[str, Any], verb: str) -> tuple[str, ...]:
    found = []
    if told.get("isRead") is True:
        found.append("\\Seen")
    if verb in map(str, ANSWERED):
        found.append("\\Answered")
    if text_of(told.get("flag"), "flagStatus") == "flagged":
        found.append("\\Flagged")
    if verb == str(FORWARDED):
        found.append("$Forwarded")
    categories = told.get("categories")
    listed = categories if isinstance(categories, list) else ()
    return (*found, *(one for one in listed if isinstance(one, str) and one not in SYSTEM_FLAGS))


def changes(before: Collection[str], wanted: Collection[str]) -> dict[str, object]:
    """What has to be written for a message to have these flags."""
    body: dict[str, object] = {}
    if ("\\Seen" in before) != ("\\Seen" in wanted):
        body["isRead"] = "\\Seen" in wanted
    if ("\\Flagged" in before) != ("\\Flagged" in wanted):
        body["flag"] = {"flagStatus": "flagged" if "\\Flagged" in wanted else "notFlagged"}
    categories = sorted(_categories(wanted))
    if categories != sorted(_categories(before)):
        body["categories"] = categories
    if (verb := _verb(wanted)) != _verb(before):
        body["singleValueExtendedProperties"] = [
            {"id": VERB, "value": verb},
            {"id": ICON, "value": ICONS.get(verb, NO_ICON)},
        ]
    return body


def _categories(flags: Collection[str]) -> set[str]:
    """What is no flag of IMAP's own is the name of a category."""
    return {flag for flag in flags if not flag.startswith("\\") and flag not in SYSTEM_FLAGS}


def _verb(flags: Collection[str]) -> str:
    if "\\Answered" in flags:
        return str(ANSWERED[0])
    return str(FORWARDED) if "$Forwarded" in flags else NO_VERB


def _properties(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for one in ("from", "sender"):
        if sender := _address(told.get(one), is_sender=True):
            yield "from", sender
            break
    for name in ("to", "cc", "bcc"):
        recipients = told.get(f"{name}Recipients")
        found = [_address(one) for one in recipients] if isinstance(recipients, list) else []
        if addresses := ", ".join(filter(None, found)):
            yield name, addresses
    if subject := text_of(told, "subject"):
        yield "subject", flat(subject)
    if message_id := text_of(told, "internetMessageId"):
        yield "message-id", flat(message_id)
    if (sent := time_of(text_of(told, "sentDateTime"))) is not None:
        yield "date", format_datetime(sent)


def _address(recipient: Any, *, is_sender: bool = False) -> str:
    told = recipient.get("emailAddress") if isinstance(recipient, dict) else None
    return written(text_of(told, "name"), text_of(told, "address"), is_sender=is_sender)
