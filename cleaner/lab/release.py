"""
A model made from labelled worlds alone, with the base that others are trained from later.

The use case behind `train --corpus`: how the bundled model is made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from cleaner.classifier import Model, files
from cleaner.classifier.base import locked, training
from cleaner.classifier.card import Data
from cleaner.classifier.features import bucket_of
from cleaner.classifier.learning import Learned, learn, require_learning
from cleaner.errors import UsageError
from cleaner.lab.holdout import hold_outs
from cleaner.lab.teaching import Draft, Lexicon, drafts
from cleaner.service.training import write
from cleaner.steps.task import Watch
from cleaner.store import Store

MOST_WORDS: Final = 200
"""Words that are kept to be shown."""


def release(
    paths: Sequence[Path], folder: Path, scratch: Callable[[], Store], watch: Watch, *, licence: str
) -> Learned:
    """
    Trains a model from labelled worlds alone, with the base that others are trained from later.

    Raises UsageError: no world there, too little to learn from, a name that is none.
    """
    require_place(folder)
    require_learning()
    lexicon = Lexicon()
    return made(drafts(paths, scratch, watch, lexicon), lexicon, folder, watch, licence=licence)


def require_place(folder: Path) -> None:
    """Raises UsageError."""
    if not files.NAME.fullmatch(folder.name):
        raise UsageError(f"{folder.name!r} is no name for a model; letters, digits, dots and dashes make one")
    if folder.exists():
        raise UsageError(f"{folder} is there already; a model is never overwritten: choose another name")


def made(every: Sequence[Draft], lexicon: Lexicon, folder: Path, watch: Watch, *, licence: str) -> Learned:
    """The model of these drafts, written to its folder."""
    found = tuple(draft.row() for draft in every if draft.facts)
    learned = learn(training(found), folder.name, aside=locked(found), watch=watch)
    conditions = len({condition for row in found for condition in row.facts})
    sources = tuple(
        f"labelled mail of {group}, in {conditions} circumstances"
        for group in sorted({row.group for row in found})
    )
    data = Data(sources, licence, tuple(hold_outs(every, watch)))
    write(folder, learned, found, telling(learned.model, lexicon), data)
    return learned


def telling(model: Model, lexicon: Lexicon) -> bytes:
    """Widespread words whose bucket weighs most, with their weights, as they are kept beside a model."""
    weights = {word: model.words[bucket_of(word)] for word in lexicon.widespread()}
    strongest = sorted(weights, key=lambda word: (-abs(weights[word]), word))[:MOST_WORDS]
    return files.plain({word: round(weights[word], 4) for word in strongest})
