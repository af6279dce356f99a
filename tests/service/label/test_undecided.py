"""What is offered for labelling: undecided notices of open mailboxes, the largest group first."""

from __future__ import annotations

from datetime import timedelta

from cleaner.service import consent
from cleaner.service.label.adding import add_message
from cleaner.service.label.undecided import undecided
from cleaner.values import Kind
from tests.service.hands import ANN, BEN, Hands
from tests.service.label.test_adding import BACKSCATTER, file_about


def more_like(hands: Hands, subject: str, number: int) -> None:
    """The same notice come again."""
    path = file_about(hands, subject)
    raw = path.read_bytes().replace(b"Message-ID: <", b"Message-ID: <%d" % number, 1)
    (hands.maildir(ANN) / "cur" / f"179549{number:04}.M9P{number}.demo:2,").write_bytes(raw)


def test_undecided_ones_are_offered_with_how_many_are_like_them(hands: Hands) -> None:
    more_like(hands, "Delivery failure", 1)
    more_like(hands, "Delivery failure", 2)
    hands.opt_in(ANN, BEN)
    hands.scan()
    one, *others = undecided(hands.app.context)
    assert (one.like, one.kind, one.mailbox, one.folder) == (3, Kind.NDR, ANN, "INBOX")
    assert all(other.like < 3 for other in others)
    assert one.as_json()["like"] == 3
    assert undecided(hands.app.context, mailbox=BEN) == ()
    assert undecided(hands.app.context, organisation="quay") == ()
    assert undecided(hands.app.context, organisation="harbor")[0] == one


def test_what_is_labelled_is_offered_no_more(hands: Hands) -> None:
    hands.opt_in(ANN)
    hands.scan()
    before = undecided(hands.app.context)
    add_message(hands.app.context, ANN, before[0].folder, before[0].id, BACKSCATTER)
    assert undecided(hands.app.context) == before[1:]


def test_a_mailbox_that_may_not_be_opened_is_left_out(hands: Hands) -> None:
    hands.opt_in(ANN)
    hands.scan()
    assert undecided(hands.app.context) != ()
    consent.pause(hands.app.context, ANN)
    assert undecided(hands.app.context) == ()
    hands.now += timedelta(hours=1)
    hands.opt_in(ANN)
    assert undecided(hands.app.context) != ()
