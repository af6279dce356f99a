"""Mailboxes that the configuration file does not have."""

from __future__ import annotations

from cleaner.store import Store
from cleaner.store.records import StoredMailbox
from tests.store.samples import ANN, entry

CARL = StoredMailbox(
    address="carl@harbor.example",
    server="imap",
    organisation="harbor",
    user="carl",
    password="env:CARL",
    aliases=("c@harbor.example",),
    sent_from=("team@harbor.example",),
    policy={"grace": "1h", "folders": ["INBOX", "Bounces"]},
)


def test_they_come_back_as_they_were_kept(store: Store) -> None:
    store.mailboxes.add(CARL)
    store.mailboxes.add(StoredMailbox("bea@harbor.example", "imap"))
    assert store.mailboxes.all() == (StoredMailbox("bea@harbor.example", "imap"), CARL)


def test_adding_one_again_takes_the_place_of_the_earlier(store: Store) -> None:
    store.mailboxes.add(CARL)
    changed = StoredMailbox("Carl@Harbor.example", "other")
    store.mailboxes.add(changed)
    assert store.mailboxes.all() == (changed,)


def test_one_removed_is_gone_but_not_what_was_done_in_it(store: Store) -> None:
    store.mailboxes.add(CARL)
    store.journal(CARL.address).intend([entry(mailbox=CARL.address)])
    store.mailboxes.remove("CARL@harbor.example")
    assert store.mailboxes.all() == ()
    assert len(store.entries(mailbox=CARL.address)) == 1


def test_a_mailbox_of_the_file_is_not_among_them(store: Store) -> None:
    store.journal(ANN).intend([entry()])
    assert store.mailboxes.all() == ()
