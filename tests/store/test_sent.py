"""The sent record answers about what is asked, and about nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from cleaner.store import Store
from cleaner.store.sent import StoredSentRecord
from cleaner.values import OutgoingMail, SentQuestion
from tests.store.test_store import ANN, KEY, NOW


@pytest.fixture
def record() -> Iterator[StoredSentRecord]:
    with Store.open("sqlite://", KEY) as store:
        record = store.sent_record(ANN)
        record.add(
            "Sent",
            [
                OutgoingMail(
                    "<1@mx.harbor.example>", NOW, ("Bob@far.example", "eve@far.example"), "Re: Offer"
                ),
                OutgoingMail("<2@mx.harbor.example>", NOW - timedelta(days=3), ("carl@sea.example",), "Tide"),
                OutgoingMail(None, NOW - timedelta(days=9), ("bob@far.example",), ""),
            ],
            "cursor-1",
        )
        yield record


def test_by_message_id_with_the_asked_recipients_only(record: StoredSentRecord) -> None:
    view = record.ask(
        SentQuestion(
            message_ids=frozenset(["<1@mx.harbor.example>", "<forged@mx.harbor.example>"]),
            addresses=frozenset(["bob@far.example", "zoe@far.example"]),
            subjects=frozenset(["AW: offer"]),
        )
    )
    assert set(view.by_message_id) == {"<1@mx.harbor.example>"}
    mail = view.by_message_id["<1@mx.harbor.example>"]
    assert (mail.recipients, mail.domains) == (frozenset(["bob@far.example"]), frozenset(["far.example"]))
    assert (mail.recipient_count, mail.time, mail.subject) == (2, NOW, "offer")
    assert view.id_domains == {"mx.harbor.example": 2}


def test_by_recipient_and_subject_the_latest_first(record: StoredSentRecord) -> None:
    view = record.ask(
        SentQuestion(
            addresses=frozenset(["BOB@far.example", "x@sea.example"]), subjects=frozenset(["tide", "no"])
        )
    )
    assert [mail.time for mail in view.by_recipient["bob@far.example"]] == [NOW, NOW - timedelta(days=9)]
    assert set(view.by_subject) == {"tide"}
    assert view.domains_written_to == {"far.example", "sea.example"}


def test_its_extent(record: StoredSentRecord) -> None:
    view = record.ask(SentQuestion())
    assert (view.begins, view.ends, view.mails) == (NOW - timedelta(days=9), NOW, 3)
    assert view.completeness is None


def test_a_mail_that_is_there_is_not_added_again(record: StoredSentRecord) -> None:
    again = OutgoingMail("<1@mx.harbor.example>", NOW, ("bob@far.example",), "Offer")
    nameless = OutgoingMail(None, NOW - timedelta(days=9), ("bob@far.example",), "")
    fresh = OutgoingMail("<3@mx.harbor.example>", NOW, (), "Note to self")
    assert record.add("Archive", [again, nameless, fresh, fresh], None) == 1
    assert record.mails() == 4


def test_cursors_are_kept_per_folder(record: StoredSentRecord) -> None:
    record.add("Sent", [], None)
    assert record.cursor("Sent") == "cursor-1"
    assert record.cursor("Archive") is None


def test_another_mailbox_knows_nothing_of_it() -> None:
    with Store.open("sqlite://", KEY) as store:
        store.sent_record(ANN).add("Sent", [OutgoingMail("<1@h>", NOW, ("b@x.example",), "s")], None)
        view = store.sent_record("ben@harbor.example").ask(SentQuestion(message_ids=frozenset(["<1@h>"])))
    assert (view.mails, view.by_message_id) == (0, {})
