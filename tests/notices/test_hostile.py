"""
No sequence of bytes makes reading raise, or say more than its limits allow.

`benchmarks/reading_hostile.py` measures time and memory on messages like these; `tests/fuzz/reading.py` looks for
further ones. What it found is in MESSAGES.
"""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaner import notices
from cleaner.notices import limits
from cleaner.values import Completeness, Kind, Message, Notice

HEAD: Final = (
    b"Return-Path: <>\nFrom: MAILER-DAEMON@far.example\nTo: ann@harbor.example\nSubject: Undelivered\n"
)
MIXED: Final = HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n"
REPORT: Final = (
    HEAD + b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nfailed\n--b\n"
)
SIZE: Final = 300_000


def much(unit: bytes) -> bytes:
    return unit * (SIZE // len(unit))


MESSAGES: Final = {
    "brackets in the subject": b"Return-Path: <>\nSubject: " + much(b"(") + b"\n\nfailed",
    "quotes in To": b"Return-Path: <>\nSubject: failed\nTo: " + much(b'"\\')[:200_000] + b"\n\nfailed",
    "encoded words of many charsets": b"Return-Path: <>\nSubject: "
    + b"".join(b"=?x%d?q?=e4?= " % number for number in range(9_000))
    + b"\n\nfailed",
    "parts": MIXED + much(b"--b\n\n"),
    "levels": HEAD
    + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(5_000)),
    "parts in parts": MIXED + much(b"--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\nx\n"),
    "equal parts in equal parts": MIXED
    + (b"--b\nContent-Type: multipart/mixed; boundary=c\n\n" + b"--c\n\nx\n" * 9 + b"--c--\n") * 9,
    "nearly a boundary": MIXED + much(b"\n--bx"),
    "dashes for a boundary": HEAD + b"Content-Type: multipart/mixed\n\n" + much(b"\n--"),
    "recipients in a report": REPORT
    + b"Content-Type: message/delivery-status\n\n"
    + b"".join(b"Final-Recipient: rfc822; u%d@f.example\n\n" % number for number in range(9_000)),
    "recipients in words": HEAD
    + b"\n"
    + b"".join(b"<u%d@far.example>: 550 no\n" % number for number in range(9_000)),
    "recipients on one line": HEAD + b"\n" + much(b"550 5.1.1 <bob@far.example> "),
    "brackets in a diagnostic": REPORT
    + b"Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@b.example\nX-Supplementary-Info: "
    + much(b"<"),
    "blank lines": HEAD + b"\n" + much(b" \t \n"),
    "quoting": HEAD + b"\n" + much(b"> "),
    "bare CR": HEAD.replace(b"\n", b"\r") + much(b"\r\r\n"),
    "NUL": HEAD + b"\n" + much(b"\0"),
    "escapes of Japanese": HEAD + b"\n" + much(b"\x1b$B"),
    "lying charset": HEAD + b"Content-Type: text/plain; charset=utf-16\n\n" + much(b"\xd8\x00\xd8"),
    "codec that is none": HEAD + b"Content-Type: text/plain; charset=unicode_escape\n\n" + much(b"\\x\xff"),
    "combining marks": HEAD + b"\n" + much("a\u0301\u0301".encode()),
    "characters that grow when folded": HEAD + b"\n" + much("\ufdfa".encode()),
    "elements": HEAD + b"Content-Type: text/html\n\n" + much(b"<a><b><i>"),
    "base64": HEAD + b"\n" + much(b"QUFB" * 18 + b"\n"),
    "lines folded for ever": b"Return-Path: <>\nSubject: failed\n" + much(b" x\n"),
    "header without an end": b"Return-Path: <>\nFrom: <>\n" + much(b"X-A: b\n"),
}


def check(notice: Notice) -> None:
    assert notice.kind is Kind.NOT_A_BOUNCE or notices.is_likely(notice.headers)
    assert len(notice.recipients) <= limits.MAX_ADDRESSES
    assert len(notice.text) <= limits.MAX_TEXT + limits.MAX_PARTS
    assert len(notice.links) <= limits.MAX_LINKS
    assert len(notice.attachments) <= limits.MAX_ATTACHMENTS
    assert (notice.returned.completeness is Completeness.NONE) == (not notice.returned.raw)
    assert not notice.doubt or notice.kind is Kind.NOT_A_BOUNCE


