"""What has been in the quarantine for long goes to Trash, unless somebody laid a hand on it, and can be taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cleaner import actions, notices
from cleaner.app import App
from cleaner.config import MailboxSettings
from cleaner.connectors.maildir import ChangingMaildir
from cleaner.ports import ChangeableMailbox, Obstacle
from cleaner.service import consent
from cleaner.service.context import Openers
from cleaner.service.retention import Retained
from cleaner.service.scan import ScanRequest, scan
from cleaner.service.serve.work import retain
from cleaner.service.undo import UndoRequest, undo
from cleaner.values import ActionName, Entry, EntryState
from tests.servers.dovecot import PASSWORD, Dovecot
from tests.service.hands import ANN, NOW, Hands, quiet
from tests.worlds.harbor import Harbor, Letters

MONTH = timedelta(days=30)


@pytest.fixture
def cleaned(hands: Hands) -> Hands:
    """Ann's mailbox was cleaned, the retention is a month."""
    hands.opt_in(ANN)
    hands.scan()
    assert len(hands.folder(ANN, ".Backscatter")) > 2
    return hands


def run(hands: Hands, after: timedelta = MONTH + timedelta(days=1), *, stopping: bool = False) -> Retained:
    hands.now += after
    return retain(hands.app.context, hands.app.context.settings.mailbox(ANN), lambda: stopping)


def entries(hands: Hands, state: EntryState, action: ActionName = ActionName.MOVE) -> list[Entry]:
    found = hands.app.context.store.entries(mailbox=ANN, states=(state,))
    return [entry for entry in found if entry.action is action]


def give_back(hands: Hands, **asked: Any) -> None:
    tuple(undo(hands.app.context, UndoRequest(**asked), quiet, lambda: False))


def mails(hands: Hands) -> set[bytes]:
    return {path.read_bytes() for path in (hands.root / "mail").rglob("*") if path.is_file()}


def test_nothing_leaves_before_its_time(cleaned: Hands) -> None:
    before = cleaned.snapshot()
    assert run(cleaned, MONTH - timedelta(hours=1)) == Retained()
    assert cleaned.snapshot() == before


def test_what_is_too_old_goes_to_trash_and_back_to_the_byte(cleaned: Hands) -> None:
    before, content = cleaned.snapshot(), mails(cleaned)
    moved = len(cleaned.folder(ANN, ".Backscatter"))
    assert run(cleaned) == Retained(expired=moved)
    assert cleaned.folder(ANN, ".Backscatter") == []
    assert len(cleaned.folder(ANN, ".Trash")) >= moved
    assert mails(cleaned) == content
    assert len(entries(cleaned, EntryState.PURGED)) == moved
    (again,) = [r for r in cleaned.app.context.store.runs.list() if r.kind == "retention"]
    assert (again.state, again.moved) == ("done", moved)
    give_back(cleaned, run=again.id)
    assert cleaned.snapshot() == before
    assert len(entries(cleaned, EntryState.DONE)) == moved


def test_what_was_taken_back_out_of_trash_stays_in_the_quarantine(cleaned: Hands) -> None:
    run(cleaned)
    (retention,) = [r for r in cleaned.app.context.store.runs.list() if r.kind == "retention"]
    give_back(cleaned, run=retention.id)
    there = cleaned.snapshot()
    assert run(cleaned).expired == 0
    assert cleaned.snapshot() == there


def test_taking_back_the_scan_finds_what_went_on_to_trash(cleaned: Hands) -> None:
    store = cleaned.app.context.store
    (scanned,) = [r for r in store.runs.list() if r.kind == "scan"]
    run(cleaned)
    give_back(cleaned, run=scanned.id)
    assert cleaned.folder(ANN, ".Backscatter") == []
    assert entries(cleaned, EntryState.PURGED) == entries(cleaned, EntryState.DONE) == []
    assert len(entries(cleaned, EntryState.UNDONE)) == len(
        entries(cleaned, EntryState.UNDONE, ActionName.EXPIRE)
    )
    # And there they stay.
    before = cleaned.snapshot()
    cleaned.set_policy(since=timedelta(0))
    cleaned.scan()
    assert cleaned.snapshot() == before


def test_one_that_was_thrown_out_of_trash_is_said_to_be_gone(cleaned: Hands) -> None:
    store = cleaned.app.context.store
    (scanned,) = [r for r in store.runs.list() if r.kind == "scan"]
    run(cleaned)
    for path in cleaned.folder(ANN, ".Trash"):
        path.unlink()
    give_back(cleaned, run=scanned.id)
    assert entries(cleaned, EntryState.UNDONE) == []
    assert len(entries(cleaned, EntryState.GONE)) > 0


def test_flagged_and_moved_ones_stay_and_one_that_was_read_does_not(cleaned: Hands) -> None:
    flagged, moved, read, *others = cleaned.folder(ANN, ".Backscatter")
    flagged.rename(renamed(flagged, "FS"))
    moved.rename(cleaned.maildir(ANN) / "cur" / moved.name)
    read.rename(renamed(read, "S"))
    assert run(cleaned) == Retained(expired=len(others) + 1, kept=1)
    assert [path.name for path in cleaned.folder(ANN, ".Backscatter")] == [renamed(flagged, "FS").name]


def renamed(path: Path, flags: str) -> Path:
    return path.parent.parent / "cur" / f"{path.name.partition(':')[0]}:2,{flags}"


