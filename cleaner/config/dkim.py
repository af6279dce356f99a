"""Public DKIM keys in the configuration: read at once, so that one that can prove nothing is a fault."""

from __future__ import annotations

import base64
import re
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from cleaner.config import forms

_QUOTED: Final = re.compile(r'"\s{0,9}"|"')
"""What stands between the pieces of a record as `dig` prints it, and around them."""
ED25519_BYTES: Final = 32
RSA_BITS: Final = (1024, 16_384)
"""RFC 8301 section 3.2 takes no shorter ones; longer ones are nobody's."""


def record(value: object) -> str:
    """
    A public key as published (RFC 6376 section 3.6.1, RFC 8463 section 4).

    `dig` prints a long record in several quoted pieces; they may stand here as it prints them. A key that
    cannot be read would prove nothing and never say so, so that it is refused here.
    """
    written = forms.text(value)
    if written.startswith('"') and written.endswith('"'):
        written = "".join(_QUOTED.split(written)).strip()
    tags = {tag.partition("=")[0].strip(): tag.partition("=")[2].strip() for tag in written.split(";")}
    if tags.get("v", "DKIM1") != "DKIM1" or "p" not in tags:
        raise ValueError('is no DKIM key; write the TXT record as published, like "v=DKIM1; k=rsa; p=MIIB…"')
    encoded = "".join(tags["p"].split())
    if not encoded:
        raise ValueError(
            "is a key that was withdrawn (an empty p=); write the record from before, or take it out"
        )
    try:
        raw = base64.b64decode(encoded, validate=True)
    except ValueError:
        raise ValueError(
            "its p= is cut off or a placeholder; copy the whole record: dig +short TXT SELECTOR._domainkey.DOMAIN"
        ) from None
    _check_public_key(tags.get("k", "rsa").lower(), raw)
    return written


def _check_public_key(kind: str, raw: bytes) -> None:
    if kind == "ed25519":
        if len(raw) != ED25519_BYTES:
            raise ValueError(
                f"its p= has {len(raw)} bytes; an Ed25519 key has {ED25519_BYTES}: copy it whole"
            )
        return
    if kind != "rsa":
        raise ValueError(f"its k={kind} is not known; DKIM keys are k=rsa or k=ed25519")
    try:
        key = load_der_public_key(raw)
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("its p= is no RSA key, or not the whole of one; copy the record again") from None
    if not isinstance(key, RSAPublicKey):
        raise ValueError("its p= is no RSA key; copy the record again")
    if not RSA_BITS[0] <= key.key_size <= RSA_BITS[1]:
        raise ValueError(
            f"an RSA key of {key.key_size} bits proves nothing; it must have from {RSA_BITS[0]} to {RSA_BITS[1]}"
        )
