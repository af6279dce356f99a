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
from cleaner.values import Evidence, Force, Notice, Opinion, Side, Verdict


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


def would_change(notice: Notice, verdict: Verdict) -> tuple[str, ...]:
    """What would have made the verdict another, in sentences."""
    rules = {e.rule for e in verdict.evidence}
    ways: list[str] = []
    if verdict.opinion is Opinion.GENUINE:
        if is_proven(verdict):
            return ("Only a sign that the mail was replayed to strangers would change it.",)
        return ("A stranger's computer as the one that handed the mail over would change it.",)
    if "sent_record" not in rules:
        ways.append("The mail in your Sent folder, with this id and recipient, would prove it genuine.")
    if "dkim_ours" not in rules:
        ways.append("A valid signature of your mail server in the returned mail would prove it genuine.")
    if (stranger := _stranger(verdict.evidence)) is not None:
        ways.append(f"If this machine sends your mail, list it among your relays: {stranger.seen}.")
    if verdict.opinion is Opinion.UNSURE and "handed_over" not in rules:
        ways.append(
            "A returned trace that shows who handed the mail over would tell."
            if not notice.returned.hops
            else "Your relays, listed with their addresses, could make the returned trace tell."
        )
    return tuple(ways)


def _stranger(evidence: Sequence[Evidence]) -> Evidence | None:
    return next((e for e in evidence if e.rule == "handed_over" and e.side is Side.BACKSCATTER), None)


def first(evidence: Sequence[Evidence], force: Force) -> Evidence | None:
    return next((e for e in evidence if e.force is force), None)


def signed(evidence: Evidence) -> float:
    if evidence.side is Side.NEUTRAL:
        return 0.0
    return evidence.weight if evidence.side is Side.BACKSCATTER else -evidence.weight


def _rank(evidence: Evidence) -> tuple[bool, float, str, str]:
    return evidence.force is Force.WEIGHED, -evidence.weight, evidence.rule, evidence.seen
