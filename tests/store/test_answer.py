"""The sent record answers about what is asked, and about nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cleaner.store import Store
from cleaner.store.answer import LATEST, id_key, right_side
from cleaner.store.sent import StoredSentRecord
from cleaner.values import SentQuestion, SentRecordView
from tests.store.samples import ANN, BEN, NOW, sent

BOB = "bob@far.example"


@pytest.fixture
def record(store: Store) -> StoredSentRecord:
    record = store.sent_record(ANN)
    record.add(
        "Sent",
        [
            sent(1, recipients=("Bob@far.example", "eve@far.example"), subject="Re: Offer"),
            sent(2, time=NOW - timedelta(days=3), recipients=("carl@sea.example",), subject="Tide"),
            sent(message_id=None, time=NOW - timedelta(days=9), subject=""),
        ],
        None,
    )
    return record


def ask(
    record: StoredSentRecord, ids: tuple[str, ...] = (), addresses: tuple[str, ...] = (), *subjects: str
) -> SentRecordView:
    return record.ask(SentQuestion(frozenset(ids), frozenset(addresses), frozenset(subjects)))


def test_by_message_id_with_the_asked_recipients_only(record: StoredSentRecord) -> None:
    ids = ("<1@mx.harbor.example>", "<forged@mx.harbor.example>", "<2@elsewhere.example>")
    view = ask(record, ids, (BOB, "zoe@far.example"), "AW: offer")
    assert set(view.by_message_id) == {"<1@mx.harbor.example>"}
    mail = view.by_message_id["<1@mx.harbor.example>"]
    assert mail.message_id == "<1@mx.harbor.example>"
    assert mail.recipients == {BOB}
    assert mail.domains == {"far.example"}
    assert (mail.recipient_count, mail.time, mail.subject) == (2, NOW, "offer")


def test_what_was_not_asked_is_not_told(record: StoredSentRecord) -> None:
    mail = ask(record, ("<1@mx.harbor.example>",)).by_message_id["<1@mx.harbor.example>"]
    assert (mail.recipients, mail.domains, mail.subject) == (frozenset(), frozenset(), None)
    view = ask(record, (), (BOB,))
    assert (view.by_message_id, view.by_subject, view.id_domains) == ({}, {}, {})
    assert {m.message_id for m in view.by_recipient[BOB]} == {None}


def test_spellings_of_one_id_are_both_answered(record: StoredSentRecord) -> None:
    spellings = ("<1@mx.harbor.example>", "1@mx.harbor.example", "< 1@mx.\n harbor.example >")
    assert set(ask(record, spellings).by_message_id) == set(spellings)


def test_ids_are_told_apart_by_case(record: StoredSentRecord) -> None:
    """RFC 5322 section 3.6.4 gives no leave to fold it, and some programs use base64."""
    record.add("Sent", [sent(message_id="<AbC@mx.harbor.example>")], None)
    assert ask(record, ("<abc@mx.harbor.example>",)).by_message_id == {}


def test_by_recipient_and_subject_the_latest_first(record: StoredSentRecord) -> None:
    view = ask(record, (), ("BOB@far.example", "x@sea.example"), "tide", "no")
    assert [mail.time for mail in view.by_recipient[BOB]] == [NOW, NOW - timedelta(days=9)]
    assert set(view.by_recipient) == {BOB}
    assert set(view.by_subject) == {"tide"}
    assert view.domains_written_to == {"far.example", "sea.example"}


def test_hosts_of_ids_are_counted_where_they_are_asked(record: StoredSentRecord) -> None:
    view = ask(record, ("<x@MX.Harbor.example>", "<y@spam.example>", "<nothing>"))
    assert view.id_domains == {"mx.harbor.example": 2}


def test_its_extent(record: StoredSentRecord) -> None:
    view = ask(record)
    assert (view.begins, view.ends, view.mails) == (NOW - timedelta(days=9), NOW, 3)


def test_an_empty_record_says_so(store: Store) -> None:
    store.sent_record(BEN).add("Sent", (), "1")
    view = ask(store.sent_record(BEN), ("<1@h>",), (BOB,), "s")
    assert view == SentRecordView()
    assert ask(store.sent_record(ANN), ("<1@h>",), (BOB,), "s") == SentRecordView()


def test_of_many_mails_to_one_recipient_the_latest_are_told(record: StoredSentRecord) -> None:
    record.add(
        "Sent", [sent(n, time=NOW + timedelta(minutes=n), subject=f"s{n}") for n in range(10, 60)], None
    )
    mails = ask(record, (), (BOB, "eve@far.example")).by_recipient
    assert [mail.time for mail in mails[BOB]] == [
        NOW + timedelta(minutes=n) for n in range(59, 59 - LATEST, -1)
    ]
    assert len(mails["eve@far.example"]) == 1


def test_of_many_mails_at_one_time_no_more_are_told(record: StoredSentRecord) -> None:
    record.add("Sent", [sent(n, recipients=(f"u{n}@x.example", BOB)) for n in range(10, 60)], None)
    found = ask(record, (), (BOB, *(f"u{n}@x.example" for n in range(10, 60)))).by_recipient
    assert len(found[BOB]) == LATEST
    assert len(found) == 51


def test_among_thousands_called_the_same_that_to_the_asked_recipient_is_found(
    record: StoredSentRecord,
) -> None:
    """A report about an old invoice must find that invoice, not the twenty latest."""
    invoices = [
        sent(n, time=NOW + timedelta(minutes=n), recipients=(f"u{n}@x.example",), subject="Invoice")
        for n in range(10, 600)
    ]
    record.add("Sent", invoices, None)
    mails = ask(record, (), ("u17@x.example", BOB), "Re: invoice").by_subject["invoice"]
    assert [mail.time for mail in mails if "u17@x.example" in mail.recipients] == [
        NOW + timedelta(minutes=17)
    ]
    assert len(mails) == LATEST + 1
    assert list(mails) == sorted(mails, key=lambda mail: mail.time, reverse=True)


def test_more_than_one_statement_bears(record: StoredSentRecord) -> None:
    record.add(
        "Sent", [sent(n, recipients=(f"u{n}@d{n}.example",), subject=f"s{n}") for n in range(10, 911)], None
    )
    numbers = range(10, 1_000)
    view = ask(
        record,
        tuple(f"<{n}@mx.harbor.example>" for n in numbers),
        tuple(f"u{n}@d{n}.example" for n in numbers),
        *(f"s{n}" for n in numbers),
    )
    assert [len(answer) for answer in (view.by_message_id, view.by_recipient, view.by_subject)] == [901] * 3
    assert len(view.domains_written_to) == 901


def test_odd_questions_are_answered(record: StoredSentRecord) -> None:
    view = ask(record, ("", "<>", "@", "<\udcff@\0>"), ("", "@", "\udcff", "nobody"), "", "\0", "Re:")
    assert (view.by_message_id, view.by_recipient, view.by_subject) == ({}, {}, {})


@pytest.mark.parametrize(
    ("written", "key", "host"),
    [
        ("<A.b@Host.Example>", "A.b@Host.Example", "host.example"),
        (" <a@b@c> ", "a@b@c", "c"),
        ("a@b", "a@b", "b"),
        ("<nothing>", "nothing", "nothing"),
        ("", "", ""),
    ],
)
def test_ids_are_compared_without_brackets_and_hosts_without_case(written: str, key: str, host: str) -> None:
    assert (id_key(written), right_side(written)) == (key, host)
