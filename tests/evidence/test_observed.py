"""Who sends for us, by our own mail as it arrives: what our own server found, and nothing that a mail brought along."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from cleaner import evidence, notices
from cleaner.evidence import observed, ways
from cleaner.evidence.observed import Observation, ReceivedMail
from cleaner.values import (
    Habits,
    Headers,
    HostsView,
    ObservedSender,
    Organisation,
    OutsideSender,
    SeenBy,
    SenderPolicy,
)
from tests.evidence.scene import BOB, FULL, HARBOR, OPEN, Desk, mail, report, signed, taken_in

DAY = date(2026, 11, 3)
CRM = ("out1.crm.example", "198.51.100.77")
BY_US = "by mx1.harbor.example with ESMTPS id 2; Tue, 03 Nov 2026 09:00:00 +0000"
ENTRY = f"Received: from {CRM[0]} ({CRM[0]} [{CRM[1]}]) {BY_US}"
WITHIN = "Received: from app-3 (app-3.crm.example [10.0.3.1]) by out1.crm.example with ESMTP id 3"
FARTHER = (
    "Received: from mail.far.example (mail.far.example [198.51.100.90]) by out1.crm.example with ESMTP id 4"
)
FROM = "From: Ann <ann@harbor.example>"
TO = "To: Ben <ben@harbor.example>"
SIGNED = "dkim=pass header.d=harbor.example"
ALIGNED = "dmarc=pass header.from=harbor.example"
ENVELOPE = "spf=pass smtp.mailfrom=ann@harbor.example"
FOREIGN = "spf=pass smtp.mailfrom=bounce@crm.example"
SEEN = ObservedSender("harbor.example", CRM[1], CRM[0], DAY, DAY)


def found_by(results: str, server: str = "mx1.harbor.example") -> str:
    return f"Authentication-Results: {server}; {results}"


def arrived(*fields: str) -> ReceivedMail:
    headers = Headers.parse("\n".join(fields).encode())
    return ReceivedMail(
        headers,
        notices.hops(headers),
        notices.addresses_in(headers, ("from",)),
        notices.addresses_in(headers, ("to", "cc")),
        DAY,
    )


def seen_in(*fields: str, organisation: Organisation = HARBOR) -> Observation | None:
    return observed.observe(arrived(*fields), organisation)


@pytest.mark.parametrize("results", [SIGNED, ALIGNED, ENVELOPE, f"{FOREIGN}; {SIGNED}; {ALIGNED}"])
def test_mail_of_ours_that_our_server_found_authentic_shows_who_sent_it(results: str) -> None:
    for fields in (
        (found_by(results), ENTRY),
        (ENTRY, found_by(results)),
        (ENTRY, found_by(results), WITHIN),
    ):
        seen = seen_in(*fields, FROM, TO)
        assert seen is not None
        assert seen.sender == SEEN


@pytest.mark.parametrize(
    "fields",
    [
        (ENTRY, FARTHER, found_by(ALIGNED), FROM),
        (ENTRY, f"Received: from x (x [192.0.2.10]) {BY_US}", found_by(SIGNED), FROM),
        (ENTRY, found_by(ALIGNED, "mx.far.example"), FROM),
        (ENTRY, found_by(ALIGNED, "mx1.harbor.example.evil.example"), FROM),
        (ENTRY, found_by(FOREIGN), FROM),
        (ENTRY, found_by("spf=pass smtp.helo=harbor.example"), FROM),
        (ENTRY, found_by("dkim=pass header.d=crm.example"), FROM),
        (ENTRY, found_by("dkim=pass header.d=harbor.example.evil.example"), FROM),
        (ENTRY, found_by("dkim=fail header.d=harbor.example; spf=softfail smtp.mailfrom=harbor.example"), FROM),
        (ENTRY, found_by("dmarc=fail header.from=harbor.example"), found_by(ALIGNED), FROM),
        (ENTRY, found_by("dmarc=pass header.from=far.example"), "From: Bob <bob@far.example>"),
        (ENTRY, found_by(SIGNED), "From: Bob <bob@far.example>"),
        (ENTRY, found_by(SIGNED), '"From: Ann <ann@harbor.example>" <bob@far.example>', "From: b@far.example"),
        (ENTRY, found_by(ALIGNED), FROM, "From: Bob <bob@far.example>"),
        (ENTRY, found_by(ALIGNED), "From: ann@harbor.example, bob@far.example"),
        (FARTHER, found_by(ALIGNED), FROM),
        (found_by(ALIGNED), FROM),
    ],
    ids=[
        "brought along, below an outside hop",
        "brought along, below a forged line of ours",
        "of another server",
        "of a server whose name begins like ours",
        "a foreign envelope passes",
        "the greeting passes",
        "signed by somebody else",
        "signed by a look-alike",
        "nothing passes",
        "a finding higher up says otherwise",
        "somebody else's mail",
        "somebody else's mail, signed by us",
        "a field of ours in a name",
        "two From fields",
        "two authors",
        "a line that none of ours wrote",
        "no line at all",
    ],
)  # fmt: skip
def test_nothing_else_does(fields: tuple[str, ...]) -> None:
    assert seen_in(*fields, TO) is None


def test_what_comes_from_within_or_from_a_person_needs_no_remembering() -> None:
    relay = f"Received: from mx1.harbor.example (mx1.harbor.example [192.0.2.10]) {BY_US}"
    hotel = ENTRY.replace("with ESMTPS", "with ESMTPSA")
    assert seen_in(relay, found_by(ALIGNED), FROM, TO) is None
    assert seen_in(hotel, found_by(ALIGNED), FROM, TO) is None
    behind = seen_in(relay, ENTRY, found_by(ALIGNED), FROM, TO)
    assert behind is not None
    assert behind.sender == SEEN


def test_without_a_believed_server_and_among_strangers_nothing_is_seen() -> None:
    fields = (ENTRY, found_by(ALIGNED), FROM, TO)
    assert seen_in(*fields, organisation=replace(HARBOR, authserv_ids=frozenset())) is None
    assert seen_in(*fields, organisation=replace(HARBOR, shared=True)) is None


def test_a_name_that_leads_nowhere_is_none() -> None:
    unnamed = f"Received: from {CRM[0]} (unknown [{CRM[1]}]) {BY_US}"
    seen = seen_in(unnamed, found_by(SIGNED), FROM, TO)
    assert seen is not None
    assert seen.sender.name == ""


# --- what ends that the senders are a closed set -------------------------------------------------

PAIR = (CRM[1], "harbor.example")
REFUSED = HostsView(spf={PAIR: "fail"}, policies={"harbor.example": SenderPolicy("harbor.example", True)})


def contradicts(*fields: str, hosts: HostsView = REFUSED) -> bool:
    seen = seen_in(*fields)
    assert seen is not None
    found = tuple(observed.contradicting((seen,), hosts))
    assert found in ((), (OutsideSender("harbor.example", CRM[1], CRM[0], DAY),))
    return bool(found)


def test_our_signature_from_a_machine_that_our_policy_refuses_contradicts_it() -> None:
    assert contradicts(ENTRY, found_by(f"{FOREIGN}; {SIGNED}; {ALIGNED}"), WITHIN, FROM, TO)


@pytest.mark.parametrize(
    "fields",
    [
        (ENTRY, found_by(ALIGNED), WITHIN, FROM, TO),
        (ENTRY, found_by(f"{ENVELOPE}; {SIGNED}"), FROM, TO),
        (ENTRY, found_by(SIGNED), FARTHER, FROM, TO),
        (ENTRY, found_by(SIGNED), WITHIN, FARTHER, FROM, TO),
        (ENTRY, found_by(SIGNED), FARTHER.replace("mail.far.example (", "out2.crm.example (unknown "), FROM, TO),
        (ENTRY, found_by(SIGNED), FROM, "To: quay-list@lists.example"),
        (ENTRY, found_by(SIGNED), "From: ann@news.harbor.example", TO),
    ],
    ids=[
        "DMARC alone",
        "SPF passes",
        "handed on",
        "handed on within",
        "handed on by who only calls himself so",
        "written to a list",
        "of a sub-domain",
    ],
)  # fmt: skip
def test_what_may_have_come_another_way_contradicts_nothing(fields: tuple[str, ...]) -> None:
    assert not contradicts(*fields)


@pytest.mark.parametrize("word", ["pass", "provider"])
def test_a_machine_that_the_policy_names_contradicts_nothing(word: str) -> None:
    assert not contradicts(ENTRY, found_by(SIGNED), FROM, TO, hosts=HostsView(spf={PAIR: word}))


def test_while_nobody_answers_nothing_is_contradicted() -> None:
    fields = (ENTRY, found_by(SIGNED), FROM, TO)
    assert not contradicts(*fields, hosts=HostsView())
    published = {"harbor.example": SenderPolicy("harbor.example", False)}
    assert contradicts(*fields, hosts=HostsView(policies=published)), (
        "no policy: the configuration is the set"
    )


# --- what it means for a returned mail -----------------------------------------------------------

COMPLETE = replace(HARBOR, senders_complete=True)
FOUND = frozenset({"closed_senders", "handed_over", "campaign", "measured", "strange_way"})


def about(
    peer: str, ip: str, *, desk: Desk = FULL, senders: tuple[ObservedSender, ...] = (SEEN,)
) -> ways.Standing:
    notice = report(mail(taken_in(peer, ip)))
    known = replace(desk.known(notice), observed=evidence.places(senders))
    found = ways.sender_of(notice, known)
    assert found is not None
    return ways.standing(notice, found, known)


def test_the_machine_itself_is_no_stranger() -> None:
    assert about(*CRM, senders=()) is ways.Standing.STRANGER
    assert about(*CRM) is ways.Standing.OBSERVED
    assert about("unknown", CRM[1]) is ways.Standing.OBSERVED


def test_nor_is_one_beside_it_of_the_same_registered_domain() -> None:
    assert about("out2.crm.example", "198.51.100.78") is ways.Standing.OBSERVED
    assert about("out2.crm.example", "100.24.0.78") is STRANGER
    assert about("out2.elsewhere.example", "198.51.100.78") is STRANGER
    assert about("unknown", "198.51.100.78") is STRANGER
    nameless = replace(SEEN, name="")
    assert about("out2.crm.example", "198.51.100.78", senders=(nameless,)) is STRANGER


STRANGER = ways.Standing.STRANGER


@pytest.mark.parametrize(
    "desk", [FULL, replace(FULL, organisation=COMPLETE, dns=OPEN)], ids=["policy", "word"]
)
def test_it_protects_and_proves_nothing(desk: Desk) -> None:
    notice = report(mail(taken_in(*CRM)))
    known = desk.known(notice)
    before = {one.rule for one in evidence.gather(notice, known)}
    after = evidence.gather(notice, replace(known, observed=evidence.places((SEEN,))))
    assert "closed_senders" in before
    assert FOUND.isdisjoint({one.rule for one in after})
    assert not any(one.rule == "sender_policy" for one in after)


def test_proven_mail_from_an_observed_machine_still_contradicts_the_closed_set() -> None:
    """That it was seen sending for us makes it no part of the set."""
    notice = report(taken_in_field(CRM) + signed(mail(to=BOB)))
    known = replace(FULL.known(notice), observed=evidence.places((SEEN,)), habits=Habits())
    lesson = evidence.lesson(notice, known, evidence.gather_first(notice, known))
    assert lesson.outside is not None
    assert lesson.outside.ip == CRM[1]


def taken_in_field(machine: tuple[str, str]) -> bytes:
    return f"Received: {taken_in(*machine)}\r\n".encode()


# --- what others report --------------------------------------------------------------------------


def test_a_report_counts_if_its_origin_is_authentic() -> None:
    author = "From: reports@far.example"
    passes = "dmarc=pass header.from=far.example"
    assert observed.is_authentic(arrived(ENTRY, found_by(passes), author), HARBOR)
    assert not observed.is_authentic(arrived(ENTRY, FARTHER, found_by(passes), author), HARBOR)
    assert not observed.is_authentic(arrived(ENTRY, found_by(ALIGNED), author), HARBOR)
    assert not observed.is_authentic(arrived(ENTRY, found_by(passes, "mx.far.example"), author), HARBOR)
    assert not observed.is_authentic(arrived(ENTRY, found_by(passes), author, FROM), HARBOR)


def test_what_is_reported_about_others_or_ourselves_is_left_out() -> None:
    ip = next(iter(HARBOR.relay_networks)).network_address
    other = arrived(ENTRY, FROM).hops[0].ip
    assert other is not None
    seen = observed.as_reported("harbor.example", other, DAY, HARBOR)
    assert seen == ObservedSender("harbor.example", CRM[1], "", DAY, DAY, by=SeenBy.DMARC)
    assert observed.as_reported("far.example", other, DAY, HARBOR) is None
    assert observed.as_reported("harbor.example", ip, DAY, HARBOR) is None


def test_a_machine_seen_twice_is_told_once() -> None:
    later = replace(SEEN, name="", first_day=date(2026, 11, 5), last_day=date(2026, 11, 5))
    [one] = observed.together((SEEN, later))
    assert (one.name, one.first_day, one.last_day) == (CRM[0], DAY, date(2026, 11, 5))
