"""
Sender addresses that carry a tag (Bounce Address Tag Validation).

    prvs=KDDDSSSSSS=local@domain        draft-levine-smtp-batv, Exim, batv-milter
    prvs=local=KDDDSSSSSS@domain        its first versions
    local+prvs=KDDDSSSSSS@domain        batv-milter behind a sub-address delimiter

K names the key, DDD is the day on which the tag expires (days since 1970, the last three digits), SSSSSS the first
24 bits of an HMAC-SHA1 of `KDDDlocal@domain`, in hexadecimal. Cisco's gateways (`prvs=` with nine or ten
digits of another make), Barracuda's (`btv1==…==`) and SparkPost (`msprvs1=…=`) tag in ways of their own that
nobody else can verify; they are only recognised.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cleaner.values import BatvKey

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
DAYS: Final = 1000
"""After so many days the numbers of the days begin anew."""

_STANDARD: Final = re.compile(
    r"(?i)(?:prvs=(?P<tag>\d{4}[0-9a-f]{6})=(?P<core>[^@]{1,200})"
    r"|prvs=(?P<core_before>[^@=]{1,200})=(?P<tag_after>\d{4}[0-9a-f]{6})"
    r"|(?P<core_plus>[^@]{1,200})[+-]prvs=(?P<tag_plus>\d{4}[0-9a-f]{6}))@(?P<domain>[^@]{1,255})"
)
_FOREIGN: Final = re.compile(
    r"(?i)(?:prvs=[0-9a-f]{8,12}=|btv1==[0-9a-f]{8,16}==|msprvs1=[^=@]{6,40}=)(?P<core>[^@]{1,200}@[^@]{1,255})"
)


@dataclass(frozen=True, slots=True)
class Tag:
    """A tagged address, read."""

    address: str
    """Without its tag, as written."""
    number: int | None = None
    """Of the key; None for a tag of a make that we cannot verify."""
    day: int = 0
    """The last three digits of the day on which it expires."""
    value: str = ""
    """Its 24 bits, in lower case hexadecimal."""

    def is_signed_by(self, key: BatvKey) -> bool:
        """Whether this key made it. The address may have been put into lower case on its way."""
        return any(
            hmac.compare_digest(signature(key.key, key.number, self.day, address), self.value)
            for address in spellings(self.address)
        )

    def days_left(self, at: datetime) -> int:
        """Whole days until it expires; after that a number near `DAYS`."""
        return (self.day - day_number(at)) % DAYS

    def issued(self, key: BatvKey, at: datetime) -> datetime:
        """The beginning of the day on which it was made, of one that is valid at that time."""
        return EPOCH + timedelta(days=day_number(at) + self.days_left(at) - key.days)


def read(address: str) -> Tag | None:
    """The tag of an address; None for one without."""
    address = address.strip().strip("<>")
    match = _STANDARD.fullmatch(address)
    if match is not None:
        value = match["tag"] or match["tag_after"] or match["tag_plus"]
        core = match["core"] or match["core_before"] or match["core_plus"]
        return Tag(f"{core}@{match['domain']}", int(value[0]), int(value[1:4]), value[4:].lower())
    match = _FOREIGN.fullmatch(address)
    return Tag(match["core"]) if match is not None else None


def untagged(address: str) -> str:
    """The address without a tag, if it has one."""
    tag = read(address)
    return tag.address if tag is not None else address


def signature(key: bytes, number: int, day: int, address: str) -> str:
    """The 24 bits that vouch for an address and a day."""
    text = f"{number}{day:03}{address}".encode("utf-8", "surrogatepass")
    return hmac.digest(key, text, hashlib.sha1)[:3].hex()


def day_number(at: datetime) -> int:
    return (at - EPOCH).days


def spellings(address: str) -> Iterator[str]:
    local, _, domain = address.rpartition("@")
    yield from dict.fromkeys((address, f"{local}@{domain.lower()}", address.lower()))
