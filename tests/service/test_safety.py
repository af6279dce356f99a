"""The safety limit: the surest go, the rest waits for one answer, and nobody is asked or told twice."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest

from cleaner.errors import MailboxBusyError, SafetyStopError, UsageError
from cleaner.service import consent, digest
from cleaner.service.alerts import SAFETY_STOP
from cleaner.service.scan import MailboxScan, ScanRequest, scan
from cleaner.service.status import status
from cleaner.service.undo import UndoRequest, undo
from cleaner.values import ActionName, Outcome, Safety
from tests.service.hands import ANN, BEN, Hands, quiet

SPURIOUS = b"You have won"
FIRST = 1_795_000_000


class Flood:
    """Notices in Ben's inbox like the one that he has about mail of somebody else; each is later than those before."""

    def __init__(self, hands: Hands) -> None:
        self.hands = hands
        (found,) = (path for path in hands.folder(BEN, ".") if SPURIOUS in path.read_bytes())
        self.like = found.read_bytes()
        found.unlink()
        hands.opt_in(BEN)

    def comes(self, numbers: Iterable[int], copy: int = 0) -> None:
        for number in numbers:
            raw = self.like.replace(b"<notice.zoe.", b"<notice.%d." % number).replace(
                b"<90.", b"<%d." % number
            )
            path = self.hands.maildir(BEN) / "cur" / f"{FIRST + number}.M{copy}P1.demo:2,"
            path.write_bytes(raw)
            at = self.hands.now.timestamp() - 7200 + number
            os.utime(path, (at, at))

    def lies(self, folder: str = ".") -> list[Path]:
        """What of it is in that folder."""
        return [path for path in self.hands.folder(BEN, folder) if SPURIOUS in path.read_bytes()]

    def left(self) -> set[int]:
        """Which of it are in the inbox."""
        return {int(path.name.split(".")[0]) - FIRST for path in self.lies()}

    @property
    def quarantined(self) -> int:
        return len(self.lies(".Backscatter"))


@pytest.fixture
def flood(hands: Hands) -> Flood:
    hands.set_safety(Safety(max_messages=3))
    return Flood(hands)


def ordinary(hands: Hands, count: int) -> None:
    for number in range(count):
        raw = (
            b"From: bob@far.example\r\nSubject: Lunch\r\nMessage-ID: <%d@far.example>\r\n\r\nHi\r\n" % number
        )
        (hands.maildir(BEN) / "cur" / f"{1_794_000_000 + number}.M2P2.demo:2,S").write_bytes(raw)


def scanned(hands: Hands, **asked: object) -> MailboxScan:
    (result,) = hands.scan(ScanRequest(**asked))  # type: ignore[arg-type]
    return result


def stopped(hands: Hands) -> MailboxScan:
    result = scanned(hands)
    assert isinstance(result.error, SafetyStopError)
    return result


def waiting(hands: Hands) -> list[tuple[str, int]]:
    return [(one.run, one.held) for one in status(hands.app.context).stopped]


def alarms(caplog: pytest.LogCaptureFixture) -> int:
    return sum(f"alarm ({SAFETY_STOP})" in record.getMessage() for record in caplog.records)


def states(hands: Hands) -> list[str]:
    return [run.state for run in reversed(hands.app.context.store.runs.list()) if run.kind == "scan"]


# --- asked once, told once ----------------------------------------------------------------------------


def test_scan_after_scan_is_one_stopped_run_and_one_alarm(
    hands: Hands, flood: Flood, caplog: pytest.LogCaptureFixture
) -> None:
    flood.comes(range(10))
    first = stopped(hands)
    assert (first.moved, first.held, first.waits_for) == (3, 7, None)
    for hours in (0, 1, 5, 30):
        hands.now += timedelta(hours=hours)
        again = scanned(hands)
        assert (again.error, again.moved, again.held, again.waits_for) == (None, 0, 7, first.run)
        assert waiting(hands) == [(first.run, 7)]
    assert sorted(states(hands)) == ["done"] * 4 + ["stopped"]
    assert alarms(caplog) == 1
    assert flood.quarantined == 3


