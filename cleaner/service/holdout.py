"""
How a model does on what it was not made from: whole worlds, families of mail systems, languages.

Each part in turn is left out of everything: training, calibration and the choice of thresholds see the other
parts only. Then it is judged by proofs and rules, and by them and that model, as in use.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cleaner.classifier.advice import decide
from cleaner.classifier.base import training
from cleaner.classifier.learning import learn
from cleaner.classifier.model import Model
from cleaner.errors import UsageError
from cleaner.service.evaluate import Share
from cleaner.service.teaching import Draft
from cleaner.steps.task import Watch
from cleaner.values import Opinion

FEWEST: Final = 40
"""Notices that a part must hold."""

FIFTHS: Final = 5

BINS: Final = 10
CHANCE: Final = 400
"""Trials by which it is found out what chance alone makes of a perfect calibration."""


def world(draft: Draft) -> str:
    return draft.group


def family(draft: Draft) -> str:
    return draft.family


def language(draft: Draft) -> str:
    return draft.label.language


def sender(draft: Draft) -> str:
    """The fifth of all sending domains that its own is in: no domain stands on both sides."""
    return f"fifth {zlib.crc32((draft.site or draft.family).encode()) % FIFTHS + 1}"


WAYS: Final[Mapping[str, Callable[[Draft], str]]] = {
    "world": world,
    "family": family,
    "sender domains": sender,
    "language": language,
}


@dataclass(frozen=True, slots=True)
class Trial:
    """One notice, judged by a model that has seen nothing of its part."""

    draft: Draft
    opinion: Opinion
    probability: float | None
    """None where a proof settles the matter."""


@dataclass(frozen=True, slots=True)
class Held:
    """One part that was left out, and what came of it."""

    name: str
    advises: bool
    """Without the part too few clusters are left for a promise, so the model decides nothing."""
    trials: tuple[Trial, ...]

    @property
    def decidable(self) -> list[Trial]:
        return [one for one in self.trials if one.draft.spurious and one.draft.label.is_decidable]

    def by_rules(self) -> Share:
        found = self.decidable
        return Share(sum(t.draft.verdict.opinion is Opinion.BACKSCATTER for t in found), len(found))

    def removed(self) -> Share:
        found = self.decidable
        return Share(sum(t.opinion is Opinion.BACKSCATTER for t in found), len(found))

    def lost(self) -> Share:
        genuine = [one for one in self.trials if not one.draft.spurious]
        return Share(sum(t.opinion is Opinion.BACKSCATTER for t in genuine), len(genuine))

    def unsure(self) -> tuple[int, int]:
        """By the rules alone, and with the model."""
        before = sum(t.draft.verdict.opinion is Opinion.UNSURE for t in self.trials)
        return before, sum(t.opinion is Opinion.UNSURE for t in self.trials)


def hold_outs(drafts: Sequence[Draft], watch: Watch) -> Iterator[str]:
    """What the card says of it, in Markdown."""
    yield "## On what it was not made from"
    yield (
        "Each part was left out of training, calibration and thresholds, then judged under full knowledge. "
        "Removed: of the decidable backscatter, with the 95 % interval (Wilson). *Advises*: without the part "
        "too few clusters are left for the promise."
    )
    for way in WAYS:
        found = tuple(held(drafts, way, watch))
        if found:
            yield "\n".join(table(way, found))
        if way == "world" and found:
            yield calibration([trial for part in found for trial in part.trials])


def held(drafts: Sequence[Draft], way: str, watch: Watch) -> Iterator[Held]:
    of = WAYS[way]
    names = sorted({of(draft) for draft in drafts} - {""})
    names = [name for name in names if sum(of(draft) == name for draft in drafts) >= FEWEST]
    for number, name in enumerate(names):
        watch(f"without each {way}", number, len(names))
        rest = [draft.row() for draft in drafts if of(draft) != name and draft.facts]
        try:
            model = learn(training(rest), "held-out", watch=lambda *_: None).model
        except UsageError:
            continue
        trials = tuple(trial(draft, model) for draft in drafts if of(draft) == name)
        yield Held(name, model.only_advises, trials)
    watch(f"without each {way}", len(names), len(names))


def trial(draft: Draft, model: Model) -> Trial:
    seen = draft.asked
    if seen is None:
        return Trial(draft, draft.verdict.opinion, None)
    probability = model.probability(seen)
    return Trial(draft, decide(draft.verdict, model, seen, probability)[0], probability)


def table(way: str, found: Sequence[Held]) -> Iterator[str]:
    yield f"| {way} left out | by rules | with the model | genuine lost | unsure by rules | with the model |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for one in found:
        before, after = one.unsure()
        yield (
            f"| {one.name}{' (advises)' if one.advises else ''} | {shown(one.by_rules())} | {shown(one.removed())} "
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
        if t.probability is not None and t.draft.verdict.opinion is Opinion.UNSURE
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
