"""
DKIM signatures over a returned mail's header alone (RFC 6376).

A signature covers the signed fields and its own field; the body comes in only as the hash `bh=`, which is
text there. So `b=` can be verified without the body. Where the signing time or the expiry `x=` stands does
not matter here: the question is who wrote the header, not whether to accept the mail today.

Mail systems reshape what they return. Relaxed canonicalisation withstands most of it; what does not
survive, and can be undone, is undone: continuation lines that lost their indentation (sighted in
returned Gmail signatures).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from cleaner.evidence import ours
from cleaner.values import MAX_HEADER_BYTES, DkimKey, Headers, Notice, Organisation, Selector

MAX_SIGNATURES: Final = 8
MIN_RSA_BITS: Final = 1024  # RFC 8301 section 3.2
Fields: TypeAlias = tuple[tuple[bytes, bytes], ...]
PublicKey: TypeAlias = RSAPublicKey | Ed25519PublicKey

_TAG: Final = re.compile(r"\s*([A-Za-z][A-Za-z0-9_]*)\s*=([^;]*)")
_B_VALUE: Final = re.compile(rb"((?:^|;)[ \t\r\n]*b[ \t\r\n]*=)[^;]*")
_FIELD: Final = re.compile(rb"[A-Za-z][A-Za-z0-9-]{0,76}[ \t]*:")
_SPACED_FIELD: Final = re.compile(rb"[A-Za-z][A-Za-z0-9-]{0,76}[ \t]*:(?=[ \t\r]|$)")
_LIST: Final = re.compile(rb"((?:^|;)[ \t\r\n]*b?h[ \t\r\n]*=)([^;]*)")
"""The list of names and the hash of the body."""
_OPEN_LIST: Final = re.compile(rb"(?:^|[;\s])h[ \t]*=[^;]*$|^[^;=]*:[^;=]*$")
"""A line of a signature that ends within its list of names: in its `h=`, or in a line of names alone."""
_WHITE: Final = re.compile(rb"[ \t]+")


@dataclass(frozen=True, slots=True)
class Signature:
    """One DKIM-Signature field, read."""

    domain: str
    selector: str
    algorithm: str
    relaxed: bool
    signed: tuple[str, ...]
    """Names of the signed fields, lower case, in the order of `h=`."""
    value: bytes
    field: tuple[bytes, bytes]

    def covers(self, name: str) -> bool:
        return name in self.signed


def signatures(headers: Headers) -> tuple[Signature, ...]:
    """The signatures of a header, topmost first; those that cannot be read are left out."""
    return tuple(read for field in _signature_fields(headers.items) if (read := _read(field)))


def ours_among(headers: Headers, organisation: Organisation) -> tuple[Signature, ...]:
    """Those that claim to be made by one of our domains, or below one."""
    return tuple(s for s in signatures(headers) if ours.is_own_domain(s.domain, organisation))


def is_valid(signature: Signature, items: Fields, key: DkimKey) -> bool:
    """Whether the signature verifies over these header fields with that key."""
    public = public_key(key.record)
    if public is None or not signature.value:
        return False
    digest = hashlib.sha256(b"".join(_signed_data(signature, items))).digest()
    try:
        if isinstance(public, Ed25519PublicKey):
            if signature.algorithm != "ed25519-sha256":
                return False
            public.verify(signature.value, digest)  # RFC 8463: over the hash
        elif signature.algorithm == "rsa-sha256":  # rsa-sha1 proves nothing any more (RFC 8301)
            public.verify(signature.value, digest, PKCS1v15(), Prehashed(SHA256()))
        else:
            return False
    except InvalidSignature:
        return False
    return True


def keys_for(signature: Signature, organisation: Organisation) -> tuple[DkimKey, ...]:
    """
    Our keys of that domain and selector, those replaced meanwhile included.

    None at all says nothing: whatever we do not know is not forged. Nor is what a key that cannot be
    read does not verify: a truncated key of ours must never speak against our own mail.
    """
    wanted = signature.domain, signature.selector
    known = (*organisation.dkim_keys, *organisation.found_keys)
    return tuple(
        key
        for key in known
        if (key.domain.lower(), key.selector.lower()) == wanted and public_key(key.record) is not None
    )


def wanted_keys(notices: Iterable[Notice], organisation: Organisation) -> Mapping[Selector, int]:
    """The keys of ours that the notices name and that nobody configured → how many notices name each."""
    return Counter(
        selector
        for notice in notices
        if "dkim-signature" in notice.returned.headers and verified(notice, organisation) is None
        for selector in _selectors(notice, organisation)
    )


def _selectors(notice: Notice, organisation: Organisation) -> frozenset[Selector]:
    return frozenset(
        (signature.domain, signature.selector)
        for items in _readings(notice.returned.headers.items, notice.returned.raw)
        for signature in ours_among(Headers(items), organisation)
    )


def named_selector(notice: Notice, organisation: Organisation) -> str:
    """Under which name the key of the mail's topmost signature of ours is published; empty without one."""
    if "dkim-signature" not in notice.returned.headers:
        return ""
    claimed = ours_among(notice.returned.headers, organisation)
    return next((f"{one.selector}._domainkey.{one.domain}" for one in claimed), "")


def verified(notice: Notice, organisation: Organisation) -> tuple[Signature, Fields] | None:
    """
    A signature of ours that verifies over the returned header, with the fields it verified over.

    Tried over the fields as they stand, then over the repaired ones.
    """
    headers = notice.returned.headers
    if "dkim-signature" not in headers or not (organisation.dkim_keys or organisation.found_keys):
        return None
    return _verified(headers.items, notice.returned.raw, organisation)


