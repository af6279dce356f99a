"""Grants are kept sealed, each for its mailbox, and go when their owner opts out."""

from __future__ import annotations

from pathlib import Path

import pytest

from cleaner.errors import StoreError
from cleaner.ports import Grant
from cleaner.store import Store
from cleaner.store.records import Consent, ConsentState
from tests.store.samples import ANN, BEN, KEY, NOW, url

GRANT = Grant("https://login.example cleaner", "refresh-8w3bq", "access-2kd9x", 17.5)


def test_what_is_kept_comes_back(store: Store) -> None:
    assert store.grants.find("cloud", ANN) is None
    assert store.grants.keep("cloud", ANN, Grant("other", "old"))
    assert store.grants.keep("cloud", ANN.upper(), GRANT)
    assert store.grants.find("cloud", ANN) == GRANT
    assert store.grants.find("cloud", BEN) is store.grants.find("other", ANN) is None
    assert store.grants.forget("cloud", ANN)
    assert not store.grants.forget("cloud", ANN)
    assert not store.grants.forget("cloud", "nobody@harbor.example")
    assert store.grants.find("cloud", ANN) is None


def test_nothing_of_it_shows(tmp_path: Path) -> None:
    with Store.open(url(tmp_path), KEY) as store:
        store.grants.keep("cloud", ANN, GRANT)
        files = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert b"8w3bq" not in files
    assert b"2kd9x" not in files
    assert "8w3bq" not in repr(GRANT)
    assert "2kd9x" not in repr(GRANT)


def test_a_row_given_to_another_mailbox_opens_nothing(store: Store) -> None:
    for address in (ANN, BEN):
        store.grants.keep("cloud", address, GRANT)
    with store._database.write() as connection:
        swapped = "UPDATE sign_in SET content = (SELECT content FROM sign_in ORDER BY mailbox_id LIMIT 1)"
        connection.exec_driver_sql(swapped)
    assert store.grants.find("cloud", ANN) == GRANT
    with pytest.raises(StoreError, match="belongs to another mailbox"):
        store.grants.find("cloud", BEN)


def test_opting_out_erases_it_and_none_is_kept_after(store: Store) -> None:
    for address in (ANN, BEN):
        store.grants.keep("cloud", address, GRANT)
    store.consent.record(Consent(ANN, NOW, ConsentState.OPTED_OUT, by="ann", basis="", note=""))
    store.erase(ANN)
    assert store.grants.find("cloud", ANN) is None
    assert store.grants.find("cloud", BEN) == GRANT
    assert not store.grants.keep("cloud", ANN, GRANT)
    assert store.grants.find("cloud", ANN) is None


def test_one_at_a_time_renews_it(store: Store) -> None:
    turn = store.grants.turn
    with turn("cloud", ANN) as first, turn("cloud", ANN.upper()) as second, turn("cloud", BEN) as other:
        assert (first, second, other) == (True, False, True)
    with turn("cloud", ANN) as again:
        assert again