def test_what_waits_is_told_by_the_contract_as_planned(hands: Hands, flood: Flood) -> None:
    flood.comes(range(5))
    first = stopped(hands)
    assert first.count(plan="move", outcome="planned") == 2
    assert first.count(plan="move", outcome="done") == 3
    seen = hands.app.context.store.seen(BEN)
    assert {notice.outcome for notice in seen.pending("")} >= {Outcome.HELD}
    assert seen.held() == 2


def test_the_next_flood_joins_without_another_alarm(
    hands: Hands, flood: Flood, caplog: pytest.LogCaptureFixture
) -> None:
    flood.comes(range(5))
    first = stopped(hands)
    flood.comes(range(5, 25))
    joined = scanned(hands)
    assert (joined.error, joined.moved, joined.waits_for) == (None, 0, first.run)
    assert joined.count(plan="move", outcome="planned") == 20
    assert waiting(hands) == [(first.run, 22)]
    assert alarms(caplog) == 1


def test_one_answer_moves_all_and_one_undo_takes_all_back(hands: Hands, flood: Flood) -> None:
    flood.comes(range(5))
    first = stopped(hands)
    flood.comes(range(5, 9))
    scanned(hands)
    answered = scanned(hands, confirm=first.run)
    assert (answered.error, answered.run, answered.moved, answered.held) == (None, first.run, 6, 0)
    assert (flood.left(), flood.quarantined, waiting(hands)) == (set(), 9, [])
    run = hands.app.context.store.runs.get(first.run or "")
    assert (run.state, run.moved) == ("done", 9)
    tuple(undo(hands.app.context, UndoRequest(run=first.run), quiet, lambda: False))
    assert (len(flood.left()), flood.quarantined) == (9, 0)
    assert scanned(hands).moved == 0
    with pytest.raises(UsageError, match="nothing to confirm"):
        scanned(hands, confirm=first.run)


def test_each_mailbox_has_its_own_limit_and_one_answer_is_for_all_of_the_run(
    hands: Hands, flood: Flood
) -> None:
    hands.opt_in(ANN)
    flood.comes(range(5))
    results = hands.scan()
    assert [(one.moved, one.held) for one in results] == [(3, 3), (3, 2)]
    assert sorted(held for _, held in waiting(hands)) == [2, 3]
    assert [one.moved for one in hands.scan(ScanRequest(confirm=results[0].run))] == [3, 2]
    assert waiting(hands) == []


def test_it_is_asked_again_only_after_an_answer(
    hands: Hands, flood: Flood, caplog: pytest.LogCaptureFixture
) -> None:
    flood.comes(range(5))
    first = stopped(hands)
    scanned(hands, confirm=first.run)
    hands.now += timedelta(minutes=5)
    flood.comes(range(5, 8))
    assert scanned(hands).moved == 3, "a person's word starts the count anew"
    hands.now += timedelta(minutes=5)
    flood.comes(range(8, 10))
    second = stopped(hands)
    assert (second.moved, second.held, second.run != first.run) == (0, 2, True)
    assert alarms(caplog) == 2


# --- the surest first, and no more than the limit -----------------------------------------------------


def test_the_surest_go_first(hands: Hands) -> None:
    hands.opt_in(ANN)
    (planned,) = hands.scan(ScanRequest(dry_run=True))
    moving = [line for line in planned.lines if line["plan"] == "move"]
    assert len({line["probability"] for line in moving}) > 2
    surest = sorted(moving, key=lambda line: (-line["probability"], line["received"]))
    hands.set_safety(Safety(max_messages=4))
    (ann,) = hands.scan()
    done = {line["fingerprint"] for line in ann.lines if line["outcome"] == "done"}
    assert done == {line["fingerprint"] for line in surest[:4]}


def test_of_equals_the_oldest_go_first(hands: Hands, flood: Flood) -> None:
    flood.comes(reversed(range(6)))
    stopped(hands)
    assert flood.left() == {3, 4, 5}


def test_the_limit_counts_the_day_not_the_scan(hands: Hands, flood: Flood) -> None:
    flood.comes(range(2))
    assert scanned(hands).moved == 2
    hands.now += timedelta(hours=6)
    flood.comes(range(2, 4))
    second = stopped(hands)
    assert (second.moved, second.held) == (1, 1)