@lru_cache(maxsize=2)
def _verified(items: Fields, raw: bytes, organisation: Organisation) -> tuple[Signature, Fields] | None:
    """Several rules ask about the same mail one after the other; it is verified once."""
    for reading in _readings(items, raw):
        for signature in _as_written(_signature_fields(reading)):
            if not ours.is_own_domain(signature.domain, organisation):
                continue
            if any(is_valid(signature, reading, key) for key in keys_for(signature, organisation)):
                return signature, reading
    return None


def _readings(items: Fields, raw: bytes) -> Iterator[Fields]:
    yield items
    repaired = _repaired(raw)
    if repaired != items:
        yield repaired


# --- reading -------------------------------------------------------------------------------------


def _signature_fields(items: Fields) -> list[tuple[bytes, bytes]]:
    return [item for item in items if item[0].strip().lower() == b"dkim-signature"][:MAX_SIGNATURES]


def _read(field: tuple[bytes, bytes]) -> Signature | None:
    tags = _tags(field[1].decode("latin-1"))
    relaxed = tags.get("c", "simple").partition("/")[0].strip().lower()
    if not {"a", "b", "d", "h", "s"} <= tags.keys() or relaxed not in ("relaxed", "simple"):
        return None
    try:
        value = base64.b64decode("".join(tags["b"].split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    return Signature(
        domain=tags["d"].strip().lower().rstrip("."),
        selector=tags["s"].strip().lower(),
        algorithm=tags["a"].strip().lower(),
        relaxed=relaxed == "relaxed",
        signed=tuple(name.strip().lower() for name in tags["h"].split(":")),
        value=value,
        field=field,
    )


def _as_written(fields: Iterable[tuple[bytes, bytes]]) -> Iterator[Signature]:
    """
    The signatures as they stand, and as they may have been before lines were broken within their lists.

    Who folds a header anew at a column breaks what has no white space, which then is new in it.
    """
    for name, value in fields:
        squeezed = _LIST.sub(lambda found: found[1] + b"".join(found[2].split()), value)
        for form in dict.fromkeys((value, squeezed)):
            if (signature := _read((name, form))) is not None:
                yield signature


def _tags(text: str) -> dict[str, str]:
    tags: dict[str, str] = {}
    for part in text.split(";"):
        match = _TAG.match(part)
        if match is not None:
            tags.setdefault(match[1], match[2])
    return tags


@lru_cache(maxsize=256)
def public_key(record: str) -> PublicKey | None:
    """The key of a published record; None if it is revoked, too short or not to be read."""
    tags = _tags(record)
    encoded = "".join(tags.get("p", "").split())
    try:
        raw = base64.b64decode(encoded, validate=True)
        if tags.get("k", "rsa").strip().lower() == "ed25519":
            return Ed25519PublicKey.from_public_bytes(raw)
        key = load_der_public_key(raw)
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        return None
    if isinstance(key, RSAPublicKey) and key.key_size >= MIN_RSA_BITS:
        return key
    return None


# --- what was signed -----------------------------------------------------------------------------


def _signed_data(signature: Signature, items: Fields) -> Iterator[bytes]:
    for item in selected(signature.signed, items):
        yield _canonical(item, relaxed=signature.relaxed) + b"\r\n"
    name, value = signature.field
    yield _canonical((name, _B_VALUE.sub(rb"\1", value, count=1)), relaxed=signature.relaxed)


def selected(signed: Sequence[str], items: Fields) -> list[tuple[bytes, bytes]]:
    """The fields that were signed: for each name the next one from the bottom (RFC 6376 section 5.4.2)."""
    by_name: dict[str, list[tuple[bytes, bytes]]] = {}
    for item in items:
        by_name.setdefault(item[0].decode("latin-1").strip().lower(), []).append(item)
    return [by_name[name].pop() for name in signed if by_name.get(name)]


def _canonical(item: tuple[bytes, bytes], *, relaxed: bool) -> bytes:
    name, value = item
    lines = value.replace(b"\r\n", b"\n").split(b"\n")
    if not relaxed:
        return name + b":" + b"\r\n".join(lines)
    return name.strip().lower() + b":" + _WHITE.sub(b" ", b"".join(lines)).strip(b" \t\r")


def _repaired(raw: bytes) -> Fields:
    """
    The header fields of a mail whose continuation lines may have lost their indentation.

    A line that does not begin like a field continues the one above. Within a DKIM-Signature neither
    `h=From:To` nor `Subject:Date` begins one: there the colon has no space after it; and as long as its
    list of names is open, nothing does (dkimpy writes `Subject : Date`).
    """
    items: list[tuple[bytes, list[bytes]]] = []
    for line in raw[:MAX_HEADER_BYTES].split(b"\n"):
        bare = line.removesuffix(b"\r")
        if not bare:
            break
        indented = bare[:1] in b" \t"
        in_signature = bool(items) and items[-1][0].strip().lower() == b"dkim-signature"
        begins = _SPACED_FIELD if in_signature else _FIELD
        is_open = in_signature and _OPEN_LIST.search(items[-1][1][-1][-1_000:]) is not None
        if items and (indented or is_open or not begins.match(bare)):
            items[-1][1].append(bare if indented else b" " + bare)
            continue
        name, _, value = bare.partition(b":")
        items.append((name, [value]))
    return tuple((name, b"\n".join(lines)) for name, lines in items)
