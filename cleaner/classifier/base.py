"""
The base that a model brings along: features of labelled notices, to be trained on with an organisation's own labels.

No text, no address, no name is in it: findings, hashed words, and the label. One row holds a notice in many
circumstances, so that what is trained on it knows what to make of a missing Sent folder or an open policy.
"""

from __future__ import annotations

import hashlib
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cleaner.classifier.features import Features
from cleaner.classifier.learning import FULL, Example

ELSEWHERE: Final = 0.05
"""What an example weighs in a circumstance other than `FULL`: there are many, and most of them are the lot of few."""

LOCKED_ONE_IN: Final = 5
"""One cluster in so many is locked away: never trained on, only to compare models by."""


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled notice."""

    spurious: bool
    group: str
    cluster: str
    words: tuple[int, ...]
    facts: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """
    Condition → findings; one in which a proof settles the matter is left out.

    A condition is a circumstance after its family. Where two share their findings, they share the very mapping.
    """

    @property
    def locked(self) -> bool:
        return zlib.crc32(f"{self.group} {self.cluster}".encode()) % LOCKED_ONE_IN == 0

    def examples(self) -> Iterator[Example]:
        seen: dict[int, Features] = {}
        for condition, facts in self.facts.items():
            features = seen.setdefault(id(facts), Features(facts, self.words))
            yield Example(
                features,
                self.spurious,
                self.group,
                self.cluster,
                weight=1.0 if condition == FULL else ELSEWHERE,
                condition=condition,
            )

    def as_json(self) -> dict[str, Any]:
        merged: dict[tuple[tuple[str, float], ...], list[str]] = {}
        for condition, facts in self.facts.items():
            told = tuple(sorted((name, round(value, 4)) for name, value in facts.items()))
            merged.setdefault(told, []).append(condition)
        return {
            "spurious": self.spurious,
            "group": self.group,
            "cluster": self.cluster,
            "words": list(self.words),
            "facts": [{"in": conditions, "facts": dict(told)} for told, conditions in merged.items()],
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Row:
        """Raises KeyError, TypeError or ValueError for what `as_json` did not write."""
        seen = [
            (
                list(map(sys.intern, one["in"])),
                Features.from_json({"facts": one["facts"], "words": fields["words"]}),
            )
            for one in fields["facts"]
        ]
        return cls(
            bool(fields["spurious"]),
            str(fields["group"]),
            str(fields["cluster"]),
            seen[0][1].words if seen else (),
            {condition: features.facts for conditions, features in seen for condition in conditions},
        )


def cluster_of(*parts: str) -> str:
    """A name for like notices that does not tell what they are alike in."""
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def training(rows: Iterable[Row]) -> tuple[Example, ...]:
    return tuple(example for row in rows if not row.locked for example in row.examples())


def locked(rows: Iterable[Row]) -> tuple[Example, ...]:
    """The hold-out, under every condition."""
    return tuple(example for row in rows if row.locked for example in row.examples())
