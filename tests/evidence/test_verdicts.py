"""
What comes of plain cases, in the manner of the demo's mail: proven, likely, unsure, and gone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest

from cleaner import classifier, evidence, notices
from cleaner.lookups import KnownHosts, RecordedDns
from cleaner.lookups.recorded import Records
from cleaner.service.demo.letters import Office, arrival, letter, our_id, via
from cleaner.service.demo.reports import away, bare, phish, postfix
from cleaner.store import Store
from cleaner.values import (
    DkimKey,
    Headers,
    Heading,
    Known,
    Message,
    Opinion,
    Organisation,
    OutgoingMail,
    Owner,
    Side,
    Verdict,
)
from tests.evidence.scene import CLOSED

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SENT = NOW - timedelta(hours=5)
ANN = "ann@harbor.example"
BOB = "bob@far.example"
OFFICE = Office.new(NOW)
HARBOR = Organisation(
    name="harbor",
    domains=frozenset(("harbor.example",)),
    relay_names=frozenset(("mx1.harbor.example",)),
    relay_networks=(ip_network("192.0.2.10/32"),),
    client_networks=(ip_network("203.0.113.0/24"),),
    dkim_keys=(DkimKey("harbor.example", "demo", OFFICE.public_record),),
)
OFFER = letter(SENT, ANN, BOB, "Offer", "a1")


def judged(
    notice_bytes: bytes,
    sent: Iterable[bytes] = (),
    organisation: Organisation = HARBOR,
    answers: Records | None = CLOSED,
) -> Verdict:
    notice = notices.read(Message("INBOX", "1", notice_bytes))
    assert notice.kind.is_judged
    others = [
        OutgoingMail(f"<{n}@harbor.example>", NOW - timedelta(days=n), (f"p{n}@sea.example",), f"Note {n}")
        for n in range(1, 30)
    ]
    with Store.open("sqlite://", bytes(32)) as store:
        record = store.sent_record(ANN)
        copies = (notices.outgoing(Heading("Sent", "1", Headers.parse(mail), 0)) for mail in sent)
        record.add("Sent", [*others, *(mail for mail in copies if mail is not None)], None)
        known = Known(
            organisation,
            Owner(ANN, frozenset((ANN,))),
            sent=record.ask(evidence.question([notice])),
            now=NOW,
        )
    dns = RecordedDns(answers)
    hosts = KnownHosts(dns, strangers=dns).find(evidence.wanted_hosts([notice], known))
    known = replace(known, hosts=hosts)
    return classifier.judge(notice, evidence.gather(notice, known))


def from_stranger(mail: bytes, host: str = "mx.far.example", to: str = BOB) -> bytes:
    line = (
        "Received: from host66.dialup.example (unknown [198.51.100.66])\n"
        f"\tby {host} (Postfix) with ESMTP id 9F8E7D6C5B\n"
        f"\tfor <{to}>; Fri, 20 Nov 2026 08:00:00 +0000\n"
    )
    return line.encode() + mail


def test_a_genuine_report_is_proven_by_the_sent_record() -> None:
    verdict = judged(postfix(NOW, ANN, BOB, via(OFFER, SENT, "mx.far.example")), sent=[OFFER])
    assert verdict.opinion is Opinion.GENUINE
    assert classifier.is_proven(verdict)


def test_a_genuine_report_without_a_copy_in_sent_is_proven_by_our_signature() -> None:
    verdict = judged(postfix(NOW, ANN, BOB, via(OFFICE.signed(OFFER), SENT, "mx.far.example")))
    assert verdict.opinion is Opinion.GENUINE
    assert classifier.is_proven(verdict)


def test_a_genuine_report_without_copy_or_signature_stays_by_our_relay() -> None:
    verdict = judged(postfix(NOW, ANN, BOB, via(OFFER, SENT, "mx.far.example")))
    assert verdict.opinion is Opinion.GENUINE
    assert not classifier.is_proven(verdict)


def test_mail_that_a_stranger_handed_over_goes() -> None:
    assert judged(postfix(NOW, ANN, BOB, from_stranger(OFFER))).opinion is Opinion.BACKSCATTER


def test_a_forged_chain_through_our_relay_below_the_strangers_line_is_not_believed() -> None:
    chain = from_stranger(via(OFFER, SENT, "mx.elsewhere.example"))
    assert judged(postfix(NOW, ANN, BOB, chain)).opinion is Opinion.BACKSCATTER


def test_a_forged_signature_does_not_help() -> None:
    forged = OFFICE.signed(OFFER).replace(b"Subject: Offer", b"Subject: Cheap watches")
    verdict = judged(postfix(NOW, ANN, BOB, from_stranger(forged)))
    assert verdict.opinion is Opinion.BACKSCATTER
    assert "dkim_broken" in {e.rule for e in verdict.evidence}


def test_a_replayed_id_is_a_suspicion_and_stays() -> None:
    spam = letter(SENT, ANN, "zoe@atoll.example", "Cheap watches", "a1")
    raw = postfix(NOW, ANN, "zoe@atoll.example", from_stranger(spam, "mx.atoll.example", "zoe@atoll.example"))
    verdict = judged(raw, sent=[OFFER])
    assert verdict.opinion is Opinion.UNSURE


def test_a_replayed_signature_is_a_suspicion_and_stays() -> None:
    replayed = from_stranger(OFFICE.signed(OFFER), "mx.atoll.example", "zoe@atoll.example")
    verdict = judged(postfix(NOW, ANN, "zoe@atoll.example", replayed))
    assert verdict.opinion is Opinion.UNSURE


def test_an_id_invented_in_our_shape_proves_nothing() -> None:
    spam = letter(SENT, ANN, BOB, "Cheap watches", "invented")
    assert judged(postfix(NOW, ANN, BOB, from_stranger(spam))).opinion is Opinion.BACKSCATTER


def test_a_recipient_who_was_written_to_before_does_not_open_a_closed_set() -> None:
    spam = letter(SENT, ANN, BOB, "Cheap watches", "invented")
    assert judged(postfix(NOW, ANN, BOB, from_stranger(spam)), sent=[OFFER]).opinion is Opinion.BACKSCATTER


def test_a_fake_report_in_the_name_of_our_own_system_goes() -> None:
    assert judged(phish(NOW, ANN)).opinion is Opinion.BACKSCATTER


@pytest.mark.parametrize(
    ("line", "opinion"),
    [
        (b"from localhost (unknown [IPv6:::ffff:127.0.0.1])\n\tby localhost with LMTP", Opinion.BACKSCATTER),
        (
            b"from mx.elsewhere.example (mx.elsewhere.example [192.0.2.77])\n\tby localhost with LMTP",
            Opinion.UNSURE,
        ),
        (b"from localhost (unknown [127.0.0.1])\n\tby store.elsewhere.example with LMTP", Opinion.UNSURE),
    ],
)
def test_what_a_machine_hands_on_to_its_own_store_hides_nothing(line: bytes, opinion: Opinion) -> None:
    above = b"Received: " + line + b"; Mon, 2 Nov 2026 10:15:00 +0000\n"
    assert judged(above + phish(NOW, ANN)).opinion is opinion


def test_a_report_that_returns_nothing_stays() -> None:
    assert judged(bare(NOW, ANN)).opinion is Opinion.UNSURE


def test_an_answer_to_a_mail_of_ours_is_genuine_and_to_an_unknown_one_unsure() -> None:
    raw = away(NOW, ANN, BOB, "Offer", our_id("a1", SENT))
    assert judged(raw, sent=[OFFER]).opinion is Opinion.GENUINE
    assert judged(raw).opinion is Opinion.UNSURE


@pytest.mark.parametrize("sent", [(), (OFFER,)], ids=["nothing known", "in the record"])
def test_nobody_can_make_a_genuine_report_go_by_writing_it_himself(sent: tuple[bytes, ...]) -> None:
    """A second, forged report about the same mail changes nothing about the true one."""
    judged(postfix(NOW, ANN, BOB, from_stranger(OFFER)), sent=sent)
    true = postfix(NOW, ANN, BOB, via(OFFER, SENT, "mx.far.example"))
    assert judged(true, sent=sent).opinion is Opinion.GENUINE


def test_where_no_relay_is_known_by_address_a_stranger_means_nothing() -> None:
    unknown = replace(HARBOR, relay_networks=())
    verdict = judged(postfix(NOW, ANN, BOB, from_stranger(OFFER)), organisation=unknown, answers=None)
    assert verdict.opinion is Opinion.UNSURE


def test_where_nothing_is_configured_nothing_goes() -> None:
    nothing = Organisation("")
    for raw in (postfix(NOW, ANN, BOB, from_stranger(OFFER)), bare(NOW, ANN)):
        assert judged(raw, organisation=nothing).opinion is Opinion.UNSURE


def test_the_order_of_rules_does_not_matter() -> None:
    notice = notices.read(Message("INBOX", "1", postfix(NOW, ANN, BOB, from_stranger(OFFER))))
    known = Known(HARBOR, Owner(ANN, frozenset((ANN,))), now=NOW)
    found = evidence.gather(notice, known)
    assert classifier.judge(notice, found) == classifier.judge(notice, found[::-1])
    assert all(e.reason.endswith(".") and "\n" not in e.seen for e in found)
    assert {e.side for e in found} >= {Side.BACKSCATTER}


def test_our_own_line_on_top_is_what_an_arrival_looks_like() -> None:
    """The fixture's notices carry the line of our server, or no rule about their way would be tried."""
    assert b"by mx1.harbor.example" in arrival(NOW, "mx.far.example", "198.51.100.99", ANN).encode()