@pytest.mark.parametrize("name", MESSAGES)
def test_a_bomb_is_read_or_left_alone(name: str) -> None:
    check(notices.read(Message("INBOX", "1", MESSAGES[name])))


@pytest.mark.parametrize("name", ["parts", "levels", "parts in parts", "lines folded for ever"])
def test_what_is_left_alone_says_why(name: str) -> None:
    assert notices.read(Message("INBOX", "1", MESSAGES[name])).doubt


# --- messages put together from what makes readers fail -------------------------------------------------

LINES: Final = st.sampled_from(
    [
        b"Return-Path: <>",
        b"From: MAILER-DAEMON@far.example",
        b'From: "a" <>',
        b"To: ann@harbor.example",
        b"Subject: =?utf-8?b?8J+S?= Undelivered",
        b"Subject: \xff\xfe =?x?q?=?=",
        b"X-Failed-Recipients: bob@far.example, ,<>",
        b"Auto-Submitted: auto-replied",
        b"x-amz-sns-message-id: 1",
        b'{"notificationType": "Bounce", "mail": {"destination": [1]}}',
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b",
        b"Content-Type: multipart/mixed",
        b"Content-Type: message/delivery-status",
        b"Content-Type: message/rfc822",
        b"Content-Type: message/disposition-notification",
        b"Content-Type: text/html; charset=koi8-r",
        b"Content-Type: application/octet-stream",
        b"Content-Transfer-Encoding: base64",
        b"Content-Transfer-Encoding: quoted-printable",
        b"Content-Disposition: attachment; filename*=x''%FF",
        b"--b",
        b"--b--",
        b"",
        b"\r",
        b" \t",
        b"Reporting-MTA: dns; mx.far.example",
        b"Final-Recipient: rfc822; bob@far.example",
        b"Final-Recipient: |/bin/false",
        b"Original-Recipient: utf-8; b\\x{FFFFFF}b@far.example",
        b"Action: delayed",
        b"Status: 5.1.1",
        b"X-Supplementary-Info: < #5.1.1 x>",
        b"Disposition: automatic-action/MDN-sent-automatically; deleted",
        b"> Received: from a (b [192.0.2.7]) by c; Mon, 99 Nov 20260 10:15:00 +9999",
        b"> Message-ID: <a@b>",
        b"> From: ann@harbor.example",
        b"   bob@far.example (generated from carol@far.example)",
        b"<bob@far.example>: 550 5.1.1 no such user",
        "（bob@far.example）は".encode(),
        b"RnJvbTogYQpUbzogYgpNZXNzYWdlLUlEOiA8YUBiPgpTdWJqZWN0OiB4CkRhdGU6IHkKClpa",
    ]
)


@given(st.lists(st.one_of(LINES, st.binary(max_size=60)), max_size=60), st.booleans())
@settings(max_examples=300, deadline=None)
def test_no_lines_make_it_raise(lines: list[bytes], rebuilt: bool) -> None:
    check(notices.read(Message("INBOX", "1", b"\n".join(lines), rebuilt=rebuilt)))


@given(st.binary(max_size=3_000))
@settings(max_examples=150, deadline=None)
def test_no_bytes_make_it_raise(raw: bytes) -> None:
    for message in (raw, HEAD + b"\n" + raw, MIXED + b"--b\n" + raw, REPORT + raw):
        check(notices.read(Message("INBOX", "1", message)))


@pytest.mark.nightly
@given(st.lists(st.one_of(LINES, st.binary(max_size=300)), max_size=300), st.booleans())
@settings(max_examples=20_000, deadline=None)
def test_no_lines_make_it_raise_at_length(lines: list[bytes], rebuilt: bool) -> None:
    check(notices.read(Message("INBOX", "1", b"\n".join(lines), rebuilt=rebuilt)))
