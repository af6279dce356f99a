"""
A few hundred mailboxes through one account, while the server is busy, cuts connections, moves one and closes another.

Judging is not what is tried here: every mailbox holds one spurious report among ordinary mail.
"""

from __future__ import annotations

import base64
import logging
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cleaner.app import App
from cleaner.config import make_key
from cleaner.connectors.ews.connecting import close_all
from cleaner.connectors.exchange import backoff
from cleaner.errors import AskPersonError, RetryLaterError, SignInRefusedError
from cleaner.service import consent
from cleaner.service.serve.work import work
from cleaner.store.records import Turn
from tests.servers.ews import PASSWORD, Box, EwsServer, Stored, Ways, busy, cut, cut_after, refuses
from tests.worlds.ews_world import ACCOUNT, digest_of, lines
from tests.worlds.imap_world import clean

WHEN = datetime(2026, 11, 2, 10, 15, tzinfo=UTC)
MOST_RUNS = 8
"""A run that met a fault leaves a mailbox to the next one."""

FAKE = """\
Return-Path: <>
Received: from mx.puffin.example (mx.puffin.example [192.0.2.77])
\tby mx1.harbor.example with ESMTP id {number}; Mon, 2 Nov 2026 10:15:00 +0000
From: Mail Delivery System <MAILER-DAEMON@harbor.example>
To: {address}
Subject: Undelivered Mail Returned to Sender
Date: Mon, 2 Nov 2026 10:15:00 +0000
Message-ID: <fake.{number}@mx.puffin.example>
MIME-Version: 1.0
Content-Type: text/html; charset=utf-8

<html><body>Your mailbox has 3 undelivered messages.
<a href="http://sign-in.otter.example/{number}">Release them</a></body></html>
"""
LETTER = """\
Received: from mail.far.example (mail.far.example [198.51.100.7])
\tby mx1.harbor.example with ESMTP id {number}; Mon, 2 Nov 2026 10:15:00 +0000
From: Bob <bob@far.example>
To: {address}
Subject: Tide tables
Date: Mon, 2 Nov 2026 10:15:00 +0000
Message-ID: <letter.{number}@far.example>

See you on Monday.
"""


