"""
What a message wants of its reader: that a link is followed, a file opened, a code scanned; and whom that serves.

A link is a lure where it leads to a third party: neither home to us, nor to anybody who is proven to have sent the
message, nor to the site of the machine that handed it in.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from cleaner.evidence import ours
from cleaner.values import Notice, address_key

MAX_ADDRESSES: Final = 20
A_DIGEST: Final = 4
"""Different links astray from which on a message is a list: a summary of held mail has some for each mail."""

_HOST: Final = re.compile(r"(?i)https?:/{0,3}([^/?#\\\s]{0,300})")
_WRAPPED: Final = re.compile(r"(?i)[=/]https?(?::|%3a)(?:/|%2f){2}([a-z0-9.-]{3,253})")
"""An address within a link: filters rewrite links so, and lead on to it."""
_OPENS: Final = re.compile(
    r"(?i)\.(?:x?html?|shtml?|mht|mhtml|svgz?|hta|exe|scr|pif|com|bat|cmd|ps1|vb[se]|jse?|ws[fh]|lnk|url|jar|iso|img|vhdx?"
    r"|zip|rar|7z|cab|arj|ace|docm|xlsm|one)$"
)
"""Files that open a page with a form, or run; and what such files are packed in."""
_IMAGE: Final = re.compile(r"(?i)\.(?:png|jpe?g|gif|bmp|webp)$|^image/")
_LINKED: Final = re.compile(r"<\s{0,5}(https?:[^<>\s]{1,500})")
_CODE: Final = re.compile(r"(?i)(?<![a-z])qr(?![a-z])|二维码|二維碼")
_WITHIN: Final = 20_000


@dataclass(frozen=True, slots=True)
class Lures:
    """What leads away."""

    baited: tuple[str, ...] = ()
    """Links that carry the addressee's address: a form at their end is filled in with it."""
    bare: tuple[str, ...] = ()
    """Links without it, where not one link leads home."""
    files: tuple[str, ...] = ()
    """Attachments that run or open a form."""
    codes: tuple[str, ...] = ()
    """Pictures, where the words speak of a code to be scanned."""

    @property
    def is_a_list(self) -> bool:
        return max(len(self.baited), len(self.bare)) >= A_DIGEST

    @property
    def first(self) -> str:
        return next(iter((*self.baited, *self.files, *self.codes, *self.bare)), "")


def lures(notice: Notice, homes: Collection[str]) -> Lures:
    """What of the notice leads elsewhere than to those domains."""
    astray = tuple(link for link in notice.links if not leads_home(link, homes))
    baited = tuple(link for link in astray if is_baited(link, notice.delivered_to))
    files = tuple(name for name in notice.attachments if _OPENS.search(name))
    pictures = tuple(name for name in notice.attachments if _IMAGE.search(name))
    return Lures(
        baited,
        astray if len(astray) == len(notice.links) else (),
        files,
        pictures if pictures and _CODE.search(notice.text[:_WITHIN]) else (),
    )


def leads_home(link: str, homes: Collection[str]) -> bool:
    """Whether the link, or what it leads on to, is at one of those domains."""
    hosts = (host_of(link), *(found.lower() for found in _WRAPPED.findall(link)))
    return any(ours.is_same_side(host, home) for host in hosts for home in homes)


def is_baited(link: str, addresses: Iterable[str]) -> bool:
    """Whether the link carries one of those addresses, plain, escaped, or in base64 once or twice."""
    plain = unquote(unquote(link)).casefold()
    for address in tuple(addresses)[:MAX_ADDRESSES]:
        key = address_key(address)
        if "@" not in key:
            continue
        if key in plain or any(code in link for code in _encoded(address)):
            return True
        if any(plain.endswith(end) or f"{end}&" in plain for end in (f"={key.partition('@')[0]}",)):
            return True
    return False


def host_of(link: str) -> str:
    """The host of an http(s) address; empty where none can be read."""
    found = _HOST.match(link)
    if found is None:
        return ""
    return found[1].rpartition("@")[2].partition(":")[0].rstrip(".").casefold()


def hosts_in(field: str) -> tuple[str, ...]:
    """The hosts of the addresses in a List-Unsubscribe field (RFC 2369)."""
    return tuple(filter(None, map(host_of, _LINKED.findall(field[:_WITHIN]))))


def _encoded(address: str) -> tuple[str, ...]:
    """An address in base64, once and twice, less the last characters, which depend on what follows."""
    once = b64encode(address.strip("<> ").encode("utf-8", "replace"))
    return tuple(code.rstrip(b"=")[:-2].decode() for code in (once, b64encode(once)))
