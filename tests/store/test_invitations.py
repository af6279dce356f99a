"""An invitation is found by its token alone, and the token stands nowhere."""

from __future__ import annotations

from pathlib import Path

from cleaner.store import Store
from cleaner.store.invitations import Invitation
from tests.store.samples import ANN, KEY, NOW, url

BEN = "ben@harbor.example"


def test_it_is_found_by_its_token_until_it_is_closed(shared_url: str) -> None:
    with Store.open(shared_url, KEY) as store:
        store.invitations.open(ANN, "t1", NOW)
        store.invitations.open(BEN, "t2", NOW)
        assert store.invitations.find("t1") == Invitation(ANN, NOW)
        store.invitations.close(ANN)
        assert store.invitations.find("t1") is None
        assert store.invitations.find("t2") == Invitation(BEN, NOW)


def test_a_later_one_replaces_it(shared_url: str) -> None:
    with Store.open(shared_url, KEY) as store:
        store.invitations.open(ANN, "t1", NOW)
        store.invitations.open(ANN, "t2", NOW)
        assert store.invitations.find("t1") is None
        assert store.invitations.find("t2") is not None


def test_opting_out_closes_it(shared_url: str) -> None:
    with Store.open(shared_url, KEY) as store:
        store.invitations.open(ANN, "t1", NOW)
        store.erase(ANN)
        assert store.invitations.find("t1") is None


def test_the_token_stands_nowhere(tmp_path: Path) -> None:
    with Store.open(url(tmp_path), KEY) as store:
        store.invitations.open(ANN, "a-token-of-an-owner", NOW)
        kept = b"".join(path.read_bytes() for path in tmp_path.glob("state.db*") if path.is_file())
    assert b"a-token-of-an-owner" not in kept
