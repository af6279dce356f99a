"""The review: like notices together, the surprising first; nothing counts before it is confirmed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cleaner.errors import UsageError
from cleaner.service.label import review
from cleaner.store.labelling import Label, LabelState, Origin
from cleaner.values import Kind, Opinion
from tests.service.hands import ANN, BEN, Hands
from tests.service.label.test_adding import purposes
from tests.store.samples import NOW, proposal, specimen, statement

GENUINE, BACKSCATTER, UNSURE = Opinion.GENUINE, Opinion.BACKSCATTER, Opinion.UNSURE


def propose(hands: Hands, number: int, truth: Opinion = GENUINE, by: str = ANN, **specimens: Any) -> None:
    one = proposal(number, truth, specimen=specimen(number, **specimens))
    hands.app.context.store.proposals(by, "harbor").propose([one])


def states(hands: Hands) -> dict[int, str]:
    return {label.id: label.state.value for label in hands.app.context.store.labels.find()}


def test_like_notices_of_which_the_same_is_proposed_make_a_group(hands: Hands) -> None:
    propose(hands, 1, cluster="a")
    propose(hands, 2, cluster="b")
    propose(hands, 3, by=BEN, cluster="a")
    propose(hands, 4, BACKSCATTER, cluster="a")
    found = {group.id: [row.label.id for row in group.rows] for group in review.groups(hands.app.context)}
    assert found == {1: [1, 3], 2: [2], 4: [4]}
    (only,) = review.groups(hands.app.context, mailbox=BEN)
    assert [row.label.id for row in only.rows] == [3]
    assert review.groups(hands.app.context, organisation="quay") == ()


def test_the_surprising_come_first_then_the_uncertain(hands: Hands) -> None:
    propose(hands, 1, BACKSCATTER, opinion=BACKSCATTER)
    propose(hands, 2, GENUINE, opinion=UNSURE)
    propose(hands, 3, GENUINE, opinion=BACKSCATTER)
    propose(hands, 4, BACKSCATTER, opinion=UNSURE, probability=0.1)
    propose(hands, 5, BACKSCATTER, opinion=UNSURE, probability=0.8)
    propose(hands, 6, BACKSCATTER, opinion=GENUINE, probability=0.9, proven=True)
    found = review.groups(hands.app.context)
    assert [group.id for group in found] == [3, 6, 4, 2, 5, 1]
    assert [round(group.surprise, 2) for group in found] == [1.0, 1.0, 0.9, 0.5, 0.2, 0.0]


def test_of_those_that_surprise_alike_the_larger_group_comes_first(hands: Hands) -> None:
    propose(hands, 1, cluster="a")
    propose(hands, 2, cluster="b")
    propose(hands, 3, cluster="b")
    assert [group.id for group in review.groups(hands.app.context)] == [2, 1]


def test_what_contradicts_a_proposal_is_shown_with_it(hands: Hands) -> None:
    hands.app.context.store.labels.add([(specimen(1), statement(BACKSCATTER))])
    propose(hands, 1, GENUINE)
    propose(hands, 2, GENUINE)
    against = {group.id: group.against for group in review.groups(hands.app.context)}
    assert against == {2: (1,), 3: ()}


def test_that_their_mail_was_read_is_on_the_owners_lists(hands: Hands) -> None:
    propose(hands, 1)
    review.groups(hands.app.context)
    assert (purposes(hands, ANN), purposes(hands, BEN)) == (["label review"], [])


def test_single_ones_and_groups_are_decided(hands: Hands) -> None:
    for number in (1, 2, 3):
        propose(hands, number, cluster="a")
    propose(hands, 4, cluster="b")
    propose(hands, 5, cluster="c")
    context = hands.app.context
    settled = review.confirm(context, [4], [2], "eve", "looked at them")
    assert [label.id for label in settled] == [1, 2, 3, 4]
    assert {(label.settled_by, label.settled_why) for label in settled} == {("eve", "looked at them")}
    assert {label.origin for label in settled} == {Origin.OWNER}
    assert [label.state for label in review.refuse(context, [5])] == [LabelState.WITHDRAWN]
    assert review.groups(context) == ()
    assert [row.id for row in context.store.labels.training_rows("harbor")] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("ids", "groups", "told"),
    [
        ([1, 4711], [], "there is no label 4711"),
        ([1], [4711], "there is no label 4711"),
        ([1, 2], [], "label 2 is no proposal that waits"),
        ([], [2], "label 2 is no proposal that waits"),
    ],
)
def test_what_cannot_be_decided_is_told_and_nothing_is(
    hands: Hands, ids: list[int], groups: list[int], told: str
) -> None:
    propose(hands, 1)
    hands.app.context.store.labels.add([(specimen(2), statement())])
    for decide in (review.confirm, review.refuse):
        with pytest.raises(UsageError, match=told):
            decide(hands.app.context, ids, groups)
    assert states(hands) == {1: "proposed", 2: "confirmed"}


def test_surprise_is_measured_against_what_was_proposed() -> None:
    label = Label(
        id=1,
        organisation="harbor",
        mailbox=ANN,
        fingerprint="f",
        truth=GENUINE,
        state=LabelState.PROPOSED,
        origin=Origin.OWNER,
        kind=Kind.NDR,
        cluster="",
        by=ANN,
        at=NOW,
        why="",
        entry=None,
        opinion=UNSURE,
        score=0.0,
        probability=0.7,
        model=None,
        proven=False,
    )
    assert review.surprise(label) == pytest.approx(0.7)
    assert review.surprise(replace(label, truth=BACKSCATTER)) == pytest.approx(0.3)
