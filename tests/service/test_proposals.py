"""What an owner says by moving messages is noted, once, and nothing else is taken for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cleaner.errors import SafetyStopError
from cleaner.service import consent
from cleaner.service.scan import ScanRequest
from cleaner.service.undo import UndoRequest, undo
from cleaner.store.labelling import Label, LabelState, Origin
from cleaner.values import LabelPolicy, Opinion, Safety
from tests.service.hands import ANN, BEN, Hands, quiet


def labels(hands: Hands) -> tuple[Label, ...]:
    return hands.app.context.store.labels.find()


def move(hands: Hands, path: Path, folder: str, address: str = ANN) -> Path:
    """As a mail program does: a rename, which keeps the unique name."""
    directory = hands.maildir(address) / folder / "cur"
    for sub in ("cur", "new", "tmp"):
        (directory.parent / sub).mkdir(parents=True, exist_ok=True)
    return path.rename(directory / path.name)


def notice(hands: Hands, subject: str, address: str = ANN, folder: str = ".") -> Path:
    return next(p for p in hands.folder(address, folder) if subject.encode() in p.read_bytes())


def test_moved_out_of_the_quarantine_by_its_owner_it_is_proposed_as_genuine(hands: Hands) -> None:
    hands.opt_in(BEN)
    hands.scan()
    (moved,) = hands.folder(BEN, ".Backscatter")
    assert labels(hands) == ()
    hands.now += timedelta(hours=1)
    raw = moved.read_bytes()
    move(hands, moved, ".", BEN)
    (ben,) = hands.scan()
    assert (ben.moved, ben.error) == (0, None)
    (label,) = labels(hands)
    assert (label.truth, label.state, label.origin) == (
        Opinion.GENUINE,
        LabelState.PROPOSED,
        Origin.OWNER,
    )
    assert (label.mailbox, label.by, label.at, label.organisation) == (BEN, BEN, hands.now, "harbor")
    assert label.opinion is Opinion.BACKSCATTER, "what the program said itself"
    assert "out of Backscatter" in label.why
    assert hands.app.context.store.entries(id=label.entry)[0].mailbox == BEN
    store = hands.app.context.store
    assert store.labels.about([label.id])[label.id]["returned_subject"] == "You have won"
    sample = store.labels.sample(label.id)
    assert sample is not None
    assert sample.raw == raw
    assert "handed_over:backscatter" in store.labels.features([label.id])[label.id]["facts"]
    hands.scan(ScanRequest(since=hands.now - timedelta(days=60)))
    assert len(labels(hands)) == 1


def test_what_the_program_took_back_says_nothing(hands: Hands) -> None:
    hands.opt_in(BEN)
    (ben,) = hands.scan()
    tuple(undo(hands.app.context, UndoRequest(run=ben.run), quiet, lambda: False))
    hands.scan()
    assert labels(hands) == ()


def test_deleted_from_the_quarantine_says_nothing(hands: Hands) -> None:
    hands.opt_in(BEN)
    hands.scan()
    hands.folder(BEN, ".Backscatter")[0].unlink()
    hands.scan()
    assert labels(hands) == ()


def test_put_into_the_quarantine_by_its_owner_it_is_proposed_as_backscatter(hands: Hands) -> None:
    hands.opt_in(ANN)
    hands.scan()
    move(hands, notice(hands, "Delivery failure"), ".Backscatter")
    hands.scan()
    (label,) = labels(hands)
    assert (label.truth, label.state, label.opinion) == (
        Opinion.BACKSCATTER,
        LabelState.PROPOSED,
        Opinion.UNSURE,
    )
    assert (label.entry, label.mailbox) == (None, ANN)
    hands.scan()
    assert len(labels(hands)) == 1, "what the program moved there itself says nothing"


def test_what_is_no_notice_says_nothing_wherever_it_is_put(hands: Hands) -> None:
    hands.set_policy(training_folder="Missed")
    hands.opt_in(ANN)
    hands.scan()
    move(hands, notice(hands, "Lunch on Thursday?"), ".Backscatter")
    move(hands, notice(hands, "Ten ways to lower"), ".Missed")
    hands.scan()
    assert labels(hands) == ()


def test_the_training_folder_is_looked_into_and_left_alone(hands: Hands) -> None:
    hands.set_policy(training_folder="Missed")
    hands.opt_in(ANN)
    hands.scan()
    put = move(hands, notice(hands, "Delivery failure"), ".Missed")
    hands.scan()
    (label,) = labels(hands)
    assert (label.truth, label.why) == (Opinion.BACKSCATTER, "its owner moved it to Missed")
    assert put.exists()


def test_a_quarantine_that_is_the_junk_folder_says_nothing(hands: Hands) -> None:
    """There the mail system's own filter puts things."""
    hands.set_policy(quarantine="Junk")
    hands.opt_in(ANN)
    hands.scan()
    move(hands, notice(hands, "Delivery failure"), ".Junk")
    hands.scan()
    assert labels(hands) == ()


