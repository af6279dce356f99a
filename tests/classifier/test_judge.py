"""From evidence to verdict: proofs protect, suspicion stays, and no sum removes without a telling finding."""

from __future__ import annotations

from cleaner.classifier import is_proven, judge
from cleaner.values import Evidence, Force, Kind, Notice, Opinion, Side

NOTICE = Notice(Kind.NDR)
PROOF = Evidence("sent_record", Side.GENUINE, "<1@h>", "It is yours.", Force.PROOF)
SUSPICION = Evidence("dkim_ours", Side.NEUTRAL, "d=h", "It may be replayed.", Force.SUSPICION)
STRANGER = Evidence("handed_over", Side.BACKSCATTER, "x [192.0.2.1]", "A stranger handed it over.")
OTHERS = tuple(
    Evidence(rule, Side.BACKSCATTER, "…", "It speaks against you.")
    for rule in ("unsigned", "not_in_record", "never_written", "foreign_id", "burst", "foreign_author")
)


def test_a_proof_of_ours_always_protects() -> None:
    verdict = judge(NOTICE, (STRANGER, *OTHERS, PROOF))
    assert verdict.opinion is Opinion.GENUINE
    assert is_proven(verdict)
    assert verdict.because == PROOF.reason


def test_a_suspicion_is_unsure_whatever_else_there_is() -> None:
    assert judge(NOTICE, (PROOF, SUSPICION, STRANGER, *OTHERS)).opinion is Opinion.UNSURE


def test_a_stranger_alone_is_not_enough_and_with_more_is() -> None:
    assert judge(NOTICE, (STRANGER,)).opinion is Opinion.UNSURE
    assert judge(NOTICE, (STRANGER, *OTHERS)).opinion is Opinion.BACKSCATTER


def test_absence_and_form_never_suffice_whatever_they_add_up_to() -> None:
    verdict = judge(NOTICE, OTHERS * 10)
    assert verdict.score > 10
    assert verdict.opinion is Opinion.UNSURE


def test_where_nothing_is_known_the_verdict_is_unsure() -> None:
    verdict = judge(NOTICE, ())
    assert (verdict.opinion, verdict.probability, verdict.model) == (Opinion.UNSURE, None, None)


def test_evidence_comes_back_weighed_with_the_strongest_first() -> None:
    verdict = judge(NOTICE, (*OTHERS, STRANGER))
    weights = [e.weight for e in verdict.evidence]
    assert weights == sorted(weights, reverse=True)
    assert verdict.evidence[0].rule == "handed_over"
