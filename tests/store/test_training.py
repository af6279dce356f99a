"""What training gets: confirmed labels of notices, none that contradicts another."""

from __future__ import annotations

from typing import Any

import pytest

from cleaner.store import Store
from cleaner.store.labelling import Contradiction, Grade, LabelState, Origin
from cleaner.values import Kind, Opinion, Specimen
from tests.store.samples import ANN, BEN, NOW, proposal, specimen, statement

GENUINE, BACKSCATTER, ORDINARY = Opinion.GENUINE, Opinion.BACKSCATTER, Opinion.NOT_A_BOUNCE


def alike(number: int, facts: dict[str, float] | None = None) -> Specimen:
    """One of many notices about the same mail."""
    features = {"facts": facts or {"kind:ndr": 1.0}, "words": [number]}
    return specimen(number, cluster="ndr cheap watches", features=features)


def say(store: Store, *said: tuple[Specimen, Opinion], **changes: Any) -> None:
    store.labels.add([(one, statement(truth, **changes)) for one, truth in said])


def trained_on(store: Store) -> list[int]:
    return [row.id for row in store.labels.training_rows("harbor")]


def found(store: Store) -> list[tuple[Grade, list[int]]]:
    return [shown(contradiction) for contradiction in store.labels.contradictions("harbor")]


def shown(contradiction: Contradiction) -> tuple[Grade, list[int]]:
    return contradiction.grade, [label.id for label in contradiction.labels]


def test_a_row_holds_what_training_needs_and_names_nobody(store: Store) -> None:
    say(store, (specimen(1, proven=True), GENUINE), (specimen(2), BACKSCATTER))
    say(store, (specimen(3), BACKSCATTER), mailbox=BEN, origin=Origin.IMPORT)
    say(store, (specimen(4), ORDINARY), mailbox=None)
    one, two, three, four = store.labels.training_rows("harbor")
    assert (one.features, one.truth, one.kind, one.at) == (specimen(1).features, GENUINE, Kind.NDR, NOW)
    assert [row.proven for row in (one, two, three, four)] == [True, False, False, False]
    assert (one.origin, three.origin) == (Origin.ADMINISTRATOR, Origin.IMPORT)
    assert one.mailbox == two.mailbox != three.mailbox != ""
    assert four.mailbox == ""
    assert "ann" not in one.mailbox
    assert one.cluster != two.cluster


def test_an_organisation_without_labels_has_no_rows(store: Store) -> None:
    assert list(store.labels.training_rows("harbor")) == []
    assert store.labels.contradictions() == store.labels.contradictions("harbor") == ()


def test_what_was_not_read_as_a_notice_is_not_learned_from(store: Store) -> None:
    kinds = (Kind.NOT_A_BOUNCE, Kind.ARF, Kind.CHALLENGE)
    say(store, *((specimen(number, kind=kind), BACKSCATTER) for number, kind in enumerate(kinds)))
    assert [row.kind for row in store.labels.training_rows("harbor")] == [Kind.CHALLENGE]


def test_two_truths_of_one_message_are_shown_and_not_learned_from(store: Store) -> None:
    say(store, (specimen(1), GENUINE), (specimen(2), GENUINE), (specimen(1), BACKSCATTER))
    assert found(store) == [(Grade.SAME_MESSAGE, [1, 3])]
    assert trained_on(store) == [2]
    store.labels.settle([3], LabelState.WITHDRAWN, by="root", at=NOW)
    assert found(store) == []
    assert trained_on(store) == [1, 2]


def test_like_notices_with_the_same_findings_must_be_of_one_kind(store: Store) -> None:
    """Nothing that the model sees tells them apart, so one of the labels must be wrong."""
    say(store, (alike(1), BACKSCATTER), (alike(2), BACKSCATTER), (alike(3), GENUINE), (specimen(4), GENUINE))
    assert found(store) == [(Grade.SAME_FINDINGS, [1, 2, 3])]
    assert trained_on(store) == [4]