def test_moved_to_and_fro_the_last_move_counts(hands: Hands) -> None:
    hands.opt_in(BEN)
    hands.scan()
    back = move(hands, hands.folder(BEN, ".Backscatter")[0], ".", BEN)
    hands.scan()
    move(hands, back, ".Backscatter", BEN)
    hands.scan()
    standing = [label.truth for label in labels(hands) if label.state is LabelState.PROPOSED]
    assert standing == [Opinion.BACKSCATTER]


@pytest.mark.parametrize("request_", [ScanRequest(dry_run=True), ScanRequest(preview=True)])
def test_who_only_looks_notes_nothing(hands: Hands, request_: ScanRequest) -> None:
    hands.opt_in(BEN)
    hands.scan()
    move(hands, hands.folder(BEN, ".Backscatter")[0], ".", BEN)
    hands.scan(request_)
    assert labels(hands) == ()
    hands.scan()
    assert len(labels(hands)) == 1


def test_a_run_that_the_safety_limit_stopped_loses_no_proposal(hands: Hands) -> None:
    hands.opt_in(BEN)
    hands.scan()
    (moved,) = hands.folder(BEN, ".Backscatter")
    another = moved.read_bytes().replace(b"Message-ID: <", b"Message-ID: <2", 1)
    (hands.maildir(BEN) / "cur" / "1795000000.M9P9.demo:2,").write_bytes(another)
    move(hands, moved, ".", BEN)
    hands.set_safety(Safety(max_messages=0))
    (stopped,) = hands.scan()
    assert isinstance(stopped.error, SafetyStopError)
    assert [label.truth for label in labels(hands)] == [Opinion.GENUINE]
    (ben,) = hands.scan(ScanRequest(confirm=stopped.run))
    assert ben.moved == 1
    assert [label.truth for label in labels(hands)] == [Opinion.GENUINE]


def test_samples_are_kept_only_as_long_as_the_policy_says(hands: Hands) -> None:
    hands.opt_in(BEN)
    hands.scan()
    move(hands, hands.folder(BEN, ".Backscatter")[0], ".", BEN)
    hands.scan()
    assert len(hands.app.context.store.labels.samples(BEN)) == 1
    hands.now += timedelta(days=364)
    hands.scan()
    assert len(hands.app.context.store.labels.samples(BEN)) == 1
    hands.now += timedelta(days=2)
    hands.scan()
    assert hands.app.context.store.labels.samples(BEN) == ()
    assert len(labels(hands)) == 1


def test_where_no_samples_are_to_be_kept_a_proposal_has_none(hands: Hands) -> None:
    hands.put(replace(hands.app.context.settings, labels=LabelPolicy(timedelta(0))))
    hands.opt_in(BEN)
    hands.scan()
    move(hands, hands.folder(BEN, ".Backscatter")[0], ".", BEN)
    hands.scan()
    assert [label.has_sample for label in labels(hands)] == [False]


def test_opting_out_erases_what_the_owner_said(hands: Hands) -> None:
    hands.opt_in(BEN)
    hands.scan()
    move(hands, hands.folder(BEN, ".Backscatter")[0], ".", BEN)
    hands.scan()
    consent.opt_out(hands.app.context, BEN)
    assert labels(hands) == ()
    assert hands.app.context.store.labels.samples() == ()
