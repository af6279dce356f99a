"""
A learned model as it is asked: a weight for each finding, a little for wording, and two thresholds.

It is linear, so that each of its answers can be taken apart into findings and what they weigh. Training
needs scikit-learn (`learning.py`); asking needs nothing beside this file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cleaner.classifier.features import WIDTH, Features
from cleaner.classifier.reference import Reference

WORDING: Final = 1.0
"""
Nats of log-odds that all words together may contribute, either way.

Wording separates well among mail it was trained on and badly elsewhere: it may tip the scales, never fill
them.
"""

ONLY_ADVISES: Final = 2.0
"""A threshold for removal that no probability reaches."""

NO_WORDS: Final = (0.0,) * WIDTH


@dataclass(frozen=True, slots=True)
class Model:
    """
    One trained model.

    `remove` and `keep` are probabilities of backscatter: from the first a notice may be removed, up to the
    second it is called genuine. A model whose `remove` is above one only advises.
    """

    name: str
    intercept: float
    facts: Mapping[str, float]
    words: Sequence[float] = NO_WORDS
    slope: float = 1.0
    offset: float = 0.0
    """Calibration (Platt 1999): the log-odds are `slope * score + offset`."""
    remove: float = ONLY_ADVISES
    keep: float = -1.0
    taught: float = ONLY_ADVISES
    """
    The probability from which it removes without any other ground.

    Only an organisation's own labels carry that (`learning.taught_of`); a bundled model never does.
    """
    reference: Reference | None = None
    """What it was trained on; None where its folder does not tell."""

    @property
    def only_advises(self) -> bool:
        return self.remove > 1.0

    def removes(self, features: Features, probability: float) -> bool:
        """Whether that probability suffices: on a ground, or by own labels alone; never against what speaks for it."""
        least = min(self.remove, self.taught) if features.has_ground else self.taught
        return probability >= least and not features.speaks_for

    def probability(self, features: Features) -> float:
        """Calibrated probability that the notice is backscatter, 0 to 1."""
        return self.probability_of(self.score(features))

    def probability_of(self, score: float) -> float:
        return logistic(self.slope * score + self.offset)

    def score(self, features: Features) -> float:
        return self.intercept + sum(self.facts_of(features).values()) + self.wording(features)

    def facts_of(self, features: Features) -> dict[str, float]:
        """What each finding contributes; one that the model never met contributes nothing."""
        return {name: self.facts.get(name, 0.0) * value for name, value in features.facts.items()}

    def wording(self, features: Features) -> float:
        """What all words contribute, within ±`WORDING`."""
        if not features.words:
            return 0.0
        total = sum(self.words[word] for word in features.words) * word_value(len(features.words))
        return max(-WORDING, min(WORDING, total))


def word_value(count: int) -> float:
    """The value of each of so many words: texts of all lengths weigh alike."""
    return 1.0 / math.sqrt(max(1, count))


def logistic(score: float) -> float:
    """1 / (1 + e^-score) without overflow."""
    if score >= 0:
        return 1.0 / (1.0 + math.exp(-score))
    grown = math.exp(score)
    return grown / (1.0 + grown)