def test_a_day_later_there_is_room_again(hands: Hands, flood: Flood) -> None:
    flood.comes(range(3))
    assert scanned(hands).moved == 3
    hands.now += timedelta(hours=24, seconds=1)
    flood.comes(range(3, 6))
    later = scanned(hands)
    assert (later.error, later.moved) == (None, 3)


def test_while_some_wait_new_ones_go_as_far_as_there_is_room(hands: Hands, flood: Flood) -> None:
    """A flood does not switch it off; and what waits stays, whatever room there is."""
    flood.comes(range(5))
    first = stopped(hands)
    held = flood.left()
    hands.now += timedelta(hours=25)
    flood.comes(range(5, 10))
    later = scanned(hands)
    assert (later.error, later.moved, later.waits_for) == (None, 3, first.run)
    assert held < flood.left()
    assert waiting(hands) == [(first.run, 4)]


def test_what_was_taken_back_counts_too(hands: Hands, flood: Flood) -> None:
    """It was moved, and wrongly: no reason to move as many again."""
    flood.comes(range(3))
    run = scanned(hands).run
    tuple(undo(hands.app.context, UndoRequest(run=run), quiet, lambda: False))
    flood.comes(range(3, 5))
    assert stopped(hands).moved == 0


# --- the share ----------------------------------------------------------------------------------------


def test_a_small_inbox_is_cleaned_whatever_share_is_spurious(hands: Hands) -> None:
    hands.set_safety(Safety())
    flood = Flood(hands)
    there = len(hands.folder(BEN, "."))
    flood.comes(range(15))
    ordinary(hands, 20 - 15 - there)
    assert len(hands.folder(BEN, ".")) == 20
    result = scanned(hands)
    assert (result.error, result.moved) == (None, 15)


@pytest.mark.parametrize(
    ("spurious", "others", "moved"),
    [(50, 0, 50), (51, 0, 50), (60, 60, 60), (60, 50, 55)],
    ids=["so many may always go", "one more", "just half", "more than half"],
)
def test_beyond_fifty_more_than_half_of_what_is_there_waits(
    hands: Hands, spurious: int, others: int, moved: int
) -> None:
    hands.set_safety(Safety())
    flood = Flood(hands)
    flood.comes(range(spurious))
    ordinary(hands, max(0, others - len(hands.folder(BEN, ".")) + spurious))
    result = scanned(hands)
    assert (result.moved, result.held) == (moved, spurious - moved)
    assert (result.error is None) is (moved == spurious)
    if result.error is not None:
        assert "safety.max_share = 0.5" in str(result.error)


@pytest.mark.parametrize(
    ("safety", "messages", "most"),
    [
        (Safety(), 0, 50),
        (Safety(), 100, 50),
        (Safety(), 102, 51),
        (Safety(), 1_000_000, 1000),
        (Safety(max_messages=20), 1_000, 20),
        (Safety(share_from=0), 9, 4),
        (Safety(max_share=1.0, share_from=0), 9, 9),
    ],
)
def test_how_many_may_go(safety: Safety, messages: int, most: int) -> None:
    assert safety.most(messages) == most


# --- what is settled otherwise ------------------------------------------------------------------------


def test_what_its_owner_deletes_waits_no_more(hands: Hands, flood: Flood) -> None:
    flood.comes(range(6))
    first = stopped(hands)
    flood.lies()[0].unlink()
    scanned(hands)
    assert waiting(hands) == [(first.run, 2)]
    for path in flood.lies():
        path.unlink()
    assert scanned(hands).held == 0
    assert waiting(hands) == []
    with pytest.raises(UsageError, match="nothing to confirm"):
        scanned(hands, confirm=first.run)
    flood.comes(range(6, 8))
    second = stopped(hands)
    assert second.moved == 0, "nobody answered, so the count goes on"