def test_nothing_is_put_away_where_retention_is_switched_off(cleaned: Hands) -> None:
    cleaned.set_policy(retention=timedelta(0))
    assert run(cleaned) == Retained()


class Held(ChangingMaildir):
    """A mailbox that is under a hold, as servers report it."""

    def obstacles(self) -> tuple[Obstacle, ...]:
        return (
            Obstacle("the mailbox is on litigation hold", "ask the legal office", blocks=False, holds=True),
        )


class HeldOpenings:
    def __init__(self, real: Openers, hands: Hands) -> None:
        self.real, self.hands = real, hands

    def reading(self, mailbox: MailboxSettings) -> Any:
        return self.real.reading(mailbox)

    @contextmanager
    def changing(self, mailbox: MailboxSettings) -> Iterator[ChangeableMailbox]:
        yield Held(mailbox.address, self.hands.maildir(mailbox.address))

    def pulse(self, mailbox: MailboxSettings) -> str | None:
        return None

    def wait_for_mail(
        self, mailbox: MailboxSettings, stopping: Callable[[], bool], came: Callable[[], None]
    ) -> bool:
        return False


def test_nothing_is_put_away_under_a_hold(cleaned: Hands) -> None:
    before = cleaned.snapshot()
    context = cleaned.app.context
    cleaned.app.context = replace(context, mailboxes=HeldOpenings(context.mailboxes, cleaned))
    assert run(cleaned) == Retained(held="the mailbox is on litigation hold")
    assert cleaned.snapshot() == before


def test_who_opted_out_has_nothing_put_away(cleaned: Hands) -> None:
    before = cleaned.snapshot()
    consent.opt_out(cleaned.app.context, ANN)
    with pytest.raises(Exception, match="has not opted in"):
        run(cleaned)
    assert cleaned.snapshot() == before


def test_stopped_meanwhile_nothing_is_left_open(cleaned: Hands) -> None:
    assert run(cleaned, stopping=True).expired == 0
    assert cleaned.app.context.store.journal(ANN).open() == ()
    assert run(cleaned, timedelta(0)).expired > 0


@pytest.mark.parametrize("by_scan", [True, False])
@pytest.mark.parametrize("moved", [False, True])
def test_killed_in_the_middle_it_is_completed(cleaned: Hands, moved: bool, by_scan: bool) -> None:
    """
    The intent is journalled; the message stands in the quarantine still, or in Trash already.

    Whoever changes something next completes it: a scan, or the next time that old mail is put away.
    """
    context = cleaned.app.context
    journal = context.store.journal(ANN)
    original = entries(cleaned, EntryState.DONE)[0]
    mailbox = ChangingMaildir(ANN, cleaned.maildir(ANN))
    found = actions.expiring(mailbox, journal, [original], "Trash", notices.fingerprint, "r", cleaned.now)
    (intent,) = journal.intend(found.intents)
    mailbox.create("Trash")
    if moved:
        tuple(mailbox.move(intent.folder, (intent.message,), intent.target))
    content = mails(cleaned)
    if by_scan:
        cleaned.scan()
        assert journal.open() == ()
        (now,) = context.store.entries(id=original.id)
        assert now.state is (EntryState.PURGED if moved else EntryState.DONE)
    run(cleaned)
    assert journal.open() == ()
    assert cleaned.folder(ANN, ".Backscatter") == []
    assert mails(cleaned) == content


def test_over_imap_it_is_the_same(tmp_path: Path, dovecot: Dovecot) -> None:
    """Flags are words there, and the server says which folder is for what is deleted."""
    user = dovecot.new_user()
    (tmp_path / "password").write_text(PASSWORD)
    server = ('name = "harbor"', 'connector = "imap"', 'host = "127.0.0.1"', f"port = {dovecot.port}")
    harbor = Harbor.install(
        tmp_path,
        [user],
        (*server, 'tls = "none"'),
        now=NOW,
        mailbox=('password = "file:password"',),
    )
    box = Letters(dovecot)
    harbor.begin(box, NOW)
    for _ in range(6):
        harbor.write_to(user, box, NOW)
    clock = [NOW + timedelta(minutes=1)]
    owner = dovecot.owner(user)
    before = owner.messages()
    with App.open(harbor.configuration, clock=lambda: clock[0]) as app:
        consent.opt_in(app.context, consent.NewMailbox(user))
        (scanned,) = scan(app.context, ScanRequest(), quiet, lambda: False)
        assert scanned.moved == 4
        flagged, read, *_ = [item.uid for item in owner.items("Backscatter")]
        owner.mark("Backscatter", flagged, "\\Flagged")
        owner.mark("Backscatter", read, "\\Seen")
        clock[0] += MONTH + timedelta(days=1)
        mailbox = app.context.settings.mailbox(user)
        assert retain(app.context, mailbox, lambda: False) == Retained(expired=3, kept=1)
        assert [item.uid for item in owner.items("Backscatter")] == [flagged]
        assert len(owner.items("Trash")) == 3
        tuple(undo(app.context, UndoRequest(run=scanned.run), quiet, lambda: False))
        # Flags are as they were when it was moved away.
        after = {folder: found for folder, found in owner.messages().items() if found}
        assert after == {folder: found for folder, found in before.items() if found}
        assert app.context.store.journal(user).open() == ()
    owner.close()
