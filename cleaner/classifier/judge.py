"""
From evidence to verdict, in a way that can be read aloud.

A proof that the mail was ours settles the matter, unless something about it contradicts itself. Else
the findings are added up, and only a clear sum with a telling finding in it calls a notice backscatter. Where this
is silent it says `unsure`, and a learned model is asked (`advice.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cleaner.classifier.weights import KEEP, REMOVE, TELLING, weight_of
from cleaner.values import Evidence, Force, Opinion, Side, Verdict


def judge(evidence: Sequence[Evidence]) -> Verdict:
    """The verdict by proofs and rules; the evidence comes back weighed, the strongest first."""
    weighed = tuple(sorted((replace(e, weight=weight_of(e)) for e in evidence), key=_rank))
    score = round(sum(signed(e) for e in weighed), 3)
    opinion, because = decide(weighed, score)
    return Verdict(opinion, weighed, score, because)


def decide(weighed: Sequence[Evidence], score: float) -> tuple[Opinion, str]:
    suspicion = first(weighed, Force.SUSPICION)
    if suspicion is not None:
        return Opinion.UNSURE, suspicion.reason
    proof = first(weighed, Force.PROOF)
    if proof is not None:
        return Opinion.GENUINE, proof.reason
    telling = next((e for e in weighed if (e.rule, e.side) in TELLING), None)
    if telling is not None and score >= REMOVE:
        return Opinion.BACKSCATTER, telling.reason
    if score <= KEEP:
        return Opinion.GENUINE, weighed[0].reason
    if telling is not None:
        return Opinion.UNSURE, "Something speaks against it, but not clearly enough."
    return Opinion.UNSURE, "Nothing is known that tells whose mail it was."


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
