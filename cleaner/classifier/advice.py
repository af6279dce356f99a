"""
Asking the learned model where the rules' evidence does not settle the matter.

A proof of ours, a suspicion of replay, or a signature that cannot be checked is never put to it. It may remove only
on a ground, and never against a finding for the mail; a model that an organisation's own labels carry is a
ground by itself. Where it disagrees with the rules the honest answer is `unsure`. Of mail that a server wrote anew it
removes nothing that the rules would not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from cleaner.classifier.features import Features, features
from cleaner.classifier.judge import ground, is_proven
from cleaner.classifier.judge import judge as judge_by_rules
from cleaner.classifier.model import Model
from cleaner.values import UNKNOWN, Evidence, Force, Ground, Notice, Opinion, Verdict

EVEN: Final = 0.5

LEARNED_OTHERWISE: Final = (
    "The learned model would call it backscatter, "
    "but it learned from mail as it arrives, and this one was written anew."
)
"""Its promise does not reach to what a server that writes mail anew has left of a notice."""

LIKE_YOUR_LABELS: Final = "It is like notices that your administrators labelled as backscatter."
TRACE_LOST: Final = "Much speaks for it, but how the mail left is lost: your server wrote it anew."


def judge(notice: Notice, evidence: Sequence[Evidence], model: Model | None = None) -> Verdict:
    """The verdict on one notice, by proofs, rules and, where it is silent, the model."""
    return judge_beside(notice, evidence, model, None)[0]


def judge_beside(
    notice: Notice, evidence: Sequence[Evidence], model: Model | None, candidate: Model | None
) -> tuple[Verdict, Verdict | None]:
    """The verdict, and beside it the one that there would be with a candidate in the model's place."""
    verdict = _as_far_as_seen(notice, judge_by_rules(evidence))
    if any(one.force is not Force.WEIGHED for one in evidence):
        return verdict, verdict if candidate is not None else None
    if model is None and candidate is None:
        return verdict, None
    seen = features(notice, evidence)
    other = advised(notice, verdict, seen, candidate) if candidate is not None else None
    return verdict if model is None else advised(notice, verdict, seen, model), other


def advised(notice: Notice, verdict: Verdict, seen: Features, model: Model) -> Verdict:
    """The rules' verdict, with what the model makes of it."""
    probability = model.probability(seen)
    opinion, because, rests_on = decide(verdict, model, seen, probability)
    if notice.rebuilt and opinion is Opinion.BACKSCATTER is not verdict.opinion:
        opinion, because, rests_on = verdict.opinion, LEARNED_OTHERWISE, None
    if opinion is Opinion.GENUINE is not verdict.opinion and _lacks_its_trace(notice):
        opinion, because = verdict.opinion, verdict.because
    return replace(
        verdict,
        opinion=opinion,
        because=because,
        probability=round(probability, 4),
        model=model.name,
        ground=rests_on,
    )


def _as_far_as_seen(notice: Notice, verdict: Verdict) -> Verdict:
    """
    Without a proof, nobody calls a mail genuine whose trace is lost: it may have shown that a stranger sent it.

    (Exchange; measured: 17 of 2206 spurious notices, about mail to people who were written to before.)
    """
    if verdict.opinion is not Opinion.GENUINE or is_proven(verdict) or not _lacks_its_trace(notice):
        return verdict
    if any(one.rule == "handed_over" for one in verdict.evidence):
        return verdict
    return replace(verdict, opinion=Opinion.UNSURE, because=TRACE_LOST)


def _lacks_its_trace(notice: Notice) -> bool:
    return notice.rebuilt and notice.returned.headers.get("received") is UNKNOWN


def decide(
    verdict: Verdict, model: Model, seen: Features, probability: float
) -> tuple[Opinion, str, Ground | None]:
    """What is concluded, why, and what a removal rests on."""
    by_rules = verdict.opinion, verdict.because, verdict.ground
    if model.only_advises and model.taught > 1.0:
        return by_rules
    match verdict.opinion:
        case Opinion.BACKSCATTER if probability < EVEN and verdict.ground is not Ground.TAUGHT:
            return Opinion.UNSURE, "The rules call it backscatter, the learned model does not.", None
        case Opinion.GENUINE if probability >= model.remove:
            return Opinion.UNSURE, "The rules call it genuine, the learned model does not.", None
        case Opinion.UNSURE if model.removes(seen, probability):
            found = ground(verdict.evidence)
            if found is not None:
                return Opinion.BACKSCATTER, reason_of(found.reason, probability), found.ground
            return Opinion.BACKSCATTER, reason_of(LIKE_YOUR_LABELS, probability), Ground.TAUGHT
        case Opinion.UNSURE if probability <= model.keep:
            return Opinion.GENUINE, f"By all that is seen it is yours, to {1.0 - probability:.1%}.", None
    return by_rules


def reason_of(reason: str, probability: float) -> str:
    """The ground's own words, and how sure the model is."""
    return f"{reason} With all else that is seen, that makes it backscatter to {probability:.1%}."
