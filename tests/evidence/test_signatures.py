"""
Signatures made by dkimpy verify over what mail systems give back of the mail, and not over what they altered.

Each case is a report with a returned original that was reshaped in a way that mail systems reshape, read by the reader
itself: what counts is what comes out at the end.
"""

from __future__ import annotations

import base64
import quopri
import re
from collections.abc import Callable
from dataclasses import replace

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from cleaner import notices
from cleaner.evidence import signatures, wanted_keys
from cleaner.values import DkimKey, Message, Notice
from tests.evidence.scene import ANN, BOB, BY_RELAY, FROM_RELAY, HARBOR, PEM, WITH_IT, mail, report, signed

_EDWARDS = ed25519.Ed25519PrivateKey.generate()
_SEED = base64.b64encode(
    _EDWARDS.private_bytes(
        serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
    )
)
_POINT = base64.b64encode(
    _EDWARDS.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
).decode()
EDWARDS = DkimKey("harbor.example", "ed", f"v=DKIM1; k=ed25519; p={_POINT}")
BOTH = replace(HARBOR, dkim_keys=(*HARBOR.dkim_keys, EDWARDS))

SUBJECT = "Offer for the quay at the end of the long pier, with the crane and two berths for barges"
ORIGINAL = signed(mail(FROM_RELAY, BY_RELAY, subject=SUBJECT))
"""Signed with relaxed/relaxed over From, To, Subject, Date and Message-ID."""


def edwards_signed(original: bytes) -> bytes:
    field: bytes = dkim.sign(
        original,
        b"ed",
        b"harbor.example",
        _SEED,
        canonicalize=(b"relaxed", b"relaxed"),
        signature_algorithm=b"ed25519-sha256",
        include_headers=[b"from", b"to", b"subject", b"date", b"message-id"],
    )
    return field + original


def head(raw: bytes) -> bytes:
    return raw.partition(b"\r\n\r\n")[0] + b"\r\n"


def fields(raw: bytes) -> list[bytes]:
    return re.findall(rb"[^\r\n]+\r\n(?:[ \t][^\r\n]+\r\n)*", head(raw))


def with_fields(raw: bytes, lines: list[bytes]) -> bytes:
    return b"".join(lines) + b"\r\n" + raw.partition(b"\r\n\r\n")[2]


def on_headers(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[bytes], bytes]:
    return lambda raw: with_fields(raw, change(fields(raw)))


def unfolded(lines: list[bytes]) -> list[bytes]:
    return [re.sub(rb"\r\n(?=[ \t])", b"", line) for line in lines]


def refolded(lines: list[bytes]) -> list[bytes]:
    """At every white space, which is as far as a line can be folded."""
    return [re.sub(rb"[ \t]+", b"\r\n\t ", flat[:-2]) + b"\r\n" for flat in unfolded(lines)]


def respaced(lines: list[bytes]) -> list[bytes]:
    return [line[:-2].replace(b"\r\n ", b" \t \r\n\t") + b" \t \r\n" for line in lines]


def without_indentation(lines: list[bytes]) -> list[bytes]:
    return [re.sub(rb"\r\n[ \t]+", b"\r\n", line) for line in lines]


def recased(lines: list[bytes]) -> list[bytes]:
    return [line.partition(b":")[0].upper() + b":" + line.partition(b":")[2] for line in lines]


def more(lines: list[bytes]) -> list[bytes]:
    return [
        b"Received: from a by b; Mon, 2 Nov 2026 09:03:00 +0000\r\n",
        b"X-Spam-Status: No, score=0.1\r\n",
        b"Return-Path: <ann@harbor.example>\r\n",
        *lines,
        b"X-Virus: none\r\n",
    ]


def fewer(lines: list[bytes]) -> list[bytes]:
    return [line for line in lines if not line.startswith((b"Received", b"MIME", b"Content"))]


RESHAPED: dict[str, Callable[[bytes], bytes]] = {
    "as it was": lambda raw: raw,
    "headers only": head,
    "LF": lambda raw: raw.replace(b"\r\n", b"\n"),
    "unfolded": on_headers(unfolded),
    "refolded": on_headers(refolded),
    "white space": on_headers(respaced),
    "reversed": on_headers(lambda lines: lines[::-1]),
    "sorted": on_headers(sorted),
    "names in capitals": on_headers(recased),
    "fields added": on_headers(more),
    "unsigned fields lost": on_headers(fewer),
    "indentation lost": on_headers(without_indentation),
    "indentation lost, LF": lambda raw: on_headers(without_indentation)(raw).replace(b"\r\n", b"\n"),
    "cut in the body": lambda raw: raw[:-10],
    "another body": lambda raw: head(raw) + b"\r\nSomething else.\r\n",
    "a mailbox's separator": lambda raw: b"From ann@harbor.example Mon Nov  2 09:00:00 2026\r\n" + raw,
}

BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "another id": lambda raw: raw.replace(b"<a1.2026", b"<a2.2026"),
    "another recipient": lambda raw: raw.replace(BOB.encode(), b"eve@far.example"),
    "another author": lambda raw: raw.replace(b"From: Ann", b"From: Anna"),
    "a tag in the subject": lambda raw: raw.replace(b"Subject: ", b"Subject: [SPAM] "),
    "a signed field lost": on_headers(lambda lines: [line for line in lines if not line.startswith(b"Date")]),
    "a second author below": on_headers(lambda lines: [*lines, b"From: Eve <eve@far.example>\r\n"]),
    "another hash": lambda raw: re.sub(rb"bh=[A-Za-z0-9]", b"bh=_", raw),
    "cut within the signature": lambda raw: raw[: raw.index(b"b=", raw.index(b"bh=") + 3) + 60],
}


def verifies(notice: Notice, organisation: object = HARBOR) -> bool:
    assert organisation in (HARBOR, BOTH)
    return signatures.verified(notice, BOTH if organisation is BOTH else HARBOR) is not None


@pytest.mark.parametrize("name", RESHAPED)
def test_it_verifies_over_an_attached_original(name: str) -> None:
    assert verifies(report(RESHAPED[name](ORIGINAL)))


@pytest.mark.parametrize("name", BROKEN)
def test_what_was_altered_does_not_verify(name: str) -> None:
    assert not verifies(report(BROKEN[name](ORIGINAL)))


# --- in the text of the report ----------------------------------------------------------------------


def text_report(body: bytes, *, encoding: str = "7bit", more: str = "") -> Notice:
    head = "\r\n".join(
        (
            "Return-Path: <>",
            f"Received: from mx.far.example by mx1.harbor.example for <{ANN}>; Mon, 2 Nov 2026 09:05:00 +0000",
            "From: Mail Delivery System <MAILER-DAEMON@mx.far.example>",
            f"To: {ANN}",
            "Subject: Mail delivery failed: returning message to sender",
            "Auto-Submitted: auto-replied",
            f"X-Failed-Recipients: {BOB}",
            "MIME-Version: 1.0",
            f"Content-Type: text/plain; charset=utf-8{more}",
            f"Content-Transfer-Encoding: {encoding}",
        )
    )
    return notices.read(Message("INBOX", "1", head.encode() + b"\r\n\r\n" + body))


def announced(original: bytes) -> bytes:
    return (
        b"This message was created automatically by mail delivery software.\r\n\r\n"
        b"A message that you sent could not be delivered:\r\n\r\n  bob@far.example\r\n    unknown user\r\n\r\n"
        b"------ This is a copy of the message, including all the headers. ------\r\n\r\n" + original
    )


def quoted(mark: bytes) -> Callable[[bytes], bytes]:
    return lambda raw: b"".join(mark + line for line in raw.splitlines(keepends=True))


def wrapped_base64(raw: bytes) -> bytes:
    return base64.encodebytes(raw).replace(b"\n", b"\r\n")


