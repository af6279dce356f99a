"""Hashes tell nothing without the key, and the same with it."""

from __future__ import annotations

import pytest

from cleaner.errors import StoreError
from cleaner.store.hashing import SIZE, Keyed
from tests.store.samples import KEY


def test_the_same_text_of_the_same_kind_has_the_same_hash() -> None:
    assert Keyed(KEY).hash("address", "bob@far.example") == Keyed(KEY).hash("address", "bob@far.example")
    assert len(Keyed(KEY).hash("address", "bob@far.example")) == SIZE


def test_another_kind_text_or_key_has_another_hash() -> None:
    hashes = {
        Keyed(KEY).hash("address", "far.example"),
        Keyed(KEY).hash("domain", "far.example"),
        Keyed(KEY).hash("domain", "far.exampl"),
        Keyed(b"x" * 32).hash("domain", "far.example"),
    }
    assert len(hashes) == 4


def test_what_stands_in_the_database_to_check_the_key_is_no_hash_of_any_text() -> None:
    keyed = Keyed(KEY)
    assert keyed.check != keyed.hash("key-check", "")
    assert keyed.check not in KEY


def test_text_that_is_no_unicode_has_a_hash_too() -> None:
    assert Keyed(KEY).hash("subject", "\udcff") != Keyed(KEY).hash("subject", "?")


@pytest.mark.parametrize("key", [b"", b"short", b"k" * 15])
def test_a_key_that_can_be_guessed_is_refused(key: bytes) -> None:
    with pytest.raises(StoreError, match="/dev/urandom") as refused:
        Keyed(key)
    assert key.decode() not in str(refused.value) or not key
