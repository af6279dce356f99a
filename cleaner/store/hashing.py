"""
Keyed hashes: what is known of people's mail cannot be read out of the database without the master key.

HMAC-SHA256 with a key derived from the master key for this one purpose, cut to 16 bytes: with a hundred
million rows a chance collision is still less likely than one in ten billion billion.
"""

from __future__ import annotations

import hmac
from typing import Final

from cleaner.errors import MasterKeyError

SIZE: Final = 16
SHORTEST: Final = 16
"""Bytes of a master key that nobody guesses."""


class Keyed:
    """Hashes of texts of a kind; equal texts of different kinds have unrelated hashes."""

    def __init__(self, master_key: bytes) -> None:
        if len(master_key) < SHORTEST:
            raise MasterKeyError(
                f"the master key (store.key) has only {len(master_key)} characters, too few to protect "
                "anything; make one: head -c 32 /dev/urandom | base64"
            )
        self._key = hmac.digest(master_key, b"bounce-cleaner sent record", "sha256")
        self.check = hmac.digest(master_key, b"bounce-cleaner key check", "sha256")[:SIZE]
        """Kept in the database, so that another master key is noticed at once."""

    def hash(self, kind: str, text: str) -> bytes:
        message = f"{kind}\0{text}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, message, "sha256")[:SIZE]
