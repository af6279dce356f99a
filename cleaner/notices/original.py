"""
The returned original: found wherever it stands, its bytes unaltered.

It stands in a message part, in an attachment of another type, or in the text of the notice: after
a line that announces it, quoted, or indented. In a text it is recognised as a block of header
fields, so no language needs to be known. A report about a report returns the inner report, so
nothing inside a message part is searched.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from cleaner.notices import mime
from cleaner.notices.fields import addresses_in, date, decoded, message_id, unbase64
from cleaner.notices.limits import MAX_LINES, MAX_PART_TEXT, MAX_TEXT
from cleaner.notices.rebuilt import RETURNED_WITHOUT
from cleaner.notices.text import from_html
from cleaner.notices.trace import hops
from cleaner.values import MAX_HEADER_BYTES, Completeness, Headers, Returned

WHOLE_TYPES: Final = frozenset({"message/rfc822", "message/global", "message/partial", "message/news"})
HEADER_TYPES: Final = frozenset(
    {
        "text/rfc822-headers",
        "message/global-headers",
        "message/rfc822-headers",
        "text/rfc822-header",
        "text/rfc822",
    }
)
SIGNATURE_LINES: Final = 30

_OTHER_TYPES: Final = frozenset(
    {"text/plain", "application/octet-stream", "application/x-unknown", "message/x-mail"}
)

_SURE: Final = frozenset(
    {b"received", b"message-id", b"return-path", b"dkim-signature", b"x-mailer", b"mime-version"}
)
_KNOWN: Final = _SURE | frozenset(
    b"from to cc subject date sender reply-to content-type content-transfer-encoding delivered-to "
    b"x-original-to envelope-to in-reply-to references precedence importance errors-to bcc "
    b"domainkey-signature received-spf authentication-results user-agent x-priority list-id "
    b"resent-from resent-to resent-date organization arc-seal x-received x-originating-ip".split()
)
_FIELD: Final = re.compile(
    rb"(?P<prefix>[ \t]{0,16}(?:[>|][ \t]?){0,3}[ \t]{0,16})(?P<name>[A-Za-z][A-Za-z0-9_-]{1,60})[ \t]{0,16}:(?!//)"
)
_START: Final = re.compile(
    rb"^[ \t]{0,16}+(?:[>|][ \t]?+){0,3}+[ \t]{0,16}+"
    rb"(?:return-path|received|message-id|date|from|to|subject|sender|mime-version|content-type|delivered-to|cc"
    rb"|dkim-signature|domainkey-signature|x-[a-z0-9-]{2,40}|arc-[a-z-]{4,30}|reply-to|envelope-to|authentication-results"
    rb"|content-transfer-encoding|user-agent|from [^\n]{5,100}\d{4}\r?$)[ \t]{0,16}(?::|$)",
    re.IGNORECASE | re.MULTILINE,
)

_NAMED: Final = re.compile(
    rb"^(?:from|message-id|received|subject|to)[ \t]{0,16}:", re.IGNORECASE | re.MULTILINE
)

_ENCODED: Final = re.compile(rb"^(?:[A-Za-z0-9+/]{60,76}\r?\n){2,}[A-Za-z0-9+/=]{0,76}\r?$", re.MULTILINE)
"""Lines of base64 in a text: a mail that was encoded and pasted."""

_PRINTABLE: Final = re.compile(rb"(?i)^[>| \t]{0,8}dkim-signature:[^\n]{0,20}v=3D1;", re.MULTILINE)
"""A mail pasted as it was when it was quoted-printable: every `=` of its signature gives it away."""

_CUT: Final = re.compile(rb"(?i)\b(?:message|text|mail|body)\b.{0,30}\btruncated")
"""How qmail and Exim end a mail that they returned in part."""


@dataclass(frozen=True, slots=True)
class Found:
    """Where a returned original was found."""

    raw: bytes = b""
    part: mime.Part | None = None
    """The part that holds it."""
    own: bytes | None = None
    """What that part says itself, where the original is only a piece of it."""
    headers_only: bool = False
    is_excerpt: bool = False
    """The notice only tells some of its fields."""


def find(root: mime.Part, texts: Sequence[mime.Part]) -> Found:
    """
    Looks for the returned original in the order in which its place is certain.

    `texts` are the parts in which the notice speaks for itself.
    """
    leaves = tuple(root.leaves())
    for types, headers_only in ((WHOLE_TYPES, False), (HEADER_TYPES, True)):
        for part in leaves:
            if part.type in types and part is not root and (raw := _content(part)).strip():
                return Found(raw if headers_only else _unwrapped(raw), part, headers_only=headers_only)
    for part in leaves:
        if part.type in _OTHER_TYPES and part not in texts:
            raw = part.payload.lstrip(b"\r\n")
            if begins_like_mail(raw):
                return Found(raw, part)
    for part in texts:
        if (found := _in_text(part)) is not None:
            return found
    return Found()


def _content(part: mime.Part) -> bytes:
    """The bytes of a message part; a transfer encoding there is forbidden, and happens."""
    body = part.body
    if part.encoding in ("base64", "quoted-printable"):
        payload = part.payload.lstrip(b"\r\n")
        if begins_like_mail(payload) or not begins_like_mail(body):
            return payload
    return body.lstrip(b"\r\n")


def _unwrapped(raw: bytes) -> bytes:
    """
    A mail that stands in the text of a mail without author, id and trace.

    Where a blank line came before the original's header, Exchange takes all of it for a body.
    """
    if _NAMED.search(raw, 0, mime.header_end(raw, 0, min(len(raw), MAX_HEADER_BYTES))):
        return raw
    try:
        first = next(mime.parse(raw[: 2 * MAX_PART_TEXT]).leaves())
    except mime.TooManyPartsError:
        return raw
    inner = first.payload.lstrip(b"\r\n")
    return inner if first.type == "text/plain" and begins_like_mail(inner) else raw


def begins_like_mail(raw: bytes) -> bool:
    """Whether bytes begin like a mail."""
    names = set()
    for line in raw[:8_000].split(b"\n", 60)[:60]:
        if not line.strip():
            break
        match = _FIELD.match(line)
        if match and not match["prefix"]:
            names.add(match["name"].lower())
        elif line[:1] not in b" \t" and not line.startswith((b"From ", b">From ")):
            break
    return len(names & _KNOWN) >= 3 and bool(names & _SURE or len(names & _KNOWN) >= 4)


def _in_text(part: mime.Part) -> Found | None:
    """A block of header fields in a text: where it begins, and how it is quoted."""
    raw = part.payload[:MAX_PART_TEXT]
    if _PRINTABLE.search(raw):
        raw = binascii.a2b_qp(raw)
    if part.type == "text/html":
        raw = from_html(part.text).encode()
    position = 0
    lowered = raw.lower()
    has_block = any(name in lowered for name in _SURE)  # no block of fields is a mail without one of these
    for match in _START.finditer(raw) if has_block else ():
        if match.start() < position:
            continue
        block = _Block.read(raw, match.start())
        if block.is_mail:
            return Found(block.original(raw), part, own=block.around(raw), is_excerpt=block.is_excerpt)
        position = block.end
    for encoded in _ENCODED.finditer(raw):
        mail = unbase64(encoded[0])
        if begins_like_mail(mail):
            return Found(mail, part, own=raw[: encoded.start()] + raw[encoded.end() :])
    return None


@dataclass(slots=True)
class _Block:
    """Lines of one prefix that are header fields, and what follows them."""

    start: int
    end: int
    prefix: bytes
    names: list[bytes]

    @classmethod
    def read(cls, raw: bytes, start: int) -> _Block:
        first = _FIELD.match(raw, start)
        prefix = first["prefix"] if first else b""
        block = cls(start, start, prefix, [])
        signature = 0
        for begin, stop in _lines(raw, start):
            line = raw[begin:stop].rstrip(b"\r\n")
            if not line.startswith(prefix) or not line.strip():
                break
            rest = line[len(prefix) :]
            match = _FIELD.match(rest)
            if match and not match["prefix"]:
                block.names.append(match["name"].lower())
                if block.names[-1] == b"dkim-signature":
                    signature = SIGNATURE_LINES
            elif signature:
                # Lines of a signature that lost their indentation, sighted in quoted originals.
                signature -= 1
            elif rest[:1] not in (b" ", b"\t") and not (begin == start and rest.startswith(b"From ")):
                break
            block.end = stop
        block.end = max(block.end, start + 1)
        return block

    @property
    def is_mail(self) -> bool:
        known = _KNOWN.intersection(self.names)
        return (len(known) >= 3 and bool(_SURE.intersection(known))) or self.is_excerpt

    @property
    def is_excerpt(self) -> bool:
        """The few fields by which a notice names the mail; a mail in full has been received by someone."""
        known = _KNOWN.intersection(self.names)
        whole = known.intersection((b"received", b"return-path", b"mime-version", b"dkim-signature"))
        return not whole and b"message-id" in known and (2 <= len(known) <= 3 or self.prefix.isspace())

    def original(self, raw: bytes) -> bytes:
        if self.is_excerpt:
            return b"".join(raw[begin:stop].removeprefix(self.prefix) for begin, stop in self._own_lines(raw))
        if not self.prefix:
            return raw[self.start :]
        return b"".join(self._dequoted(raw[begin:stop]) for begin, stop in self._quoted(raw))

    def around(self, raw: bytes) -> bytes:
        """The notice's own words: before the original, and after one that is quoted or an excerpt."""
        if self.is_excerpt:
            return raw[: self.start] + raw[self.end :]
        after = len(raw)
        if self.prefix:
            after = max((stop for _, stop in self._quoted(raw)), default=self.end)
        return raw[: self.start] + raw[after:]

    def _own_lines(self, raw: bytes) -> Iterator[tuple[int, int]]:
        return ((begin, stop) for begin, stop in _lines(raw, self.start) if begin < self.end)

    def _quoted(self, raw: bytes) -> Iterator[tuple[int, int]]:
        """The lines that carry the quoting, up to the first that does not."""
        bare = self.prefix.rstrip()
        for begin, stop in _lines(raw, self.start):
            line = raw[begin:stop]
            if line.startswith(self.prefix) or not line.strip() or line.rstrip() == bare:
                yield begin, stop
            else:
                return

    def _dequoted(self, line: bytes) -> bytes:
        return line[len(self.prefix) :] if line.startswith(self.prefix) else line.lstrip(b" \t>|")


