"""Reading: every kind is kept apart, and ordinary mail is never a notice."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cleaner import notices
from cleaner.service.demo import letters, reports
from cleaner.values import Completeness, Headers, Kind, Message, Notice, address_key

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ANN = "ann@harbor.example"
BOB = "bob@far.example"
OFFER = letters.letter(NOW, ANN, BOB, "Offer", "a1")
REPORT = reports.postfix(NOW, ANN, BOB, OFFER)


def read(raw: bytes) -> Notice:
    return notices.read(Message("INBOX", "1", raw))


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (REPORT, Kind.NDR),
        (reports.exim(NOW, ANN, BOB, OFFER), Kind.NDR),
        (reports.delayed(NOW, ANN, BOB, OFFER), Kind.DELAY),
        (reports.bare(NOW, ANN), Kind.NDR),
        (reports.away(NOW, ANN, BOB, "Offer", "<a@b>"), Kind.AUTOREPLY),
        (reports.phish(NOW, ANN), Kind.NDR_PHISH),
        (letters.person(NOW, ANN), Kind.NOT_A_BOUNCE),
        (letters.newsletter(NOW, ANN), Kind.NOT_A_BOUNCE),
        (OFFER, Kind.NOT_A_BOUNCE),
        (b"From: bob@far.example\nSubject: Fwd: Undelivered Mail\n\n" + REPORT, Kind.NOT_A_BOUNCE),
        (b"", Kind.NOT_A_BOUNCE),
    ],
)
def test_kinds_are_kept_apart(raw: bytes, kind: Kind) -> None:
    assert read(raw).kind is kind


def test_what_a_report_says() -> None:
    notice = read(REPORT)
    (recipient,) = notice.recipients
    assert (recipient.address, recipient.status, recipient.action) == (BOB, "5.1.1", "failed")
    assert notice.reporter == "mx.far.example"
    assert notice.return_path == ""
    assert ANN in notice.delivered_to
    assert notice.received == NOW


def test_the_returned_original_is_there_to_the_byte() -> None:
    returned = read(REPORT).returned
    assert returned.completeness is Completeness.WHOLE
    assert returned.raw.startswith(OFFER.rstrip(b"\n"))
    assert returned.subject == "Offer"
    assert returned.from_addresses == (ANN,)


def test_what_a_server_dropped_from_it_is_unknown() -> None:
    rebuilt = notices.read(replace(Message("INBOX", "1", REPORT), rebuilt=True))
    assert rebuilt.returned.headers.get("received").__class__.__name__ == "Missing"
    assert "received" in rebuilt.returned.headers.unknown


def test_the_fingerprint_does_not_depend_on_line_ends_or_later_trace() -> None:
    header = Headers.parse(REPORT)
    crlf = Headers.parse(REPORT.replace(b"\n", b"\r\n"))
    later = Headers.parse(b"Received: from a by b; Fri, 20 Nov 2026 13:00:00 +0000\nX-New: 1\n" + REPORT)
    other = Headers.parse(REPORT.replace(b"Message-ID: <notice", b"Message-ID: <other"))
    prints = [notices.fingerprint(headers) for headers in (header, crlf, later, other)]
    assert prints[0] == prints[1] == prints[2] != prints[3]


# --- the labelled corpus ---------------------------------------------------------------------------------

MISLABELLED = frozenset(
    (
        "ham/cs-TRAIN_04303.eml",  # a report of NTMail with a failed recipient, that came through a list
        "list-notice/list-manager-001.eml",  # a shop's newsletter asks a list to confirm
        "ndr/other-test-007.eml",  # a warning that a mailbox is full, about no mail
        "ndr-phish/phish-pending-mail-015.eml",  # an offer of building work
        "autoreply/webform-autoresponse-002.eml",  # distributed by a list, with no sign of an answer
        "autoreply/webform-autoresponse-003.eml",
    )
)


def labelled(folder: Path) -> list[tuple[dict[str, Any], Notice]]:
    rows = [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]
    return [
        (row, read((folder / row["path"]).read_bytes())) for row in rows if row["path"] not in MISLABELLED
    ]


@pytest.mark.corpus
def test_notices_of_some_seventy_mail_systems_are_recognised(corpus: Path) -> None:
    notices_only = [
        (row, notice) for row, notice in labelled(corpus / "bounces") if row["kind"] != "not-a-bounce"
    ]
    recognised = Counter(notice.kind is not Kind.NOT_A_BOUNCE for _, notice in notices_only)
    kind_right = Counter(notice.kind.value == row["kind"] for row, notice in notices_only)
    assert recognised[True] >= 0.995 * recognised.total()
    assert kind_right[True] >= 0.985 * kind_right.total()


@pytest.mark.corpus
def test_their_recipients_and_codes_are_read(corpus: Path) -> None:
    """The address finally used or the one that the sender wrote; codes where the report itself states them."""
    wanted = hits = named = right = 0
    status: Counter[bool] = Counter()
    for row, notice in labelled(corpus / "bounces"):
        if row["kind"] not in ("ndr", "delay", "success") or not row.get("recipients"):
            continue
        want = {address_key(address) for address in row["recipients"]}
        found = [{address_key(one.address), address_key(one.original or "")} for one in notice.recipients]
        wanted += len(want)
        hits += sum(any(address in spellings for spellings in found) for address in want)
        named += len(found)
        right += sum(bool(spellings & want) for spellings in found)
        if row.get("status_source") == "dsn-fields":
            status.update(
                [row["status"] in (notice.recipients[0].status, [one.status for one in notice.recipients])]
            )
    assert hits >= 0.98 * wanted
    assert right >= 0.99 * named
    assert status[True] >= 0.97 * status.total()


@pytest.mark.corpus
def test_no_ordinary_message_is_called_a_notice(corpus: Path) -> None:
    ordinary = [
        (row["path"], notice.kind)
        for folder in ("bounces", "ham-spam")
        for row, notice in labelled(corpus / folder)
        if row["kind"] in ("not-a-bounce", "ham", "spam")
    ]
    assert len(ordinary) > 1500
    assert [path for path, kind in ordinary if kind is not Kind.NOT_A_BOUNCE] == []
