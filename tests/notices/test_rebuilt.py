"""What Exchange writes anew is read like the mail that arrived, and what it dropped is unknown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest

from cleaner import notices
from cleaner.values import ABSENT, UNKNOWN, Kind, Message, Notice, address_key

RECEIVED: Final = b"""Received: from mx.far.example ([198.51.100.1]) by mx.harbor.example; Mon, 2 Nov 2026 10:15:00 +0000
Return-Path: <>
Auto-Submitted: auto-replied
From: Mail Delivery System <MAILER-DAEMON@mx.far.example>
To: ann@harbor.example
Subject: Undelivered Mail
Message-ID: <report.1@mx.far.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=lost
"""
ANEW: Final = b"""MIME-Version: 1.0
From: "Mail Delivery System" <MAILER-DAEMON@mx.far.example>
To: "bob@far.example" <bob@far.example>
Subject: Undelivered Mail
Message-ID: <report.1@mx.far.example>
X-Mailer: server 1
Content-Type: multipart/mixed; boundary=new

--new
Content-Type: text/plain

It failed.

--new
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.far.example

Final-Recipient: rfc822; bob@far.example
Action: failed
Status: 5.1.4
X-Supplementary-Info: <dns; mail.far.example #5.1.1 smtp; 550 5.1.1 no such
 user>

--new
Content-Type: message/rfc822

From: ann@harbor.example
To: bob@far.example
Message-ID: <tide.1@harbor.example>
Subject: Tide tables

Here they are.

--new--
"""


def read(header: bytes = b"", raw: bytes = ANEW) -> Notice:
    return notices.read(Message("INBOX", "1", raw, rebuilt=True, header=header))


@pytest.mark.parametrize("header", [b"", RECEIVED, b"\r\n" + RECEIVED.replace(b"\n", b"\r\n")])
def test_the_report_is_read(header: bytes) -> None:
    notice = read(header)
    assert notice.kind is Kind.NDR
    (recipient,) = notice.recipients
    assert (recipient.address, recipient.status, recipient.remote) == (
        "bob@far.example",
        "5.1.1",
        "mail.far.example",
    )
    assert recipient.diagnostic == "550 5.1.1 no such user"
    assert notice.returned.message_id == "<tide.1@harbor.example>"
    assert notice.returned.headers.get("received") is UNKNOWN


def test_the_header_as_received_is_believed() -> None:
    notice = read(RECEIVED)
    assert (notice.return_path, notice.delivered_to, len(notice.hops)) == ("", ("ann@harbor.example",), 1)
    assert notice.headers.get("x-nothing") is ABSENT
    assert notice.fingerprint == notices.read(Message("INBOX", "1", RECEIVED + b"\n" + ANEW)).fingerprint


def test_without_it_what_is_not_there_is_unknown() -> None:
    notice = read()
    assert (notice.return_path, notice.headers.get("received")) == (UNKNOWN, UNKNOWN)
    assert notice.delivered_to == ()


def test_the_type_as_received_makes_it_likely() -> None:
    plain = RECEIVED.replace(b"Return-Path: <>\n", b"").replace(b"Auto-Submitted: auto-replied\n", b"")
    plain = plain.replace(b"MAILER-DAEMON@", b"robot@").replace(b"Mail Delivery System", b"Robot")
    plain = plain.replace(b"Undelivered Mail", b"Tide tables")
    assert read(plain).kind is Kind.NDR


SIEVE = (
    b"Content-Type: multipart/report; boundary=new; report-type=disposition-notification\n\n--new\n\n"
    b"Your message was automatically rejected.\n--new\nContent-Type: message/disposition-notification\n\n"
    b"Final-Recipient: rfc822;bob@far.example\nDisposition: manual-action/MDN-sent-automatically;deleted\n\n--new--\n"
)


@pytest.mark.parametrize(
    ("automatic", "rebuilt", "kind"),
    [
        (b"auto-replied (rejected)", True, Kind.NDR),
        (b"auto-replied", True, Kind.MDN),
        (b"auto-replied (rejected)", False, Kind.MDN),
    ],
)
def test_a_rejection_by_sieve_is_one_although_every_action_is_written_as_manual(
    automatic: bytes, rebuilt: bool, kind: Kind
) -> None:
    header = (
        b"From: postmaster@far.example\nTo: ann@harbor.example\nSubject: Tide tables\nAuto-Submitted: "
        + automatic
    )
    raw = SIEVE if rebuilt else header + b"\n" + SIEVE
    assert notices.read(Message("INBOX", "1", raw, rebuilt=rebuilt, header=header)).kind is kind


def test_a_mail_as_delivered_is_not_touched() -> None:
    """`header` counts only where the server wrote the mail anew."""
    message = Message("INBOX", "1", ANEW, header=RECEIVED)
    assert notices.read(message).delivered_to == ("bob@far.example",)


def test_an_original_whose_header_became_its_body_is_found() -> None:
    inner = b"\n\nFrom: ann@harbor.example\nTo: bob@far.example\n"
    inner += b"Message-ID: <tide.1@harbor.example>\nSubject: Tide tables\n"
    head, found, _ = ANEW.partition(b"From: ann@harbor.example\nTo: bob@far.example\n")
    wrapped = head + b"Date: Mon, 2 Nov 2026 10:15:00 +0000\nImportance: Normal\n" + inner
    assert found
    assert read(RECEIVED, wrapped + b"\n--new--\n").returned.message_id == "<tide.1@harbor.example>"


def test_a_multipart_that_became_a_file_is_read() -> None:
    inner = b'boundary="x"\n\n--x\nContent-Type: text/plain\n\n<bob@far.example>: 550 5.1.1 no such user\n\n--x--\n'
    raw = (
        ANEW[: ANEW.index(b"--new")]
        + b"--new\nContent-Type: application/octet-stream\n\n"
        + inner
        + b"--new--\n"
    )
    notice = read(RECEIVED, raw)
    assert [found.address for found in notice.recipients] == ["bob@far.example"]


@pytest.mark.corpus
def test_both_forms_of_a_notice_are_read_alike(corpus: Path) -> None:
    folder = corpus.parent / "ews" / "as-seen-through-exchange"
    if not folder.is_dir():
        pytest.skip(f"no recordings at {folder}")
    alike = {"kind": 0, "recipients": 0, "returned": 0}
    files = sorted(folder.glob("*.json"))
    for file in files:
        told = json.loads(file.read_text())
        name = file.with_suffix("")
        sent = notices.read(Message("INBOX", "1", Path(f"{name}.original.eml").read_bytes()))
        header = (told["transport_headers"] or "").encode("utf-8", "surrogateescape")
        seen = read(header, Path(f"{name}.mime.eml").read_bytes())
        alike["kind"] += sent.kind is seen.kind
        alike["recipients"] += {address_key(one.address) for one in sent.recipients} == {
            address_key(one.address) for one in seen.recipients
        }
        alike["returned"] += sent.returned.message_id == seen.returned.message_id
    assert min(alike.values()) >= 0.98 * len(files), alike
