"""
DKIM keys of our domains: published now, or remembered from the time when they were.

Reports come back days after a mail was signed, and labelled or old mail is judged years later; by then the selector may
be gone, or may stand for another key. So whatever key was seen once stays in the archive.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

from cleaner.lookups.dns import Resolver
from cleaner.ports import KeyArchive
from cleaner.values import DkimKey, Selector

FRESH: Final = timedelta(days=1)
"""A key that was published so recently need not be asked for again."""
MAX_ASKED: Final = 20
"""Selectors asked for at a time: forged signatures invent as many as they like."""

_NAME: Final = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.){1,10}")


class KnownKeys:
    """Satisfies `ports.Keys`: asks the archive, and DNS where it is allowed (`dns`)."""

    def __init__(
        self,
        archive: KeyArchive,
        clock: Callable[[], datetime],
        dns: Resolver | None = None,
        *,
        remembers: bool = True,
    ) -> None:
        self._archive = archive
        self._clock = clock
        self._dns = dns
        self._remembers = remembers

    def find(self, wanted: frozenset[Selector]) -> tuple[DkimKey, ...]:
        """All keys that those selectors stand for or once stood for. What cannot be had is left out."""
        archived = self._archive.keys(wanted)
        fresh = {(key.domain, key.selector) for key, seen in archived.items() if seen > self._clock() - FRESH}
        published = tuple(self._published(wanted - fresh))
        if published and self._remembers:
            self._archive.remember(published, self._clock(), "dns")
        return tuple(dict.fromkeys((*published, *archived)))

    def _published(self, wanted: frozenset[Selector]) -> Iterator[DkimKey]:
        if self._dns is None:
            return
        names = {(domain, selector): f"{selector}._domainkey.{domain}" for domain, selector in sorted(wanted)}
        possible = [key for key, name in names.items() if _NAME.fullmatch(name + ".") and len(name) <= 253]
        for domain, selector in possible[:MAX_ASKED]:
            texts = self._dns.texts(names[domain, selector])
            if isinstance(texts, tuple):
                yield from (DkimKey(domain, selector, text) for text in texts if is_key(text))


def is_key(record: str) -> bool:
    """Whether a text record is a key that is not withdrawn; beside it may stand records of other kinds."""
    tags = {name.strip(): value.strip() for name, _, value in (t.partition("=") for t in record.split(";"))}
    return bool(tags.get("p")) and tags.get("v", "DKIM1") == "DKIM1" and len(record) <= 4_000