def test_who_wants_reports_only_has_nothing_waiting_once_it_is_judged_again(
    hands: Hands, flood: Flood
) -> None:
    flood.comes(range(5))
    stopped(hands)
    hands.set_policy(action=ActionName.REPORT)
    hands.now += timedelta(days=1)
    again = scanned(hands)
    assert (again.count(plan="report"), again.held, waiting(hands)) == (2, 0, [])


def test_it_is_not_read_again_at_each_scan(hands: Hands, flood: Flood) -> None:
    flood.comes(range(5))
    stopped(hands)
    hands.now += timedelta(hours=23)
    assert scanned(hands).lines == ()
    hands.now += timedelta(hours=1)
    assert scanned(hands).count(plan="move", outcome="planned") == 2


def test_it_does_not_become_old_mail_by_waiting(hands: Hands, flood: Flood) -> None:
    flood.comes(range(5))
    first = stopped(hands)
    hands.now += timedelta(days=60)
    assert scanned(hands).held == 2
    assert scanned(hands, confirm=first.run).moved == 2


def test_what_was_asked_for_by_time_waits_like_the_rest(hands: Hands, flood: Flood) -> None:
    flood.comes(range(5))
    hands.now += timedelta(days=60)
    result = scanned(hands, since=hands.now - timedelta(days=90))
    assert (result.moved, result.held) == (3, 2)
    hands.now += timedelta(days=1, hours=1)
    assert scanned(hands).held == 2
    assert scanned(hands, since=hands.now - timedelta(days=90)).moved == 0
    assert scanned(hands, confirm=result.run).moved == 2
    assert flood.left() == set()


def test_all_copies_of_a_message_wait_and_go_together(hands: Hands, flood: Flood) -> None:
    flood.comes(range(3))
    for copy in range(1, 4):
        flood.comes([9], copy)
    first = stopped(hands)
    assert (first.moved, len(flood.lies())) == (3, 3)
    assert scanned(hands, confirm=first.run).moved == 3
    assert flood.lies() == []


def test_who_opts_out_is_not_asked_about_any_more(hands: Hands, flood: Flood) -> None:
    flood.comes(range(5))
    first = stopped(hands)
    consent.opt_out(hands.app.context, BEN)
    assert waiting(hands) == []
    with pytest.raises(UsageError):
        scanned(hands, confirm=first.run)


# --- beside it ----------------------------------------------------------------------------------------


def test_a_dry_run_shows_all_that_an_answer_would_move(hands: Hands, flood: Flood) -> None:
    flood.comes(range(5))
    stopped(hands)
    before = hands.snapshot()
    looked = scanned(hands, dry_run=True)
    assert (looked.error, looked.count(plan="move", outcome="planned")) == (None, 2)
    assert hands.snapshot() == before


def test_a_run_that_is_interrupted_asks_nobody_and_the_next_one_goes_on(
    hands: Hands, flood: Flood, caplog: pytest.LogCaptureFixture
) -> None:
    flood.comes(range(5))

    def watch(stage: str, done: int, total: int | None) -> None:
        hands.stop = stage == "moving"

    (cut,) = scan(hands.app.context, ScanRequest(), watch, lambda: hands.stop)
    assert (cut.error, cut.interrupted) == (None, True)
    assert (waiting(hands), alarms(caplog)) == ([], 0)
    hands.stop = False
    then = stopped(hands)
    assert cut.moved + then.moved == 3
    assert waiting(hands) == [(then.run, 2)]
    assert alarms(caplog) == 1


def test_an_answer_that_is_interrupted_can_be_given_again(hands: Hands, flood: Flood) -> None:
    flood.comes(range(8))
    first = stopped(hands)
    hands.stop = True
    assert hands.scan(ScanRequest(confirm=first.run)) == ()
    assert waiting(hands) == [(first.run, 5)]
    hands.stop = False
    assert scanned(hands, confirm=first.run).moved == 5


def test_an_answer_to_a_mailbox_that_is_busy_can_be_given_again(hands: Hands, flood: Flood) -> None:
    flood.comes(range(5))
    first = stopped(hands)
    with hands.app.context.store.lock(BEN):
        assert isinstance(scanned(hands, confirm=first.run).error, MailboxBusyError)
    assert waiting(hands) == [(first.run, 2)]
    assert scanned(hands, confirm=first.run).moved == 2


