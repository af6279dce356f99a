"""What is sealed can be read with the key alone."""

from __future__ import annotations

import base64
import zlib

import pytest
from cryptography.fernet import Fernet

from cleaner.errors import StoreError
from cleaner.store import sealing
from cleaner.store.sealing import Seals
from tests.store.samples import KEY

OTHER = b"o" * 32


@pytest.mark.parametrize("content", [b"", b"a\0b\xff", b"Subject: x\r\n" * 10_000])
def test_what_was_sealed_comes_back_unaltered(content: bytes) -> None:
    assert Seals(KEY).open(Seals(KEY).seal(content)) == content


def test_nothing_of_it_shows_and_it_is_small() -> None:
    sealed = Seals(KEY).seal(b"Subject: a secret matter\r\n" * 1_000)
    assert b"secret" not in sealed
    assert b"secret" not in base64.b64encode(sealed)
    assert len(sealed) < 500
    assert Seals(KEY).seal(b"same") != Seals(KEY).seal(b"same")


def test_an_older_key_still_opens_and_the_first_one_seals() -> None:
    old = Seals(OTHER).seal(b"old")
    both = Seals(KEY, OTHER)
    assert both.open(old) == b"old"
    assert Seals(KEY).open(both.seal(b"new")) == b"new"


def test_another_key_or_an_altered_byte_is_refused_with_the_remedy() -> None:
    sealed = Seals(KEY).seal(b"content")
    with pytest.raises(StoreError, match="another master key, or it is damaged"):
        Seals(OTHER).open(sealed)
    for place in range(len(sealed)):
        broken = bytearray(sealed)
        broken[place] ^= 1
        with pytest.raises(StoreError, match="damaged"):
            Seals(KEY).open(bytes(broken))
    with pytest.raises(StoreError, match="damaged"):
        Seals(KEY).open(b"")


def test_what_unfolds_without_bound_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "LARGEST", 1_000)
    bomb = Fernet(sealing._derived(KEY, sealing.SAMPLES)).encrypt(zlib.compress(bytes(2_000)))
    with pytest.raises(StoreError, match="larger than one can be"):
        Seals(KEY).open(base64.urlsafe_b64decode(bomb))
    fits = Fernet(sealing._derived(KEY, sealing.SAMPLES)).encrypt(zlib.compress(bytes(1_000)))
    assert Seals(KEY).open(base64.urlsafe_b64decode(fits)) == bytes(1_000)


def test_the_key_is_of_this_purpose_alone() -> None:
    """What else is derived from the master key tells nothing about this one."""
    with pytest.raises(StoreError):
        Seals(KEY).open(base64.urlsafe_b64decode(Fernet(base64.urlsafe_b64encode(KEY)).encrypt(b"x")))


def test_what_was_sealed_for_one_purpose_is_not_opened_for_another() -> None:
    grants = Seals(KEY).apart(sealing.GRANTS)
    assert grants.open(grants.seal(b"content")) == b"content"
    with pytest.raises(StoreError, match="a grant cannot be read"):
        grants.open(Seals(KEY).seal(b"content"))
    with pytest.raises(StoreError, match="a sample cannot be read"):
        Seals(KEY).open(grants.seal(b"content"))
