"""
How a model does on what it was not made from: whole worlds and circumstances, families of mail systems, languages.

Each part in turn is judged by a model that was trained without it. Calibration and thresholds see the other parts only,
each of them scored by a model that was trained without it in turn. Then it is counted what proofs and rules do by
themselves, and what they do with that model, as in use.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cleaner.classifier.advice import decide
from cleaner.classifier.learning import FULL, Example, Table, family_of, read_by
from cleaner.classifier.model import Model
from cleaner.lab.teaching import Draft
from cleaner.service.evaluate import Share
from cleaner.steps.task import Watch
from cleaner.values import Opinion

FEWEST: Final = 40
"""Notices that a part must hold."""

FIFTHS: Final = 5

BINS: Final = 10
CHANCE: Final = 400
"""Trials by which it is found out what chance alone makes of a perfect calibration."""

Part = tuple[str, ...]
"""What is left out together: all that agrees with it in any place."""
Parting = Callable[[Draft, str], Part]
"""The part that a notice in a condition belongs to."""


def circumstance(draft: Draft, condition: str) -> Part:
    """Its world, and the family of the circumstance: a model that judges it has seen neither."""
    return draft.group, family_of(condition)


def family(draft: Draft, _: str) -> Part:
    return (draft.family,)


def language(draft: Draft, _: str) -> Part:
    return (draft.label.language,)


def sender(draft: Draft, _: str = "") -> Part:
    """The fifth of all sending domains that its own is in: no domain stands on both sides."""
    return (f"fifth {zlib.crc32((draft.site or draft.family).encode()) % FIFTHS + 1}",)


WAYS: Final[Mapping[str, Parting]] = {
    "family": family,
    "sender domains": sender,
    "language": language,
}
"""Beside worlds and circumstances."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One notice in one circumstance, judged by a model that has seen nothing of its part."""

    draft: Draft
    condition: str
    opinion: Opinion
    probability: float | None
    """None where a proof settles the matter."""

    @property
    def by_rules(self) -> Opinion:
        return self.draft.verdicts[self.condition].opinion


@dataclass(frozen=True, slots=True)
class Held:
    """Trials that are counted together."""

    name: str
    trials: tuple[Trial, ...]

    @property
    def genuine(self) -> list[Trial]:
        return [one for one in self.trials if not one.draft.spurious]

    @property
    def decidable(self) -> list[Trial]:
        return [one for one in self.trials if one.draft.spurious and one.draft.label.is_decidable]

    def by_rules(self) -> Share:
        found = self.decidable
        return Share(sum(t.by_rules is Opinion.BACKSCATTER for t in found), len(found))

    def removed(self) -> Share:
        found = self.decidable
        return Share(sum(t.opinion is Opinion.BACKSCATTER for t in found), len(found))

    def lost_by_rules(self) -> Share:
        found = self.genuine
        return Share(sum(t.by_rules is Opinion.BACKSCATTER for t in found), len(found))

    def lost(self) -> Share:
        found = self.genuine
        return Share(sum(t.opinion is Opinion.BACKSCATTER for t in found), len(found))

    def unsure(self) -> tuple[int, int]:
        """By the rules alone, and with the model."""
        before = sum(t.by_rules is Opinion.UNSURE for t in self.trials)
        return before, sum(t.opinion is Opinion.UNSURE for t in self.trials)


def hold_outs(drafts: Sequence[Draft], watch: Watch) -> Iterator[str]:
    """What the card says of it, in Markdown."""
    yield "## On what it was not made from"
    yield (
        "Each part was left out of training, calibration and thresholds, then judged. Removed: of the decidable "
        "backscatter, with the 95 % interval (Wilson)."
    )
    trials = tried(drafts, circumstance, watch, "circumstance")
    yield (
        "In each circumstance each notice was judged by a model that was trained without its world and without any "
        "circumstance of the same family."
    )
    yield "\n".join(circumstances_table(grouped(trials, lambda trial: trial.condition)))
    full = [trial for trial in trials if trial.condition == FULL]
    yield "\n".join(table("world", grouped(full, lambda trial: trial.draft.group)))
    yield calibration(full)
    for way, parting in WAYS.items():
        parts = [one for one in parts_of(tried(drafts, parting, watch, way), parting) if one.name]
        if parts:
            yield "\n".join(table(way, parts))


def parts_of(trials: Sequence[Trial], parting: Parting) -> list[Held]:
    """The parts that were left out, in the world as it is."""
    full = [trial for trial in trials if trial.condition == FULL]
    return grouped(full, lambda trial: parting(trial.draft, trial.condition)[0])


def tried(drafts: Sequence[Draft], parting: Parting, watch: Watch, way: str) -> tuple[Trial, ...]:
    """Each notice in each of its circumstances, judged by a model without its part; small parts are not judged."""
    asked = [(draft, example) for draft in drafts for example in draft.row().examples()]
    parts = [parting(draft, example.condition) for draft, example in asked]
    scores = scored_without([example for _, example in asked], parts, watch, way)
    read: dict[Part, Model] = {}
    told: dict[tuple[int, str], tuple[Model, Example, float]] = {}
    for (draft, example), part in zip(asked, parts, strict=True):
        score = scores.get(id(example))
        if score is None:
            continue
        if part not in read:
            outside = [
                (other, scores[id(other)])
                for (_, other), of in zip(asked, parts, strict=True)
                if id(other) in scores and not agree(part, of)
            ]
            read[part] = read_by(outside)
        told[id(draft), example.condition] = read[part], example, score
    return tuple(trials_of(drafts, told))