@pytest.fixture(autouse=True)
def _no_shared_state(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(backoff, "UNTOLD", 0.001)
    yield
    close_all()


def configured(server: EwsServer, boxes: list[Box], root: Path) -> Path:
    make_key(root / "master.key")
    (root / "password").write_text(PASSWORD)
    text = [
        "[[organisation]]",
        'name = "harbor"',
        'domains = ["harbor.example"]',
        'relays = ["mx1.harbor.example", "203.0.113.10"]',
        "senders_complete = true",
        "[[server]]",
        *lines(server),
        "[lookups]",
        "dns = false",
        "[policy]",
        'preview = "0"',
        "[safety]",
        "max_share = 1.0",
    ]
    for box in boxes:
        text += ["[[mailbox]]", f'address = "{box.address}"', 'server = "exchange"']
    path = root / "cleaner.toml"
    path.write_text("\n".join(text) + "\n")
    return path


def everything(boxes: list[Box]) -> Counter[tuple[str, str]]:
    return Counter(
        (box.address, digest_of(item.raw))
        for box in boxes
        for items in box.everything().values()
        for item in items
    )


def in_quarantine(box: Box) -> tuple[Stored, ...]:
    return box.listing("Backscatter") if box.has("Backscatter") else ()


@pytest.mark.parametrize(
    "count", [pytest.param(30, id="thirty"), pytest.param(300, id="three hundred", marks=pytest.mark.nightly)]
)
def test_one_failing_mailbox_never_holds_up_the_others(count: int, tmp_path: Path) -> None:
    with EwsServer(ways=Ways.EXCHANGE) as server:
        server.add_account(ACCOUNT, impersonates=None)
        boxes = [server.add_mailbox(f"user{number}@harbor.example") for number in range(count)]
        for number, box in enumerate(boxes):
            for text in (FAKE, LETTER, LETTER.replace("letter", "other")):
                box.deliver(text.format(number=number, address=box.address).encode(), received=WHEN)
        moving, closed = boxes[3], boxes[7]
        server.fault(refuses("ErrorMailboxMoveInProgress", mailbox=moving.address, times=None))
        server.fault(refuses("ErrorAccessDenied", mailbox=closed.address, times=None))
        server.fault(busy(back_off=20, share=0.02, times=None))
        server.fault(cut(share=0.005, times=None))
        server.fault(cut_after(share=0.005, times=None))
        before = everything(boxes)
        others = [box for box in boxes if box not in (moving, closed)]
        with App.open(configured(server, boxes, tmp_path)) as app:
            for box in boxes:
                consent.opt_in(app.context, consent.NewMailbox(box.address))
            for run in range(MOST_RUNS):
                errors = {result.address: result.error for result in clean(app) if result.error is not None}
                assert isinstance(errors.pop(moving.address), RetryLaterError)
                assert isinstance(errors.pop(closed.address), AskPersonError)
                assert all(isinstance(error, RetryLaterError) for error in errors.values()), errors
                if run == 0:
                    assert len(errors) <= 0.1 * count
                if not errors:
                    break
            assert not errors
            assert server.faults.struck["ErrorServerBusy"] > 0
            assert [len(in_quarantine(box)) for box in others] == [1] * len(others)
            assert not in_quarantine(moving)
            assert everything(boxes) == before
            for box in others:
                assert app.context.store.journal(box.address).open() == ()

            server.heal()
            assert [result.error for result in clean(app)] == [None] * count
            assert [len(in_quarantine(box)) for box in boxes] == [1] * count
            assert everything(boxes) == before


def test_the_service_only_looks_at_a_mailbox_where_nothing_came(tmp_path: Path) -> None:
    """Two requests; what comes is found at the next look."""
    with EwsServer(ways=Ways.EXCHANGE) as server:
        server.add_account(ACCOUNT, impersonates=None)
        box = server.add_mailbox("ann@harbor.example")
        box.deliver(FAKE.format(number=1, address=box.address).encode(), received=WHEN)
        with App.open(configured(server, [box], tmp_path), clock=lambda: WHEN + timedelta(hours=1)) as app:
            consent.opt_in(app.context, consent.NewMailbox(box.address))
            turn = Turn(box.address, "exchange", WHEN, upkeep_due=WHEN + timedelta(days=9))
            turns = [turn]
            while turns[-1].pulse is None and len(turns) < MOST_RUNS:
                turns.append(work(app.context, turns[-1], lambda: False).turn)
            assert len(in_quarantine(box)) == 1
            # What the move itself changed is looked at once more.
            turns.append(work(app.context, turns[-1], lambda: False).turn)
            server.counts.clear()
            idle = work(app.context, turns[-1], lambda: False)
            assert (idle.error, idle.only_looked) == (None, True)
            assert server.requests() == 2
            box.deliver(FAKE.format(number=2, address=box.address).encode(), received=WHEN)
            woken = work(app.context, idle.turn, lambda: False)
            assert (woken.error, woken.only_looked) == (None, False)
            assert len(in_quarantine(box)) == 2


def test_no_credential_in_log_error_or_store(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also at DEBUG, exchangelib's own loggers included, whether signing in succeeds or not."""
    caplog.set_level(logging.DEBUG)
    for name in (
        "exchangelib",
        "exchangelib.util",
        "exchangelib.util.xml",
        "exchangelib.protocol",
        "urllib3",
    ):
        caplog.set_level(logging.DEBUG, logger=name)
    wrong = "planted-and-wrong-5521"
    with EwsServer(ways=Ways.EXCHANGE) as server:
        server.add_account(ACCOUNT, impersonates=None)
        box = server.add_mailbox("ann@harbor.example")
        box.deliver(FAKE.format(number=1, address=box.address).encode(), received=WHEN)
        path = configured(server, [box], tmp_path)
        with App.open(path) as app:
            consent.opt_in(app.context, consent.NewMailbox(box.address))
            (tmp_path / "password").write_text(wrong)
            (refused,) = clean(app)
            assert isinstance(refused.error, SignInRefusedError)
            close_all()
            (tmp_path / "password").write_text(PASSWORD)
            (cleaned,) = clean(app)
            assert cleaned.error is None
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("state.db*") if file.is_file())
    said = (caplog.text + capsys.readouterr().err + str(refused.error)).encode()
    assert box.address.encode() in said
    for secret in (wrong, PASSWORD):
        basic = base64.b64encode(f"{ACCOUNT}:{secret}".encode())
        for text in (kept, said):
            assert secret.encode() not in text
            assert basic not in text
    assert b"Release them" not in said
