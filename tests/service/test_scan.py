"""Scanning: only the spurious notices of consenting owners are moved, once, and explained."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from cleaner.errors import (
    FolderMissingError,
    MailboxBusyError,
    NotOptedInError,
    SafetyStopError,
    StoreError,
    UsageError,
)
from cleaner.service import consent
from cleaner.service.runs import latest_runs
from cleaner.service.scan import MailboxScan, ScanRequest, scan
from cleaner.service.undo import UndoRequest, undo
from cleaner.store import tables
from cleaner.values import ActionName, EntryState, Safety
from tests.service.hands import ANN, BEN, Hands, quiet


def subjects(scan: MailboxScan, **wanted: str) -> set[str]:
    return {
        str(line["returned"]["subject"])
        for line in scan.lines
        if all(line[key] == value for key, value in wanted.items())
    }


def test_nobody_opted_in_nothing_is_opened(hands: Hands) -> None:
    before = hands.snapshot()
    with pytest.raises(UsageError, match="optin add"):
        hands.scan()
    with pytest.raises(NotOptedInError, match=r"optin add ann@harbor\.example"):
        hands.scan(ScanRequest(mailboxes=(ANN,)))
    assert hands.app.context.store.runs.list() == ()
    assert hands.app.context.store.accesses.list(ANN) == ()
    assert hands.snapshot() == before


def test_only_the_mail_that_others_sent_is_moved(hands: Hands) -> None:
    hands.opt_in(ANN, BEN)
    ann, ben = hands.scan()
    assert subjects(ann, plan="move", outcome="done") >= {
        "Cheap watches, today only",
        "Your parcel is waiting",
        "Meet singles near you",
    }
    assert subjects(ben, outcome="done") == {"You have won"}
    kept = subjects(ann, verdict="genuine")
    assert {"Offer for the new pier", "Minutes of Monday", "Running late"} <= kept
    assert ann.count(verdict="genuine", plan="none") >= 3
    assert len(hands.folder(ANN, ".Backscatter")) == ann.moved
    assert ann.error is None
    assert ann.run == ben.run


def test_where_nothing_is_known_the_notice_stays(hands: Hands) -> None:
    """The demo holds a report that returned nothing."""
    hands.opt_in(ANN)
    (ann,) = hands.scan()
    (bare,) = [line for line in ann.lines if line["subject"] == "Delivery failure"]
    assert (bare["verdict"], bare["plan"]) == ("unsure", "none")


def test_ordinary_mail_is_never_touched(hands: Hands) -> None:
    hands.opt_in(ANN)
    (ann,) = hands.scan(ScanRequest(all_messages=True))
    ordinary = [line for line in ann.lines if line["kind"] == "not-a-bounce"]
    assert {line["subject"] for line in ordinary} >= {
        "Lunch on Thursday?",
        "Ten ways to lower your bounce rate",
    }
    assert {line["plan"] for line in ordinary} == {"none"}
    assert len(ann.lines) == ann.looked_at


def test_a_second_scan_has_nothing_to_do(hands: Hands) -> None:
    hands.opt_in(ANN)
    (first,) = hands.scan()
    after = hands.snapshot()
    (second,) = hands.scan()
    assert first.moved > 0
    assert (second.moved, second.lines) == (0, ())
    assert hands.snapshot() == after


def test_a_dry_run_changes_nothing_but_the_sent_record(hands: Hands) -> None:
    hands.opt_in(ANN)
    before = hands.snapshot()
    folders = sorted(hands.maildir(ANN).iterdir())
    (result,) = hands.scan(ScanRequest(dry_run=True))
    assert result.count(plan="move", outcome="planned") > 0
    assert result.newly_sent == 2
    assert hands.snapshot() == before
    assert sorted(hands.maildir(ANN).iterdir()) == folders
    assert hands.app.context.store.entries() == ()
    assert hands.app.context.store.runs.list() == ()
    (real,) = hands.scan()
    assert real.moved == result.count(plan="move")


def test_a_preview_may_come_before_consent_and_leaves_no_record_of_the_mail(hands: Hands) -> None:
    before = hands.snapshot()
    (result,) = hands.scan(ScanRequest(mailboxes=(ANN,), preview=True))
    assert result.error is None
    assert result.count(verdict="backscatter", plan="move", outcome="planned") > 0
    assert result.count(plan="report") == 0
    assert hands.snapshot() == before
    assert [access.purpose for access in hands.app.context.store.accesses.list(ANN)] == ["preview"]
    assert hands.app.context.store.sent_record(ANN).mails() == 0


def test_a_preview_after_opting_out_is_refused(hands: Hands) -> None:
    hands.opt_in(ANN)
    consent.opt_out(hands.app.context, ANN)
    with pytest.raises(NotOptedInError):
        hands.scan(ScanRequest(mailboxes=(ANN,), preview=True))


def test_where_all_owners_paused_there_is_nothing_to_do_and_no_run(hands: Hands) -> None:
    hands.opt_in(ANN)
    consent.pause(hands.app.context, ANN)
    assert hands.scan() == ()
    assert hands.app.context.store.runs.list() == ()


def test_since_leaves_older_mail_to_the_next_scan(hands: Hands) -> None:
    hands.opt_in(ANN)
    (late,) = hands.scan(ScanRequest(since=hands.now - timedelta(hours=3.85)))
    assert 0 < late.moved < 6
    assert all(
        datetime.fromisoformat(line["received"]) >= hands.now - timedelta(hours=3.85) for line in late.lines
    )
    (rest,) = hands.scan()
    assert late.moved + rest.moved == 6


def test_a_run_that_was_killed_is_counted_and_spoken_of_once(hands: Hands) -> None:
    """As after kill -9: its lock is free, it has no end, and one change has no outcome yet."""
    hands.opt_in(ANN, BEN)
    run = hands.scan()[0].run
    store = hands.app.context.store
    (entry, *_) = store.entries(run=run)
    store.journal(ANN).settle((replace(entry, state=EntryState.INTENDED, new_id=None, settled_at=None),))
    with store._database.write() as connection:
        connection.execute(update(tables.run).values(finished=None, state="running", moved=0))
    assert [(r.state, r.moved) for r in latest_runs(hands.app.context)] == [("interrupted", 6)]
    ann, ben = hands.scan()
    assert (ann.recovered, ben.recovered) == (((run, 6),), ((run, 1),))
    assert {(r.state, r.moved) for r in store.runs.list()} == {("done", 0), ("interrupted", 7)}
    ann, ben = hands.scan()
    assert ann.recovered == ()


@pytest.mark.parametrize("end", [KeyboardInterrupt, StoreError])
def test_a_run_that_ended_at_once_is_like_one_that_was_killed(hands: Hands, end: type[BaseException]) -> None:
    hands.opt_in(ANN)

    def stop_at_once(stage: str, done: int, total: int | None) -> None:
        if stage == "moving" and done == 2:
            raise end

    with pytest.raises(end):
        tuple(scan(hands.app.context, ScanRequest(), stop_at_once, lambda: False))
    hands.app.context.store.runs.close()  # what the end of the process does
    (run,) = latest_runs(hands.app.context)
    assert (run.state, run.moved) == ("interrupted", 2)
    (ann,) = hands.scan()
    assert ann.recovered == ((run.id, 2),)
    assert ann.moved == 4


def test_a_new_mailbox_is_only_reported_on_until_its_preview_ends(hands: Hands) -> None:
    hands.opt_in(ANN, preview=timedelta(days=7))
    (first,) = hands.scan()
    assert first.moved == 0
    assert first.count(verdict="backscatter", plan="report") > 0
    assert first.preview_until == hands.now + timedelta(days=7)
    hands.now += timedelta(days=8)
    (later,) = hands.scan()
    assert later.moved == first.count(verdict="backscatter")


def test_a_fresh_notice_waits_for_the_grace_period(hands: Hands) -> None:
    """A report can be quicker than the copy in Sent; an hour after arrival it is judged for good."""
    hands.set_policy(grace=timedelta(hours=6))
    hands.opt_in(BEN)
    (first,) = hands.scan()
    assert (first.count(plan="wait"), first.moved) == (1, 0)
    hands.now += timedelta(hours=1)
    (second,) = hands.scan()
    assert second.moved == 0
    hands.now += timedelta(hours=4)
    (third,) = hands.scan()
    assert third.moved == 1


def test_old_notices_are_history_unless_asked_for(hands: Hands) -> None:
    hands.opt_in(BEN)
    hands.now += timedelta(days=90)
    (first,) = hands.scan()
    assert (first.moved, first.count(verdict="backscatter", plan="report")) == (0, 1)
    (asked,) = hands.scan(ScanRequest(since=hands.now - timedelta(days=100)))
    assert asked.moved == 1


def test_too_many_at_once_stop_the_run_until_it_is_confirmed(hands: Hands) -> None:
    hands.set_safety(Safety(max_messages=2))
    hands.opt_in(ANN)
    (stopped,) = hands.scan()
    assert isinstance(stopped.error, SafetyStopError)
    assert f"scan --confirm {stopped.run}" in str(stopped.error)
    assert (stopped.count(plan="move", outcome="planned"), stopped.moved, stopped.held) == (4, 2, 4)
    (confirmed,) = hands.scan(ScanRequest(confirm=stopped.run))
    assert confirmed.error is None
    assert (confirmed.moved, confirmed.held) == (4, 0)
    with pytest.raises(UsageError, match="nothing to confirm"):
        hands.scan(ScanRequest(confirm=stopped.run))


def test_exactly_at_the_limit_goes_on(hands: Hands) -> None:
    hands.opt_in(ANN)
    (planned,) = hands.scan(ScanRequest(dry_run=True))
    hands.set_safety(Safety(max_messages=planned.count(plan="move")))
    (result,) = hands.scan()
    assert result.error is None
    assert result.moved == planned.count(plan="move")


def test_confirming_a_run_that_was_not_stopped_is_a_clear_error(hands: Hands) -> None:
    hands.opt_in(BEN)
    (result,) = hands.scan()
    with pytest.raises(UsageError, match="not stopped by the safety limit"):
        hands.scan(ScanRequest(confirm=result.run))
    with pytest.raises(UsageError):
        hands.scan(ScanRequest(confirm="no-such-run"))


def test_one_bad_mailbox_does_not_stop_the_others(hands: Hands) -> None:
    hands.opt_in(ANN, BEN)
    hands.maildir(ANN).rename(hands.root / "elsewhere")
    ann, ben = hands.scan()
    assert ann.error is not None
    assert str(hands.maildir(ANN)) in str(ann.error)
    assert (ben.error, ben.moved) == (None, 1)


def test_two_scans_at_once_leave_each_other_alone(hands: Hands) -> None:
    hands.opt_in(ANN)
    with hands.app.context.store.lock(ANN):
        (result,) = hands.scan()
    assert isinstance(result.error, MailboxBusyError)
    (result,) = hands.scan()
    assert result.moved > 0


def test_what_the_owner_moves_back_stays(hands: Hands) -> None:
    hands.opt_in(BEN)
    (first,) = hands.scan()
    (moved,) = hands.folder(BEN, ".Backscatter")
    moved.rename(hands.maildir(BEN) / "cur" / moved.name)
    (second,) = hands.scan()
    assert second.moved == 0
    (entry,) = hands.app.context.store.entries(run=first.run)
    assert entry.state is EntryState.RETURNED
    (third,) = hands.scan(ScanRequest(since=hands.now - timedelta(days=100)))
    assert third.moved == 0


def test_a_second_copy_of_a_moved_notice_is_moved_too(hands: Hands) -> None:
    """The copy in the quarantine is still there, so this one was not put back."""
    hands.opt_in(BEN)
    hands.scan()
    (moved,) = hands.folder(BEN, ".Backscatter")
    (hands.maildir(BEN) / "new" / "1795555555.M1P2.other").write_bytes(moved.read_bytes())
    (second,) = hands.scan()
    assert second.moved == 1
    assert len(hands.folder(BEN, ".Backscatter")) == 2


def test_what_was_put_back_is_never_moved_again(hands: Hands) -> None:
    hands.opt_in(ANN, BEN)
    before = hands.snapshot()
    run = hands.scan()[0].run
    tuple(undo(hands.app.context, UndoRequest(run=run), quiet, lambda: False))
    assert hands.snapshot() == before
    for request in (ScanRequest(), ScanRequest(since=hands.now - timedelta(days=100))):
        assert [result.moved for result in hands.scan(request)] == [0, 0]
    assert hands.snapshot() == before


def test_opting_out_stops_a_running_scan_at_the_next_message(hands: Hands) -> None:
    hands.opt_in(ANN)

    def withdraw(stage: str, done: int, total: int | None) -> None:
        if stage == "moving" and done == 1:
            consent.opt_out(hands.app.context, ANN)

    (result,) = scan(hands.app.context, ScanRequest(), withdraw, lambda: False)
    assert 0 < result.moved < 5
    assert not hands.app.context.store.journal(ANN).open()
    assert hands.app.context.store.sent_record(ANN).mails() == 0


def test_interrupted_between_messages_nothing_is_half_done(hands: Hands) -> None:
    hands.opt_in(ANN, BEN)

    def interrupt(stage: str, done: int, total: int | None) -> None:
        hands.stop = hands.stop or (stage == "moving" and done == 2)

    results = tuple(scan(hands.app.context, ScanRequest(), interrupt, lambda: hands.stop))
    assert [result.address for result in results] == [ANN]
    assert results[0].interrupted
    assert not hands.app.context.store.journal(ANN).open()
    assert hands.app.context.store.runs.list()[0].state == "interrupted"
    hands.stop = False
    ann, ben = hands.scan()
    assert results[0].moved + ann.moved == 6
    assert ben.moved == 1


def test_a_watched_folder_that_is_gone_is_said(hands: Hands) -> None:
    hands.set_policy(folders=("INBOX", "Old"))
    hands.opt_in(BEN)
    (result,) = hands.scan()
    assert result.moved == 1
    assert any("'Old'" in note for note in result.notes)


def test_a_message_that_cannot_be_read_is_left_alone_and_counted(hands: Hands) -> None:
    hands.opt_in(BEN)
    broken = hands.maildir(BEN) / "cur" / "1795000000.M9P9.demo:2,"
    broken.symlink_to(hands.root / "nowhere")
    (result,) = hands.scan()
    assert result.moved == 1
    assert broken.is_symlink()
    (line,) = [line for line in result.lines if line["error"]]
    assert (line["kind"], line["id"], line["plan"]) == ("not-a-bounce", "1795000000.M9P9.demo", "none")


def test_sent_mail_of_another_mailbox_counts(hands: Hands) -> None:
    """Ann sends for Ben, too: her Sent folder proves his mail (DESIGN.md, decision 16)."""
    sent = hands.maildir(BEN) / ".Sent" / "cur"
    target = hands.maildir(ANN) / ".Sent" / "cur"
    for path in sent.iterdir():
        path.rename(target / f"from-ben-{path.name}")
    hands.change_mailbox(BEN, sent_from=(ANN,))
    hands.opt_in(BEN)
    (refused,) = hands.scan(ScanRequest(dry_run=True))
    assert any("has not opted in" in note for note in refused.notes)
    hands.opt_in(ANN)
    (ben,) = hands.scan(ScanRequest(mailboxes=(BEN,), dry_run=True))
    assert ben.count(verdict="genuine") == 1
    (line,) = [line for line in ben.lines if line["verdict"] == "genuine"]
    assert "sent_record" in {evidence["rule"] for evidence in line["evidence"]}


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        ({"quarantine": "Sent"}, "holds the mail that was sent; name another folder in policy.quarantine"),
        ({"quarantine": "Gesendet"}, "holds the mail that was sent"),
        ({"quarantine": "Drafts"}, "holds drafts"),
        ({"quarantine": "INBOX", "folders": ("Old",)}, "is the inbox"),
        ({"quarantine": "Old", "folders": ("INBOX", "Old")}, "is watched"),
        ({"quarantine": "Post", "sent": ("Post",)}, "holds the mail that was sent"),
        ({"action": ActionName.DELETE, "trash": "Sent"}, "policy.trash"),
        ({"review_unsure": True, "review": "Sent"}, "policy.review"),
    ],
)
def test_nothing_is_moved_into_a_folder_for_other_mail(
    hands: Hands, policy: dict[str, Any], why: str
) -> None:
    hands.set_policy(**policy)
    hands.opt_in(ANN)
    before = hands.snapshot()
    folders = sorted(hands.maildir(ANN).iterdir())
    for request in (ScanRequest(), ScanRequest(dry_run=True)):
        (result,) = hands.scan(request)
        assert why in str(result.error)
    assert hands.snapshot() == before
    assert sorted(hands.maildir(ANN).iterdir()) == folders


def test_a_folder_that_nothing_is_moved_into_may_be_any(hands: Hands) -> None:
    hands.set_policy(action=ActionName.REPORT, quarantine="Sent", review="Sent")
    hands.opt_in(ANN)
    (result,) = hands.scan()
    assert (result.error, result.moved) == (None, 0)


def test_a_missing_quarantine_that_cannot_be_made_is_said(hands: Hands, tmp_path: Path) -> None:
    hands.opt_in(BEN)
    (hands.maildir(BEN) / ".Backscatter").write_text("in the way")
    (result,) = hands.scan()
    assert result.error is not None
    assert not isinstance(result.error, FolderMissingError)
    assert "Backscatter" in str(result.error)
    assert result.moved == 0


def test_what_was_moved_before_a_mailbox_failed_is_told_and_can_be_taken_back(hands: Hands) -> None:
    hands.opt_in(ANN, BEN)
    before = hands.snapshot()
    quarantine = hands.maildir(ANN) / ".Backscatter"

    def take_away(stage: str, done: int, total: int | None) -> None:
        if stage == "moving" and done == 2 and quarantine.exists():
            quarantine.rename(hands.root / "away")

    ann, ben = scan(hands.app.context, ScanRequest(), take_away, lambda: False)
    assert isinstance(ann.error, FolderMissingError)
    assert (ann.moved, ben.moved) == (2, 1)
    (run,) = hands.app.context.store.runs.list()
    assert (run.state, run.moved) == ("partly", 3)
    assert not hands.app.context.store.journal(ANN).open()
    (hands.root / "away").rename(quarantine)
    taken_back = tuple(undo(hands.app.context, UndoRequest(run=run.id), quiet, lambda: False))
    assert sum(result.count(EntryState.UNDONE) for result in taken_back) == 3
    assert hands.snapshot() == before


def test_what_is_deleted_goes_to_the_folder_that_is_there_for_it(hands: Hands) -> None:
    """Under whatever name; a Trash of our own is made only where there is none."""
    for sub in ("cur", "new", "tmp"):
        (hands.maildir(ANN) / ".Papierkorb" / sub).mkdir(parents=True)
    hands.set_policy(action=ActionName.DELETE)
    hands.opt_in(ANN, BEN)
    ann, ben = hands.scan()
    assert ann.moved == len(hands.folder(ANN, ".Papierkorb")) > 0
    assert not (hands.maildir(ANN) / ".Trash").exists()
    assert ben.moved == len(hands.folder(BEN, ".Trash"))


def test_deleting_moves_to_the_mailboxs_own_trash_in_any_language(hands: Hands) -> None:
    hands.opt_in(ANN)
    for sub in ("cur", "new", "tmp"):
        (hands.maildir(ANN) / ".Papierkorb" / sub).mkdir(parents=True)
    hands.set_policy(action=ActionName.DELETE)
    (result,) = hands.scan()
    assert result.moved
    assert len(hands.folder(ANN, ".Papierkorb")) == result.moved
    assert not (hands.maildir(ANN) / ".Trash").exists()
