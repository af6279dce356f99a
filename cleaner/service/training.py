"""
Training: from the bundled base and the organisation's own labels to a new model, and whether it takes the place.

The use case behind `train`. The base is what the newest released model brings along: nobody needs the
collections that it was made from. Own labels weigh more than its rows, so that a handful tells, and what one
mailbox can add is bounded, so that nobody moves the model for all.
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Final

from cleaner import __version__
from cleaner.classifier import files
from cleaner.classifier.base import Row, locked, training
from cleaner.classifier.card import Data, card
from cleaner.classifier.features import Features
from cleaner.classifier.learning import Example, Guarantee, Learned, learn
from cleaner.classifier.promotion import Comparison, compare
from cleaner.errors import UsageError
from cleaner.service.context import Context
from cleaner.service.models import choose, model_for, organisation_named, shelf
from cleaner.steps.task import Watch
from cleaner.store.labelling import Origin, TrainingRow
from cleaner.store.records import Training
from cleaner.values import Opinion

OWN_WEIGHT: Final = 8.0
"""What one own label weighs beside a row of the base."""

MOST_OF_A_MAILBOX: Final = 400.0
"""What all labels about one mailbox weigh together at most."""

MOST_OF_AN_OWNER: Final = 40.0
"""The same of those that a mailbox owner's moves proposed, also when an administrator confirmed them."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A new model, how it did, and whether it is in use now."""

    name: str
    folder: Path
    organisation: str
    own_labels: int
    base_rows: int
    guarantee: Guarantee
    taught: Guarantee
    """For removing by own labels alone."""
    threshold: float
    comparisons: tuple[Comparison, ...]
    promoted: bool

    @property
    def objections(self) -> tuple[str, ...]:
        return tuple(o for comparison in self.comparisons for o in comparison.objections)

    def as_json(self) -> dict[str, object]:
        return {
            "model": self.name,
            "folder": str(self.folder),
            "organisation": self.organisation,
            "own_labels": self.own_labels,
            "base_rows": self.base_rows,
            "genuine_clusters": self.guarantee.clusters,
            "bound": self.guarantee.bound,
            "confidence": self.guarantee.confidence,
            "missing_labels": self.guarantee.missing,
            "own_genuine_groups": self.taught.clusters,
            "missing_own_groups": self.taught.missing,
            "remove": self.threshold if self.threshold <= 1.0 else None,
            "objections": list(self.objections),
            "promoted": self.promoted,
        }


def train(context: Context, organisation: str | None, watch: Watch, *, may_promote: bool = True) -> Trained:
    """
    Trains a model for one organisation; it takes the place of the one in use if it is not worse.

    Raises UsageError: no base, too little to learn from, no scikit-learn, another is at it.
    """
    named = organisation_named(context, organisation)
    with context.store.training(named) as is_free:
        if not is_free:
            raise UsageError(f"a model for {named} is being trained already; try again when that is done")
        return trained(context, named, watch, may_promote=may_promote)


def trained(context: Context, named: str, watch: Watch, *, may_promote: bool) -> Trained:
    last = context.store.labels.latest()
    base, words, source = base_of(context)
    own = tuple(own_examples(context.store.labels.training_rows(named)))
    name = new_name(context, named)
    learned = learn(
        (*training(base), *own),
        name,
        aside=locked(base),
        accept=context.settings.models.accept,
        watch=watch,
    )
    current = model_for(context, named)
    held_out = [(example, probability) for example, probability in learned.held_out if example.own]
    comparisons = compare(current, learned.model, locked(base), held_out)
    folder = context.settings.models.path / name
    data = Data(
        sources=(f"the base of {source}", f"{len(own)} labels of {named}"), licence="see the base's card"
    )
    write(folder, learned, base, words, data)
    objections = any(comparison.objections for comparison in comparisons)
    found = Trained(
        name,
        folder,
        named,
        own_labels=len(own),
        base_rows=len(base),
        guarantee=learned.guarantee,
        taught=learned.taught,
        threshold=learned.model.remove,
        comparisons=comparisons,
        promoted=may_promote and not objections,
    )
    place(context, found, last)
    return found


