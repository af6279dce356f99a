"""
What a model's probabilities are worth, drawn: how well calibrated they are, and what each threshold costs.

Of the notices that no proof settles: the others are no merit of rules or model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from cleaner.errors import UsageError
from cleaner.service.evaluate import Answer
from cleaner.service.svg import Curve, Diagram, drawn, thinned

BINS: Final = 10


def write(answers: Sequence[Answer], folder: Path) -> Iterator[Path]:
    """Writes both diagrams. Raises UsageError: no model was asked, or the folder cannot be written."""
    if not answers:
        raise UsageError(
            "there is nothing to draw: no model was asked about a notice of which the truth is known"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, diagram in (("reliability", reliability(answers)), ("precision-recall", trade(answers))):
            path = folder / f"{name}.svg"
            path.write_text(drawn(diagram), encoding="utf-8")
            yield path
    except OSError as error:
        raise UsageError(f"the diagrams cannot be written to {folder} ({error.strerror})") from error


def reliability(answers: Sequence[Answer]) -> Diagram:
    """Of the notices given a probability, how many are backscatter."""
    bins: list[list[Answer]] = [[] for _ in range(BINS)]
    for answer in answers:
        bins[min(BINS - 1, int(answer.probability * BINS))].append(answer)
    points = tuple(
        (mean([a.probability for a in one]), mean([float(a.spurious) for a in one])) for one in bins if one
    )
    return Diagram(
        f"How far a probability can be believed ({len(answers):,} notices)",
        "probability of backscatter",
        "share that is backscatter",
        (Curve("this model", points, marked=True), Curve("as it should be", ((0, 0), (1, 1)), dotted=True)),
    )


def trade(answers: Sequence[Answer]) -> Diagram:
    """Precision against recall at every threshold: by the rules' sum, by the model's probability, and as in use."""
    spurious = sum(a.spurious for a in answers)
    removed = [a for a in answers if a.removed]
    recall = sum(a.spurious for a in removed) / max(1, spurious)
    precision = mean([float(a.spurious) for a in removed]) if removed else 1.0
    return Diagram(
        f"What each threshold removes ({spurious:,} spurious, {len(answers) - spurious:,} genuine)",
        "backscatter that is removed",
        "of what is removed, backscatter",
        (
            Curve("rules only", curve(answers, lambda a: a.score)),
            Curve("model only", curve(answers, lambda a: a.probability)),
            Curve("both, as in use", ((recall, precision),), marked=True),
        ),
    )


def curve(answers: Sequence[Answer], by: Callable[[Answer], float]) -> tuple[tuple[float, float], ...]:
    """Recall and precision from the strictest threshold on; answers of one value stand or fall together."""
    total = max(1, sum(a.spurious for a in answers))
    ranked = sorted(answers, key=by, reverse=True)
    points: list[tuple[float, float]] = []
    hits = 0
    for number, answer in enumerate(ranked, start=1):
        hits += answer.spurious
        if number == len(ranked) or by(ranked[number]) != by(answer):
            points.append((hits / total, hits / number))
    return thinned(points)


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