def trials_of(
    drafts: Sequence[Draft], told: Mapping[tuple[int, str], tuple[Model, Example, float]]
) -> Iterator[Trial]:
    for draft in drafts:
        for condition, verdict in draft.verdicts.items():
            if condition not in draft.facts:
                yield Trial(draft, condition, verdict.opinion, None)
            elif (id(draft), condition) in told:
                model, example, score = told[id(draft), condition]
                probability = model.probability_of(score)
                yield Trial(
                    draft, condition, decide(verdict, model, example.features, probability)[0], probability
                )


def agree(part: Part, other: Part) -> bool:
    return any(one == another for one, another in zip(part, other, strict=True))


def scored_without(
    examples: Sequence[Example], parts: Sequence[Part], watch: Watch, way: str
) -> dict[int, float]:
    """The identity of each example → its score by a model that has seen nothing that agrees with its part."""
    table = Table.of(examples)
    whole = table.fit()
    counts = {part: parts.count(part) for part in set(parts)}
    wanted = sorted(part for part, count in counts.items() if count >= FEWEST)
    found: dict[int, float] = {}
    for number, part in enumerate(wanted):
        watch(f"without each {way}", number, len(wanted))
        rest = table.only([not agree(part, of) for of in parts])
        if rest.has_both:
            scores = rest.fit(whole).scores(table)
            found |= {id(examples[row]): scores[row] for row, of in enumerate(parts) if of == part}
    watch(f"without each {way}", len(wanted), len(wanted))
    return found


def grouped(trials: Sequence[Trial], of: Callable[[Trial], str]) -> list[Held]:
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        groups.setdefault(of(trial), []).append(trial)
    return [Held(name, tuple(inside)) for name, inside in sorted(groups.items()) if len(inside) >= FEWEST]


def circumstances_table(found: Sequence[Held]) -> Iterator[str]:
    yield "| circumstance | genuine | lost by rules | with the model | removed by rules | with the model |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for one in found:
        lost, removed, by_rules = one.lost(), one.removed(), one.by_rules()
        yield (
            f"| {one.name} | {lost.total:,} | {one.lost_by_rules().hits:,} | {lost.hits:,} | {percent(by_rules)} | "
            f"{percent(removed)} |"
        )


def percent(share: Share) -> str:
    return "" if share.value is None else f"{share.value:.1%}"


def table(way: str, found: Sequence[Held]) -> Iterator[str]:
    yield f"| {way} left out | by rules | with the model | genuine lost | unsure by rules | with the model |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for one in found:
        before, after = one.unsure()
        yield (
            f"| {one.name} | {shown(one.by_rules())} | {shown(one.removed())} "
            f"| {one.lost().hits} of {one.lost().total:,} | {before:,} | {after:,} |"
        )


def shown(share: Share) -> str:
    if share.value is None or share.interval is None:
        return ""
    low, high = share.interval
    return f"{share.value:.1%} of {share.total:,} ({low:.1%} to {high:.1%})"


def calibration(trials: Sequence[Trial]) -> str:
    asked = [(t.probability, t.draft.spurious) for t in trials if t.probability is not None]
    doubt = [
        (t.probability, t.draft.spurious)
        for t in trials
        if t.probability is not None and t.by_rules is Opinion.UNSURE
    ]
    return (
        f"On the worlds left out, the expected calibration error ({BINS} bins) is {calibration_error(asked):.3f} "
        f"of the {len(asked):,} notices that a model was asked about, and {calibration_error(doubt):.3f} of the "
        f"{len(doubt):,} among them that the rules leave unsure. {by_chance(doubt)}"
    )


def by_chance(scored: Sequence[tuple[float, bool]]) -> str:
    """What a perfectly calibrated model would show of so few: the error is above zero by chance alone."""
    if not scored:
        return ""
    dice = random.Random(1)  # noqa: S311
    trials = sorted(
        calibration_error([(probability, dice.random() < probability) for probability, _ in scored])
        for _ in range(CHANCE)
    )
    mean, upper = sum(trials) / CHANCE, trials[int(0.95 * CHANCE)]
    return (
        f"Of so few, a perfectly calibrated model would show {mean:.3f} on average, and more than {upper:.3f} once in "
        "twenty times."
    )


def calibration_error(scored: Sequence[tuple[float, bool]]) -> float:
    """
    The expected calibration error: how far the mean probability of each tenth lies from the share that is true.

    Source: Naeini, Cooper, Hauskrecht (2015).
    """
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(BINS)]
    for probability, truth in scored:
        bins[min(BINS - 1, int(probability * BINS))].append((probability, truth))
    gaps = (abs(sum(p for p, _ in one) - sum(t for _, t in one)) for one in bins if one)
    return sum(gaps) / len(scored) if scored else 0.0
