"""
One message as the server keeps it: the bytes that arrived, and all that it makes of them when asked.

The MIME that EWS hands out is not what arrived: the server reads a message into properties and writes
another from them. Source: the 150 recorded pairs; how near this comes to them is tested.
"""

from __future__ import annotations

import base64
import html
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import Header
from email.utils import format_datetime
from functools import cached_property
from html.parser import HTMLParser
from typing import Final

from tests.servers.ews import reports
from tests.servers.ews.parts import Part, readable, unfolded

NOBODY: Final = "invalid@invalid"

KEPT: Final = (
    "References",
    "In-Reply-To",
    "Content-Language",
    "List-Help",
    "List-Subscribe",
    "List-Unsubscribe",
    "X-MS-Exchange-Organization-SCL",
    "Accept-Language",
    "X-MS-Exchange-Organization-AuthAs",
    "X-MS-Exchange-Organization-AuthMechanism",
    "X-MS-Exchange-Organization-AuthSource",
    "Content-Class",
    "User-Agent",
)
"""Header fields that have a property and so come back, beside those that are written anew."""

DATES: Final = frozenset({"date", "received", "resent-date", "delivery-date"})


@dataclass(frozen=True)
class Attachment:
    """One attachment as GetAttachment gives it."""

    name: str | None
    type: str
    data: bytes
    """Of a message: as it arrived."""
    message: Content | None = None
    """The attached message; else this is a file."""
    is_text_report: bool = False


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
        return self._first("Sender") or self.author

    @cached_property
    def to(self) -> tuple[tuple[str, str], ...]:
        if self.report:
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
        return _rebuilt(self)

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


# --- the rebuilt message


def _rebuilt(content: Content) -> bytes:
    attached = [_attached(each, content.sent) for each in content.attachments]
    report = content.report
    body = _alternative(*content.body, level=1 if attached or report else 0)
    fields = _fields(content)
    if report is None and not attached:
        return _lines(fields) + body
    kind = "disposition-notification" if report and "IPN" in report.item_class else "delivery-status"
    status = [f"Content-Type: message/{kind}\r\n\r\n".encode() + report.status] if report else []
    files = [each for each, made in zip(attached, content.attachments, strict=True) if made.message is None]
    messages = [
        each for each, made in zip(attached, content.attachments, strict=True) if made.message is not None
    ]
    what = "report" if report else "mixed"
    extra = f";\r\n\treport-type={kind}" if report else ""
    return _lines(fields) + _multipart(what, [body, *status, *files, *messages], 0, extra)


def _fields(content: Content) -> list[tuple[str, str]]:
    part = content.part
    found: list[tuple[str, str]] = [("MIME-Version", "1.0")]
    if content.author:
        found.append(("From", _written([content.author])))
    if content.sender and content.sender != content.author:
        found.append(("Sender", _written([content.sender])))
    if content.to:
        found.append(("To", _written(content.to)))
    if content.reply_to:
        found.append(("Reply-To", _written(content.reply_to)))
    subject = Header(content.subject, "utf-8" if not content.subject.isascii() else "us-ascii", 900).encode()
    found += [
        ("Importance", "Normal"),
        ("Sensitivity", "Normal"),
        ("Date", format_datetime(content.sent)),
        ("Subject", subject),
        ("Thread-Topic", part.get("Thread-Topic") or subject),
    ]
    if content.message_id:
        found.append(("Message-ID", content.message_id))
    found += [(name, value) for name in KEPT if (value := part.get(name)) is not None]
    if content.attachments:
        found.append(("X-MS-Has-Attach", "yes"))
    if part.get("Auto-Submitted") or part.get("X-Auto-Response-Suppress"):
        found.append(("X-Auto-Response-Suppress", part.get("X-Auto-Response-Suppress") or "OOF,AutoReply"))
    found += [
        ("Content-ID", f"<{abs(hash(content.raw)):032x}@harbor.example>"),
        ("X-Mailer", part.get("X-Mailer") or "rebuilt"),
    ]
    return found


def _lines(fields: list[tuple[str, str]]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in fields).encode("utf-8", "replace")


