"""Released models as a test needs them: made from examples that are told apart by one finding."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from cleaner.classifier import files
from cleaner.classifier.base import Row, locked, training
from cleaner.classifier.learning import FULL, learn
from tests.service.hands import quiet

TOLD = "handed_over:backscatter"


def rows(count: int = 900, *, seed: int = 3) -> Iterator[Row]:
    """Labelled notices of three groups."""
    dice = random.Random(seed)
    for number in range(count):
        spurious = number % 2 == 0
        told = dice.uniform(0.6, 1.0) if spurious else 0.0
        facts = {"kind:ndr": 1.0, "ground:closed": 1.0, **({TOLD: told} if told else {})}
        words = tuple(sorted({dice.randrange(200) for _ in range(10)}))
        yield Row(spurious, f"group {number % 3}", f"cluster {number}", words, {FULL: facts})


def release(place: Path, name: str = "2026.11-1") -> Path:
    """Puts a model with its base into a folder of released models."""
    base = tuple(rows())
    learned = learn(training(base), name, aside=locked(base), watch=quiet)
    kept = {
        files.BASE: files.lines(row.as_json() for row in base),
        files.CARD: b"# Model\n",
        files.TELLING_WORDS: files.plain({"n:failed": -0.2, "r:watches": 0.4}),
    }
    files.save(place / name, learned.model, kept, {})
    return place / name
