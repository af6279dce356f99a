"""Messages are rewritten in every part and encoding, and stay the same to the byte where nothing changes."""

from __future__ import annotations

import pytest

from cleaner import notices
from cleaner.lab.rewriting import Field, Fields, Place, edit_headers, edit_unsigned, headers_of, rewrite
from cleaner.lab.scene import Scene
from cleaner.values import Message
from tests.lab.harbor_world import PEOPLE, RELAY_IP, original, report

FORMS = ("whole", "base64", "quoted-printable", "quoted")


def with_line(fields: Fields) -> Fields:
    return (
        Field("Received", " from a.example ([192.0.2.1]) by b.example; Mon, 7 Sep 2026 08:00:00 +0000"),
        *fields,
    )


def changed(raw: bytes) -> bytes:
    return rewrite(raw, lambda place, text: text if place is Place.HEADER else edit_headers(text, with_line))


def test_a_message_in_which_nothing_changes_stays_the_same_to_the_byte(given: Scene) -> None:
    for _, letter in given.letters:
        assert rewrite(letter.message.raw, lambda _, text: text) == letter.message.raw
        dos = letter.message.raw.replace(b"\n", b"\r\n")
        assert rewrite(dos, lambda _, text: text) == dos


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_the_returned_header_is_found_in_every_form(form: str, line_end: bytes) -> None:
    raw = report(PEOPLE[0], 1, original(PEOPLE[0], 1), form).replace(b"\n", line_end)
    before = notices.read(Message("INBOX", "1", raw))
    after = notices.read(Message("INBOX", "1", changed(raw)))
    assert len(before.returned.hops) == 2
    assert after.returned.hops[1:] == before.returned.hops
    assert str(after.returned.hops[0].ip) == "192.0.2.1"
    assert after.returned.message_id == before.returned.message_id
    assert after.recipients == before.recipients


@pytest.mark.parametrize("form", FORMS)
def test_addresses_are_replaced_in_every_form_and_nowhere_else(form: str) -> None:
    raw = report(PEOPLE[0], 1, original(PEOPLE[0], 1), form)
    moved = rewrite(
        raw, lambda _, text: edit_unsigned(text, lambda line: line.replace(RELAY_IP, "192.0.2.9"))
    )
    after = notices.read(Message("INBOX", "1", moved))
    assert [str(hop.ip) for hop in after.returned.hops] == ["192.0.2.9", "198.51.100.210"]


def test_fields_that_signatures_cover_are_left_alone() -> None:
    text = (
        "Message-ID: <1@[192.0.2.1]>\nReferences: <2@x>\n <3@[192.0.2.1]>\nReceived: from [192.0.2.1]\n\tby x"
    )
    written = edit_unsigned(text, lambda line: line.replace("192.0.2.1", "192.0.2.9"))
    assert written == text.replace("from [192.0.2.1]", "from [192.0.2.9]")


def test_the_fields_of_a_report_and_prose_are_no_header() -> None:
    report_fields = (
        "Reporting-MTA: dns; a.example\nFinal-Recipient: rfc822; b@c.example\nAction: failed\nStatus: 5.1.1"
    )
    prose = "Note: this is\nnot: a header\nFrom: here on"
    assert not list(headers_of(report_fields))
    assert not list(headers_of(prose))
    assert next(headers_of("Received: x\nFrom: a\n\tb\nSubject: c\n\nFrom: no"))[1] == Field(
        "From", " a\n\tb"
    )


def test_broken_encodings_and_deep_nesting_are_left_alone() -> None:
    broken = b"Content-Transfer-Encoding: base64\n\n=a=!\n"
    assert rewrite(broken, lambda _, text: text.upper()).endswith(b"\n\n=a=!\n")
    nested = b"Content-Type: message/rfc822\n\n" * 40 + b"Subject: deep\n\nx"
    assert rewrite(nested, lambda _, text: text) == nested