QUOTED: dict[str, Callable[[bytes], bytes]] = {
    "as it is": lambda raw: raw,
    "> ": quoted(b"> "),
    ">": quoted(b">"),
    "| ": quoted(b"| "),
    "four spaces": quoted(b"    "),
    "> and indentation lost": lambda raw: quoted(b"> ")(on_headers(without_indentation)(raw)),
    "indentation lost": on_headers(without_indentation),
    "> and LF": lambda raw: quoted(b"> ")(raw.replace(b"\r\n", b"\n")),
    "base64": wrapped_base64,
    "quoted-printable": lambda raw: quopri.encodestring(raw.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n"),
}


@pytest.mark.parametrize("name", QUOTED)
def test_it_verifies_over_an_original_in_the_text(name: str) -> None:
    assert verifies(text_report(announced(QUOTED[name](ORIGINAL))))


@pytest.mark.parametrize("name", ["as it is", "> ", "four spaces", "> and indentation lost"])
def test_the_whole_text_may_be_encoded(name: str) -> None:
    text = announced(QUOTED[name](ORIGINAL))
    assert verifies(text_report(base64.encodebytes(text), encoding="base64"))
    printable = quopri.encodestring(text.replace(b"\r\n", b"\n"))
    assert verifies(text_report(printable, encoding="quoted-printable"))


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_a_message_part_may_be_encoded_though_it_must_not(encoding: str) -> None:
    encode = base64.encodebytes if encoding == "base64" else quopri.encodestring
    original = encode(ORIGINAL.replace(b"\r\n", b"\n"))
    head = (
        f"Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.far.example\r\nTo: {ANN}\r\nSubject: Undelivered\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nfailed\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.far.example\r\n\r\n"
        f"Final-Recipient: rfc822; {BOB}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        f"--b\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    )
    assert verifies(notices.read(Message("INBOX", "1", head.encode() + original + b"\r\n--b--\r\n")))


def tightly_signed(original: bytes) -> bytes:
    """As many signers write it (Gmail's, Exim's): without white space in the lists. dkimpy puts some there."""
    names = "from:to:subject:date:message-id"
    tags = f"v=1; a=rsa-sha256; c=relaxed/relaxed; d=harbor.example; s=s1; h={names}; bh={'A' * 43}=; b="
    unsigned = b"DKIM-Signature: " + tags.encode() + b"\r\n"
    by_name = {line.partition(b":")[0].lower(): line for line in fields(original)}
    relaxed = [
        name.encode() + b":" + b" ".join(by_name[name.encode()].partition(b":")[2].split()) + b"\r\n"
        for name in names.split(":")
    ]
    data = b"".join(relaxed) + b"dkim-signature:" + tags.encode()
    key = serialization.load_pem_private_key(PEM, None)
    assert isinstance(key, RSAPrivateKey)
    value = base64.b64encode(key.sign(data, PKCS1v15(), SHA256()))
    return unsigned.removesuffix(b"\r\n") + value + b"\r\n" + original


def test_lists_that_were_broken_at_a_column_are_put_together() -> None:
    tight = tightly_signed(mail(FROM_RELAY))
    assert verifies(report(tight))
    broken = re.sub(rb"(h=from:to:sub)(ject)", rb"\1\r\n \2", tight)
    broken = re.sub(rb"(bh=.{9})", rb"\1\r\n\t", broken)
    assert broken.count(b"\r\n") == tight.count(b"\r\n") + 2
    assert verifies(report(broken))
    assert not verifies(report(broken.replace(b"<a1.2026", b"<a2.2026")))


# --- several signatures, other algorithms -------------------------------------------------------------


def test_an_ed25519_signature_verifies() -> None:
    assert verifies(report(edwards_signed(mail(FROM_RELAY))), BOTH)
    altered = edwards_signed(mail(FROM_RELAY)).replace(b"<a1.2026", b"<a2.2026")
    assert not verifies(report(altered), BOTH)


@pytest.mark.parametrize("name", ["refolded", "indentation lost", "reversed"])
def test_of_several_signatures_one_is_enough(name: str) -> None:
    """RFC 8463 section 3: both algorithms beside each other, until all verify the newer."""
    twice = RESHAPED[name](signed(edwards_signed(mail(FROM_RELAY))))
    assert verifies(report(twice))
    assert verifies(report(twice), BOTH)
    foreign = b"DKIM-Signature: v=1; a=rsa-sha256; d=far.example; s=x; h=from; bh=AAAA; b=AAAA\r\n"
    assert verifies(report(foreign * 3 + ORIGINAL))


def test_a_key_of_the_other_algorithm_verifies_nothing() -> None:
    crossed = replace(HARBOR, dkim_keys=(replace(EDWARDS, selector="s1"),))
    assert signatures.verified(report(ORIGINAL), crossed) is None


def test_of_a_selector_that_stood_for_several_keys_any_will_do() -> None:
    newer = replace(HARBOR, dkim_keys=(replace(EDWARDS, selector="s1"),), found_keys=HARBOR.dkim_keys)
    assert signatures.verified(report(ORIGINAL), newer) is not None


# --- keys that are not configured ---------------------------------------------------------------------


def test_a_key_is_asked_for_only_where_the_configured_ones_do_not_answer() -> None:
    bare = replace(HARBOR, dkim_keys=())
    notice = report(ORIGINAL)
    assert wanted_keys((notice,), HARBOR) == {}
    assert wanted_keys((notice,), bare) == {("harbor.example", "s1"): 1}
    assert signatures.verified(notice, replace(bare, found_keys=HARBOR.dkim_keys)) is not None


def test_a_stranger_s_key_is_never_asked_for() -> None:
    foreign = ORIGINAL.replace(b"d=harbor.example", b"d=atoll.example")
    assert wanted_keys((report(foreign),), replace(HARBOR, dkim_keys=())) == {}


@pytest.mark.parametrize("domain", ["gmail.com", "notharbor.example", "example"])
def test_neither_is_that_of_a_domain_that_anybody_may_use(domain: str) -> None:
    shared = replace(HARBOR, domains=frozenset({"harbor.example", "gmail.com"}), dkim_keys=())
    foreign = ORIGINAL.replace(b"d=harbor.example", b"d=" + domain.encode())
    assert wanted_keys((report(foreign),), shared) == {}


def test_what_is_asked_for_is_bounded() -> None:
    field = "DKIM-Signature: v=1; a=rsa-sha256; d=harbor.example; s=s{}; h=from; bh=AAAA; b=AAAA\r\n"
    flood = "".join(field.format(n) for n in range(5_000)).encode()
    wanted = wanted_keys((report(flood + mail()),), replace(HARBOR, dkim_keys=()))
    assert 0 < len(wanted) <= 2 * signatures.MAX_SIGNATURES


def test_a_found_key_does_not_say_that_everything_is_signed() -> None:
    """Else whether another notice in the batch bears a signature would count for this one."""
    found = replace(HARBOR, dkim_keys=(), found_keys=HARBOR.dkim_keys)
    assert "unsigned" in WITH_IT.rules(report(mail(FROM_RELAY)))
    assert "unsigned" not in replace(WITH_IT, organisation=found).rules(report(mail(FROM_RELAY)))
