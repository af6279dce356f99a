"""The card of a model: what it was made from, what it promises, what it weighs, where its limits are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cleaner.classifier.learning import FULL, Example, Learned
from cleaner.classifier.model import WORDING, Model
from cleaner.classifier.promotion import tally

MOST_FINDINGS = 40


@dataclass(frozen=True, slots=True)
class Data:
    """Where a model's examples come from."""

    sources: tuple[str, ...]
    licence: str
    hold_outs: tuple[str, ...] = ()
    """Markdown: how it did on whole worlds, families and languages that it was not made from."""


def card(learned: Learned, model: Model, data: Data, versions: Mapping[str, str]) -> str:
    """In Markdown."""
    sections = (
        f"# Model {model.name}",
        (
            "A logistic regression over what the rules found, with hashed words beside it that may add at most "
            f"±{WORDING:g} nats together. It answers where no proof settles the matter, and "
            + (
                "removes nothing without a ground, nor against a finding for the mail."
                if model.taught > 1.0
                else "removes nothing against a finding for the mail."
            )
        ),
        "## Data",
        "\n".join(f"- {source}" for source in data.sources),
        f"Licence: {data.licence}.",
        "\n".join(counts(learned)),
        "## What it promises",
        promise(learned, model),
        *data.hold_outs,
        "## Each part judged without it",
        (
            "Each example was judged by a model that was trained without its world and without any circumstance of the "
            "same family; own labels by one that was trained without their like. What the model by itself removes:"
        ),
        "\n".join(table(learned, model)),
        "## What it weighs",
        "Above zero speaks for backscatter.",
        "\n".join(weights(model)),
        "## Limits",
        (
            "Made from mail of few organisations, put into circumstances that were thought up. Its probability is "
            "calibrated on these, and on no others."
        ),
        "## Made with",
        "\n".join(f"- {name} {number}" for name, number in sorted(versions.items())),
    )
    return "\n\n".join(sections) + "\n"


def counts(learned: Learned) -> Iterator[str]:
    full = [example for example, _ in learned.held_out if example.condition == FULL]
    yield f"{len(full):,} notices without proof, of the worlds as they are:"
    yield ""
    for group in sorted({example.group for example in full}):
        inside = [example for example in full if example.group == group]
        spurious = sum(example.spurious for example in inside)
        yield f"- {group}: {len(inside) - spurious:,} genuine, {spurious:,} backscatter"


def promise(learned: Learned, model: Model) -> str:
    guarantee = learned.guarantee
    if model.only_advises:
        return (
            f"It only advises: {guarantee.clusters:,} clusters of genuine notices are too few, or too near, for "
            f"a loss of at most {guarantee.wanted:.1%} at {guarantee.confidence:.0%} confidence "
            f"({guarantee.missing:,} more are needed)."
        )
    return (
        f"From a probability of {model.remove:.4f} it may remove. None of {guarantee.clusters:,} clusters of like "
        f"genuine notices without proof reached that: at most {guarantee.bound:.2%} of such notices are lost, at "
        f"{guarantee.confidence:.0%} confidence (Clopper and Pearson 1934), as far as they are like these."
    )


def table(learned: Learned, model: Model) -> Iterator[str]:
    yield "| circumstance | genuine | lost | backscatter | removed |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    parts: dict[str, list[tuple[Example, float]]] = {}
    for example, probability in learned.held_out:
        parts.setdefault("own labels" if example.own else example.condition, []).append(
            (example, probability)
        )
    for name, inside in sorted(parts.items()):
        seen = tally(inside, model)
        removed = f"{seen.removed / seen.spurious:.1%}" if seen.spurious else ""
        yield f"| {name} | {seen.genuine:,} | {seen.lost:,} | {seen.spurious:,} | {removed} |"


def weights(model: Model) -> Iterator[str]:
    yield "| finding | weight |"
    yield "| --- | --- |"
    strongest = sorted(model.facts.items(), key=lambda item: (-abs(item[1]), item[0]))
    for name, weight in strongest[:MOST_FINDINGS]:
        yield f"| {name} | {weight:+.2f} |"