def _written(addresses: list[tuple[str, str]] | tuple[tuple[str, str], ...]) -> str:
    return ",\r\n\t".join(_one_address(name, address) for name, address in addresses)


def _one_address(name: str, address: str) -> str:
    if address == NOBODY and name == NOBODY:
        return NOBODY
    if not name.isascii():
        return f"{Header(name, 'utf-8', 900).encode()} <{address}>"
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" <{address}>'


def _alternative(plain: str, marked: str, level: int) -> bytes:
    parts = [_text_part("plain", plain)]
    if not plain.strip() and not marked.strip():
        return parts[0]
    return _multipart("alternative", [*parts, _text_part("html", marked)], level, "")


def _text_part(subtype: str, value: str) -> bytes:
    data = value.replace("\r\n", "\n").replace("\n", "\r\n").encode("utf-8", "replace")
    foreign = sum(byte > 127 for byte in data)
    if not data or foreign * 4 > len(data):
        encoding, written = "base64", base64.encodebytes(data).replace(b"\n", b"\r\n")
    else:
        encoding, written = "quoted-printable", _quoted(data)
    head = (
        f'Content-Transfer-Encoding: {encoding}\r\nContent-Type: text/{subtype};\r\n\tcharset="utf-8"\r\n\r\n'
    )
    return head.encode() + written


def _quoted(data: bytes) -> bytes:
    lines = []
    for line in data.split(b"\r\n"):
        current = ""
        for at, byte in enumerate(line):
            last = at == len(line) - 1
            plain = (33 <= byte <= 126 and byte != 61) or (byte == 32 and not last)
            piece = chr(byte) if plain else f"={byte:02X}"
            if len(current) + len(piece) > 73:
                lines.append(current + "=")
                current = ""
            current += piece
        lines.append(current)
    return "\r\n".join(lines).encode("ascii")


def _multipart(subtype: str, parts: list[bytes], level: int, extra: str) -> bytes:
    boundary = f"----=_Part_{level:03d}_{level + 5:04d}_{sum(map(len, parts)):08X}"
    head = f'Content-Type: multipart/{subtype};\r\n\tboundary="{boundary}"{extra}\r\n\r\n'
    between = f"\r\n--{boundary}\r\n".encode()
    return head.encode() + b"".join(between + part for part in parts) + f"\r\n--{boundary}--\r\n".encode()


def _attached(attachment: Attachment, when: datetime) -> bytes:
    dates = f'creation-date="{format_datetime(when)}"'
    if attachment.message is not None:
        head = f"Content-Disposition: attachment; {dates}\r\nContent-Type: message/rfc822\r\n\r\n"
        return head.encode() + attachment.message.mime
    named = attachment.name if attachment.name and not attachment.name.startswith("attachment") else None
    name = f'; filename="{named}"' if named and named.isascii() else ""
    head = (
        f"Content-Disposition: attachment{name}; {dates}\r\n"
        f"Content-Transfer-Encoding: base64\r\nContent-Type: {attachment.type}\r\n\r\n"
    )
    return head.encode() + base64.encodebytes(attachment.data).replace(b"\n", b"\r\n")


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
    for leaf in _leaves(content.part):
        is_report = leaf.type in ("message/delivery-status", "message/disposition-notification")
        if id(leaf) in used or (content.report and is_report):
            continue
        if leaf.type == "message/rfc822" and leaf.depth < 8:
            inner = Content(leaf.content, content.sent, trace=False)
            name = readable(leaf.get("Content-Description") or "") or inner.subject or None
            name = name if name != "Undelivered Message" or leaf.get("Content-Description") else inner.subject
            messages.append(Attachment(name, "message/rfc822", leaf.content, inner))
            continue
        if leaf is content.part and _is_text(leaf):
            continue
        extension = "txt" if leaf.type.startswith("text/plain") else "dat"
        name = leaf.name or f"attachment{len(files) + 1}.{extension}"
        files.append(Attachment(name, leaf.type, leaf.content))
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
    if lower in DATES:
        return re.sub(r" \([A-Za-z/+\-0-9: ]*\)\Z", "", value)
    if lower in ("from", "to", "cc", "sender", "reply-to"):
        return re.sub(r" ?\([^()]*\)", "", value).strip()
    return value
