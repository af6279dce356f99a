"""
DKIM keys of our domains: published now, or remembered from the time when they were.

Reports come back days after a mail was signed, and labelled or old mail is judged years later; by then the selector may
be gone, or may stand for another key. So whatever key was seen once stays in the archive.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from cleaner.lookups.dns import Resolver, Texts
from cleaner.lookups.resolvers import Limited
from cleaner.ports import KeyArchive
from cleaner.values import ABSENT, UNKNOWN, DkimKey, FoundKeys, Selector

FRESH: Final = timedelta(days=1)
"""A key that was published so recently need not be asked for again."""
MAX_ASKED: Final = 500
"""Selectors asked for at a time: forged signatures invent as many as they like."""
SECONDS: Final = 30.0
"""For all of them together."""

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

    def find(self, wanted: Mapping[Selector, int]) -> FoundKeys:
        """
        All keys that those selectors stand for or once stood for, and the selectors that never were.

        Those that many notices name are asked for first, so that nobody crowds the true one out by inventing others;
        what is not asked for stays unknown.
        """
        archived = self._archive.keys(frozenset(wanted))
        fresh = {(key.domain, key.selector) for key, seen in archived.items() if seen > self._clock() - FRESH}
        remembered = {(key.domain, key.selector) for key in archived}
        often_first = sorted(
            wanted.keys() - fresh, key=lambda one: (one not in remembered, -wanted[one], one)
        )
        dns = Limited(self._dns, SECONDS, MAX_ASKED) if self._dns is not None else None
        published: list[DkimKey] = []
        absent: set[Selector] = set()
        for selector in often_first[:MAX_ASKED]:
            texts = _texts(dns, selector)
            if isinstance(texts, tuple):
                published += (DkimKey(*selector, text) for text in texts if is_key(text))
            elif texts is ABSENT and selector not in remembered:
                absent.add(selector)
        if published and self._remembers:
            self._archive.remember(published, self._clock(), "dns")
        return FoundKeys(tuple(dict.fromkeys((*published, *archived))), frozenset(absent))


def _texts(dns: Resolver | None, wanted: Selector) -> Texts:
    domain, selector = wanted
    name = f"{selector}._domainkey.{domain}"
    if not _NAME.fullmatch(name + ".") or len(name) > 253:
        return ABSENT  # no such name can be published
    return dns.texts(name) if dns is not None else UNKNOWN


def is_key(record: str) -> bool:
    """Whether a text record is a key that is not withdrawn; beside it may stand records of other kinds."""
    tags = {name.strip(): value.strip() for name, _, value in (t.partition("=") for t in record.split(";"))}
    return bool(tags.get("p")) and tags.get("v", "DKIM1") == "DKIM1" and len(record) <= 4_000
