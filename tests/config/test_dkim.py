"""DKIM keys in the configuration: as published or as `dig` prints them; what proves nothing is refused."""

from __future__ import annotations

import base64

import pytest

from cleaner.config import dkim

SPKI = (
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAzEcDCDjvAnkcbcclvGjfqQQNflB4wvyLOjmvuBgIZHctJMHXo8O6Fl"
    "ihPY0utBumfEx107830nfB3L5RpEY6au/9dTXMEu1cJzzGx/Hw6d+NAWEgo7Spgb0aVHd1xpbh6RMSrlcgK7n7/++vWP7b/JlN"
    "fp6iv6vejM3lqg9VwSbqCUtePX0O8sjSP0g3rB/CfjAUUEd9c1xrbCdMNH9i6L4u1nLQkeI2zErvxb7mFRcUgQJSj+Hb7IfLL1"
    "aZAsIl+fUoE4sV6N/t0YzxPFAQd5JM5OKx67X8cgrgX/QFUJq7Z0mta/IUPtDj7aQLUwe6aC2cTUAVMg5ABcz7HPfs4wIDAQAB"
)
RAW = "rmoiKZYyTkpPYpbxHVkxmKFOzn/xTnk3KIy22tDPsBU="
FOREIGN = "MCowBQYDK2VwAyEArmoiKZYyTkpPYpbxHVkxmKFOzn/xTnk3KIy22tDPsBU="
"""The same key as some publish it by mistake."""
WHOLE = f"v=DKIM1; k=rsa; p={SPKI}"


@pytest.mark.parametrize(
    "written",
    [
        WHOLE,
        f"p={SPKI}",
        f"v=DKIM1; k=rsa; s=email; p={SPKI[:200]} {SPKI[200:]}",
        f"k=ed25519; p={RAW}",
    ],
)
def test_a_key_is_taken_as_it_is_published(written: str) -> None:
    assert dkim.record(written) == written


@pytest.mark.parametrize("between", [" ", "", "   "])
def test_the_pieces_that_dig_prints_are_joined(between: str) -> None:
    assert dkim.record(f'"{WHOLE[:255]}"{between}"{WHOLE[255:]}"') == WHOLE
    assert dkim.record(f'"{WHOLE}"') == WHOLE


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("v=DKIM1; k=rsa; p=MIIB…", "cut off or a placeholder"),
        ("v=DKIM1; k=rsa; p=…", "cut off or a placeholder"),
        (WHOLE[:-1], "cut off or a placeholder"),
        (WHOLE[:-40], "not the whole of one"),
        (f"v=DKIM1; p={FOREIGN}", "is no RSA key"),
        (f"k=ed25519; p={FOREIGN}", "44 bytes; an Ed25519 key has 32"),
        (f"k=ed25519; p={RAW[:-4]}", "copy it whole"),
        (f"k=ecdsa; p={RAW}", "k=ecdsa is not known"),
        ("v=DKIM1; k=rsa; p=", "was withdrawn"),
        ("v=spf1 -all", "is no DKIM key"),
        (SPKI, "is no DKIM key"),
    ],
)
def test_what_proves_nothing_is_refused(written: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        dkim.record(written)


def test_a_short_key_is_refused() -> None:
    """As sites published them around 2010: 512 bits, which anybody can break today (RFC 8301)."""
    modulus = b"\x00\xc3" + bytes(range(62)) + b"\x01"
    number = b"\x02\x41" + modulus + b"\x02\x03\x01\x00\x01"
    inner = b"\x00\x30" + bytes([len(number)]) + number
    rsa = bytes.fromhex("300d06092a864886f70d0101010500")
    body = rsa + b"\x03" + bytes([len(inner)]) + inner
    raw = base64.b64encode(b"\x30" + bytes([len(body)]) + body).decode()
    with pytest.raises(ValueError, match="512 bits proves nothing"):
        dkim.record(f"v=DKIM1; k=rsa; p={raw}")
