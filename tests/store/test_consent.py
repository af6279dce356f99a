"""Consent is a history, and every opening of a mailbox is on record."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from cleaner.store import Store
from cleaner.store.records import Access, Consent, ConsentState
from tests.store.samples import ANN, BEN, NOW

AGREED = Consent(
    mailbox=ANN,
    at=NOW,
    state=ConsentState.OPTED_IN,
    by="root",
    basis="works council agreement of 2026-03-01",
    note="told by phone",
    preview_until=NOW + timedelta(days=7),
)


def test_nobody_was_asked_at_first(store: Store) -> None:
    assert store.consent.current(ANN) is None
    assert store.consent.history(ANN) == ()
    assert store.consent.opted_in() == ()


def test_the_latest_step_counts_and_the_earlier_ones_stay(store: Store) -> None:
    paused = Consent(ANN, NOW + timedelta(days=1), ConsentState.PAUSED, "ann", "")
    store.consent.record(AGREED)
    store.consent.record(paused)
    assert store.consent.current("Ann@Harbor.example") == paused
    assert store.consent.history(ANN) == (AGREED, paused)


def test_a_clock_that_was_put_back_does_not_bring_an_earlier_step_back(store: Store) -> None:
    store.consent.record(AGREED)
    store.consent.record(Consent(ANN, NOW - timedelta(days=1), ConsentState.OPTED_OUT, "ann", ""))
    current = store.consent.current(ANN)
    assert current is not None
    assert current.state is ConsentState.OPTED_OUT


def test_opted_in_are_those_whose_latest_step_says_so(store: Store) -> None:
    for address in (BEN, ANN, "carl@harbor.example"):
        store.consent.record(replace(AGREED, mailbox=address))
    store.consent.record(Consent("carl@harbor.example", NOW, ConsentState.PAUSED, "root", ""))
    store.consent.record(Consent("dora@harbor.example", NOW, ConsentState.INVITED, "root", ""))
    assert store.consent.opted_in() == (ANN, BEN)


def test_accesses_are_listed_for_the_mailbox_they_were_to(store: Store) -> None:
    accesses = tuple(
        Access(ANN, NOW + timedelta(minutes=minute), "root", "scan", run)
        for minute, run in enumerate(("r1", None))
    )
    for access in accesses:
        store.accesses.record(access)
    store.accesses.record(Access(BEN, NOW, "root", "check"))
    assert store.accesses.list(ANN) == accesses