def place(context: Context, trained: Trained, last_label: int) -> None:
    """In the place of the one in use, or beside it: a candidate judges along, so that it can be compared."""
    if trained.promoted:
        why = "not worse than the one before, on the hold-out and on your labels"
        choose(context, trained.organisation, trained.name, why)
        context.store.watching.judge_along(trained.organisation, None, context.clock())
    else:
        context.store.watching.judge_along(trained.organisation, trained.name, context.clock())
    context.store.models.note(
        Training(
            trained.organisation,
            context.clock(),
            context.actor,
            trained.name,
            trained.own_labels,
            trained.promoted,
            "; ".join(trained.objections) or ("" if trained.promoted else "it was to be a candidate"),
            last_label,
        )
    )


def base_of(context: Context) -> tuple[tuple[Row, ...], bytes, str]:
    """The rows that the newest released model brings along, its telling words, and its name."""
    name = shelf(context).newest_released()
    if name is None:
        raise UsageError("no released model is installed, so there is no base to train from")
    kept = files.read(shelf(context).folder(name))
    try:
        base = tuple(Row.from_json(row) for row in files.rows(kept[files.BASE]))
    except (KeyError, TypeError, ValueError, EOFError, OSError) as error:
        raise UsageError(
            f"the base of model {name} ({files.BASE} in its folder) is not as this program writes it; "
            "install the program anew"
        ) from error
    return base, kept.get(files.TELLING_WORDS, b"{}"), name


def own_examples(rows: Iterable[TrainingRow]) -> Iterator[Example]:
    """
    The organisation's labels as examples, within what one mailbox may weigh.

    Those with a proof are left out: no model is asked about their like.
    """
    counts: Counter[tuple[str, bool]] = Counter()
    told: list[tuple[tuple[str, bool], Example]] = []
    # As they come, each row is made smaller: a hundred thousand are kept until all are counted.
    for row in rows:
        if row.proven or row.truth is Opinion.NOT_A_BOUNCE:
            continue
        share = share_of(row)
        counts[share] += 1
        spurious = row.truth is Opinion.BACKSCATTER
        told.append(
            (share, Example(Features.from_json(row.features), spurious, "own", row.cluster, own=True))
        )
    for share, example in told:
        mailbox, by_owner = share
        most = MOST_OF_AN_OWNER if by_owner else MOST_OF_A_MAILBOX
        # An owner's label that was imported may be of a mailbox that is not known here.
        is_bounded = bool(mailbox) or by_owner
        weight = min(OWN_WEIGHT, most / counts[share]) if is_bounded else OWN_WEIGHT
        yield replace(example, weight=weight)


def share_of(row: TrainingRow) -> tuple[str, bool]:
    return row.mailbox, row.origin is Origin.OWNER


def new_name(context: Context, organisation: str) -> str:
    """`harbor-2026.11.24-1`: whose, of which day, the how many-th."""
    plain = "".join(c if c.isascii() and c.isalnum() else "-" for c in organisation.lower()).strip("-")
    day = f"{plain[:30] or 'own'}-{context.clock():%Y.%m.%d}"
    taken = shelf(context).folders()
    return next(name for number in range(1, 10_000) if (name := f"{day}-{number}") not in taken)


def write(folder: Path, learned: Learned, base: Sequence[Row], words: bytes, data: Data) -> None:
    """Writes the model's folder. Raises UsageError where that is not possible."""
    model = replace(learned.model, name=folder.name)
    kept = {
        files.BASE: files.lines(row.as_json() for row in base),
        files.TELLING_WORDS: words,
        files.CARD: card(learned, model, data, versions()).encode(),
    }
    try:
        files.save(folder, model, kept, versions())
    except OSError as error:
        raise UsageError(
            f"the model cannot be written to {folder} ({error.strerror}); correct models.path in the "
            "configuration, or give this account the right to write there"
        ) from error


def versions() -> Mapping[str, str]:
    return {
        "bounce-cleaner": __version__,
        "python": platform.python_version(),
        "scikit-learn": version("scikit-learn"),
    }
