"""The MIME that the server writes anew from what it kept of a message."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from email.header import Header
from email.utils import format_datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tests.servers.ews.content import Attachment, Content

NOBODY: Final = "invalid@invalid"

MARK: Final = b"0000F1E2D3C4"
"""In every boundary; the recorded server wrote other boundaries each time that it was asked."""

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


def rebuilt(content: Content) -> bytes:
    in_order = sorted(content.attachments, key=lambda each: each.position)
    attached = [_attached(each, content.sent) for each in in_order]
    report = content.report
    body = _alternative(*content.body, level=1 if attached or report else 0)
    fields = _fields(content)
    if report is None and not attached:
        return _lines(fields) + body
    kind = "disposition-notification" if report and "IPN" in report.item_class else "delivery-status"
    status = [f"Content-Type: message/{kind}\r\n\r\n".encode() + report.status] if report else []
    what = "report" if report else "mixed"
    extra = f";\r\n\treport-type={kind}" if report else ""
    return _lines(fields) + _multipart(what, [body, *status, *attached], 0, extra)


def _fields(content: Content) -> list[tuple[str, str]]:
    part = content.part
    found: list[tuple[str, str]] = [("MIME-Version", "1.0")]
    if content.author:
        found.append(("From", _written([content.author])))
    if content.sender and content.sender != content.author:
        found.append(("Sender", _written([content.sender])))
    if content.to:
        found.append(("To", _written(content.to)))
    if part.get("Reply-To") is not None:
        found.append(("Reply-To", _bare(content.reply_to)))
    subject = Header(content.subject, "utf-8" if not content.subject.isascii() else "us-ascii", 900).encode()
    found += [
        ("Importance", "Normal"),
        ("Sensitivity", "Normal"),
        ("Date", format_datetime(content.sent)),
    ]
    if part.get("Subject") is not None:
        found += [("Subject", subject), ("Thread-Topic", part.get("Thread-Topic") or subject)]
    if content.message_id:
        found.append(("Message-ID", content.message_id))
    if content.report and content.report.about and not part.get("References"):
        found.append(("References", content.report.about))
    found += [(name, value) for name in KEPT if (value := part.get(name)) is not None]
    if content.attachments:
        found.append(("X-MS-Has-Attach", "yes"))
    if part.get("Auto-Submitted") or part.get("X-Auto-Response-Suppress"):
        found.append(("X-Auto-Response-Suppress", part.get("X-Auto-Response-Suppress") or "OOF,AutoReply"))
    found += [
        ("Content-ID", f"<{hashlib.sha256(content.raw).hexdigest()[:32]}@harbor.example>"),
        ("X-Mailer", part.get("X-Mailer") or "rebuilt"),
    ]
    return found


def _lines(fields: list[tuple[str, str]]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in fields).encode("utf-8", "replace")


def _written(addresses: list[tuple[str, str]] | tuple[tuple[str, str], ...]) -> str:
    return ", ".join(_one_address(name, address) for name, address in addresses)


def _bare(addresses: tuple[tuple[str, str], ...]) -> str:
    """As Reply-To has them: without a name that is the address itself."""
    named = [address if name == address else _one_address(name, address) for name, address in addresses]
    return ", ".join(named) or NOBODY


def _one_address(name: str, address: str) -> str:
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
    boundary = f"----=_Part_{level:03d}_{MARK.decode()}_{sum(map(len, parts)):08X}"
    head = f'Content-Type: multipart/{subtype};\r\n\tboundary="{boundary}"{extra}\r\n\r\n'
    between = f"\r\n--{boundary}\r\n".encode()
    return head.encode() + b"".join(between + part for part in parts) + f"\r\n--{boundary}--\r\n".encode()


def _attached(attachment: Attachment, when: datetime) -> bytes:
    dates = f'creation-date="{format_datetime(when)}"'
    if attachment.message is not None:
        head = f"Content-Disposition: attachment; {dates}\r\nContent-Type: message/rfc822\r\n\r\n"
        return head.encode() + attachment.message.mime
    named = attachment.name if attachment.name and not attachment.name.startswith("attachment") else None
    kind = "application/octet-stream" if attachment.type.startswith("multipart/") else attachment.type
    name = f'; filename="{named}"' if named and named.isascii() else ""
    head = (
        f"Content-Disposition: attachment{name}; {dates}\r\n"
        f"Content-Transfer-Encoding: base64\r\nContent-Type: {kind}\r\n\r\n"
    )
    return head.encode() + base64.encodebytes(attachment.data).replace(b"\n", b"\r\n")
