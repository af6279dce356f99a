"""Asking the model: only where proofs are silent, and never to remove without a ground."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cleaner.classifier import judge
from cleaner.classifier.model import Model
from cleaner.values import (
    Completeness,
    Evidence,
    Force,
    Ground,
    Headers,
    Kind,
    Notice,
    Opinion,
    Returned,
    Side,
)

NOTICE = Notice(Kind.NDR)
TOLD = Evidence(
    "closed_senders", Side.BACKSCATTER, "", "A stranger handed it over.", strength=0.4, ground=Ground.CLOSED
)
CLEAR = (replace(TOLD, strength=1.0),)
STRANGER = Evidence("handed_over", Side.BACKSCATTER, "", "A stranger handed it over.")
ABSENT = Evidence("not_in_record", Side.BACKSCATTER, "", "It is not in Sent.")
PROOF = Evidence("sent_record", Side.GENUINE, "", "It is in Sent.", force=Force.PROOF)
REPLAY = Evidence("sent_record", Side.GENUINE, "", "It was replayed.", force=Force.SUSPICION)
BEFORE = Evidence("written_before", Side.GENUINE, "", "You wrote to them before.")
OURS = Evidence("handed_over", Side.GENUINE, "", "Our relay handed it over.")


def model(score: float, *, remove: float = 0.97, keep: float = 0.05) -> Model:
    """One that says the same of everything."""
    return Model("test", score, {}, remove=remove, keep=keep)


SURE, SURE_NOT, EVEN = model(6.0), model(-6.0), model(0.0)


@pytest.mark.parametrize(
    ("asked", "evidence", "expected"),
    [
        (SURE, (TOLD,), Opinion.BACKSCATTER),
        (EVEN, (TOLD,), Opinion.UNSURE),
        (model(3.4), (TOLD,), Opinion.UNSURE),
        (SURE_NOT, (TOLD,), Opinion.GENUINE),
        (SURE, (ABSENT,), Opinion.UNSURE),
        (SURE, (), Opinion.UNSURE),
        (SURE_NOT, (ABSENT,), Opinion.GENUINE),
        (SURE, (STRANGER, ABSENT), Opinion.UNSURE),
        (SURE, (TOLD, BEFORE), Opinion.UNSURE),
        (SURE, (OURS,), Opinion.UNSURE),
        (EVEN, (OURS,), Opinion.GENUINE),
        (model(6.0, remove=2.0), (TOLD,), Opinion.UNSURE),
        (model(-6.0, remove=2.0), (TOLD,), Opinion.UNSURE),
    ],
)
def test_what_the_model_may_decide(asked: Model, evidence: tuple[Evidence, ...], expected: Opinion) -> None:
    verdict = judge(NOTICE, evidence, asked)
    assert verdict.opinion is expected
    assert verdict.model == "test"
    assert verdict.probability == pytest.approx(asked.probability_of(asked.intercept), abs=1e-4)


@pytest.mark.parametrize(("proof", "expected"), [(PROOF, Opinion.GENUINE), (REPLAY, Opinion.UNSURE)])
def test_what_a_proof_settles_is_not_put_to_it(proof: Evidence, expected: Opinion) -> None:
    verdict = judge(NOTICE, (proof, TOLD), SURE)
    assert (verdict.opinion, verdict.probability, verdict.model) == (expected, None, None)


def test_a_clear_case_that_the_model_denies_is_unsure() -> None:
    evidence = CLEAR
    assert judge(NOTICE, evidence).opinion is Opinion.BACKSCATTER
    assert judge(NOTICE, evidence, SURE).opinion is Opinion.BACKSCATTER
    assert judge(NOTICE, evidence, SURE_NOT).opinion is Opinion.UNSURE


def test_a_model_that_own_labels_carry_is_a_ground_by_itself() -> None:
    taught = replace(SURE, taught=0.99)
    verdict = judge(NOTICE, (STRANGER, ABSENT), taught)
    assert (verdict.opinion, verdict.ground) == (Opinion.BACKSCATTER, Ground.TAUGHT)
    assert "your administrators labelled" in verdict.because
    assert judge(NOTICE, (STRANGER, ABSENT), replace(SURE, taught=0.999)).opinion is Opinion.UNSURE
    assert judge(NOTICE, (STRANGER, ABSENT, BEFORE), taught).opinion is Opinion.UNSURE


def test_the_reason_says_what_told_and_how_sure_the_model_is() -> None:
    verdict = judge(NOTICE, (ABSENT, TOLD), SURE)
    assert "A stranger handed it over." in verdict.because
    assert "99.8" in verdict.because


def test_what_a_server_wrote_anew_is_not_removed_by_the_model_alone() -> None:
    verdict = judge(replace(NOTICE, rebuilt=True), (ABSENT, TOLD), SURE)
    assert verdict.opinion is Opinion.UNSURE
    assert "written anew" in verdict.because
    assert judge(NOTICE, (ABSENT, TOLD), SURE).opinion is Opinion.BACKSCATTER


def test_but_the_model_may_still_stop_the_rules_there() -> None:
    evidence = CLEAR
    anew = replace(NOTICE, rebuilt=True)
    assert judge(anew, evidence, SURE).opinion is Opinion.BACKSCATTER
    assert judge(anew, evidence, SURE_NOT).opinion is Opinion.UNSURE


UNTRACED = replace(
    NOTICE,
    rebuilt=True,
    returned=Returned(Completeness.WHOLE, headers=Headers(unknown=frozenset(("received",)))),
)


@pytest.mark.parametrize(
    ("notice", "evidence", "expected"),
    [
        (UNTRACED, (BEFORE,), Opinion.UNSURE),
        (NOTICE, (BEFORE,), Opinion.GENUINE),
        (replace(UNTRACED, returned=Returned(Completeness.HEADERS)), (BEFORE,), Opinion.GENUINE),
        (UNTRACED, (BEFORE, OURS), Opinion.GENUINE),
        (UNTRACED, (BEFORE, PROOF), Opinion.GENUINE),
    ],
)
def test_whose_trace_is_lost_is_not_called_genuine_without_proof(
    notice: Notice, evidence: tuple[Evidence, ...], expected: Opinion
) -> None:
    assert judge(notice, evidence).opinion is expected
    assert judge(notice, evidence, SURE_NOT).opinion is expected
