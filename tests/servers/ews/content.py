"""
One message as the server keeps it: the bytes that arrived, and all that it makes of them when asked.

The MIME that EWS hands out is not what arrived: the server reads a message into properties and writes
another from them. Source: the 150 recorded pairs; how near this comes to them is tested.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import cached_property
from html.parser import HTMLParser
from typing import Final

from tests.servers.ews import reports
from tests.servers.ews.parts import Part, readable, unfolded
from tests.servers.ews.rebuilding import NOBODY, rebuilt

DATES: Final = frozenset({"date", "resent-date"})


@dataclass(frozen=True)
class Attachment:
    """One attachment as GetAttachment gives it."""

    name: str | None
    type: str
    data: bytes
    """Of a message: as it arrived."""
    message: Content | None = None
    """The attached message; else this is a file."""
    position: int = 0
    """Among the parts; GetItem lists messages before files."""


class Content:
    """What one delivered message is to the server. Everything is made when first asked for."""

    def __init__(self, raw: bytes, arrived: datetime, *, trace: bool = True) -> None:
        self.raw = raw
        self.arrived = arrived
        self.trace = trace
        """Whether the server put lines of its own above the header (delivery does, CreateItem does not)."""

    @cached_property
    def part(self) -> Part:
        return Part.of(self.raw)

    @cached_property
    def report(self) -> reports.Report | None:
        return reports.read(self.part)

    @cached_property
    def item_class(self) -> str:
        return self.report.item_class if self.report else "IPM.Note"

    @cached_property
    def subject(self) -> str:
        return readable(self.part.get("Subject") or "")

    @cached_property
    def message_id(self) -> str | None:
        return self.part.get("Message-ID")

    @cached_property
    def sent(self) -> datetime:
        return self.part.date() or self.arrived

    @cached_property
    def author(self) -> tuple[str, str] | None:
        return self._first("From")

    @cached_property
    def sender(self) -> tuple[str, str] | None:
        found = self._first("Sender")
        if found is None or (self.author and found[1].lower() == self.author[1].lower()):
            return self.author
        return found

    @cached_property
    def to(self) -> tuple[tuple[str, str], ...]:
        if self.report and self.report.recipients is not None:
            return tuple(("", address) for address in self.report.recipients)
        return tuple((name or address, address) for name, address in self.part.addresses("To") if address)

    @cached_property
    def cc(self) -> tuple[tuple[str, str], ...]:
        return tuple((name or address, address) for name, address in self.part.addresses("Cc") if address)

    @cached_property
    def bcc(self) -> tuple[tuple[str, str], ...]:
        return tuple((name or address, address) for name, address in self.part.addresses("Bcc") if address)

    @cached_property
    def reply_to(self) -> tuple[tuple[str, str], ...]:
        return tuple(
            (name or address, address) for name, address in self.part.addresses("Reply-To") if address
        )

    @cached_property
    def transport_headers(self) -> str:
        """The header as received (property 0x007D): the server's lines, then word for word what came."""
        header = self.part.header.decode("ascii", "replace").replace("�", "?").replace("\r\n", "\n")
        return "".join(f"{name}: {value}\n" for name, value in self._trace()) + header.rstrip("\n") + "\n\n"

    @cached_property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """A tidied copy of the header, as InternetMessageHeaders lists it."""
        own = [(name, re.sub(r"\n\t", " ", value)) for name, value in self._trace()]
        return tuple(own + [(name, _tidied(name, str(value))) for name, value in self.part.parsed.items()])

    @cached_property
    def mime(self) -> bytes:
        return rebuilt(self)

    @cached_property
    def body(self) -> tuple[str, str]:
        """The text and its HTML twin."""
        return _texts(self)

    @cached_property
    def attachments(self) -> tuple[Attachment, ...]:
        return _attachments(self)

    def _first(self, field: str) -> tuple[str, str] | None:
        value = self.part.get(field)
        if value is None:
            return None
        found = self.part.addresses(field)
        name, address = found[0] if found else ("", "")
        if value.rstrip().endswith("<>") and not address:
            name, address = name or value.rstrip()[:-2].strip(' "'), ""
        if not address:
            return name or NOBODY, NOBODY
        if "@" not in address:
            address = f"{address}@localhost"
        # A comment in parentheses is no name to this server.
        named = "<" in value and name
        return (name if named else address), address

    def _trace(self) -> list[tuple[str, str]]:
        if not self.trace:
            return []
        when = format_datetime(self.arrived.astimezone(UTC))
        return [
            ("X-Lasthop", "::ffff:127.0.0.1"),
            (
                "Received",
                f"from localhost (unknown [IPv6:::ffff:127.0.0.1])\n\tby localhost with LMTP;\n\t{when}",
            ),
        ]


