"""What one field of a mail holds, and the forms under which addresses and subjects are compared."""

from __future__ import annotations

import enum
import re
import unicodedata
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final, TypeAlias

IPAddress: TypeAlias = IPv4Address | IPv6Address
IPNetwork: TypeAlias = IPv4Network | IPv6Network


class Missing(enum.Enum):
    """Why a field has no value: the mail lacks it, or we cannot tell."""

    ABSENT = "absent"
    UNKNOWN = "unknown"


ABSENT: Final = Missing.ABSENT
UNKNOWN: Final = Missing.UNKNOWN

MAX_HEADER_BYTES: Final = 256 * 1024
MAX_HEADER_FIELDS: Final = 2_000
MAX_SUBJECT: Final = 1_000
Field: TypeAlias = str | Missing


def address_key(address: str) -> str:
    """
    The form under which two spellings of one address are equal.

    Local parts are case-sensitive by RFC 5321 section 2.4 and treated without regard to case by
    every mailbox provider that we know of; enclosing brackets and a trailing dot do not count.
    """
    return address.strip().strip("<>").rstrip(".").casefold()


_REPLY_PREFIX: Final = re.compile(
    r"\s*[^\W\d_]{1,12}\s{0,2}(?:\[\d{1,3}\]|\(\d{1,3}\)|\^\d{1,3})?\s{0,2}[:\uff1a]"
)
_REPLY_WORDS: Final = frozenset(
    "re aw antw antwort sv vs ref rif r res odp fwd fw wg tr rv enc doorst vb i vl ynt ilt "
    "回复 答复 转发 回覆 轉寄 返信 転送".split()
)


def subject_key(subject: str) -> str:
    """
    The form under which the subject of a mail and of its answers are equal.

    NFKC, case-folded, white space collapsed, and the reply and forward prefixes that mail programs
    put before it in the languages we have seen taken off (RFC 5322 section 3.6.5 knows only `Re:`).
    """
    text = unicodedata.normalize("NFKC", subject[:MAX_SUBJECT]).casefold()
    text = " ".join(text.split())
    while (match := _REPLY_PREFIX.match(text)) is not None:
        word = match.group().strip().rstrip(":").split("[")[0].split("(")[0].split("^")[0].strip()
        if word not in _REPLY_WORDS:
            break
        text = text[match.end() :].lstrip()
    return text


def domain_of(address: str) -> str:
    """The domain of an address in comparable form; empty if it has none."""
    return address_key(address).rpartition("@")[2] if "@" in address else ""
