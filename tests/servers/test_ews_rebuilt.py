"""
What our EWS server makes of a message looks like what the recorded server made of it.

150 notices were delivered to the recorded server, and what it handed out was kept. Ours gets the same bytes; here
stands, field by field, in how many of them it hands out the same, and below which number that may not fall.
"""

from __future__ import annotations

import email
import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.message import Message as Mail
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleaner.notices.reading import read
from cleaner.values import Message, Notice
from tests.servers.ews.content import Content
from tests.servers.test_ews_recorded import INBOX, folder

DELIVERED: Final = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)

ITEM: Final = {
    "class": 150,
    "subject": 146,
    "author": 148,
    "sender": 148,
    "to": 150,
    "message_id": 146,
    "attachments": 146,
    "transport header": 146,
    "headers": 2056,
}
"""Property of the item → in how many of 150 it is the same (`headers`: of 2,178 fields)."""

MIME: Final = {
    "parts": 148,
    "field names": 149,
    "from": 146,
    "to": 149,
    "subject": 146,
    "reply-to": 150,
    "in-reply-to": 150,
    "references": 150,
    "report": 149,
    "text": 145,
    "original field names": 64,
    "original from": 63,
    "original to": 62,
    "original subject": 60,
    "original message-id": 64,
}
"""The rebuilt MIME, as an ordinary parser sees it; `original`: of the 64 whole returned messages."""

NOTICE: Final = {
    "kind": 150,
    "family": 150,
    "recipients": 149,
    "answers": 150,
    "returned": 145,
    "quoted_subject": 150,
    "sender": 150,
    "return_path": 150,
    "reporter": 150,
    "hops": 150,
}
"""What our own reader makes of both."""


@cache
def pairs() -> tuple[tuple[str, dict[str, Any], bytes, bytes], ...]:
    where = folder() / "as-seen-through-exchange"
    return tuple(
        (
            path.stem,
            json.loads(path.read_text()),
            Path(where, f"{path.stem}.original.eml").read_bytes(),
            Path(where, f"{path.stem}.mime.eml").read_bytes(),
        )
        for path in sorted(where.glob("*.json"))
    )


class Agreement:
    """Counts, and says where there is none."""

    def __init__(self) -> None:
        self.same: Counter[str] = Counter()
        self.different: dict[str, list[str]] = {}

    def see(self, name: str, what: str, theirs: object, ours: object) -> None:
        if theirs == ours:
            self.same[what] += 1
        else:
            self.different.setdefault(what, []).append(f"{name}: {ours!r:.150} instead of {theirs!r:.150}")

    def require(self, floors: dict[str, int]) -> None:
        low = {what: self.same[what] for what, floor in floors.items() if self.same[what] < floor}
        where = "\n".join(line for what in low for line in (f"{what}:", *self.different.get(what, ())[:12]))
        assert not low, f"{low}\n{where}"


def plain(value: object) -> str:
    """Without differences of white space."""
    return re.sub(r"\s+", " ", str(value or "")).strip()


def decoded(value: object) -> str:
    text = plain(value)
    return str(make_header(decode_header(text))) if "=?" in text else text


def test_the_pairs_are_all_there() -> None:
    assert len(pairs()) == 150


