"""The sent record takes each mail once, and keeps nothing of it in the clear."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cleaner.store import Store
from cleaner.store.records import Consent, ConsentState
from cleaner.values import OutgoingMail, SentQuestion
from tests.store.samples import ANN, BEN, KEY, NOW, sent, url

BOB, EVE = "bob@far.example", "eve@sea.example"


def test_a_mail_that_is_there_is_not_added_again(store: Store) -> None:
    record = store.sent_record(ANN)
    assert record.add("Sent", [sent(1), sent(2), sent(1)], None) == 2
    assert record.add("Archive", [sent(1), sent(3)], None) == 1
    assert record.mails() == 3


def test_one_without_an_id_is_known_by_all_that_it_shows(store: Store) -> None:
    record = store.sent_record(ANN)
    nameless = sent(message_id=None)
    others = (
        sent(message_id=None, time=NOW + timedelta(minutes=1)),
        sent(message_id=None, subject="Another offer"),
        sent(message_id=None, recipients=(EVE,)),
    )
    assert record.add("Sent", [nameless, nameless], None) == 1
    assert record.add("Archive", [nameless, *others], None) == 3


def test_copies_for_each_recipient_under_one_id_are_one_mail_to_all(store: Store) -> None:
    """Else a report about the second recipient would look like the replay of a mail to the first."""
    record = store.sent_record(ANN)
    record.add("Sent", [sent(recipients=(BOB,)), sent(recipients=(EVE,))], None)
    assert record.add("Sent", [sent(recipients=("kim@far.example", BOB))], None) == 0
    question = SentQuestion(frozenset(["<1@mx.harbor.example>"]), frozenset([BOB, EVE, "kim@far.example"]))
    mail = record.ask(question).by_message_id["<1@mx.harbor.example>"]
    assert mail.recipients == {BOB, EVE, "kim@far.example"}
    assert mail.recipient_count == 3


def test_a_cursor_is_kept_with_the_mails_for_each_folder(store: Store) -> None:
    record = store.sent_record(ANN)
    record.add("Sent", [sent(1)], "7")
    record.add("Sent", [sent(2)], None)
    assert (record.cursor("Sent"), record.cursor("Archive")) == ("7", None)
    record.add("Sent", (), "8")
    assert record.cursor("Sent") == "8"
    assert store.sent_record(BEN).cursor("Sent") is None


def test_the_manner_of_each_mail_is_counted_once(store: Store) -> None:
    record = store.sent_record(ANN)
    desk, phone = ("id uuid", "zone +0100"), ("id UUID", "zone +0100")
    record.add("Sent", [replace(sent(1), manner=desk), replace(sent(2), manner=desk)], None)
    record.add("Archive", [replace(sent(2), manner=desk), replace(sent(3), manner=phone)], None)
    asked = frozenset(("id", "id uuid", "id UUID", "id other", "zone", "zone +0100", "mailer"))
    counts = {"id": 3, "id uuid": 2, "id UUID": 1, "zone": 3, "zone +0100": 3}
    assert record.ask(SentQuestion(manner=asked)).manner == counts
    assert store.sent_record(BEN).ask(SentQuestion(manner=asked)).manner == {}


def test_opting_out_erases_the_profile(store: Store) -> None:
    record = store.sent_record(ANN)
    record.add("Sent", [replace(sent(1), manner=("id uuid",))], None)
    store.erase(ANN)
    assert record.ask(SentQuestion(manner=frozenset(("id",)))).manner == {}


def test_what_breaks_off_leaves_nothing_behind(store: Store) -> None:
    def broken() -> Iterator[OutgoingMail]:
        yield sent(1)
        raise ConnectionError

    record = store.sent_record(ANN)
    with pytest.raises(ConnectionError):
        record.add("Sent", broken(), "7")
    assert (record.mails(), record.cursor("Sent")) == (0, None)


def test_another_mailbox_has_a_record_of_its_own(store: Store) -> None:
    store.sent_record(ANN).add("Sent", [sent(1)], None)
    assert store.sent_record(BEN).mails() == 0
    assert store.sent_record(BEN).add("Sent", [sent(1)], None) == 1
    assert store.sent_record(ANN).mails() == 1


def test_after_opting_out_a_scan_that_is_still_at_work_adds_nothing(store: Store) -> None:
    store.consent.record(Consent(ANN, NOW, ConsentState.OPTED_OUT, "ann", ""))
    record = store.sent_record(ANN)
    assert record.add("Sent", [sent(1)], "7") == 0
    assert (record.mails(), record.cursor("Sent")) == (0, None)


def test_odd_mails_are_taken(store: Store) -> None:
    odd = [
        sent(message_id="no brackets"),
        sent(message_id="<>"),
        sent(message_id="<a@b@c>", recipients=(), subject=""),
        sent(message_id="<\udcff@h>", recipients=("\udcff@x", "nobody", "", "@"), subject="\0"),
        sent(message_id=None, recipients=(), subject=""),
        sent(9, recipients=tuple(f"u{n}@far.example" for n in range(3_000))),
    ]
    record = store.sent_record(ANN)
    assert record.add("Sent", odd, None) == len(odd)
    assert record.add("Sent", odd, None) == 0


def test_nothing_of_the_mail_stands_in_the_file_in_the_clear(tmp_path: Path) -> None:
    with Store.open(url(tmp_path), KEY) as store:
        mail = OutgoingMail(
            "<very-secret-id@inner.host>", NOW, (BOB, "Eve@Sea.example"), "Re: A secret offer"
        )
        store.sent_record(ANN).add("Sent", [mail], "1")
        store.sent_record(ANN).ask(
            SentQuestion(
                frozenset([mail.message_id or ""]), frozenset(mail.recipients), frozenset([mail.subject])
            )
        )
        content = b"".join(path.read_bytes() for path in tmp_path.glob("state.db*") if path.is_file())
    for secret in (b"very-secret", b"inner.host", b"far.example", b"secret offer", b"bob@", b"sea.example"):
        assert secret not in content.lower()
    assert b"sent_recipient" in content


def old_and_new() -> tuple[OutgoingMail, ...]:
    """Every other one from before yesterday; of every third only a log told."""
    return tuple(
        sent(n, time=NOW - timedelta(days=2 * (n % 2)), recipients=(BOB, f"u{n}@far.example"))
        for n in range(30)
    )


def test_what_is_too_old_leaves_the_record_whole_and_nothing_else_does(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In several batches, as where there is much."""
    monkeypatch.setattr("cleaner.store.sent.BATCH", 4)
    monkeypatch.setattr("cleaner.store.database.BATCH", 4)
    record = store.sent_record(ANN)
    mails = old_and_new()
    record.add("Sent", mails[:20], "7")
    record.add_logged(mails[20:])
    store.sent_record(BEN).add("Sent", mails, None)
    assert record.expire(NOW - timedelta(days=1)) == 15
    assert record.expire(NOW - timedelta(days=1)) == 0
    question = SentQuestion(
        frozenset(f"<{n}@mx.harbor.example>" for n in range(30)), frozenset([BOB, "u1@far.example"])
    )
    view = record.ask(question)
    assert len(view.by_message_id) == 15
    assert "u1@far.example" not in view.by_recipient
    assert len(view.by_recipient[BOB]) == 15
    assert (view.begins, view.mails, record.mails()) == (NOW, 15, 15)
    assert record.cursor("Sent") == "7"
    assert store.sent_record(BEN).mails() == 30
    with store._database.read() as connection:
        left = "SELECT count(*) FROM sent_recipient WHERE sent_id NOT IN (SELECT id FROM sent)"
        assert connection.exec_driver_sql(left).scalar() == 0


def test_no_count_of_a_host_is_left_when_its_last_mail_goes(store: Store) -> None:
    record = store.sent_record(ANN)
    record.add("Sent", [sent(1, message_id="<1@old.example>", time=NOW - timedelta(days=9)), sent(2)], None)
    record.expire(NOW)
    asked = frozenset(["<x@old.example>", "<x@mx.harbor.example>"])
    assert record.ask(SentQuestion(asked)).id_domains == {"mx.harbor.example": 1}


def test_what_left_the_record_does_not_come_back_with_the_folder(store: Store) -> None:
    """As when a server numbers a folder anew, and all of it is looked through again."""
    record = store.sent_record(ANN, NOW - timedelta(days=1))
    assert record.add("Sent", old_and_new(), None) == 15
    assert record.add_logged(old_and_new()) == 0
    assert record.expire(NOW - timedelta(days=1)) == 0
