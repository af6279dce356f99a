"""
What outsiders try, and what comes of it.

Two aims: to make spam's bounces look genuine, so that they stay; and to make genuine ones look spurious, so that
the program removes them. The first may leave a notice `unsure`; the second must never succeed, also where the
attacker has mail of ours, has taught us something before, or knows all our names and addresses.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from cleaner.values import Arrival, BatvKey, DkimKey, Notice, Opinion
from tests.evidence.scene import (
    BOB,
    BY_RELAY,
    FROM_RELAY,
    FROM_STRANGER,
    FULL,
    HARBOR,
    NOBODY,
    OWN_ID,
    SENT_AT,
    WITH_IT,
    Desk,
    mail,
    proven_reports,
    report,
    sent_mail,
    signed,
    taken_in,
)

NOT_OURS = "<spam.1@elsewhere.example>"
STRANGER = "victim@near.example"

GENUINE = frozenset((Opinion.GENUINE,))
KEPT = frozenset((Opinion.GENUINE, Opinion.UNSURE))
UNSURE = frozenset((Opinion.UNSURE,))
REMOVED = frozenset((Opinion.BACKSCATTER,))
EXPOSED = frozenset((Opinion.BACKSCATTER, Opinion.UNSURE))


class Attack(NamedTuple):
    """What was forged, and which verdicts are right."""

    what: str
    notice: Notice
    desk: Desk
    right: frozenset[Opinion]


def to_victim(line: str) -> str:
    return line.replace(BOB, STRANGER)


EARLIER = SENT_AT - timedelta(days=3)
FLOOD = tuple(Arrival(SENT_AT + timedelta(seconds=n), "Undelivered") for n in range(2000))
MADE_UP = "DKIM-Signature: v=1; a=rsa-sha256; d=harbor.example; s=s1; h=from:to; bh=AAAA; b=AAAABBBBCCCC"
RESULTS = "Authentication-Results: mx1.harbor.example; dkim=pass header.d=harbor.example; spf=pass"
REPLAYED = report(signed(mail(to_victim(FROM_STRANGER), to=BOB)), failed=STRANGER)
"""Our signed mail to Bob, sent on to somebody else."""

LEARNED = replace(FULL, among=proven_reports())
"""Where 24 proven mails were all handed over by our relay."""
SERVER = report(mail(taken_in("mail.elsewhere.example", "198.51.100.66"), message_id=NOT_OURS))
TAGGED = "prvs=3316ABCDEF=ann@harbor.example"
KEYED = replace(HARBOR, batv_keys=(BatvKey(3, b"a key of harbor's"),))
MANY_MAILS = (*FULL.sent, *(sent_mail(message_id=f"<p{n}@mail.harbor.example>") for n in range(24)))

TO_LOOK_GENUINE = (
    Attack("nothing forged but the sender", report(mail(FROM_STRANGER, message_id=NOT_OURS)), FULL, REMOVED),
    Attack(
        "a Message-ID in our shape",
        report(mail(FROM_STRANGER, message_id="<b7.20261102@mail.harbor.example>")),
        FULL,
        REMOVED,
    ),
    Attack(
        "the name of our relay in HELO",
        report(mail(taken_in("unknown", "198.51.100.66", helo="mx1.harbor.example"), message_id=NOT_OURS)),
        FULL,
        EXPOSED,
    ),
    Attack(
        "a whole chain through our relay, below the line that the receiver wrote",
        report(mail(FROM_STRANGER, FROM_RELAY, BY_RELAY, message_id=NOT_OURS)),
        FULL,
        EXPOSED,
    ),
    Attack(
        "our relay's own line, word for word",
        report(mail(FROM_STRANGER, BY_RELAY, message_id="<b8.20261102@mail.harbor.example>")),
        FULL,
        EXPOSED,
    ),
    Attack(
        "a signature in our name that was made up",
        report(
            mail(
                FROM_STRANGER,
                message_id=NOT_OURS,
                fields=(MADE_UP,),
            )
        ),
        FULL,
        REMOVED,
    ),
    Attack(
        "results of our own server, written by the forger",
        report(
            mail(
                FROM_STRANGER,
                message_id=NOT_OURS,
                fields=(RESULTS,),
            ),
            fields=(RESULTS,),
        ),
        FULL,
        REMOVED,
    ),
    Attack(
        "a signature of ours, from a mail to Bob, replayed to a stranger",
        REPLAYED,
        FULL,
        UNSURE,
    ),
    Attack(
        "the id of our mail to Bob on a mail to a stranger",
        report(mail(to_victim(FROM_STRANGER), to=STRANGER), failed=STRANGER),
        WITH_IT,
        UNSURE,
    ),
    Attack("a server with a name of its own", SERVER, FULL, EXPOSED),
    Attack("a server with a name of its own, where our ways are learned", SERVER, LEARNED, REMOVED),
    Attack(
        "a machine that was made to send one signed mail of ours before",
        SERVER,
        replace(
            LEARNED,
            among=(
                *LEARNED.among,
                report(signed(mail(taken_in("mail.elsewhere.example", "198.51.100.66"), date=EARLIER))),
            ),
        ),
        KEPT,
    ),
    Attack(
        "names that look like ours, of a host of the attacker's",
        report(mail(taken_in("mx1.harbor.example.elsewhere.example", "198.51.100.66"), message_id=NOT_OURS)),
        LEARNED,
        REMOVED,
    ),
    Attack(
        "an invented BATV tag on our address",
        report(mail(FROM_STRANGER, message_id=NOT_OURS), fields=(f"Delivered-To: {TAGGED}",)),
        replace(FULL, organisation=KEYED),
        REMOVED,
    ),
    Attack(
        "an id of ours in References only",
        report(
            mail(FROM_STRANGER, message_id=NOT_OURS, subject="Watches"), fields=(f"References: {OWN_ID}",)
        ),
        WITH_IT,
        EXPOSED,
    ),
    Attack(
        "a recipient that we wrote to",
        report(mail(FROM_STRANGER, message_id=NOT_OURS, subject="Watches")),
        WITH_IT,
        EXPOSED,
    ),
    Attack(
        "the id of our mail to Bob, weeks later",
        report(
            mail(FROM_STRANGER, date=SENT_AT + timedelta(days=40)),
            received=SENT_AT + timedelta(days=40),
        ),
        WITH_IT,
        EXPOSED,
    ),
)

UNLISTED = taken_in("out7.hoster.example", "198.51.100.120")
"""A relay of ours that nobody listed."""
BY_NAME = replace(HARBOR, relay_networks=())
FAILED = "Authentication-Results: mx1.harbor.example; dkim=fail header.d=harbor.example; spf=fail"
OTHER_KEY = (
    "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYt"
    "IxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhi"
    "tdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB"
)
"""The example of RFC 6376 section A.2."""
SHOWN = report(mail(FROM_RELAY, BY_RELAY))
"""A genuine report: it must not be removed, whatever is added."""

TO_LOOK_SPURIOUS = (
    Attack("nothing added", SHOWN, WITH_IT, GENUINE),
    Attack(
        "a stranger's line on top of our relay's", report(mail(FROM_STRANGER, FROM_RELAY)), WITH_IT, GENUINE
    ),
    Attack("all trace of us cut out", report(mail(FROM_STRANGER)), WITH_IT, GENUINE),
    Attack(
        "a flood of fake notices in the same hour",
        SHOWN,
        replace(WITH_IT, arrivals=FLOOD),
        GENUINE,
    ),
    Attack(
        "a broken signature of ours beside the true one",
        report(
            mail(FROM_RELAY, BY_RELAY).replace(
                b"From: Ann",
                b"DKIM-Signature: v=1; a=rsa-sha256; d=harbor.example; s=s1; h=from; bh=A; b=AAAA\r\nFrom: Ann",
                1,
            )
        ),
        WITH_IT,
        GENUINE,
    ),
    Attack(
        "signed mail whose trace was lost",
        report(signed(mail())),
        FULL,
        GENUINE,
    ),
    Attack(
        "signed mail with a stranger's line on top",
        report(signed(mail(FROM_STRANGER))),
        FULL,
        GENUINE,
    ),
    Attack("no Sent copy, handed over by our relay", SHOWN, FULL, KEPT),
    Attack("no Sent copy, handed over by our relay, where our ways are learned", SHOWN, LEARNED, KEPT),
    Attack(
        "ways taught with invented traces, by one who has many signed mails of ours",
        report(mail(UNLISTED)),
        replace(
            FULL,
            organisation=BY_NAME,
            among=proven_reports(machine=("mx.elsewhere.example", "198.51.100.80"), sites=1),
        ),
        KEPT,
    ),
    Attack(
        "the same, where all our mail is in Sent",
        report(mail(UNLISTED)),
        replace(
            FULL,
            organisation=BY_NAME,
            sent=MANY_MAILS,
            among=proven_reports(machine=("mx.elsewhere.example", "198.51.100.80"), sites=2),
        ),
        KEPT,
    ),
    Attack(
        "a tag of ours with a letter changed",
        report(mail(FROM_RELAY, BY_RELAY), fields=(f"Delivered-To: {TAGGED}",)),
        replace(FULL, organisation=KEYED),
        KEPT,
    ),
    Attack(
        "results of our own server that say it failed, written by somebody else",
        report(mail(FROM_RELAY, BY_RELAY, fields=(FAILED,)), fields=(FAILED,)),
        WITH_IT,
        GENUINE,
    ),
    Attack(
        "a second report about the same mail, with another trace",
        SHOWN,
        replace(WITH_IT, among=(report(mail(FROM_STRANGER)),) * 3),
        GENUINE,
    ),
    Attack(
        "thousands of foreign mails with ids in our shape, handed over by strangers",
        SHOWN,
        replace(
            FULL,
            among=tuple(
                report(mail(FROM_STRANGER, message_id=f"<{n}.20261102@mail.harbor.example>"))
                for n in range(50)
            ),
        ),
        KEPT,
    ),
    Attack(
        "a report of another kind of machine about our mail: no trace, no id",
        report(b"Subject: Offer for the quay\r\n\r\n"),
        LEARNED,
        KEPT,
    ),
    Attack(
        "our key was exchanged for another in the configuration",
        report(signed(mail(FROM_RELAY, BY_RELAY))),
        replace(FULL, organisation=replace(HARBOR, dkim_keys=(DkimKey("harbor.example", "s1", OTHER_KEY),))),
        KEPT,
    ),
    Attack(
        "no Sent copy, in a flood",
        SHOWN,
        replace(FULL, arrivals=FLOOD),
        KEPT,
    ),
)


@pytest.mark.parametrize("attack", TO_LOOK_GENUINE, ids=lambda attack: attack.what)
def test_forged_mail_is_not_called_ours(attack: Attack) -> None:
    verdict = attack.desk.judge(attack.notice)
    assert verdict.opinion in attack.right, verdict.because


@pytest.mark.parametrize("attack", TO_LOOK_SPURIOUS, ids=lambda attack: attack.what)
def test_a_genuine_report_cannot_be_made_to_go(attack: Attack) -> None:
    verdict = attack.desk.judge(attack.notice)
    assert verdict.opinion in attack.right, verdict.because


@pytest.mark.parametrize("attack", TO_LOOK_GENUINE, ids=lambda attack: attack.what)
def test_where_nothing_is_known_nothing_is_removed(attack: Attack) -> None:
    """Neither relays nor keys nor a sent record: form and wording alone never suffice."""
    assert Desk(NOBODY, dns=None).judge(attack.notice).opinion is not Opinion.BACKSCATTER


@pytest.mark.parametrize("attack", TO_LOOK_SPURIOUS, ids=lambda attack: attack.what)
@pytest.mark.parametrize("knows", [FULL, WITH_IT, LEARNED], ids=["Sent", "with it", "learned"])
def test_a_genuine_report_stays_whatever_else_is_known(attack: Attack, knows: Desk) -> None:
    """The mail that came back is ours, so no state of knowledge may remove it, unless a stranger handed it over."""
    desk = replace(knows, among=(*knows.among, *attack.desk.among), arrivals=attack.desk.arrivals)
    verdict = desk.judge(attack.notice)
    by_stranger = any(e.rule == "handed_over" and e.side.value == "backscatter" for e in verdict.evidence)
    assert by_stranger or verdict.opinion is not Opinion.BACKSCATTER, verdict.because


def test_a_replayed_signature_is_said_to_be_one() -> None:
    verdict = FULL.judge(REPLAYED)
    assert verdict.opinion is Opinion.UNSURE
    assert verdict.evidence[0].force.value == "suspicion"


def test_an_id_of_ours_with_its_recipient_is_a_proof() -> None:
    assert OWN_ID.encode() in SHOWN.returned.raw
    verdict = WITH_IT.judge(SHOWN)
    assert verdict.evidence[0].force.value == "proof"


def test_the_page_tells_what_comes_of_each() -> None:
    page = (Path(__file__).parents[2] / "docs" / "attacks.md").read_text(encoding="utf-8")
    told = [line for line in page.splitlines() if line.startswith("| ") and "---" not in line]
    outcomes = [
        (one.what, one.desk.judge(one.notice).opinion.value) for one in (*TO_LOOK_GENUINE, *TO_LOOK_SPURIOUS)
    ]
    assert [line for line in told if "what was done" not in line] == [
        f"| {what} | {is_} |" for what, is_ in outcomes
    ]
