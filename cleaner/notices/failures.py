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
from itertools import islice
from typing import Final

from cleaner.notices import status
from cleaner.notices.fields import addresses
from cleaner.notices.lazy import lazy
from cleaner.notices.limits import MAX_ADDRESSES, MAX_DIAGNOSTIC, MAX_LINES
from cleaner.notices.sheet import Naming, Sheet
from cleaner.values import Recipient, address_key

_STOPS: Final = (
    r"\s<>()\[\],;:\"'@|*"
    r"\u3000-\u301f\uff08\uff09\uff0c\uff1a\uff1b\uff1c\uff1e\u201c-\u201f\u2018-\u201b\u00ab\u00bb"
)
"""What ends an address in a text, in any script."""
_ADDRESS: Final = rf"[^{_STOPS}=]{{1,128}}@[^{_STOPS}=/]{{1,255}}"
_QUOTED: Final = r'"[^"\n]{1,64}"@[^\s<>()\[\],;:"@]{1,255}'
_HEAD: Final = re.compile(
    rf"[\s>*\-\u2022.|]{{0,20}}(?:\d{{1,3}}[.)]\s)?[<\['\"]?(?P<address>{_ADDRESS}|{_QUOTED})[>\]'\"]?"
    r"(?P<rest>.{0,1000})$"
)
_ALONE: Final = re.compile(r"[\s.:;,>]*(?:\((?:[^()]{0,300})\)|\[[^\]]{0,100}\]|on \S+.{0,40})?[\s.:;,]*$")
_NAMED: Final = re.compile(
    rf"[\s>*\-\u2022.|]{{0,20}}(?:\"[^\"\n]{{1,100}}\"|'[^'\n]{{1,100}}'|[^\W\d_][^:<>@()\"\n]{{0,60}}?)\s{{1,4}}"
    rf"[<(](?P<address>{_ADDRESS})[>)](?P<rest>[\s.:,;]*)$"
)
"""A name and the address behind it, alone on their line."""
_COMMAND: Final = re.compile(rf"(?i)rcpt to:?\s{{0,3}}<?({_ADDRESS})>?")
_ANYWHERE: Final = re.compile(rf"{_ADDRESS}|{_QUOTED}")
_LABEL: Final = re.compile(
    rf"^[\s*\-\u2022]{{0,20}}[^\s:@<>][^:@<>]{{0,40}}[:\uff1a]\s{{0,20}}<?({_ADDRESS})>?[\s.]*$"
)
_GENERATED: Final = re.compile(
    r"\((?:(?:ultimately )?generated|expanded) from:?\s{1,40}<?([^()\s<>]{3,320})>?\)"
)
"""Exim; Sendmail and Postfix."""
_HOST: Final = r"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8}"
_REMOTE: Final = re.compile(
    rf"(?i)(?<![\w.@-])(?P<peer>{_HOST})\.? ?[\[(](?:\d{{1,3}}(?:\.\d{{1,3}}){{3}}|(?:IPv6:)?[0-9a-f:]{{3,39}})[\])]"
    rf"|\btalking to (?P<talking>{_HOST})\.?:"
    rf"|<(?P<before>{_HOST}) #[245]\.\d"
)
"""The server that refused, by its name and address, in any language; Sendmail; Exchange."""
_DAEMON: Final = re.compile(r"(?:mailer-daemon|post-?master|abuse|help-?desk|no-?reply)@", re.IGNORECASE)
_LETTER_FIELDS: Final = frozenset("from sender reply-to return-path mail message-id".split())


def named(sheet: Sheet) -> tuple[Recipient, ...]:
    """The recipients that a report names, each with the reason that stands by it."""
    return naming(sheet).recipients


def named_in_subject(sheet: Sheet) -> tuple[Recipient, ...]:
    """Those that only the subject names, `Undeliverable: bob@far.example`; the text tells why."""
    found = {address_key(one): one for one in islice(_ANYWHERE.findall(sheet.subject), MAX_ADDRESSES)}
    code = status.code_in(sheet.text[:16_000])
    return tuple(
        Recipient(address, status=code)
        for key, address in found.items()
        if key not in sheet.own_addresses and not _DAEMON.match(key)
    )


def naming(sheet: Sheet) -> Naming:
    """The recipients that a report names, and whether it does so plainly."""
    if sheet.naming is None:
        sheet.naming = _naming(sheet)
    return sheet.naming


