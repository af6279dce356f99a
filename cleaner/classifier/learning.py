"""
Training: labelled examples to a model, with thresholds that carry a guarantee (DESIGN.md, decision 7).

The only file that needs scikit-learn and numpy, both imported late. What decides is a logistic regression over
findings, with hashed words beside them whose part is bounded when the model is asked (`model.WORDING`).
Calibration and thresholds come from examples that the asked model was not trained on: neither in their world nor in
any circumstance of their family, and of an organisation's own labels never a like one. The same examples give the same
model.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from cleaner.classifier.bounds import at_most, needed
from cleaner.classifier.features import WIDTH, Features
from cleaner.classifier.model import ONLY_ADVISES, WORDING, Model, logistic, word_value
from cleaner.classifier.reference import OWN, Reference, Seen, reference
from cleaner.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

STRENGTH: Final = 1.0
"""Inverse of the L2 penalty."""

WORD_SCALE: Final = 0.5
"""Words are scaled down before training, so that the penalty holds them shorter than findings."""

FULL: Final = "as it is: as-it-is"
"""The condition in which everything is known: family and name of a circumstance."""

LOCAL_FOLDS: Final = 5
"""Folds that an organisation's own clusters are spread over."""

NOT_BELOW: Final = 0.95
"""No threshold for removal is lower, whatever the data allow."""

WANTED: Final = 0.01
"""The share of genuine notices without proof that may be lost within grounds."""

CONFIDENCE: Final = 0.95

STRICT: Final = 0.001
"""The share of genuine notices that may be lost by own labels alone, unless the administrator accepts more."""

MARGIN: Final = 0.5
"""Nats of log-odds that the threshold stays above the highest genuine example."""

CLEAR: Final = (0.1, 0.9)
"""Probabilities between these say neither one nor the other."""

KEEP_BELOW: Final = 0.05
"""Up to this probability a notice is called genuine."""

TOO_LITTLE: Final = (
    "there is too little to learn from: labels of both genuine and backscatter notices, of several kinds, "
    "are needed"
)

