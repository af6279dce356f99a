"""Undo: what was moved is where it was, as it was; and what cannot be taken back now can be later."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cleaner.errors import StoreError, UsageError
from cleaner.service import consent
from cleaner.service.scan import ScanRequest
from cleaner.service.undo import MailboxUndo, UndoRequest, undo
from cleaner.values import EntryState
from tests.service.hands import ANN, BEN, Hands, quiet


def take_back(hands: Hands, request: UndoRequest) -> tuple[MailboxUndo, ...]:
    return tuple(undo(hands.app.context, request, quiet, lambda: False))


def test_a_run_is_taken_back_to_the_byte(hands: Hands) -> None:
    """Bytes, flags (they stand in the name) and dates of every message, in every folder."""
    hands.opt_in(ANN, BEN)
    fresh = hands.maildir(ANN) / "new" / "1795480000.M77P1.demo"
    (old,) = [path for path in hands.folder(ANN, ".") if ".M8P1." in path.name]
    old.rename(fresh)
    before = hands.snapshot()
    ann, ben = hands.scan()
    assert hands.snapshot() != before
    assert not fresh.exists()
    results = take_back(hands, UndoRequest(run=ann.run))
    assert sum(result.count(EntryState.UNDONE) for result in results) == ann.moved + ben.moved
    assert hands.snapshot() == before


def test_one_entry(hands: Hands) -> None:
    hands.opt_in(ANN)
    (ann,) = hands.scan()
    moved = [line for line in ann.lines if line["outcome"] == "done"]
    take_back(hands, UndoRequest(entries=(moved[0]["entry"],)))
    assert len(hands.folder(ANN, ".Backscatter")) == len(moved) - 1


def test_since_a_time_for_one_mailbox(hands: Hands) -> None:
    hands.opt_in(ANN, BEN)
    hands.scan()
    (result,) = take_back(hands, UndoRequest(mailbox=BEN, since=hands.now - timedelta(hours=1)))
    assert (result.address, result.count(EntryState.UNDONE)) == (BEN, 1)
    assert hands.folder(ANN, ".Backscatter") != []
    with pytest.raises(UsageError, match="no change"):
        take_back(hands, UndoRequest(mailbox=ANN, since=hands.now + timedelta(hours=1)))


def test_a_second_undo_says_that_nothing_is_left(hands: Hands) -> None:
    hands.opt_in(BEN)
    run = hands.scan()[0].run
    take_back(hands, UndoRequest(run=run))
    with pytest.raises(UsageError, match=f"nothing is left to take back of run {run}: put back already"):
        take_back(hands, UndoRequest(run=run))


def test_an_undo_that_the_store_ended_is_not_said_to_be_done(hands: Hands) -> None:
    hands.opt_in(ANN)
    run = hands.scan()[0].run

    def full(stage: str, done: int, total: int | None) -> None:
        raise StoreError("the disk is full")

    with pytest.raises(StoreError):
        tuple(undo(hands.app.context, UndoRequest(run=run), full, lambda: False))
    assert [r.state for r in hands.app.context.store.runs.list() if r.kind == "undo"] == ["partly"]
    (result,) = take_back(hands, UndoRequest(run=run))
    assert 0 < result.count(EntryState.UNDONE) <= 6
    assert hands.folder(ANN, ".Backscatter") == []


def test_what_its_owner_put_back_is_said_so(hands: Hands) -> None:
    hands.opt_in(BEN)
    run = hands.scan()[0].run
    (moved,) = hands.folder(BEN, ".Backscatter")
    moved.rename(hands.maildir(BEN) / "cur" / moved.name)
    (result,) = take_back(hands, UndoRequest(run=run))
    assert result.count(EntryState.RETURNED) == 1
    with pytest.raises(UsageError, match=r"put back by its owner$"):
        take_back(hands, UndoRequest(run=run))


def test_an_unknown_run_is_a_clear_error(hands: Hands) -> None:
    with pytest.raises(UsageError, match="bounce-cleaner history"):
        take_back(hands, UndoRequest(run="20000101-0000-none"))


def test_after_opting_out_the_mail_still_comes_back(hands: Hands) -> None:
    hands.opt_in(BEN)
    before = hands.snapshot()
    run = hands.scan()[0].run
    consent.opt_out(hands.app.context, BEN)
    (result,) = take_back(hands, UndoRequest(run=run))
    assert result.count(EntryState.UNDONE) == 1
    assert hands.snapshot() == before


def test_what_the_owner_deleted_is_gone_and_not_asked_for_again(hands: Hands) -> None:
    hands.opt_in(BEN)
    run = hands.scan()[0].run
    (moved,) = hands.folder(BEN, ".Backscatter")
    kept = moved.read_bytes()
    moved.unlink()
    (result,) = take_back(hands, UndoRequest(run=run))
    (entry,) = result.entries
    assert (result.failed, entry.state) == (0, EntryState.GONE)
    assert entry.error
    (hands.maildir(BEN) / ".Backscatter" / "cur" / moved.name).write_bytes(kept)
    (again,) = take_back(hands, UndoRequest(run=run))
    assert again.count(EntryState.UNDONE) == 1


def test_what_had_left_the_quarantine_and_comes_back_to_the_inbox_stays_there(hands: Hands) -> None:
    """Deleted, looked for by undo, fetched out of the trash: its owner's hand was in it (decision 14)."""
    hands.opt_in(BEN)
    run = hands.scan()[0].run
    (moved,) = hands.folder(BEN, ".Backscatter")
    kept = moved.read_bytes()
    moved.unlink()
    take_back(hands, UndoRequest(run=run))
    (hands.maildir(BEN) / "cur" / "1795999999.M1P1.other:2,S").write_bytes(kept)
    for request in (ScanRequest(), ScanRequest(since=hands.now - timedelta(days=100))):
        (result,) = hands.scan(request)
        assert result.moved == 0


def test_several_entries_and_those_that_are_back_already(hands: Hands) -> None:
    hands.opt_in(ANN)
    (ann,) = hands.scan()
    one, two, three = [line["entry"] for line in ann.lines if line["outcome"] == "done"][:3]
    take_back(hands, UndoRequest(entries=(one,)))
    (result,) = take_back(hands, UndoRequest(entries=(one, two, three, two)))
    assert sorted(entry.id for entry in result.entries) == sorted((two, three))
    assert [entry.id for entry in result.before] == [one]
    with pytest.raises(UsageError, match="no change numbered 4711"):
        take_back(hands, UndoRequest(entries=(4711, one)))


def test_the_folder_it_came_from_is_made_again(hands: Hands) -> None:
    old = hands.maildir(BEN) / ".Old"
    for sub in ("cur", "new", "tmp"):
        (old / sub).mkdir(parents=True)
    for path in hands.folder(BEN, "."):
        path.rename(old / "cur" / path.name)
    hands.set_policy(folders=("Old",))
    hands.opt_in(BEN)
    run = hands.scan()[0].run
    for path in sorted(old.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    old.rmdir()
    (result,) = take_back(hands, UndoRequest(run=run))
    assert result.count(EntryState.UNDONE) == 1
    assert len(hands.folder(BEN, ".Old")) == 1
