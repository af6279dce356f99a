"""That our senders are a closed set is a claim: it is told, it ends when proven mail contradicts it, and is undone."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from ipaddress import ip_network

import pytest

from cleaner.errors import UsageError
from cleaner.service.check import Level, check
from cleaner.service.demo.reports import postfix
from cleaner.service.history import history
from cleaner.service.senders import OUTSIDE_SENDER
from cleaner.service.status import status
from cleaner.service.undo import UndoRequest, undo
from cleaner.values import EntryState, Ground
from tests.service.hands import ANN, BEN, Hands, quiet

OUTSIDE = "198.18.7.140"


def put(hands: Hands, number: int, raw: bytes) -> None:
    path = hands.maildir(BEN) / "cur" / f"{1_795_000_000 + number}.M1P1.demo:2,"
    path.write_bytes(raw)
    at = hands.now.timestamp() - 7_200
    os.utime(path, (at, at))


def from_outside(hands: Hands) -> bytes:
    """A report about a mail that stands in Ben's Sent folder, and that a host handed over which nothing lists."""
    (copy,) = hands.folder(BEN, ".Sent")
    when = hands.now - timedelta(hours=4)
    trace = (
        f"Received: from vm140 (unknown [{OUTSIDE}])\n"
        "\tby mx.dune.example (Postfix) with ESMTP id 9E8D7C6B5B\n"
        f"\tfor <emil@dune.example>; {format_datetime(when)}\n"
    )
    return postfix(
        hands.now - timedelta(hours=2), BEN, "emil@dune.example", trace.encode() + copy.read_bytes()
    )


def removed(hands: Hands) -> int:
    entries = hands.app.context.store.entries(ground=Ground.CLOSED, states=(EntryState.DONE,))
    return len(entries)


def closed(hands: Hands) -> list[bool]:
    return [one.is_closed for _, one in status(hands.app.context).senders]


def senders_of(hands: Hands) -> tuple[Level, str, str]:
    (found,) = (one for one in check(hands.app.context) if one.subject == "senders of harbor.example")
    return found.level, found.text, found.remedy


def test_the_word_closes_the_set_and_check_and_status_say_so(hands: Hands) -> None:
    assert closed(hands) == [True]
    level, text, _ = senders_of(hands)
    assert level is Level.OK
    assert "senders_complete = true" in text


def test_where_nobody_said_so_check_tells_what_stays_unsure_and_how_to_close_it(hands: Hands) -> None:
    settings = hands.app.context.settings
    open_ones = tuple(replace(one, senders_complete=False) for one in settings.organisations)
    hands.put(replace(settings, organisations=open_ones))
    level, text, remedy = senders_of(hands)
    assert level is Level.NOTE
    assert "unsure" in text
    assert "senders_complete = true" in remedy
    hands.opt_in(ANN, BEN)
    hands.scan()
    assert removed(hands) == 0


def test_the_first_proof_to_the_contrary_ends_it_with_an_alarm_and_one_command_takes_back(
    hands: Hands, caplog: pytest.LogCaptureFixture
) -> None:
    before = hands.snapshot()
    hands.opt_in(ANN, BEN)
    hands.scan()
    assert removed(hands) == 6
    put(hands, 1, from_outside(hands))
    hands.now += timedelta(hours=1)
    hands.scan()
    assert closed(hands) == [False]
    level, text, remedy = senders_of(hands)
    assert level is Level.NOTE
    assert OUTSIDE in text
    assert "bounce-cleaner undo --ground closed --organisation harbor" in remedy
    alarms = [record.getMessage() for record in caplog.records if OUTSIDE_SENDER in record.getMessage()]
    assert len(alarms) == 1
    assert "undo --ground closed --organisation harbor" in alarms[0]

    request = UndoRequest(ground=Ground.CLOSED, organisation="harbor")
    back = tuple(undo(hands.app.context, request, quiet, lambda: False))
    assert sum(one.count(EntryState.UNDONE) for one in back) == 6
    assert removed(hands) == 0
    after = hands.snapshot()
    assert {digest for path, digest in before.items() if "/." not in path} <= set(after.values())
    hands.now += timedelta(hours=1)
    hands.scan()
    assert removed(hands) == 0


def test_while_it_is_contradicted_a_new_stranger_stays_and_listed_it_goes_again(hands: Hands) -> None:
    hands.opt_in(BEN)
    put(hands, 1, from_outside(hands))
    hands.scan()
    assert removed(hands) == 0
    settings = hands.app.context.settings
    assert closed(hands) == [False]
    listing = tuple(
        replace(one, relay_networks=(*one.relay_networks, ip_network(f"{OUTSIDE}/32")))
        for one in settings.organisations
    )
    hands.put(replace(settings, organisations=listing))
    assert closed(hands) == [True]
    hands.now += timedelta(hours=1)
    hands.scan()
    assert removed(hands) == 1


def test_history_by_ground_lists_what_rested_on_it(hands: Hands) -> None:
    hands.opt_in(ANN, BEN)
    hands.scan()
    found = history(hands.app.context, ground=Ground.CLOSED).changes
    assert len(found) == 6
    assert {one.as_json()["ground"] for one in found} == {"closed"}
    assert len(history(hands.app.context, ground=Ground.FALSE).changes) == 1
    with pytest.raises(UsageError, match="rested on the ground 'measured'"):
        tuple(undo(hands.app.context, UndoRequest(ground=Ground.MEASURED), quiet, lambda: False))


def test_of_another_organisation_nothing_is_taken_back(hands: Hands) -> None:
    hands.opt_in(ANN, BEN)
    hands.scan()
    request = UndoRequest(ground=Ground.CLOSED, organisation="quay")
    with pytest.raises(UsageError):
        tuple(undo(hands.app.context, request, quiet, lambda: False))
    assert removed(hands) == 6
