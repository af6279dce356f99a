"""What an owner's labels weigh together is bounded, also where they were imported and whose they are is not known."""

from __future__ import annotations

import pytest

from cleaner.service.training import MOST_OF_AN_OWNER, OWN_WEIGHT, own_examples
from cleaner.store.labelling import Origin, TrainingRow
from cleaner.values import Kind, Opinion
from tests.store.samples import NOW


def rows(number: int, origin: Origin, mailbox: str) -> list[TrainingRow]:
    return [
        TrainingRow(
            id=id,
            features={"facts": {"kind:ndr": 1.0}, "words": []},
            truth=Opinion.GENUINE,
            kind=Kind.NDR,
            origin=origin,
            mailbox=mailbox,
            cluster=str(id),
            at=NOW,
            proven=False,
        )
        for id in range(number)
    ]


def weight(of: list[TrainingRow]) -> float:
    return sum(example.weight for example in own_examples(of))


@pytest.mark.parametrize("mailbox", ["ab12", ""])
def test_an_owner_never_weighs_more_than_the_bound(mailbox: str) -> None:
    assert weight(rows(500, Origin.OWNER, mailbox)) == pytest.approx(MOST_OF_AN_OWNER)
    assert weight(rows(2, Origin.OWNER, mailbox)) == pytest.approx(2 * OWN_WEIGHT)


def test_labels_of_administrators_that_are_of_no_mailbox_count_in_full() -> None:
    assert weight(rows(500, Origin.IMPORT, "")) == pytest.approx(500 * OWN_WEIGHT)
