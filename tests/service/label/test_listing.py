"""Labels are shown with what they are about, and that somebody looked is on the owner's list."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cleaner.errors import UsageError
from cleaner.service.label import listing
from cleaner.service.label.adding import Said, add_files
from cleaner.service.label.listing import Wanted
from cleaner.store.labelling import Grade, LabelState
from cleaner.values import Opinion
from tests.service.hands import ANN, BEN, Hands
from tests.service.label.test_adding import BACKSCATTER, GENUINE, file_about, purposes


@pytest.fixture
def labelled(hands: Hands) -> Hands:
    paths = [file_about(hands, "Cheap watches"), file_about(hands, "You have won", BEN)]
    list(add_files(hands.app.context, paths, BACKSCATTER))
    list(add_files(hands.app.context, [file_about(hands, "Lunch on")], Said(Opinion.NOT_A_BOUNCE)))
    return hands


def test_each_is_shown_with_what_it_is_about(labelled: Hands) -> None:
    one, two, three = listing.labels(labelled.app.context, Wanted())
    assert one.about["returned_subject"] == "Cheap watches, today only"
    assert two.about["recipients"]
    assert three.about["subject"] == "Lunch on Thursday?"
    assert one.as_json()["returned_subject"] == "Cheap watches, today only"
    only = listing.labels(labelled.app.context, Wanted(mailbox=BEN, truths=(Opinion.BACKSCATTER,)))
    assert [row.label.id for row in only] == [two.label.id]


def test_that_somebodys_mail_was_shown_is_on_his_list(labelled: Hands) -> None:
    listing.labels(labelled.app.context, Wanted(mailbox=BEN))
    assert purposes(labelled, BEN) == ["label list"]
    assert purposes(labelled, ANN) == []
    listing.erase_samples(labelled.app.context, BEN)
    (row,) = listing.labels(labelled.app.context, Wanted(mailbox=BEN))
    assert row.about == {}
    assert purposes(labelled, BEN) == ["label list"], "no mail was shown this time"


def test_what_it_is_about_is_forgotten_with_the_sample(labelled: Hands) -> None:
    labelled.now += timedelta(days=366)
    assert [row.about for row in listing.labels(labelled.app.context, Wanted())] == [{}] * 3
    assert listing.samples(labelled.app.context, None) == ()


def test_contradictions_are_shown_with_all_their_labels(labelled: Hands) -> None:
    list(add_files(labelled.app.context, [file_about(labelled, "Cheap watches")], GENUINE))
    (one,) = listing.contradictions(labelled.app.context)
    assert one.grade is Grade.SAME_MESSAGE
    assert {row.label.truth for row in one.rows} == {Opinion.GENUINE, Opinion.BACKSCATTER}
    assert one.as_json()["trained_on"] is False


def test_withdrawing_takes_all_or_nothing(labelled: Hands) -> None:
    context = labelled.app.context
    with pytest.raises(UsageError, match="nothing was changed: there is no label 4711"):
        listing.withdraw(context, [1, 4711], None, "")
    assert len(context.store.labels.find(states=[LabelState.CONFIRMED])) == 3
    (gone,) = listing.withdraw(context, [1, 1], "eve", "a mistake")
    assert (gone.id, gone.settled_by, gone.settled_why) == (1, "eve", "a mistake")
    with pytest.raises(UsageError, match="label 1 was withdrawn before"):
        listing.withdraw(context, [1], None, "")


def test_the_samples_of_a_mailbox_can_be_erased(labelled: Hands) -> None:
    context = labelled.app.context
    assert [note.mailbox for note in listing.samples(context, None)] == [ANN, BEN, ANN]
    assert listing.erase_samples(context, ANN) == 2
    assert [note.mailbox for note in listing.samples(context, None)] == [BEN]
    assert len(context.store.labels.find()) == 3
