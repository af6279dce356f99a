"""
One message as Exchange tells of it, and what we make of it.

The header as received stands in property 0x007D ([MS-OXPROPS] PidTagTransportMessageHeaders), folds and parameters
intact. What never came by SMTP has none: mail that was sent from here, and notices that Exchange writes itself.
For those the fields are put together from the item's properties.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from cleaner.values import Headers, Heading, Message

MAX_MESSAGE: Final = 2 * 1024 * 1024
"""Bytes of a message that are kept: as many as its reader looks at (`cleaner.notices.limits.MAX_READ`)."""

FORWARDED: Final = 104
ANSWERED: Final = (102, 103)
"""Values of [MS-OXPROPS] PidTagLastVerbExecuted."""

RECIPIENTS: Final = ("to", "cc", "bcc")

UNSEEN: Final = frozenset(
    """
    received dkim-signature return-path authentication-results delivered-to x-original-to envelope-to auto-submitted
    precedence list-id list-post list-unsubscribe x-failed-recipients x-autoreply x-auto-response-suppress
    in-reply-to references content-type
    """.split()
)
"""Fields of which properties tell nothing: where they are not seen, they are unknown."""

REPORT: Final = "REPORT."
"""How the class of an item begins that Exchange takes for a report."""


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


def written(name: str, address: str, *, is_sender: bool = False) -> str:
    """One address of a field; those of Exchange's own kind (`/O=…`) are none that mail from outside could name."""
    address, name = flat(address), flat(name).replace('"', "'").replace("\\", "/")
    if "@" in address and address != name:
        return f'"{name}" <{address}>' if name else f"<{address}>"
    if "@" in address:
        return f"<{address}>"
    return f'"{name}" <>' if name and is_sender else ""


def flat(text: str) -> str:
    """On one line, without control characters."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(text.split())


def time_of(text: str) -> datetime | None:
    """A time as XML writes it (XML Schema, dateTime); what has no zone is UTC."""
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def bare_id(value: str) -> str:
    """A Message-ID without its brackets."""
    return value.partition("<")[2].partition(">")[0].strip() or value.strip(" <>")
