"""
From evidence to verdict, in a way that can be read aloud.

A proof that the mail was ours settles the matter, unless something about it contradicts itself. Else a notice may be
removed only on a ground (`values.Ground`), and only where the sum of all findings is clear. Where there is
no ground, the honest answer is `unsure`, whatever the sum. A learned model is asked within grounds (`advice.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from cleaner.classifier.weights import KEEP, REMOVE, YIELDS, speaks_for, weight_of
from cleaner.values import Evidence, Force, Opinion, Side, Verdict

NO_GROUND: Final = (
    "Something speaks against it, but an honest service that is not known here would look the same."
)
NOTHING_KNOWN: Final = "Nothing is known that tells whose mail it was."
NOT_CLEAR: Final = "Something speaks against it, but not clearly enough."


def judge(evidence: Sequence[Evidence]) -> Verdict:
    """The verdict by proofs and rules; the evidence comes back weighed, the strongest first."""
    weighed = tuple(sorted((replace(e, weight=weight_of(e)) for e in evidence), key=_rank))
    score = round(sum(signed(e) for e in weighed), 3)
    opinion, because = decide(weighed, score)
    found = ground(weighed) if opinion is Opinion.BACKSCATTER else None
    return Verdict(opinion, weighed, score, because, ground=found.ground if found is not None else None)


def decide(weighed: Sequence[Evidence], score: float) -> tuple[Opinion, str]:
    for force, opinion in (
        (Force.SUSPICION, Opinion.UNSURE),
        (Force.PROOF, Opinion.GENUINE),
        (Force.HOLD, Opinion.UNSURE),
    ):
        found = first(weighed, force)
        if found is not None:
            return opinion, found.reason
    grounds = ground(weighed)
    if grounds is not None and score >= REMOVE:
        return Opinion.BACKSCATTER, grounds.reason
    if score <= KEEP:
        return Opinion.GENUINE, weighed[0].reason
    if grounds is not None:
        return Opinion.UNSURE, NOT_CLEAR
    return Opinion.UNSURE, NO_GROUND if score > 0 else NOTHING_KNOWN


def ground(weighed: Sequence[Evidence]) -> Evidence | None:
    """The strongest finding that a removal may rest on; None if there is none, or if something speaks for the mail."""
    is_for = any(map(speaks_for, weighed))
    found = (e for e in weighed if e.ground is not None and not (is_for and e.ground in YIELDS))
    return max(found, key=lambda e: e.weight, default=None)


def is_proven(verdict: Verdict) -> bool:
    """Whether the verdict rests on a proof."""
    return verdict.opinion is Opinion.GENUINE and first(verdict.evidence, Force.PROOF) is not None


def first(evidence: Sequence[Evidence], force: Force) -> Evidence | None:
    return next((e for e in evidence if e.force is force), None)


def signed(evidence: Evidence) -> float:
    if evidence.side is Side.NEUTRAL:
        return 0.0
    return evidence.weight if evidence.side is Side.BACKSCATTER else -evidence.weight


def _rank(evidence: Evidence) -> tuple[bool, float, str, str]:
    return evidence.force is Force.WEIGHED, -evidence.weight, evidence.rule, evidence.seen