def test_an_item_has_the_same_properties() -> None:
    agreement = Agreement()
    for name, item, original, _ in pairs():
        ours = Content(original, DELIVERED)
        agreement.see(name, "class", item["item_class"], ours.item_class)
        agreement.see(name, "subject", plain(item["subject"]), plain(ours.subject))
        for who in ("author", "sender"):
            theirs = item[who] and item[who]["address"]
            found = getattr(ours, who)
            agreement.see(name, who, _any_host(theirs), _any_host(found and found[1]))
        to = [each["address"] for each in item["to_recipients"] or ()]
        agreement.see(name, "to", to, [address for _, address in ours.to])
        agreement.see(name, "message_id", item["message_id"], ours.message_id)
        theirs = [
            (each["kind"][:4], each["name"], each["content_type"].lower()) for each in item["attachments"]
        ]
        found = [("Item" if each.message else "File", each.name, each.type) for each in ours.attachments]
        agreement.see(name, "attachments", theirs, found)
        agreement.see(
            name,
            "transport header",
            _below_the_server(item["transport_headers"]),
            _below_the_server(ours.transport_headers),
        )
        for (key, value), (our_key, our_value) in zip(item["headers"][2:], ours.headers[2:], strict=False):
            agreement.see(name, "headers", (key.lower(), plain(value)), (our_key.lower(), plain(our_value)))
    agreement.require(ITEM)


def _any_host(address: str | None) -> str | None:
    """What has no domain gets that of the server."""
    return None if address is None else re.sub(r"@(vm|localhost)\Z", "@", address)


def _below_the_server(header: str) -> str:
    """Without the lines that the receiving server put above: `X-Lasthop`, and one `Received` on three lines."""
    return plain(header.split("+0000\n", 1)[1])


def test_the_rebuilt_mime_is_alike() -> None:
    agreement = Agreement()
    for name, _, original, rebuilt in pairs():
        theirs = email.message_from_bytes(rebuilt)
        ours = email.message_from_bytes(Content(original, DELIVERED).mime)
        agreement.see(name, "parts", _parts(theirs), _parts(ours))
        agreement.see(name, "field names", _names(theirs), _names(ours))
        for field in ("from", "to", "subject", "reply-to", "in-reply-to", "references"):
            agreement.see(name, field, _any_host(decoded(theirs[field])), _any_host(decoded(ours[field])))
        agreement.see(name, "report", _report(theirs), _report(ours))
        agreement.see(name, "text", _text(theirs), _text(ours))
        inner, own = _returned(theirs), _returned(ours)
        if inner is None:
            continue
        agreement.see(name, "original field names", _names(inner), own and _names(own))
        for field in ("from", "to", "subject", "message-id"):
            agreement.see(name, f"original {field}", decoded(inner[field]), own and decoded(own[field]))
    agreement.require(MIME)


def _parts(mail: Mail) -> str:
    kind = mail.get_content_type()
    if mail.get_content_maintype() != "multipart" or not mail.is_multipart():
        return kind
    return f"{kind}[{','.join(_parts(each) for each in _inside(mail))}]"


def _inside(mail: Mail) -> list[Mail]:
    found = mail.get_payload()
    return [each for each in found if isinstance(each, Mail)] if isinstance(found, list) else []


def _names(mail: Mail) -> list[str]:
    return sorted({name.lower() for name in mail} - {"thread-index"})


def _report(mail: Mail) -> str:
    for part in mail.walk():
        if part.get_content_type() in ("message/delivery-status", "message/disposition-notification"):
            if part.get("Content-Transfer-Encoding", "").lower() == "base64":
                return plain(part.as_string().partition("\n\n")[2].replace("\n", ""))
            return plain(" ".join(f"{key}: {value}" for each in _inside(part) for key, value in each.items()))
    return ""


def _text(mail: Mail) -> str:
    for part in mail.walk():
        if part.get_content_type() == "text/plain":
            data = part.get_payload(decode=True)
            assert isinstance(data, bytes)
            return plain(data.decode(part.get_content_charset("utf-8"), "replace"))
    return ""


def _returned(mail: Mail) -> Mail | None:
    found = (part for part in mail.walk() if part.get_content_type() == "message/rfc822")
    return next((_inside(part)[0] for part in found if _inside(part)), None)


@pytest.fixture(scope="module")
def notices() -> tuple[tuple[str, Notice, Notice], ...]:
    """Each as our reader reads it: from what the recorded server hands out, and from what ours does."""
    return tuple(_both())


