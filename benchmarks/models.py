"""
Which kind of model to ask: a linear one over findings, a boosted one, a bag of words, each on worlds left out.

    python -m benchmarks.models

Over the rows that the bundled model brings along. A model's threshold is chosen on the worlds it was trained on, by
models that had not seen them (above every genuine notice, at least 0.95), and then kept on the world left out.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from cleaner.classifier.learning import BLIND, NOT_BELOW, Example, words_of
from tests.service.strange_world import base

Model = Callable[[Sequence[Example], Sequence[Example]], Any]


def findings(train: Sequence[Example], test: Sequence[Example]) -> tuple[csr_matrix, csr_matrix]:
    names = DictVectorizer()
    table = names.fit_transform([dict(example.features.facts) for example in train])
    return table, names.transform([dict(example.features.facts) for example in test])


def linear(train: Sequence[Example], test: Sequence[Example]) -> Any:
    seen, unseen = findings(train, test)
    return fitted(
        LogisticRegression(max_iter=2000),
        hstack([seen, words_of(train)]).tocsr(),
        hstack([unseen, words_of(test)]).tocsr(),
        train,
    )


def boosted(train: Sequence[Example], test: Sequence[Example]) -> Any:
    seen, unseen = findings(train, test)
    model = HistGradientBoostingClassifier(max_iter=150, random_state=1)
    return fitted(model, seen.toarray(), unseen.toarray(), train)


def wording(train: Sequence[Example], test: Sequence[Example]) -> Any:
    return fitted(LogisticRegression(max_iter=2000), words_of(train), words_of(test), train)


def fitted(model: Any, seen: Any, unseen: Any, train: Sequence[Example]) -> Any:
    model.fit(seen, truths(train), sample_weight=[example.weight for example in train])
    return model.predict_proba(unseen)[:, 1]


MODELS: Final[dict[str, Model]] = {
    "linear, findings and words": linear,
    "boosted, findings": boosted,
    "linear, words alone": wording,
}


def truths(examples: Sequence[Example]) -> Any:
    return np.array([example.spurious for example in examples])


def threshold(model: Model, train: Sequence[Example]) -> float:
    """Above every genuine example of each world that the others were asked about."""
    highest = NOT_BELOW
    for world in sorted({example.group for example in train}):
        inside = [example for example in train if example.group != world]
        outside = [e for e in train if e.group == world and not e.spurious and e.condition != BLIND]
        highest = max(highest, float(model(inside, outside).max()))
    return highest


def main() -> int:
    every = [example for row in base() for example in row.examples()]
    print(
        "| model | world left out | area under the curve | removed, all states | genuine above the threshold |"
    )
    print("| --- | --- | ---: | ---: | ---: |")
    for name, model in MODELS.items():
        for world in sorted({example.group for example in every}):
            train = [example for example in every if example.group != world]
            test = [e for e in every if e.group == world and e.condition != BLIND]
            said, truth = model(train, test), truths(test)
            above = said >= threshold(model, train)
            print(
                f"| {name} | {world} | {roc_auc_score(truth, said):.3f} | {above[truth].mean():.1%} | "
                f"{int(above[~truth].sum())} of {int((~truth).sum())} |",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