Watch = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled notice under one state of knowledge."""

    features: Features
    spurious: bool
    group: str
    """What must not stand on both sides of a split: a world, or an organisation."""
    cluster: str
    """Like notices share it; guarantees count clusters."""
    weight: float = 1.0
    condition: str = FULL
    """The circumstance that it was seen in, after its family: those that little is known in train caution."""
    own: bool = False
    """Labelled by the organisation itself, not of the bundled base."""

    @property
    def circumstance(self) -> str:
        """The family of circumstances that it was seen in; none for own labels, which were seen in use."""
        return "" if self.own else family_of(self.condition)

    @property
    def fold(self) -> Fold:
        if not self.own:
            return self.group, self.circumstance
        return f"own {zlib.crc32(self.cluster.encode()) % LOCAL_FOLDS}", ""


Fold = tuple[str, str]
"""What is judged by one model: a world, or a part of the own labels; and a family of circumstances."""


def condition_of(family: str, name: str) -> str:
    """The condition of examples in a circumstance."""
    return f"{family}: {name}"


def family_of(condition: str) -> str:
    return condition.partition(": ")[0]


@dataclass(frozen=True, slots=True)
class Guarantee:
    """What the threshold for removal promises: at most `bound` of genuine notices lost, at `confidence`."""

    wanted: float
    confidence: float
    clusters: int
    """Clusters of genuine notices without proof that it was chosen on; none of them would be removed."""
    bound: float

    @property
    def holds(self) -> bool:
        return self.bound <= self.wanted

    @property
    def missing(self) -> int:
        """How many clusters more are needed for it, if none is lost."""
        return max(0, needed(self.wanted, self.confidence) - self.clusters)


@dataclass(frozen=True, slots=True)
class Learned:
    """A new model with how it did on examples it was not trained on."""

    model: Model
    guarantee: Guarantee
    taught: Guarantee
    """The same for removing without any other ground, counted over own labels alone."""
    held_out: tuple[tuple[Example, float], ...]
    """Each example with the calibrated probability that a model without its world and its family gave."""


def learn(
    examples: Sequence[Example],
    name: str,
    *,
    aside: Sequence[Example] = (),
    wanted: float = WANTED,
    accept: float = STRICT,
    confidence: float = CONFIDENCE,
    watch: Watch,
) -> Learned:
    """
    Trains a model.

    `wanted` bounds the share of genuine notices lost within a ground, `accept` that of those removed by own labels
    alone; `aside` are examples that no model is trained on, but that the promise counts, too. Raises
    UsageError where scikit-learn is not installed or the examples are too few to learn from.
    """
    require_learning()
    folds = sorted({example.fold for example in examples})
    if len({group for group, _ in folds}) < 2 or len({example.spurious for example in examples}) < 2:
        raise UsageError(TOO_LITTLE)
    table = Table.of(examples)
    whole = table.fit()
    found: dict[int, float] = {}
    for number, fold in enumerate(folds):
        watch("training", number, len(folds))
        inside = table.without(fold)
        if inside is not None:
            scores = inside.fit(whole).scores(table)
            found |= {row: scores[row] for row, example in enumerate(examples) if example.fold == fold}
    watch("training", len(folds), len(folds))
    scored = [(examples[row], score) for row, score in sorted(found.items())]
    if len({example.spurious for example, _ in scored}) < 2:
        raise UsageError(TOO_LITTLE)
    slope, offset = calibrated(scored)
    held_out = tuple((example, logistic(slope * score + offset)) for example, score in scored)
    model = replace(whole.model(name), slope=slope, offset=offset)
    unseen = (*held_out, *((example, model.probability(example.features)) for example in aside))
    threshold, guarantee = threshold_of(unseen, wanted, confidence)
    alone, taught = taught_of(held_out, accept, confidence)
    model = replace(
        model,
        remove=threshold,
        keep=keep_of(held_out),
        taught=alone,
        reference=reference_of(held_out, aside, examples),
    )
    return Learned(model, guarantee, taught, held_out)


def read_by(
    scored: Sequence[tuple[Example, float]], wanted: float = WANTED, confidence: float = CONFIDENCE
) -> Model:
    """How scores are to be read by these examples: calibration and thresholds, with no weights of its own."""
    slope, offset = calibrated(scored)
    told = [(example, logistic(slope * score + offset)) for example, score in scored]
    threshold, _ = threshold_of(told, wanted, confidence)
    return Model("", 0.0, {}, slope=slope, offset=offset, remove=threshold, keep=keep_of(told))


def require_learning() -> None:
    if find_spec("sklearn") is None:
        raise UsageError("training needs scikit-learn: pip install 'bounce-cleaner[learn]'")


# --- fitting -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fitted:
    """One logistic regression, uncalibrated."""

    names: Sequence[str]
    intercept: float
    weights: np.ndarray[Any, Any]
    """Of the findings by name, then of the words."""

    def model(self, name: str) -> Model:
        known = len(self.names)
        return Model(
            name,
            self.intercept,
            dict(zip(self.names, map(float, self.weights[:known]), strict=True)),
            tuple(float(weight) * WORD_SCALE for weight in self.weights[known:]),
        )

    def scores(self, table: Table) -> list[float]:
        """What `Model.score` gives for each example, all at once."""
        import numpy as np

        known = len(self.names)
        facts = table.facts @ self.weights[:known]
        words = np.clip(table.words @ self.weights[known:], -WORDING, WORDING)
        found: list[float] = (self.intercept + facts + words)[table.lines].tolist()
        return found


@dataclass(frozen=True, slots=True)
class Table:
    """
    Examples as numbers, made once: a fold is left out by weighing nothing, so that nothing is copied for it.

    Of a hundred thousand examples the words alone are some twenty million numbers. Examples that share one `Features`
    and one truth, as a notice in circumstances that change nothing about it, are one line with the sum of their weights.
    """

    names: Sequence[str]
    facts: csr_matrix
    words: csr_matrix
    both: csr_matrix
    truths: np.ndarray[Any, Any]
    """Of each line."""
    lines: np.ndarray[Any, Any]
    """The line of each example."""
    weights: np.ndarray[Any, Any]
    """Of each example."""
    groups: np.ndarray[Any, Any]
    circumstances: np.ndarray[Any, Any]

    @classmethod
    def of(cls, examples: Sequence[Example]) -> Table:
        import numpy as np
        from scipy.sparse import hstack
        from sklearn.feature_extraction import DictVectorizer

        numbers: dict[tuple[int, bool], int] = {}
        lines = [
            numbers.setdefault((id(example.features), example.spurious), len(numbers)) for example in examples
        ]
        kept: dict[int, Example] = {}
        for line, example in zip(lines, examples, strict=True):
            kept.setdefault(line, example)
        told = tuple(kept.values())
        names = DictVectorizer()
        facts = names.fit_transform(dict(example.features.facts) for example in told)
        words = words_of(told)
        return cls(
            names.feature_names_,
            facts,
            words,
            hstack([facts, words]).tocsr(),
            np.array([example.spurious for example in told]),
            np.array(lines),
            np.array([example.weight for example in examples], dtype=float),
            np.array([example.fold[0] for example in examples]),
            np.array([example.circumstance for example in examples]),
        )

    def without(self, fold: Fold) -> Table | None:
        """
        Without the world and without the family of circumstances.

        Where nothing would be left to learn from, without the world alone; None if that does not leave both truths.
        """
        group, circumstance = fold
        elsewhere = self.groups != group
        for kept in (elsewhere & ((self.circumstances != circumstance) | (circumstance == "")), elsewhere):
            left = self.only(kept)
            if left.has_both:
                return left
        return None

    def only(self, kept: Sequence[bool] | np.ndarray[Any, Any]) -> Table:
        """All others weigh nothing."""
        import numpy as np

        return replace(self, weights=self.weights * np.asarray(kept))

    @property
    def has_both(self) -> bool:
        """Whether there is something of both truths to learn from."""
        return len(set(self.truths[self.weights_of_lines() > 0].tolist())) == 2

    def weights_of_lines(self) -> np.ndarray[Any, Any]:
        import numpy as np

        return np.bincount(self.lines, weights=self.weights, minlength=len(self.truths))

    def fit(self, like: Fitted | None = None) -> Fitted:
        """With what is like it already it begins there, and is done sooner."""
        import numpy as np
        from sklearn.linear_model import LogisticRegression

        regression = LogisticRegression(C=STRENGTH, max_iter=2000, warm_start=like is not None)
        if like is not None:
            regression.coef_ = like.weights.reshape(1, -1)
            regression.intercept_ = np.array([like.intercept])
        regression.fit(self.both, self.truths, sample_weight=self.weights_of_lines())
        return Fitted(self.names, float(regression.intercept_[0]), regression.coef_[0])


def fit(examples: Sequence[Example], name: str) -> Model:
    return Table.of(examples).fit().model(name)


def words_of(examples: Sequence[Example]) -> csr_matrix:
    import numpy as np
    from scipy.sparse import csr_matrix

    counts = np.array([len(example.features.words) for example in examples], dtype=np.int64)
    starts = np.concatenate(([0], np.cumsum(counts)))
    columns = np.fromiter(
        (word for example in examples for word in example.features.words),
        dtype=np.int32,
        count=int(starts[-1]),
    )
    each = np.array([WORD_SCALE * word_value(int(count)) for count in counts])
    values = np.repeat(each, counts)
    return csr_matrix((values, columns, starts), shape=(len(examples), WIDTH))


def calibrated(scored: Sequence[tuple[Example, float]]) -> tuple[float, float]:
    """
    Slope and offset by Platt's method, on scores of examples that were held out.

    The slope stays positive: calibration must not turn the order round.
    """
    from sklearn.linear_model import LogisticRegression

    regression = LogisticRegression(C=1e6, max_iter=1000)
    regression.fit(
        [[score] for _, score in scored],
        [example.spurious for example, _ in scored],
        sample_weight=[example.weight for example, _ in scored],
    )
    return max(0.05, float(regression.coef_[0][0])), float(regression.intercept_[0])


def reference_of(
    held_out: Iterable[tuple[Example, float]], aside: Iterable[Example], examples: Iterable[Example]
) -> Reference:
    """What it was trained on, and what was set aside: both are what it was tried on."""
    told = {id(example): probability for example, probability in held_out}
    every = chain(examples, aside)
    return reference((seen_of(example, told.get(id(example))) for example in every), FULL, *CLEAR)


def seen_of(example: Example, probability: float | None) -> Seen:
    findings = frozenset(name for name, strength in example.features.facts.items() if strength)
    return Seen(example.group, OWN if example.own else example.condition, findings, probability)


# --- thresholds ----------------------------------------------------------------------------------


def threshold_of(
    held_out: Sequence[tuple[Example, float]], wanted: float, confidence: float
) -> tuple[float, Guarantee]:
    """
    The lowest threshold for removal that loses none of the held-out examples, and what that promises.

    A margin is kept above the genuine example that came nearest. Where there are too few clusters for
    the promise, even with none of them lost, the model only advises.
    """
    highest = highest_genuine(held_out)
    clusters = len(highest)
    guarantee = Guarantee(wanted, confidence, clusters, at_most(0, clusters, confidence))
    if not guarantee.holds:
        return ONLY_ADVISES, guarantee
    nearest = max(highest.values(), default=0.0)
    threshold = next((step for step in steps() if step >= raised(nearest, MARGIN)), ONLY_ADVISES)
    return threshold, guarantee


def taught_of(
    held_out: Sequence[tuple[Example, float]], accept: float, confidence: float
) -> tuple[float, Guarantee]:
    """
    The lowest threshold for removal by own labels alone that loses none of the own genuine ones, held out by group.

    Some 300 groups of genuine notices allow a loss of one in a hundred, 3,000 one in a thousand. What others labelled
    does not count: their mail leaves by other ways.
    """
    highest: dict[str, float] = {}
    for example, probability in held_out:
        if example.own and not example.spurious:
            risk = 0.0 if example.features.speaks_for else probability
            highest[example.cluster] = max(highest.get(example.cluster, 0.0), risk)
    guarantee = Guarantee(accept, confidence, len(highest), at_most(0, len(highest), confidence))
    if not guarantee.holds:
        return ONLY_ADVISES, guarantee
    nearest = raised(max(highest.values()), MARGIN)
    return next((step for step in steps() if step >= nearest), ONLY_ADVISES), guarantee


def highest_genuine(held_out: Iterable[tuple[Example, float]]) -> dict[tuple[str, str], float]:
    """
    Each cluster of genuine examples with the highest probability at which any of it could be removed.

    Zero for those without a ground: they are never removed, whatever the probability.
    """
    highest: dict[tuple[str, str], float] = {}
    for example, probability in held_out:
        if not example.spurious:
            key = example.group, example.cluster
            is_asked = example.features.has_ground and not example.features.speaks_for
            risk = probability if is_asked else 0.0
            highest[key] = max(highest.get(key, 0.0), risk)
    return highest


def steps() -> Iterator[float]:
    """Thresholds from the laxest to the strictest, in even steps of log-odds."""
    lowest = math.log(NOT_BELOW / (1.0 - NOT_BELOW))
    return (max(NOT_BELOW, logistic(lowest + step * 0.1)) for step in range(61))


def raised(probability: float, by: float) -> float:
    if probability <= 0.0:
        return 0.0
    if probability >= 1.0:
        return 1.0
    return logistic(math.log(probability / (1.0 - probability)) + by)


def keep_of(held_out: Sequence[tuple[Example, float]]) -> float:
    """
    The probability up to which a notice is called genuine.

    Nothing is lost by that, so it carries no guarantee: of those called genuine on held-out examples at
    most one in twenty is backscatter.
    """
    below = [(example, value) for example, value in held_out if value <= KEEP_BELOW]
    wrong = sum(example.weight for example, _ in below if example.spurious)
    total = sum(example.weight for example, _ in below)
    return KEEP_BELOW if total and wrong <= KEEP_BELOW * total else -1.0
