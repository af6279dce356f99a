"""From evidence to verdict: proofs protect, suspicion stays, and no sum removes without a ground."""

from __future__ import annotations

import pytest

from cleaner.classifier import is_proven, judge
from cleaner.values import Evidence, Force, Ground, Kind, Notice, Opinion, Side

NOTICE = Notice(Kind.NDR)
PROOF = Evidence("sent_record", Side.GENUINE, "<1@h>", "It is yours.", Force.PROOF)
SUSPICION = Evidence("dkim_ours", Side.NEUTRAL, "d=h", "It may be replayed.", Force.SUSPICION)
CLOSED = Evidence(
    "closed_senders", Side.BACKSCATTER, "x [192.0.2.1]", "It may not send.", ground=Ground.CLOSED
)
CAMPAIGN = Evidence("campaign", Side.BACKSCATTER, "24 networks", "One of many.", ground=Ground.CAMPAIGN)
LABEL = Evidence("taught", Side.BACKSCATTER, "pills", "An administrator said so.", ground=Ground.TAUGHT)
HOLD = Evidence("unchecked_signature", Side.NEUTRAL, "d=h", "Its key cannot be had.", Force.HOLD)
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


def test_a_stranger_is_no_ground_whatever_else_there_is() -> None:
    verdict = judge(NOTICE, (STRANGER, *OTHERS))
    assert verdict.score > 3
    assert (verdict.opinion, verdict.ground) == (Opinion.UNSURE, None)


@pytest.mark.parametrize("found", [CLOSED, CAMPAIGN, LABEL])
def test_a_ground_removes_and_is_told(found: Evidence) -> None:
    verdict = judge(NOTICE, (found, STRANGER))
    assert (verdict.opinion, verdict.ground, verdict.because) == (
        Opinion.BACKSCATTER,
        found.ground,
        found.reason,
    )


@pytest.mark.parametrize(
    "rule", ["sent_subject", "conversation", "written_before", "handed_over", "sender_policy"]
)
def test_a_campaign_and_a_label_yield_to_what_speaks_for_the_mail(rule: str) -> None:
    ours = Evidence(rule, Side.GENUINE, "…", "It speaks for you.")
    for found in (CAMPAIGN, LABEL):
        assert judge(NOTICE, (found, STRANGER, *OTHERS, ours)).opinion is Opinion.UNSURE


def test_who_was_written_to_before_does_not_open_a_closed_set_and_a_subject_that_was_sent_does() -> None:
    before = Evidence("written_before", Side.GENUINE, "b@far", "You wrote to them before.")
    subject = Evidence("sent_subject", Side.GENUINE, "offer", "You sent that.")
    assert judge(NOTICE, (CLOSED, STRANGER, OTHERS[1], before)).opinion is Opinion.BACKSCATTER
    assert judge(NOTICE, (CLOSED, STRANGER, OTHERS[1], subject)).opinion is Opinion.UNSURE


def test_what_cannot_be_checked_holds_a_removal_and_no_proof() -> None:
    assert judge(NOTICE, (CLOSED, STRANGER, *OTHERS, HOLD)).opinion is Opinion.UNSURE
    assert judge(NOTICE, (CLOSED, HOLD, PROOF)).opinion is Opinion.GENUINE
    assert judge(NOTICE, (HOLD, PROOF, SUSPICION)).opinion is Opinion.UNSURE


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