def test_the_digest_tells_of_what_was_moved_and_not_of_what_waits(hands: Hands, flood: Flood) -> None:
    flood.comes(range(5))
    mailbox = hands.app.context.settings.mailbox(BEN)
    since = hands.now - timedelta(hours=1)
    first = stopped(hands)
    assert len(digest.items(hands.app.context, mailbox, since)) == 3
    scanned(hands, confirm=first.run)
    assert len(digest.items(hands.app.context, mailbox, since)) == 5


def test_what_an_earlier_version_stopped_is_asked_about_no_more_often(
    hands: Hands, flood: Flood, caplog: pytest.LogCaptureFixture
) -> None:
    """It moved nothing, remembered nothing, and asked at each scan."""
    runs = hands.app.context.store.runs
    old = [runs.start("scan", hands.now - timedelta(minutes=minutes)) for minutes in (10, 5)]
    for run in old:
        runs.stop(run, BEN)
        runs.finish(run, hands.now, state="stopped")
    flood.comes(range(5))
    result = scanned(hands)
    assert (result.error, result.moved, result.held, result.waits_for) == (None, 3, 2, old[-1])
    assert alarms(caplog) == 0
    assert scanned(hands, confirm=old[-1]).moved == 2
    with pytest.raises(UsageError, match="nothing to confirm"):
        scanned(hands, confirm=old[0])


def test_what_an_earlier_version_stopped_can_be_answered_at_once(hands: Hands, flood: Flood) -> None:
    runs = hands.app.context.store.runs
    old = runs.start("scan", hands.now)
    runs.stop(old, BEN)
    runs.finish(old, hands.now, state="stopped")
    flood.comes(range(5))
    assert scanned(hands, confirm=old).moved == 5


def test_an_answer_whose_process_is_killed_can_be_given_again(hands: Hands, flood: Flood) -> None:
    flood.comes(range(8))
    first = stopped(hands)

    def killed(stage: str, done: int, total: int | None) -> None:
        if stage == "moving" and done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tuple(scan(hands.app.context, ScanRequest(confirm=first.run), killed, lambda: False))
    hands.app.context.store.runs.close()  # what the end of the process does
    between = scanned(hands)
    assert (between.error, between.moved, between.waits_for) == (None, 0, first.run)
    assert scanned(hands, confirm=first.run).error is None
    assert (flood.left(), flood.quarantined, waiting(hands)) == (set(), 8, [])
    assert hands.app.context.store.runs.get(first.run or "").moved == 8


def test_what_its_owner_put_elsewhere_among_the_watched_folders_still_waits(
    hands: Hands, flood: Flood
) -> None:
    hands.set_policy(folders=("INBOX", "Other"))
    (hands.maildir(BEN) / ".Other" / "cur").mkdir(parents=True)
    for part in ("new", "tmp"):
        (hands.maildir(BEN) / ".Other" / part).mkdir()
    flood.comes(range(5))
    first = stopped(hands)
    for path in flood.lies():
        path.rename(hands.maildir(BEN) / ".Other" / "cur" / path.name)
    assert scanned(hands).held == 2
    assert scanned(hands, confirm=first.run).moved == 2
    assert flood.lies(".Other") == []


def test_what_turns_out_to_be_genuine_is_not_moved_by_the_answer(hands: Hands, flood: Flood) -> None:
    """Each is judged afresh: here its addressee is none of the cleaner's business any more."""
    flood.comes(range(5))
    first = stopped(hands)
    hands.set_policy(leave=("ben@*",))
    answered = scanned(hands, confirm=first.run)
    assert (answered.moved, answered.held, waiting(hands)) == (0, 0, [])
    assert len(flood.left()) == 2


def test_of_very_many_it_is_asked_once_a_day_whether_they_are_still_there(
    hands: Hands, flood: Flood, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cleaner.steps.look.SOUGHT", 1)
    flood.comes(range(5))
    stopped(hands)
    for path in flood.lies():
        path.unlink()
    assert scanned(hands).held == 2
    hands.now += timedelta(days=1)
    assert (scanned(hands).held, waiting(hands)) == (0, [])
