"""
A labelled world in memory: its mailboxes with their messages as they stand and as they are read.

A step changes a scene into another one. What it leaves alone is shared, so that a world of thousands of messages is
read once and not once a circumstance.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Final
from zlib import crc32

from cleaner.evidence import ours
from cleaner.lookups.recorded import Records
from cleaner.service.classify import read_file
from cleaner.service.datasets import Labelled, Mailbag
from cleaner.service.evaluate import sent_mails
from cleaner.service.mailfiles import one_message
from cleaner.values import Message, Notice, Opinion, Organisation, OutgoingMail, Owner

SPARE: Final = 512
"""Networks of 256 addresses in 198.18.0.0/15, which is for tests of networks (RFC 2544) and nobody's."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One labelled message, as it stands in the mailbox and as it is read."""

    label: Labelled
    message: Message
    notice: Notice

    @property
    def is_genuine(self) -> bool:
        return self.label.truth is Opinion.GENUINE

    @property
    def is_spurious(self) -> bool:
        return self.label.truth is Opinion.BACKSCATTER

    def share(self, parts: int, salt: str = "") -> int:
        """A number below `parts` that this letter always draws."""
        return crc32(f"{salt}{self.label.path.name}".encode()) % parts


@dataclass(frozen=True, slots=True)
class Box:
    """One mailbox of a world."""

    bag: Mailbag
    letters: tuple[Letter, ...]
    sent: tuple[OutgoingMail, ...]

    @property
    def owner(self) -> Owner:
        return self.bag.owner


@dataclass(frozen=True)
class Scene:
    """One world: the mailboxes of an organisation, and what name servers answer about everybody."""

    name: str
    boxes: tuple[Box, ...]
    taken: frozenset[str] = frozenset()
    """Networks that hosts of the world stand in; no newcomer is put there."""

    @property
    def organisation(self) -> Organisation:
        return self.boxes[0].bag.organisation

    @property
    def dns(self) -> Records | None:
        return self.boxes[0].bag.dns

    @property
    def letters(self) -> Iterator[tuple[Box, Letter]]:
        return ((box, letter) for box in self.boxes for letter in box.letters)

    @cached_property
    def relay(self) -> str:
        """The name of the server that takes the organisation's mail in, and mostly sends it out."""
        names = Counter(
            hop.by
            for _, letter in self.letters
            for hop in letter.notice.hops[:1]
            if ours.is_own_host(hop.by, self.organisation)
        )
        return names.most_common(1)[0][0] if names else f"mail.{self.domain}"

    @cached_property
    def domain(self) -> str:
        """The organisation's main domain: that of most of its mailboxes."""
        domains = Counter(box.owner.address.rpartition("@")[2].lower() for box in self.boxes)
        return max(domains, key=lambda name: (domains[name], name))

    @cached_property
    def middle(self) -> datetime | None:
        """Half of the genuine notices came before it."""
        times = sorted(n.received for _, one in self.letters if (n := one.notice).received and one.is_genuine)
        return times[len(times) // 2] if times else None

    def with_dns(self, dns: Records | None) -> Scene:
        return self._each(lambda box: replace(box, bag=replace(box.bag, dns=dns)))

    def with_organisation(self, organisation: Organisation) -> Scene:
        return self._each(lambda box: replace(box, bag=replace(box.bag, organisation=organisation)))

    def with_owners(self, change: Callable[[Owner], Owner]) -> Scene:
        return self._each(lambda box: replace(box, bag=replace(box.bag, owner=change(box.owner))))

    def with_sent(self, change: Callable[[Box], Iterable[OutgoingMail]]) -> Scene:
        return self._each(lambda box: replace(box, sent=tuple(change(box))))

    def with_letters(self, change: Callable[[Box, Letter], Message]) -> Scene:
        """Each letter as `change` writes it; those that it leaves alone are not read again."""
        return self._each(
            lambda box: replace(
                box, letters=tuple(reread(letter, change(box, letter)) for letter in box.letters)
            )
        )

    def with_raw(self, change: Callable[[Box, Letter], bytes]) -> Scene:
        return self.with_letters(lambda box, letter: replace(letter.message, raw=change(box, letter)))

    def _each(self, change: Callable[[Box], Box]) -> Scene:
        return replace(self, boxes=tuple(map(change, self.boxes)))

    def network(self, domain: str) -> str:
        """The first three octets of a network in which whoever has this domain stands alone, always the same."""
        start = crc32(domain.encode())
        for number in range(start, start + SPARE):
            prefix = f"198.{18 + number // 256 % 2}.{number % 256}"
            if prefix not in self.taken:
                return prefix
        return f"240.{start // 256 % 256}.{start % 256}"


def reread(letter: Letter, message: Message) -> Letter:
    if message == letter.message:
        return letter
    return replace(letter, message=message, notice=read_file(message))


Step = Callable[[Scene], Scene]
"""One change of a world."""


def scenes(bags: Iterable[Mailbag]) -> tuple[Scene, ...]:
    """Labelled mail, world by world."""
    worlds: dict[str, list[Box]] = {}
    for bag in bags:
        worlds.setdefault(bag.name.partition("/")[0], []).append(box_of(bag))
    return tuple(Scene(name, tuple(boxes)) for name, boxes in worlds.items())


def box_of(bag: Mailbag) -> Box:
    letters = []
    for label in bag.messages:
        message = one_message(label.path)
        letters.append(Letter(label, message, read_file(message)))
    return Box(bag, tuple(letters), tuple(sent_mails(bag.sent)))


def merged(dns: Records | None, more: Records) -> Records:
    """The records with further ones; of one kind under one name the new ones hold."""
    found: dict[str, Mapping[str, object]] = {}
    for records in (dns or {}, more):
        for name, kinds in records.items():
            known = kinds if isinstance(kinds, Mapping) else {"TXT": kinds}
            found[name.lower()] = {**found.get(name.lower(), {}), **known}
    return found  # type: ignore[return-value]