def _lines(raw: bytes, start: int) -> Iterator[tuple[int, int]]:
    """Where each line begins and where the next one does."""
    for _ in range(MAX_LINES):
        if start >= len(raw):
            return
        stop = raw.find(b"\n", start) + 1 or len(raw)
        yield start, stop
        start = stop


def read(found: Found, *, rebuilt: bool) -> Returned:
    """What a found original says."""
    if not found.raw:
        return Returned()
    unknown = RETURNED_WITHOUT if rebuilt and found.own is None and not found.headers_only else frozenset()
    body_start = mime.header_end(found.raw, 0, len(found.raw))
    headers = Headers.parse(found.raw[:body_start], unknown)
    body = found.raw[body_start : body_start + 2 * MAX_TEXT]
    subject = headers.text("subject")
    return Returned(
        completeness=_completeness(headers, body, found),
        raw=found.raw,
        headers=headers,
        message_id=message_id(headers.text("message-id")),
        date=date(headers.text("date")),
        from_addresses=addresses_in(headers, ("from",)),
        to_addresses=addresses_in(headers, ("to", "cc", "resent-to", "resent-cc")),
        subject=decoded(subject) if "subject" in headers else None,
        hops=hops(headers),
        text=_text(headers, body) if body.strip() else "",
    )


def _completeness(headers: Headers, body: bytes, found: Found) -> Completeness:
    if not any(name in headers for name in ("from", "message-id", "received", "date", "subject")):
        return Completeness.FRAGMENT
    if found.is_excerpt or (found.own is not None and _CUT.search(found.raw[-400:])):
        return Completeness.FRAGMENT
    if found.headers_only or not body.strip():
        return Completeness.HEADERS
    return Completeness.WHOLE


def _text(headers: Headers, body: bytes) -> str:
    """The words of the original: its first text part."""
    try:
        root = mime.tree(headers, body)
    except mime.TooManyPartsError:
        return ""
    for kind in ("text/plain", "text/html"):
        for part in root.leaves():
            if part.type == kind and part.disposition != "attachment":
                text = part.text if kind == "text/plain" else from_html(part.text)
                if text.strip():
                    return text[:MAX_TEXT]
    return ""
