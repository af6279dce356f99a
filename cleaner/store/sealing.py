"""
Sealing: what cannot be a hash, because it must be read again, stands in the database compressed and encrypted.

The key is derived from the master key by HKDF (RFC 5869), one for each purpose; the form is that of Fernet
(https://github.com/fernet/spec), which also notices when something was changed. Reading tries every key that it is
given, so that a master key can be replaced one day without losing what was sealed with the old one.
"""

from __future__ import annotations

import base64
import zlib
from functools import cached_property
from typing import TYPE_CHECKING, Final

from cleaner.errors import StoreError

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

SAMPLES: Final = b"bounce-cleaner samples"
GRANTS: Final = b"bounce-cleaner grants"
LARGEST: Final = 64 * 1024 * 1024
"""Bytes that something sealed may unfold to: only we write here, but a database can be tampered with."""


class Seals:
    """Seals with the first key, opens with any."""

    def __init__(self, *master_keys: bytes, purpose: bytes = SAMPLES) -> None:
        self._master_keys = master_keys
        self._purpose = purpose

    def apart(self, purpose: bytes) -> Seals:
        """The same for another purpose: neither opens what the other sealed."""
        return Seals(*self._master_keys, purpose=purpose)

    @cached_property
    def _fernet(self) -> MultiFernet:
        # Imported when first needed: most commands never seal anything.
        from cryptography.fernet import Fernet, MultiFernet

        return MultiFernet([Fernet(_derived(key, self._purpose)) for key in self._master_keys])

    def seal(self, content: bytes) -> bytes:
        return base64.urlsafe_b64decode(self._fernet.encrypt(zlib.compress(content, 9)))

    def open(self, sealed: bytes) -> bytes:
        """Raises StoreError for what was not sealed with any of the keys."""
        from cryptography.fernet import InvalidToken

        try:
            packed = self._fernet.decrypt(base64.urlsafe_b64encode(sealed))
        except InvalidToken as error:
            raise StoreError(
                f"{self._what} cannot be read: it was sealed with another master key, or it is damaged. Put the old "
                "key back (store.key), or restore the database from a backup"
            ) from error
        unpacking = zlib.decompressobj()
        content = unpacking.decompress(packed, LARGEST)
        if unpacking.unconsumed_tail:
            raise StoreError(f"{self._what} is larger than one can be; restore the database from a backup")
        return content

    @property
    def _what(self) -> str:
        return "a grant" if self._purpose == GRANTS else "a sample"


def _derived(master_key: bytes, purpose: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return base64.urlsafe_b64encode(HKDF(SHA256(), 32, salt=None, info=purpose).derive(master_key))
