"""
The fingerprint: the identity of a message across folders, moves and connectors.

A sha256 over fields that every connector hands out as they were received (over EWS from property
0x007D): Message-ID, Date, From, Subject and the oldest Received. White space is collapsed, because
servers refold and change line ends; bytes outside ASCII are dropped, because some spoil them.
"""

from __future__ import annotations

import hashlib
from typing import Final

from cleaner.values import Headers

_FIELDS: Final = (("message-id", 0), ("date", 0), ("from", 0), ("subject", 0), ("received", -1))
FIELDS: Final = frozenset(name for name, _ in _FIELDS)
"""What a fingerprint is made of."""

_ASCII: Final = bytes(range(128, 256))


def fingerprint(headers: Headers) -> str:
    """32 hexadecimal digits, equal for every copy of a message."""
    digest = hashlib.sha256()
    for name, position in _FIELDS:
        values = headers.raw(name)
        value = values[position] if values else b""
        digest.update(b" ".join((value if value.isascii() else value.translate(None, _ASCII)).split()))
        digest.update(b"\0")
    return digest.hexdigest()[:32]