def _naming(sheet: Sheet) -> Naming:
    page = _Page(sheet.text.split("\n")[:MAX_LINES])
    failed = dict.fromkeys(
        found for value in sheet.headers.all("x-failed-recipients") for found in addresses(value)
    )
    if failed:
        return Naming(page.told(failed), True)
    known = frozenset(address_key(address) for address in sheet.returned.to_addresses)
    for place in page.places:
        plainly = place is not page.places[-1]
        if found := _without_own(place, sheet, known, plainly):
            return Naming(page.told(found), plainly)
    own = sheet.own_addresses
    heads = page.places[0]
    to_self = [address for key, (address, _) in heads.items() if key in own and not _DAEMON.match(key)]
    if to_self and not known:
        return Naming(page.told(to_self))
    if len(sheet.returned.to_addresses) == 1:
        return Naming(page.told(sheet.returned.to_addresses))
    return Naming()


_UNSPACED: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]+"
)
"""Thai, Lao, Burmese, Khmer, Chinese, Japanese; Korean, whose particles follow a word at once."""

_Place = dict[str, tuple[str, int]]
"""Comparable form → the address as written and the number of its line."""


class _Page:
    """The lines of a report and the places in them where addresses stand."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.places = _places(lines)

    @lazy
    def code(self) -> str:
        """The code that the whole text names first: of those recipients that have none by them."""
        return status.code_in(" ".join(self.lines[:200])[:16_000]) or ""

    def told(self, found: Iterable[str]) -> tuple[Recipient, ...]:
        return tuple(self._told(address) for address in islice(found, MAX_ADDRESSES))

    def _told(self, address: str) -> Recipient:
        key = address_key(address)
        number = next((place[key][1] for place in self.places if key in place), None)
        said = "" if number is None else _reason(self.lines, number)
        original = _GENERATED.search(said)
        reason = said.partition(address)[2] if address in said else said
        reason = _GENERATED.sub("", reason).strip(" <>:\t").strip()
        return Recipient(
            address,
            original=original[1] if original and address_key(original[1]) != key else None,
            status=status.best("", reason, self.code),
            diagnostic=reason[:MAX_DIAGNOSTIC] or None,
            remote=remote_in(reason) or self.remote,
        )

    @lazy
    def remote(self) -> str | None:
        """The server that the whole text names, if it names just one."""
        found = {remote_in(line[:2_000]) for line in self.lines[:200]} - {None}
        return found.pop() if len(found) == 1 else None


def remote_in(text: str) -> str | None:
    """The server that a reason names as the one that refused."""
    found = _REMOTE.search(text)
    return next(name for name in found.groups() if name).lower() if found else None


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
        elif named := _NAMED.match(line):
            _add(heads, named["address"], number)
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
    return (bare[:1] in ":-(\u2013" and len(bare) > 2) or bare.startswith("... ")


def _add(place: _Place, address: str, number: int) -> None:
    address = _cut(address.rstrip(".'>,"))
    domain = address.rpartition("@")[2]
    if "." not in domain and len(domain) < 3:
        return
    if len(place) < MAX_ADDRESSES:
        place.setdefault(address_key(address), (address, number))


def _cut(address: str) -> str:
    """The address alone where a script without spaces goes on right before or behind it."""
    if address.isascii():
        return address
    local, _, domain = address.rpartition("@")
    if local[-1:].isascii():
        local = local[max((found.end() for found in _UNSPACED.finditer(local)), default=0) :]
    if domain[:1].isascii() and (found := _UNSPACED.search(domain)):
        domain = domain[: found.start()]
    return f"{local}@{domain.rstrip('.')}"


def _without_own(place: _Place, sheet: Sheet, known: frozenset[str], plainly: bool) -> list[str]:
    """
    The addresses of a place that are not the notice's own; an own one counts if mail went to it.

    Of many, or of those that stand just anywhere, the ones that the returned mail was sent to.
    """
    own = sheet.own_addresses - known
    found = {key: address for key, (address, _) in place.items() if key not in own and not _DAEMON.match(key)}
    wanted = [address for key, address in found.items() if key in known]
    return wanted if wanted and (len(found) > 3 or not plainly) else list(found.values())


def _reason(lines: list[str], number: int) -> str:
    """
    The lines that belong to a recipient: up to an empty one or to the next address.

    Where he stands alone, the line behind an empty one too if it names a code: a cell of a table.
    """
    said = [lines[number][: 2 * MAX_DIAGNOSTIC].strip()]
    for line in lines[number + 1 : number + 12]:
        line = line[: 2 * MAX_DIAGNOSTIC]
        head = _HEAD.match(line)
        if not line.strip() or (head and _ALONE.match(head["rest"])):
            break
        said.append(line.strip())
    below = next((line for line in lines[number + 1 : number + 3] if line.strip()), "")
    if (
        len(said) == 1
        and status.has_code(below[:MAX_DIAGNOSTIC])
        and not _ANYWHERE.search(below[:MAX_DIAGNOSTIC])
    ):
        said.append(below[: 2 * MAX_DIAGNOSTIC].strip())
    return " ".join(said)[: 3 * MAX_DIAGNOSTIC]


def _field_name(line: str) -> str:
    return line.partition(":")[0].strip().casefold()