# --- text and attachments


def _leaves(part: Part) -> list[Part]:
    if part.children:
        return [leaf for child in part.children for leaf in _leaves(child)]
    return [part]


def _is_text(leaf: Part) -> bool:
    disposition = (leaf.get("Content-Disposition") or "").partition(";")[0].strip().lower()
    return leaf.type in ("text/plain", "text/html") and disposition != "attachment"


def _chosen(content: Content) -> dict[str, Part]:
    """The first text of each kind is the body; all other parts are attached."""
    found: dict[str, Part] = {}
    for leaf in _leaves(content.part):
        if _is_text(leaf):
            if leaf.type in found:
                break
            found[leaf.type] = leaf
        elif leaf.type not in ("multipart/alternative",):
            break
    return found


def _texts(content: Content) -> tuple[str, str]:
    chosen = _chosen(content)
    plain, marked = chosen.get("text/plain"), chosen.get("text/html")
    if plain is None and marked is None:
        return "", ""
    if marked is None:
        assert plain is not None
        twin = f"<html><body>\n<pre>{html.escape(plain.text, quote=False)}</pre>\n</body></html>"
        return plain.text, twin
    return (plain.text if plain else _stripped(marked.text)), marked.text


def _attachments(content: Content) -> tuple[Attachment, ...]:
    used = set(map(id, _chosen(content).values()))
    files: list[Attachment] = []
    messages: list[Attachment] = []
    for position, leaf in enumerate(_leaves(content.part)):
        is_report = leaf.type in ("message/delivery-status", "message/disposition-notification")
        if id(leaf) in used or (content.report and is_report):
            continue
        if leaf.type == "message/rfc822" and leaf.depth < 8:
            inner = Content(leaf.content, content.arrived, trace=False)
            name = readable(leaf.get("Content-Description") or "") or inner.subject or None
            messages.append(Attachment(name, "message/rfc822", leaf.content, inner, position))
            continue
        if leaf is content.part and _is_text(leaf):
            continue
        extension = "txt" if leaf.type.startswith("text/plain") else "dat"
        name = leaf.name or f"attachment{len(files) + 1}"
        name = name if "." in name else f"{name}.{extension}"
        kind = "application/octet-stream" if leaf.type == "application/ms-tnef" else leaf.type
        files.append(Attachment(name, kind, leaf.content, position=position))
    return tuple(messages + files)


class _Stripper(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.hidden += tag in ("script", "style", "title")
        if tag in ("br", "p", "div", "tr", "hr"):
            self.found.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in ("script", "style", "title") and self.hidden > 0

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.found.append(data)


def _stripped(marked: str) -> str:
    stripper = _Stripper()
    stripper.feed(marked)
    stripper.close()
    return "".join(stripper.found)


# --- the tidied header


def _tidied(name: str, value: str) -> str:
    value = readable(unfolded(re.sub(r"\r?\n[ \t]+", " ", value)))
    lower = name.lower()
    if lower in ("content-type", "content-disposition"):
        return value.partition(";")[0].strip()
    if lower == "received":
        way, semicolon, when = value.rpartition(";")
        return f"{way}; {_dated(when)}" if semicolon else value
    if lower in DATES:
        return _dated(value)
    if lower in ("from", "to", "cc", "sender", "reply-to"):
        value = re.sub(r" ?\([^()]*\)", "", value).strip().replace("<>", f"<{NOBODY}>")
        return value[1:-1] if re.fullmatch(r"<[^<>]*>", value) else value
    return value


def _dated(value: str) -> str:
    """With the right day of the week, and the zone as a number."""
    try:
        when = parsedate_to_datetime(value)
    except (ValueError, IndexError, TypeError, OverflowError):
        return value.strip()
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return f"{when:%a}, {when.day} {when:%b %Y %H:%M:%S %z}"
