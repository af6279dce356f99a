"""Mail known from logs, and how far logs were read; on every database."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

from cleaner.store import Store
from cleaner.store.ledger import ReadLog
from cleaner.values import DkimKey, OutgoingMail, SentMail, SentQuestion, SentRecordView
from tests.store.samples import ANN, KEY, NOW, sent

ID = "<1@mx.harbor.example>"
MAIL = OutgoingMail(ID, NOW, ("bob@far.example",), "")


def asked(store: Store) -> SentRecordView:
    return store.sent_record(ANN).ask(
        SentQuestion(
            frozenset((ID,)), frozenset(("bob@far.example", "carla@quay.example")), frozenset(("Offer",))
        )
    )


def mail(store: Store) -> SentMail:
    return asked(store).by_message_id[ID]


def test_what_a_log_tells_later_is_added(store: Store) -> None:
    record = store.sent_record(ANN)
    assert record.add_logged([MAIL]) == 1
    assert record.add_logged([replace(MAIL, recipients=("carla@quay.example",), subject="Offer")]) == 0
    found = mail(store)
    assert found.recipients == {"bob@far.example", "carla@quay.example"}
    assert found.recipient_count == 2
    assert (found.subject, found.logged) == ("offer", True)
    assert asked(store).mails == 1


def test_of_one_batch_the_same(store: Store) -> None:
    store.sent_record(ANN).add_logged(
        [MAIL, replace(MAIL, recipients=("carla@quay.example",), subject="Offer")]
    )
    assert (mail(store).recipient_count, mail(store).subject) == (2, "offer")


def test_a_copy_makes_it_no_longer_only_logged_and_a_log_never_makes_a_copy_logged(store: Store) -> None:
    record = store.sent_record(ANN)
    record.add_logged([MAIL])
    record.add("Sent", [MAIL], None)
    assert not mail(store).logged
    record.add_logged([MAIL])
    assert not mail(store).logged


def test_copies_tell_since_when_the_record_is_complete(store: Store) -> None:
    record = store.sent_record(ANN)
    old, new = replace(MAIL, time=NOW - timedelta(days=90)), NOW + timedelta(days=1)
    record.add_logged([old])
    assert (asked(store).begins, asked(store).ends) == (old.time, old.time)
    record.add("Sent", [sent(2)], None)
    assert asked(store).begins == sent(2).time
    record.add_logged([replace(MAIL, message_id="<new@x>", time=new)])
    assert (asked(store).begins, asked(store).ends) == (sent(2).time, new)


def test_opting_out_erases_it(store: Store) -> None:
    store.sent_record(ANN).add_logged([MAIL])
    store.erase(ANN)
    assert asked(store) == SentRecordView()


def test_a_log_is_known_by_its_beginning(store: Store) -> None:
    head, other = b"\xffNov  2 10:15:00 mx1" * 50, b"Nov  3" * 200
    assert store.ledger.get(head) is None
    store.ledger.note(head, ReadLog(5_000_000_000, NOW))
    store.ledger.note(other, ReadLog(7, NOW))
    store.ledger.note(head, ReadLog(6_000_000_000, NOW + timedelta(days=1)))
    assert store.ledger.get(head) == ReadLog(6_000_000_000, NOW + timedelta(days=1))
    assert store.ledger.get(other) == ReadLog(7, NOW)


def test_several_may_add_the_same_mail_and_keys_at_once(shared_url: str) -> None:
    """A scan, an import of logs, and another process that cleans a mailbox of the same organisation."""
    mails = [replace(MAIL, message_id=f"<{n}@mx.harbor.example>") for n in range(200)]
    keys = [DkimKey("harbor.example", f"s{n}", "v=DKIM1; p=AAAA") for n in range(20)]
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            with Store.open(shared_url, KEY) as store:
                for start in range(0, len(mails), 20):
                    some = mails[start : start + 20]
                    if number % 2:
                        store.sent_record(ANN).add_logged(some)
                    else:
                        store.sent_record(ANN).add("Sent", some, None)
                    store.keys.remember(keys, NOW, "dns")
                    store.ledger.note(b"head", ReadLog(start, NOW))
        except BaseException as error:
            failures.append(error)

    Store.open(shared_url, KEY).close()
    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with Store.open(shared_url, KEY) as store:
        assert asked(store).mails == len(mails)
        assert len(store.keys.of(["harbor.example"])) == len(keys)
