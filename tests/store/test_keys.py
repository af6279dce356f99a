"""The archive of DKIM keys."""

from __future__ import annotations

from datetime import timedelta

from cleaner.store import Store
from cleaner.store.keys import OFTEN
from cleaner.values import DkimKey
from tests.store.samples import ANN, NOW

S1 = DkimKey("harbor.example", "s1", "v=DKIM1; p=AAAA")
AGAIN = DkimKey("harbor.example", "s1", "v=DKIM1; p=BBBB")
QUAY = DkimKey("quay.example", "s1", "v=DKIM1; p=" + "C" * 3_000)


def test_keys_are_told_apart_by_domain_selector_and_record(store: Store) -> None:
    store.keys.remember((S1, AGAIN, QUAY, S1), NOW, "dns")
    assert set(store.keys.keys({("harbor.example", "s1")})) == {S1, AGAIN}
    assert store.keys.of(["quay.example"]) == (QUAY,)
    assert store.keys.keys({("harbor.example", "s2"), ("far.example", "s1")}) == {}
    assert store.keys.keys(()) == {}


def test_it_is_known_when_a_key_was_last_published(store: Store) -> None:
    store.keys.remember((S1,), NOW, "dns")
    store.keys.remember((S1,), NOW + timedelta(minutes=1), "dns")
    assert store.keys.keys({("harbor.example", "s1")}) == {S1: NOW}
    store.keys.remember((S1,), NOW + OFTEN, "dns")
    assert store.keys.keys({("harbor.example", "s1")}) == {S1: NOW + OFTEN}


def test_names_compare_in_any_case(store: Store) -> None:
    store.keys.remember((DkimKey("Harbor.example", "S1", S1.record),), NOW, "configuration")
    assert set(store.keys.keys({("harbor.example", "s1")})) == {S1}


def test_keys_are_nobody_s_own_and_stay_when_somebody_leaves(store: Store) -> None:
    store.keys.remember((S1,), NOW, "dns")
    store.erase(ANN)
    assert store.keys.of(["harbor.example"]) == (S1,)
