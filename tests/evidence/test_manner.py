"""How a mailbox writes is counted, and says a little for and against a mail that came back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta, timezone

import pytest

from cleaner import evidence
from cleaner.evidence.manner import manner, script, shape
from cleaner.steps.sent import outgoing
from cleaner.values import UNKNOWN, Evidence, Force, Headers, Heading, Notice, Opinion, OutgoingMail, Side
from tests.evidence.scene import FROM_STRANGER, SENT_AT, Desk, mail, report

DESKTOP = ("User-Agent: Quillmail/128.3 (Linux)",)
"""The fields that Ann's program writes."""
STRANGER = "eve@sea.example"
HERE = timezone(timedelta(hours=2))


def written(
    number: int = 0,
    *,
    fields: Sequence[str] = DESKTOP,
    zone: timezone = HERE,
    left: str = "3f2a9c10-77b1-4c5d-9a0e-{:012x}",
    subject: str = "Offer for the quay",
) -> bytes:
    date = (SENT_AT - timedelta(days=number % 20)).astimezone(zone)
    return mail(
        FROM_STRANGER,
        message_id=f"<{left.format(number)}@harbor.example>",
        date=date,
        fields=fields,
        subject=subject,
    )


def kept(raw: bytes) -> OutgoingMail:
    found = outgoing(Heading("Sent", "1", Headers.parse(raw), 0))
    assert found is not None
    return found


SENT = tuple(kept(written(number)) for number in range(1, 41))
DESK = Desk(sent=SENT)


def finding(original: bytes | Notice, desk: Desk = DESK) -> Evidence | None:
    notice = report(original) if isinstance(original, bytes) else original
    found = evidence.gather_first(notice, desk.known(notice))
    return next((one for one in found if one.rule == "manner"), None)


def test_a_mail_as_the_owner_writes_speaks_for_her() -> None:
    found = finding(written(500))
    assert found is not None
    assert found.side is Side.GENUINE


def test_a_mail_of_another_program_in_another_zone_speaks_against_it() -> None:
    strange = written(500, fields=("X-Mailer: Blast 9",), zone=timezone(timedelta(hours=-7)))
    found = finding(strange)
    assert found is not None
    assert found.side is Side.BACKSCATTER
    assert found.seen == "mailer blast, zone -0700, hour 00"
    assert found.force is Force.WEIGHED


def test_what_a_server_wrote_anew_has_its_manner_and_says_nothing() -> None:
    strange = written(500, fields=("X-Mailer: Blast 9",), zone=timezone(timedelta(hours=-7)))
    assert finding(replace(report(strange), rebuilt=True)) is None
    assert finding(replace(report(written(500)), rebuilt=True)) is None


def test_one_strange_trait_is_a_journey_and_says_nothing() -> None:
    assert finding(written(500, zone=timezone(timedelta(hours=-7)))) is None
    assert finding(written(500, fields=("User-Agent: Phone 3",))) is None


def test_a_small_record_knows_no_manner() -> None:
    assert finding(written(500, fields=()), Desk(sent=SENT[:29])) is None
    strange = written(500, fields=(), zone=timezone(timedelta(hours=-7)))
    assert finding(strange, Desk(sent=SENT[:29])) is None
    assert finding(strange, Desk(sent=SENT[:30])) is not None


def test_what_a_connector_dropped_is_not_taken_for_absent() -> None:
    raw = written(500, fields=())
    headers = replace(Headers.parse(raw), unknown=frozenset(("user-agent", "x-mailer")))
    assert headers.get("user-agent") is UNKNOWN
    assert not any(trait.startswith("mailer") for trait in manner(headers, "Offer"))
    assert "mailer none" in manner(Headers.parse(raw), "Offer")


def test_manner_alone_removes_nothing() -> None:
    strange = report(
        mail(message_id="<1.2.3@spam.example>", subject="Pills", fields=("X-Mailer: Blast 9",), to=STRANGER),
        failed=STRANGER,
    )
    verdict = DESK.judge(strange)
    assert "manner" in {one.rule for one in verdict.evidence}
    assert verdict.opinion is Opinion.UNSURE


@pytest.mark.parametrize(
    ("message_id", "expected"),
    [
        ("<3f2a9c10-77b1-4c5d-9a0e-0123456789ab@h.example>", "uuid"),
        ("<3F2A9C10-77B1-4C5D-9A0E-0123456789AB@h.example>", "UUID"),
        ("<000001da1234$0abc1234$12345678$@h.example>", "x12$x8$9$"),
        ("<20261102090000.1A2B@h.example>", "9.m"),
        ("<CAF+abcDEF_gh=Ij@mail.h.example>", "A+m_a=m"),
        ("<0123456789abcdef0123456789abcdef@h.example>", "x32"),
        ("no id at all", ""),
        ("", ""),
    ],
)
def test_the_shape_of_an_id_is_that_of_the_program(message_id: str, expected: str) -> None:
    assert shape(message_id) == expected


def test_shape_is_bounded_whatever_stands_there() -> None:
    assert len(shape("<" + "a." * 100_000 + "@h.example>")) <= 250


@pytest.mark.parametrize(
    ("text", "expected"), [("Re: offer", "LATIN"), ("Счёт", "CYRILLIC"), ("見積書", "CJK"), ("123 !", "")]
)
def test_the_script_of_a_subject(text: str, expected: str) -> None:
    assert script(text) == expected


def test_broken_dates_and_types_tell_nothing() -> None:
    headers = Headers.parse(
        b"Date: yesterday\r\nContent-Type: text/plain; charset=\r\nMessage-ID: <>\r\n\r\n"
    )
    assert manner(headers, "") == ("mailer none",)


def test_the_date_is_read_as_it_was_written() -> None:
    headers = Headers.parse(b"Date: Mon, 2 Nov 2026 23:59:00 -0330 (NST)\r\n\r\n")
    assert "zone -0330" in manner(headers, "")
    assert "hour 18" in manner(headers, "")
