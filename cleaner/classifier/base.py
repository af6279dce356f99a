"""
The base that a model brings along: features of labelled notices, to be trained on with an organisation's own labels.

No text, no address, no name is in it: findings, hashed words, and the label. One row holds a notice under several
states of knowledge, so that what is trained on it knows what to make of a missing Sent folder.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cleaner.classifier.features import Features
from cleaner.classifier.learning import Example

WITHHELD: Final = 0.5
"""What an example weighs where something was withheld: full knowledge comes first."""

RARE: Final = {"full": 1.0, "unrecorded": 0.1, "unrecorded-no-keys": 0.1}
"""
State of knowledge → the weight of its examples, where it is not `WITHHELD`.

That a mail left no copy though a record is kept is the lot of few, so as not to make every gap in a record look usual; a
promise counts these notices all the same.
"""

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
    """State of knowledge → findings; a state in which a proof settles the matter is left out."""

    @property
    def locked(self) -> bool:
        return zlib.crc32(f"{self.group} {self.cluster}".encode()) % LOCKED_ONE_IN == 0

    def examples(self) -> Iterator[Example]:
        for condition, facts in self.facts.items():
            yield Example(
                Features(facts, self.words),
                self.spurious,
                self.group,
                self.cluster,
                weight=RARE.get(condition, WITHHELD),
                condition=condition,
            )

    def as_json(self) -> dict[str, Any]:
        return {
            "spurious": self.spurious,
            "group": self.group,
            "cluster": self.cluster,
            "words": list(self.words),
            "facts": {
                condition: {name: round(value, 4) for name, value in facts.items()}
                for condition, facts in self.facts.items()
            },
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Row:
        """Raises KeyError, TypeError or ValueError for what `as_json` did not write."""
        seen = [
            (str(condition), Features.from_json({"facts": facts, "words": fields["words"]}))
            for condition, facts in fields["facts"].items()
        ]
        return cls(
            bool(fields["spurious"]),
            str(fields["group"]),
            str(fields["cluster"]),
            seen[0][1].words if seen else (),
            {condition: features.facts for condition, features in seen},
        )


def cluster_of(*parts: str) -> str:
    """A name for like notices that does not tell what they are alike in."""
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def training(rows: Iterable[Row]) -> tuple[Example, ...]:
    return tuple(example for row in rows if not row.locked for example in row.examples())


def locked(rows: Iterable[Row]) -> tuple[Example, ...]:
    """The hold-out, under every condition."""
    return tuple(example for row in rows if row.locked for example in row.examples())
