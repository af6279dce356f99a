"""
Answers of the Domain Name System that somebody wrote down: those of a labelled world, or of another time.

What is not written down does not exist; where nothing at all is written down, nobody answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from cleaner.lookups.dns import Texts
from cleaner.values import ABSENT, UNKNOWN

Records: TypeAlias = Mapping[str, Sequence[str] | Mapping[str, Sequence[str]]]
"""Name → its text records, or kind of record (`TXT`, `A`, `AAAA`, `MX`, `PTR`) → what stands there."""


class RecordedDns:
    """Satisfies `lookups.Resolver`. `records` None: nobody answers."""

    def __init__(self, records: Records | None) -> None:
        self._is_silent = records is None
        self._records = {
            name.lower().rstrip("."): {"TXT": found} if not isinstance(found, Mapping) else found
            for name, found in (records or {}).items()
        }

    def texts(self, name: str) -> Texts:
        return self._answer(name, "TXT")

    def addresses(self, name: str, version: int = 4) -> Texts:
        return self._answer(name, "A" if version == 4 else "AAAA")

    def exchangers(self, domain: str) -> Texts:
        """Written as `10 mx.far.example` or without the preference."""
        found = self._answer(domain, "MX")
        if not isinstance(found, tuple):
            return found
        return tuple(text.split()[-1].lower().rstrip(".") for text in found if text.split())

    def names(self, ip: str) -> Texts:
        found = self._answer(ip, "PTR")
        return tuple(text.lower().rstrip(".") for text in found) if isinstance(found, tuple) else found

    def _answer(self, name: str, kind: str) -> Texts:
        if self._is_silent:
            return UNKNOWN
        return tuple(self._records.get(name.lower().rstrip("."), {}).get(kind, ())) or ABSENT
