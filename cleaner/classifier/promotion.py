"""
Whether a new model may take the place of the one in use.

It may where it is not worse: it loses no genuine notice that the other keeps, and removes not noticeably less. Both
are judged on a hold-out that no model was trained on, and on the organisation's own labels, each by a model
that has not seen it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from cleaner.classifier.learning import Example
from cleaner.classifier.model import Model

TOLERANCE: Final = 0.01
"""The share of backscatter that a new model may remove less than the old one."""

Scored = tuple[Example, float]


@dataclass(frozen=True, slots=True)
class Tally:
    """What one model would do to one set of labelled examples, at its own threshold."""

    genuine: int = 0
    lost: int = 0
    spurious: int = 0
    removed: int = 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """The new model beside the old one on one set."""

    name: str
    old: Tally
    new: Tally

    @property
    def objections(self) -> tuple[str, ...]:
        """What speaks against the new one, in sentences; empty if it may take the place."""
        found: list[str] = []
        if self.new.lost > self.old.lost:
            found.append(
                f"on {self.name} it would lose {self.new.lost} of {self.new.genuine} genuine notices, "
                f"the model in use {self.old.lost}"
            )
        if self.old.removed - self.new.removed > TOLERANCE * self.old.spurious:
            found.append(
                f"on {self.name} it would remove {self.new.removed} of {self.new.spurious} spurious notices, "
                f"the model in use {self.old.removed}"
            )
        return tuple(found)


def tally(scored: Iterable[Scored], model: Model | None) -> Tally:
    """What the model would do with them; without one nothing is removed."""
    genuine = lost = spurious = removed = 0
    for example, probability in scored:
        hit = model is not None and model.removes(example.features, probability)
        if example.spurious:
            spurious, removed = spurious + 1, removed + hit
        else:
            genuine, lost = genuine + 1, lost + hit
    return Tally(genuine, lost, spurious, removed)


def asked(model: Model | None, examples: Iterable[Example]) -> Sequence[Scored]:
    """What a model says of each; where there is none, nothing would be removed."""
    return [(e, 0.0 if model is None else model.probability(e.features)) for e in examples]


def compare(
    old: Model | None, new: Model, locked: Sequence[Example], own: Sequence[Scored]
) -> tuple[Comparison, ...]:
    """
    Old and new on the locked hold-out, and on the organisation's own labels.

    `own` are those labels with what the new model said of each without having been trained on it.
    """
    sets = [("the hold-out", asked(old, locked), asked(new, locked))]
    if own:
        sets.append(("your own labels", asked(old, (example for example, _ in own)), own))
    return tuple(Comparison(name, tally(before, old), tally(after, new)) for name, before, after in sets)