def test_like_notices_with_other_findings_may_be_of_both_kinds(store: Store) -> None:
    """A subject such as "Invoice" is everybody's: this is what is to be learned."""
    ours, theirs = {"handed_over:genuine": 1.0}, {"handed_over:backscatter": 1.0}
    say(store, (alike(1, theirs), BACKSCATTER), (alike(2, ours), GENUINE))
    assert found(store) == [(Grade.LIKE, [1, 2])]
    assert trained_on(store) == [1, 2]


def test_findings_are_the_same_though_their_strength_differs_by_a_hair(store: Store) -> None:
    say(store, (alike(1, {"burst:backscatter": 0.501}), BACKSCATTER))
    say(store, (alike(2, {"burst:backscatter": 0.52}), GENUINE))
    say(store, (alike(3, {"burst:backscatter": 0.9}), GENUINE))
    assert found(store) == [(Grade.SAME_FINDINGS, [1, 2])]
    assert trained_on(store) == [3]


def test_genuine_and_no_notice_at_all_must_both_stay(store: Store) -> None:
    say(store, (alike(1), GENUINE), (alike(2), ORDINARY))
    assert found(store) == []
    assert trained_on(store) == [1, 2]
    say(store, (alike(1), ORDINARY))
    assert found(store) == [(Grade.SAME_MESSAGE, [1, 3])], "of one message only one can be true"


@pytest.mark.parametrize("confirmed", [False, True])
def test_a_proposal_is_shown_as_contradicting_but_bars_nothing_before_it_is_confirmed(
    store: Store, confirmed: bool
) -> None:
    say(store, (alike(1), BACKSCATTER))
    store.proposals(BEN, "harbor").propose([proposal(2, specimen=alike(2))])
    if confirmed:
        store.labels.settle([2], LabelState.CONFIRMED, by="root", at=NOW)
    assert found(store) == [(Grade.SAME_FINDINGS, [1, 2])]
    assert trained_on(store) == ([] if confirmed else [1])


def test_a_message_told_of_already_is_not_told_of_again_with_its_like(store: Store) -> None:
    say(store, (alike(1), BACKSCATTER), (alike(1), GENUINE))
    assert found(store) == [(Grade.SAME_MESSAGE, [1, 2])]
    say(store, (alike(3), BACKSCATTER))
    assert found(store) == [(Grade.SAME_MESSAGE, [1, 2]), (Grade.SAME_FINDINGS, [1, 2, 3])]


def test_asked_about_a_few_it_tells_of_theirs(store: Store) -> None:
    say(store, (alike(1), BACKSCATTER), (alike(2), GENUINE), (specimen(3), GENUINE))
    say(store, (specimen(3), BACKSCATTER), (specimen(5), BACKSCATTER))

    def told(*ids: int) -> list[tuple[Grade, list[int]]]:
        return [shown(one) for one in store.labels.contradictions(with_any_of=ids)]

    assert told(2) == [(Grade.SAME_FINDINGS, [1, 2])]
    assert told(4) == [(Grade.SAME_MESSAGE, [3, 4])]
    assert told(5) == told() == []
    assert len(told(1, 3)) == len(found(store)) == 2


def test_organisations_do_not_contradict_each_other(store: Store) -> None:
    say(store, (alike(1), BACKSCATTER), mailbox=None)
    say(store, (alike(1), GENUINE), mailbox=None, organisation="quay")
    assert store.labels.contradictions() == ()


def test_what_a_person_who_opted_out_left_behind_still_counts_by_its_like(store: Store) -> None:
    say(store, (alike(1), BACKSCATTER), (alike(2), BACKSCATTER))
    before = {row.cluster for row in store.labels.training_rows("harbor")}
    store.erase(ANN)
    assert {row.cluster for row in store.labels.training_rows("harbor")} == before
