"""
The failed recipients that a report names in its words, whatever the language.

What counts is where an address stands: alone on its line, as Exim, Sendmail and qmail write it, or at the
head of a line with the reason behind it, as Postfix does; after `RCPT TO:`; on a line with a reply code; or
anywhere. The first of these places that yields addresses is believed, so that addresses of help desks and
postmasters further down are not taken for recipients.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from cleaner.notices import status
from cleaner.notices.fields import addresses
from cleaner.notices.limits import MAX_ADDRESSES, MAX_DIAGNOSTIC, MAX_LINES
from cleaner.notices.sheet import Sheet
from cleaner.values import Recipient, address_key

_ADDRESS: Final = r"[^\s<>()\[\],;:\"'@|*=]{1,128}@[^\s<>()\[\],;:\"'@/|*=]{1,255}"
_QUOTED: Final = r'"[^"\n]{1,64}"@[^\s<>()\[\],;:"@]{1,255}'
_HEAD: Final = re.compile(
    rf"[\s>*\-\u2022.|]{{0,20}}(?:\d{{1,3}}[.)]\s)?(?:[Tt]o:?\s)?[<\['\"]?(?P<address>{_ADDRESS}|{_QUOTED})[>\]'\"]?"
    r"(?P<rest>.{0,1000})$"
)
_ALONE: Final = re.compile(r"[\s.:;,>]*(?:\((?:[^()]{0,300})\)|\[[^\]]{0,100}\]|on \S+.{0,40})?[\s.:;,]*$")
_COMMAND: Final = re.compile(rf"(?i)rcpt to:?\s{{0,3}}<?({_ADDRESS})>?")
_ANYWHERE: Final = re.compile(rf"{_ADDRESS}|{_QUOTED}")
_LABEL: Final = re.compile(rf"^\s{{0,20}}[^\s:@<>][^:@<>]{{0,40}}[:\uff1a]\s{{0,20}}<?({_ADDRESS})>?[\s.]*$")
_GENERATED: Final = re.compile(r"\((?:ultimately )?generated from ([^()\s]{3,320})\)")
_DAEMON: Final = re.compile(r"(?:mailer-daemon|post-?master|abuse|help-?desk|no-?reply)@", re.IGNORECASE)
_LETTER_FIELDS: Final = frozenset("from sender reply-to return-path mail from".split())


def named(sheet: Sheet) -> tuple[Recipient, ...]:
    """The recipients that a report names, each with the reason that stands by it."""
    lines = sheet.text.split("\n")[:MAX_LINES]
    failed = dict.fromkeys(
        found for value in sheet.headers.all("x-failed-recipients") for found in addresses(value)
    )
    places = _places(lines)
    if failed:
        return tuple(_told(address, lines, places) for address in list(failed)[:MAX_ADDRESSES])
    known = {address_key(address) for address in sheet.returned.to_addresses}
    for place in places:
        found = _without_own(place, sheet, known)
        if found:
            return tuple(_told(address, lines, places) for address in found)
    own = sheet.own_addresses
    to_self = [address for key, (address, _) in places[0].items() if key in own and not _DAEMON.match(key)]
    if to_self and not known:
        return tuple(_told(address, lines, places) for address in to_self)
    if len(sheet.returned.to_addresses) == 1:
        return tuple(_told(address, lines, places) for address in sheet.returned.to_addresses)
    return ()


_Place = dict[str, tuple[str, int]]
"""Comparable form → the address as written and the number of its line."""


def _places(lines: list[str]) -> tuple[_Place, ...]:
    heads: _Place = {}
    commands: _Place = {}
    coded: _Place = {}
    anywhere: _Place = {}
    for number, line in enumerate(lines):
        if "@" not in line:
            continue
        line = line[:2_000].rstrip()
        head = _HEAD.match(line)
        if head and (_ALONE.match(head["rest"]) or _is_reason(head["rest"])):
            _add(heads, head["address"], number)
        elif (label := _LABEL.match(line)) and _field_name(line) not in _LETTER_FIELDS:
            _add(coded, label[1], number)
        for command in _COMMAND.findall(line):
            _add(commands, command, number)
        inside = _ANYWHERE.findall(line)
        if status.has_code(line):
            for address in inside:
                _add(coded, address, number)
        for address in inside:
            _add(anywhere, address, number)
    return heads, commands, coded, anywhere


def _is_reason(rest: str) -> bool:
    """What follows an address at the head of its line, after a colon, a dash or a bracket."""
    bare = rest.lstrip(" >\t")
    return bare[:1] in ":-(\u2013" and len(bare) > 2


def _add(place: _Place, address: str, number: int) -> None:
    address = address.rstrip(".'>,")
    domain = address.rpartition("@")[2]
    if "." not in domain and len(domain) < 3:
        return
    if len(place) < MAX_ADDRESSES:
        place.setdefault(address_key(address), (address, number))


def _without_own(place: _Place, sheet: Sheet, known: Iterable[str]) -> list[str]:
    """The addresses of a place that are not the notice's own; an own one counts if mail went to it."""
    known = frozenset(known)
    own = sheet.own_addresses - known
    found = {key: address for key, (address, _) in place.items() if key not in own and not _DAEMON.match(key)}
    wanted = [address for key, address in found.items() if key in known]
    return wanted if wanted and len(wanted) < len(found) and len(found) > 3 else list(found.values())


def _told(address: str, lines: list[str], places: tuple[_Place, ...]) -> Recipient:
    key = address_key(address)
    number = next((place[key][1] for place in places if key in place), None)
    said = "" if number is None else _reason(lines, number)
    original = _GENERATED.search(said)
    reason = said.partition(address)[2] if address in said else said
    reason = _GENERATED.sub("", reason).strip(" <>:\t").strip()
    return Recipient(
        address,
        original=original[1] if original and address_key(original[1]) != key else None,
        status=status.best("", reason, " ".join(lines[:200])[:16_000]),
        diagnostic=reason[:MAX_DIAGNOSTIC] or None,
    )


def _reason(lines: list[str], number: int) -> str:
    """The lines that belong to a recipient: up to an empty one or to the next address."""
    said = [lines[number].strip()]
    for line in lines[number + 1 : number + 12]:
        head = _HEAD.match(line[:2_000])
        if not line.strip() or (head and _ALONE.match(head["rest"])):
            break
        said.append(line.strip())
    return " ".join(said)


def _field_name(line: str) -> str:
    return line.partition(":")[0].strip().casefold()