def _both() -> Iterator[tuple[str, Notice, Notice]]:
    for name, item, original, rebuilt in pairs():
        ours = Content(original, DELIVERED)
        theirs = Message(
            "INBOX", "1", rebuilt, DELIVERED, rebuilt=True, header=item["transport_headers"].encode()
        )
        made = Message(
            "INBOX", "1", ours.mime, DELIVERED, rebuilt=True, header=ours.transport_headers.encode()
        )
        yield name, read(theirs), read(made)


def test_a_reader_sees_the_same(notices: tuple[tuple[str, Notice, Notice], ...]) -> None:
    agreement = Agreement()
    for name, theirs, ours in notices:
        for field in NOTICE:
            agreement.see(name, field, _seen(theirs, field), _seen(ours, field))
    agreement.require(NOTICE)


def _seen(notice: Notice, field: str) -> object:
    if field == "hops":
        # The topmost is the receiving server's own.
        return notice.hops[1:]
    if field == "returned":
        found = notice.returned
        return (
            found.completeness,
            found.message_id,
            found.from_addresses,
            found.to_addresses,
            found.subject,
            found.hops,
        )
    return getattr(notice, field)


def test_what_the_server_drops_is_dropped() -> None:
    """The losses that a connector has to know of, each seen where there was something to lose."""
    lost: Counter[str] = Counter()
    had: Counter[str] = Counter()
    for _, _, original, _ in pairs():
        before, after = (
            email.message_from_bytes(original),
            email.message_from_bytes(Content(original, DELIVERED).mime),
        )
        inner, own = _returned(before), _returned(after)
        for where, was, now in (("notice", before, after), ("original", inner, own)):
            if was is None or now is None:
                continue
            for field in (
                "Received",
                "DKIM-Signature",
                "Return-Path",
                "Authentication-Results",
                "Auto-Submitted",
            ):
                had[f"{where} {field}"] += field in was
                lost[f"{where} {field}"] += field in was and field not in now
    assert had["notice Received"] > 130
    assert had["original Received"] > 50
    assert had["original DKIM-Signature"] > 10
    assert lost == had


@given(st.binary(max_size=400), st.integers(0, 10_000), st.integers(1, 60))
def test_any_bytes_are_taken(noise: bytes, where: int, length: int) -> None:
    """Mail may be broken in any way; the server makes something of it, and twice the same."""
    at = where % len(INBOX[0][1])
    for raw in (noise, INBOX[0][1][:at] + noise + INBOX[0][1][at + length :]):
        content = Content(raw, DELIVERED)
        assert content.mime == Content(raw, DELIVERED).mime
        assert content.transport_headers.endswith("\n\n")
        assert content.item_class in ("IPM.Note", "REPORT.IPM.Note.NDR")
        assert all(attachment.type for attachment in content.attachments)


def test_a_near_miss_is_no_report() -> None:
    """One blank line more, and it is an ordinary message with the report attached."""
    raw = (
        b"From: MAILER-DAEMON@far.example\r\nTo: ann@harbor.example\r\n"
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        b"--b\r\n\r\nIt failed.\r\n"
        b"--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        b"Reporting-MTA: dns; far.example\r\n\r\n"
        b"Final-Recipient: rfc822; gone@far.example\r\nAction: failed\r\nStatus: 5.1.1\r\n%b"
        b"--b--\r\n"
    )
    report, near = Content(raw % b"", DELIVERED), Content(raw % b"\r\n\r\n", DELIVERED)
    assert (report.item_class, near.item_class) == ("REPORT.IPM.Note.NDR", "IPM.Note")
    assert b"X-Supplementary-Info: < #5.1.1>" in report.mime
    assert [each.type for each in near.attachments] == ["message/delivery-status"]
    commented = Content(raw.replace(b"5.1.1\r\n", b"5.1.1 (bad)\r\n") % b"", DELIVERED)
    assert commented.item_class == "REPORT.IPM.Note.NDR"
    assert b"Final-Recipient" not in commented.mime
