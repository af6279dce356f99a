"""
Which kind of model to ask: a linear one, a boosted one, a bag of words, each on what it was not trained on.

    python -m benchmarks.models CORPUS [world|family|sender]…

Each world, each family of mail systems, and each fifth of the sites that send notices is left out in turn. A model's
threshold is chosen on what it was trained on, world by world, by models that had not seen that world (above every
genuine notice, at least 0.95), and then kept on the part left out. No finding need be telling here, so that the
models show what they are like.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from cleaner.app import scratch_store
from cleaner.classifier.learning import NOT_BELOW, Example, words_of
from cleaner.lab.holdout import sender
from cleaner.lab.teaching import Draft, Lexicon
from cleaner.lab.teaching import drafts as drafts_of

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
        outside = [e for e in train if e.group == world and not e.spurious]
        highest = max(highest, float(model(inside, outside).max()))
    return highest


SOME: Final = (
    "as-it-is",
    "half-copies",
    "open",
    "open-half-copies",
    "relays-mistyped/true",
    "nothing-configured/open",
)
FEWEST: Final = 40
"""Notices that a part must hold."""
WAYS: Final[Mapping[str, Callable[[Draft], str]]] = {
    "world": lambda draft: draft.group,
    "family": lambda draft: draft.family,
    "sender": lambda draft: sender(draft)[0],
}


@dataclass(frozen=True, slots=True)
class Part:
    """What came out for one part left out."""

    name: str
    area: float
    """Under the curve; not a number where the part holds one truth only."""
    removed: int
    spurious: int
    above: int
    genuine: int


def parts(drafts: Sequence[Draft], way: str, model: Model) -> Iterator[Part]:
    of = {id(draft): WAYS[way](draft) for draft in drafts}
    names = Counter(of.values())
    for name in sorted(name for name, count in names.items() if name and count >= FEWEST):
        train = [e for d in drafts if of[id(d)] != name for e in d.row().examples()]
        test = [e for d in drafts if of[id(d)] == name for e in d.row().examples()]
        said, truth = model(train, test), truths(test)
        above = said >= threshold(model, train)
        has_both = 0 < truth.sum() < len(truth)
        yield Part(
            name,
            float(roc_auc_score(truth, said)) if has_both else math.nan,
            int(above[truth].sum()),
            int(truth.sum()),
            int(above[~truth].sum()),
            int((~truth).sum()),
        )


def main() -> int:
    drafts = drafts_of([Path(sys.argv[1])], scratch_store, lambda *_: None, Lexicon(), SOME)
    for way in sys.argv[2:] or WAYS:
        print(
            f"\n| {way} left out | model | area under the curve | removed, everywhere | genuine above the threshold |"
        )
        print("| --- | --- | ---: | ---: | ---: |")
        for name, model in MODELS.items():
            found = []
            for part in parts(drafts, way, model):
                found.append(part)
                print(row(part, name), flush=True)
            print(row(whole(found), name), flush=True)
    return 0


def whole(found: Sequence[Part]) -> Part:
    areas = [part.area for part in found if not math.isnan(part.area)]
    return Part(
        "all",
        sum(areas) / len(areas),
        sum(part.removed for part in found),
        sum(part.spurious for part in found),
        sum(part.above for part in found),
        sum(part.genuine for part in found),
    )


def row(part: Part, model: str) -> str:
    area = "" if math.isnan(part.area) else f"{part.area:.3f}"
    removed = f"{part.removed / part.spurious:.1%}" if part.spurious else ""
    return f"| {part.name} | {model} | {area} | {removed} | {part.above} of {part.genuine} |"


if __name__ == "__main__":
    sys.exit(main())
