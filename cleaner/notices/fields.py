"""
What stands in header fields: encoded words, addresses, dates, ids.

Lenient and linear: `email` of the standard library can take seconds, or recurse, on a hostile field.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Final

from cleaner.notices.charsets import decode
from cleaner.notices.limits import MAX_ADDRESSES, MAX_ENCODED, MAX_FIELD, MAX_IDS
from cleaner.values import Headers, address_key

_ENCODED_WORD: Final = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]{0,1000})\?=")
_JAPANESE: Final = "\x1b$"

_MAILBOX: Final = re.compile(
    r'"(?:[^"\\]|\\.){0,256}"(?:@[^\s<>()\[\],;:"@]{1,255})?'
    r"|\([^()]{0,512}\)"
    r"|<(?P<angle>[^<>]{0,512})>"
    r'|(?P<bare>[^\s<>()\[\],;:"@]{1,128}@[^\s<>()\[\],;:"@]{1,255})'
    r"|(?P<comma>[,;])"
)
_ID: Final = re.compile(r"<[^<>\s]{1,900}>")
_DATE: Final = re.compile(
    r"\s{0,8}(?:[A-Za-z]{3},?\s{1,4})?(\d{1,2})\s{1,4}([A-Za-z]{3})\s{1,4}(\d{4})"
    r"\s{1,4}(\d{1,2}):(\d\d)(?::(\d\d))?\s{1,4}([+-])(\d\d)(\d\d)(?!\d)"
)
"""As nearly every mail writes it; the standard library reads the rest, five times slower."""
_MONTHS: Final = {
    name: number for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)
}


def decoded(value: str) -> str:
    """
    A field with its encoded words (RFC 2047) decoded, leniently.

    Neighbours of one charset and encoding are joined before they are decoded: mailers split
    multi-byte characters between words.
    """
    value = value[:MAX_ENCODED]
    if "=?" not in value:
        if _JAPANESE in value:
            return decode(value.encode("latin-1", "replace"), "iso-2022-jp")
        return value
    pieces: list[str] = []
    pending: list[bytes] = []
    charset = ""
    end = 0
    for match in _ENCODED_WORD.finditer(value):
        between = value[end : match.start()]
        named = match[1].partition("*")[0].lower()
        if pending and (between.strip() or named != charset):
            pieces.append(decode(b"".join(pending), charset))
            pending.clear()
        if between.strip() or (end == 0 and between):
            pieces.append(between)
        pending.append(_word_bytes(match[2], match[3]))
        charset = named
        end = match.end()
    if pending:
        pieces.append(decode(b"".join(pending), charset))
    pieces.append(value[end:])
    return "".join(pieces)


def _word_bytes(encoding: str, text: str) -> bytes:
    raw = text.encode("utf-8", "replace")
    if encoding in "qQ":
        return binascii.a2b_qp(raw.replace(b"_", b" "))
    return unbase64(raw)


_BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NOT_BASE64: Final = bytes(byte for byte in range(256) if byte not in _BASE64)


def unbase64(raw: bytes) -> bytes:
    """Base64 decoded as far as it goes: foreign characters ignored, an incomplete end cut off."""
    clean = raw.translate(None, _NOT_BASE64)
    clean = clean[: len(clean) - len(clean) % 4] if len(clean) % 4 == 1 else clean
    return binascii.a2b_base64(clean + b"=" * (-len(clean) % 4))


def addresses(value: str) -> tuple[str, ...]:
    """The addresses in a list of mailboxes (RFC 5322 section 3.4), in order, without doubles."""
    found: dict[str, str] = {}
    bare: list[str] = []
    for match in _MAILBOX.finditer(value[:MAX_FIELD]):
        if match["angle"] is not None:
            bare.clear()
            address = match["angle"].strip().rpartition(":")[2] if "@" in match["angle"] else ""
            if address:
                found.setdefault(address_key(address), address)
        elif match["bare"] is not None:
            bare.append(match["bare"].strip(".'"))
        elif match["comma"] is not None:
            for address in bare:
                found.setdefault(address_key(address), address)
            bare.clear()
        if len(found) >= MAX_ADDRESSES:
            break
    for address in bare:
        found.setdefault(address_key(address), address)
    return tuple(found.values())


def addresses_in(headers: Headers, names: Iterable[str]) -> tuple[str, ...]:
    """All addresses in all fields of those names, without doubles."""
    found: dict[str, str] = {}
    for name in names:
        for value in headers.all(name):
            for address in addresses(value):
                found.setdefault(address_key(address), address)
    return tuple(found.values())[:MAX_ADDRESSES]


def first_address(value: str) -> str:
    found = addresses(value)
    return found[0] if found else ""


def display_name(value: str) -> str:
    """What stands beside the address in a From field, decoded."""
    name = decoded(value).partition("<")[0].strip().strip('"').strip()
    if not name and "(" in value:
        name = decoded(value).partition("(")[2].partition(")")[0].strip()
    return name


def message_ids(value: str) -> tuple[str, ...]:
    """Message-IDs with their angle brackets, in order, without doubles."""
    return tuple(dict.fromkeys(_ID.findall(value[:MAX_FIELD])))[:MAX_IDS]


def message_id(value: str) -> str | None:
    """The Message-ID of a mail; one written without brackets gets them."""
    found = message_ids(value)
    if found:
        return found[0]
    bare = value.strip()
    if "@" in bare and len(bare) < 900 and not any(c in bare for c in " <>,\t"):
        return f"<{bare}>"
    return None


def date(value: str) -> datetime | None:
    """A date (RFC 5322 section 3.3) as an aware datetime; without a zone it is taken as UTC."""
    if not value:
        return None
    if (found := _DATE.match(value)) and (month := _MONTHS.get(found[2].lower())):
        try:
            return _in_range(
                datetime(
                    int(found[3]),
                    month,
                    int(found[1]),
                    int(found[4]),
                    int(found[5]),
                    int(found[6] or 0),
                    tzinfo=_zone(found[7], found[8], found[9]),
                )
            )
        except ValueError:
            return None
    try:
        parsed = parsedate_to_datetime(value.strip()[:120])
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return _in_range(parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC))


@lru_cache(maxsize=64)
def _zone(sign: str, hours: str, minutes: str) -> timezone:
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-offset if sign == "-" else offset)


def _in_range(time: datetime) -> datetime | None:
    """Unless it cannot be compared with others, at the ends of the calendar."""
    return time if 1 < time.year < 9999 else None
