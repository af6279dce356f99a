"""Addresses that change on the way: what is proven stays proven, what is replayed is still noticed."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import pytest

from cleaner.classifier import is_proven
from cleaner.values import Notice, Opinion
from tests.evidence.scene import (
    ANN,
    BOB,
    BY_RELAY,
    FROM_RELAY,
    FROM_STRANGER,
    FULL,
    OTHER_MAIL,
    OWN_ID,
    WITH_IT,
    Desk,
    mail,
    report,
    sent_mail,
    signed,
    taken_in,
)

LIST = "quay-list@lists.example"
HIDDEN = "zoe@atoll.example"


def sent_to(*recipients: str) -> Desk:
    return Desk(sent=(*OTHER_MAIL, sent_mail(message_id=OWN_ID, to=recipients)))


def passed_on(by: str, ip: str, to: str) -> tuple[str, str]:
    """The trace of a mail that our relay gave to one system, and that one to another."""
    return (
        taken_in(by, ip, by="mx.new.example", to=to),
        taken_in("mx1.harbor.example", "192.0.2.10", by=by),
    )


class Case(NamedTuple):
    """An address rewritten, and what our record holds."""

    what: str
    notice: Notice
    desk: Desk


PROVEN = (
    Case("a detail in the address", report(mail(FROM_RELAY, to="bob+work@far.example")), WITH_IT),
    Case(
        "a detail that only the report shows",
        report(mail(FROM_RELAY), failed="bob+work@far.example"),
        WITH_IT,
    ),
    Case("another case", report(mail(FROM_RELAY), failed="Bob@FAR.example"), WITH_IT),
    Case(
        "an alias, told by Original-Recipient",
        report(mail(FROM_RELAY), failed="b.smith@store.far.example", originally=BOB),
        WITH_IT,
    ),
    Case(
        "an alias that nobody tells of, at the same site",
        report(mail(FROM_RELAY), failed="b.smith@store.far.example"),
        WITH_IT,
    ),
    Case(
        "forwarded to another system, with SRS",
        report(
            mail(
                *passed_on("mx.far.example", "198.51.100.30", "bob@new.example"),
                fields=("Return-Path: <SRS0=abcd=XY=harbor.example=ann@far.example>",),
            ),
            failed="bob@new.example",
            reporter="mx.new.example",
        ),
        WITH_IT,
    ),
    Case(
        "re-sent by a list, with VERP",
        report(
            mail(
                *passed_on("lists.example", "198.51.100.40", "bob@new.example"),
                to=LIST,
                fields=("Return-Path: <quay-list-bounces+bob=new.example@lists.example>",),
            ),
            failed="bob@new.example",
            reporter="mx.new.example",
        ),
        sent_to(LIST),
    ),
    Case(
        "our own tagged address as the envelope",
        report(mail(FROM_RELAY, fields=(f"Return-Path: <prvs=3316ABCDEF={ANN}>",))),
        WITH_IT,
    ),
    Case("a blind copy, kept in Sent", report(mail(FROM_RELAY), failed=HIDDEN), sent_to(BOB, HIDDEN)),
    Case(
        "a blind copy that Sent does not show, handed over by our relay",
        report(mail(FROM_RELAY, BY_RELAY), failed=HIDDEN, reporter="mx.atoll.example"),
        WITH_IT,
    ),
    Case(
        "an invitation, its answer sent on our behalf by the organiser's server",
        report(
            mail(FROM_RELAY, fields=("Content-Class: urn:content-classes:calendarmessage",)),
        ),
        WITH_IT,
    ),
    Case(
        "the signature over a mail to a list, re-sent",
        report(
            signed(mail(to=LIST)),
            failed="bob@new.example",
            reporter="lists.example",
        ),
        FULL,
    ),
)

REPLAYED = (
    Case(
        "the id, by a stranger to somebody else",
        report(
            mail(taken_in("unknown", "198.51.100.66", by="mx.atoll.example", to=HIDDEN)),
            failed=HIDDEN,
            reporter="mx.atoll.example",
        ),
        WITH_IT,
    ),
    Case(
        "the id, by somebody else's server that claims to forward",
        report(
            mail(taken_in("mail.elsewhere.example", "198.51.100.66", by="mx.atoll.example", to=HIDDEN)),
            failed=HIDDEN,
            reporter="mx.atoll.example",
        ),
        WITH_IT,
    ),
    Case(
        "the signature, by a stranger to somebody else",
        report(signed(mail(FROM_STRANGER.replace(BOB, HIDDEN))), failed=HIDDEN),
        replace(FULL),
    ),
)


@pytest.mark.parametrize("case", PROVEN, ids=lambda case: case.what)
def test_it_is_still_proven(case: Case) -> None:
    verdict = case.desk.judge(case.notice)
    assert is_proven(verdict), verdict.because


@pytest.mark.parametrize("case", REPLAYED, ids=lambda case: case.what)
def test_a_replay_is_noticed_and_stays(case: Case) -> None:
    verdict = case.desk.judge(case.notice)
    assert verdict.opinion is Opinion.UNSURE
    assert verdict.evidence[0].force.value == "suspicion"
    assert "other people" in verdict.because or "other recipients" in verdict.because
