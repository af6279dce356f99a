"""
A generated world with a kind of backscatter that the bundled model misses.

Its forged mail goes out through one provider's web mail, as a quarter of its people's own mail does: so the machine
that handed it over is a stranger, but not a strange way. What tells them apart is a finding that the base
never met (the provider's own mark), and a few genuine notices bear it, too.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from cleaner.classifier import files
from cleaner.classifier.base import Row, locked, training
from cleaner.classifier.features import WIDTH, Features
from cleaner.classifier.learning import Example, Learned, learn
from cleaner.classifier.promotion import Tally, asked, tally
from cleaner.classifier.shelf import Shelf
from cleaner.service.training import OWN_WEIGHT

BELOW: Final = 0.3
"""How strongly a stranger is told of where he may be a service that the organisation uses."""


def notices(count: int = 600, *, seed: int = 11) -> Iterator[Example]:
    """Half of them backscatter; each is a cluster of its own."""
    dice = random.Random(seed)
    for number in range(count):
        spurious = number % 2 == 0
        facts = {"kind:ndr": 1.0, "ground:closed": 1.0, "handed_over:backscatter": BELOW}
        if spurious or dice.random() < 0.05:
            facts["provider_mark:backscatter"] = dice.uniform(0.5, 1.0)
        if not spurious:
            facts["provider_mark:genuine"] = dice.uniform(0.5, 1.0)
        words = tuple(sorted({dice.randrange(WIDTH) for _ in range(30)}))
        yield Example(Features(facts, words), spurious, "own", f"strange {number}", OWN_WEIGHT, own=True)


def base() -> tuple[Row, ...]:
    """What the bundled model brings along."""
    shelf = Shelf()
    kept = files.read(shelf.folder(shelf.newest_released() or ""))
    return tuple(Row.from_json(row) for row in files.rows(kept[files.BASE]))


def taught(rows: tuple[Row, ...], labels: list[Example]) -> Learned:
    return learn((*training(rows), *labels), "taught", aside=locked(rows), watch=lambda *_: None)


def first(labels: int, world: list[Example]) -> tuple[list[Example], list[Example]]:
    """So many labels, the more of backscatter as owners meet it, and the rest of the world."""
    spurious = [example for example in world if example.spurious]
    genuine = [example for example in world if not example.spurious]
    some, others = labels * 2 // 3, labels - labels * 2 // 3
    return [*spurious[:some], *genuine[:others]], [*spurious[some:], *genuine[others:]]


def outcome(learned: Learned, examples: list[Example]) -> Tally:
    return tally(asked(learned.model, examples), learned.model)


def wrong(labels: list[Example], every: int) -> list[Example]:
    """One label of so many says the contrary."""
    return [
        replace(label, spurious=not label.spurious) if number % every == 0 else label
        for number, label in enumerate(labels)
    ]
