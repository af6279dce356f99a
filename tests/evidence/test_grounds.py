"""The grounds on which mail that lacks every proof may be removed, each with what ends it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from cleaner.evidence.habits import CAMPAIGN
from cleaner.evidence.likeness import likeness
from cleaner.evidence.rules import measured
from cleaner.evidence.rules.campaign import FEW, OPERATORS
from cleaner.lookups.recorded import Records
from cleaner.values import Ground, Notice, Opinion, OutsideSender, Share
from tests.evidence.scene import (
    BOB,
    CLOSED,
    FROM_RELAY,
    FROM_STRANGE_SERVER,
    FROM_STRANGER,
    FULL,
    HARBOR,
    OPEN,
    SENT_AT,
    Desk,
    mail,
    proven_reports,
    report,
    sent_mail,
    signed,
    taken_in,
)

SPAM_ID = "<spam.1@bulk.example>"
SPAM = report(mail(FROM_STRANGER, message_id=SPAM_ID))
OUTSIDE = ("out.newhost.example", "198.51.100.140")
BY_OUTSIDE = report(mail(taken_in(*OUTSIDE), message_id="<n1@newhost.example>"))
WORD = Desk(replace(HARBOR, senders_complete=True), FULL.sent, dns=OPEN)


def verdict(desk: Desk, notice: Notice) -> tuple[Opinion, Ground | None]:
    found = desk.judge(notice)
    return found.opinion, found.ground


REMOVED = (Opinion.BACKSCATTER, Ground.CLOSED)
KEPT = (Opinion.UNSURE, None)


# --- closed ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("published", "expected"),
    [
        (CLOSED, REMOVED),
        ({**CLOSED, "harbor.example": ["v=spf1 ip4:192.0.2.10 ip4:203.0.113.0/24 ~all"]}, REMOVED),
        ({**CLOSED, "_dmarc.harbor.example": ["v=DMARC1; p=quarantine"]}, REMOVED),
        ({**CLOSED, "_dmarc.harbor.example": ["v=DMARC1; p=none"]}, KEPT),
        ({**CLOSED, "_dmarc.harbor.example": ["v=DMARC1; p=reject; pct=50"]}, KEPT),
        ({**CLOSED, "harbor.example": ["v=spf1 ip4:192.0.2.10 ?all"]}, KEPT),
        ({**CLOSED, "harbor.example": ["v=spf1 ip4:192.0.2.10 ip4:96.0.0.0/6 -all"]}, KEPT),
        (OPEN, KEPT),
        ({}, KEPT),
        (None, KEPT),
    ],
    ids=["strict", "~all", "quarantine", "p=none", "pct=50", "?all", "wide", "open", "nothing", "silent"],
)
def test_a_strict_policy_closes_the_set_and_no_other_does(
    published: Records | None, expected: tuple[Opinion, Ground | None]
) -> None:
    assert verdict(replace(FULL, dns=published), SPAM) == expected


def test_the_administrators_word_closes_it_where_the_policy_leaves_it_open() -> None:
    assert verdict(WORD, SPAM) == REMOVED
    assert verdict(replace(WORD, organisation=replace(WORD.organisation, shared=True)), SPAM) == KEPT


def test_nobody_is_a_stranger_whom_the_policy_may_name_as_long_as_nobody_answers() -> None:
    assert verdict(replace(WORD, dns=None), SPAM) == KEPT


def test_where_nobody_may_be_asked_the_administrators_word_counts_by_the_configuration_alone() -> None:
    unasked = replace(WORD, may_ask=False)
    assert verdict(unasked, SPAM) == REMOVED
    assert verdict(replace(unasked, organisation=HARBOR), SPAM) == KEPT
    assert unasked.judge(BY_OUTSIDE).opinion is Opinion.UNSURE, (
        "a server with a name may be the recipient's filter"
    )
    nameless = report(signed(mail(taken_in("unknown", OUTSIDE[1]), message_id="<n3@mail.harbor.example>")))
    assert verdict(replace(unasked, among=(nameless,)), SPAM) == KEPT
    by_name_alone = replace(unasked.organisation, relay_networks=())
    assert verdict(replace(unasked, organisation=by_name_alone), SPAM) == KEPT


def test_a_host_that_the_policy_names_is_no_stranger_though_nobody_listed_it() -> None:
    named: Records = {**CLOSED, "harbor.example": [f"v=spf1 ip4:192.0.2.10 ip4:{OUTSIDE[1]} -all"]}
    assert FULL.judge(BY_OUTSIDE).opinion is Opinion.BACKSCATTER
    assert replace(FULL, dns=named).judge(BY_OUTSIDE).opinion is not Opinion.BACKSCATTER


def test_a_shared_provider_that_the_policy_names_proves_nothing_either_way() -> None:
    provider: Records = {
        **CLOSED,
        "harbor.example": ["v=spf1 include:spf.provider.example -all"],
        "spf.provider.example": [f"v=spf1 ip4:{OUTSIDE[1]} -all"],
    }
    found = replace(FULL, dns=provider).judge(BY_OUTSIDE)
    assert found.opinion is Opinion.UNSURE
    assert "sender_policy" not in {one.rule for one in found.evidence}


def proven_from_outside() -> Notice:
    """A mail of Ann's that her signature proves, handed over by a host that nothing lists."""
    return report(signed(mail(taken_in(*OUTSIDE), message_id="<n2@mail.harbor.example>")))


@pytest.mark.parametrize("desk", [FULL, WORD], ids=["policy", "word"])
def test_the_first_proof_of_a_host_outside_ends_the_claim(desk: Desk) -> None:
    assert verdict(desk, SPAM) == REMOVED
    assert verdict(replace(desk, among=(proven_from_outside(),)), SPAM) == KEPT
    remembered = OutsideSender("harbor.example", OUTSIDE[1], OUTSIDE[0], SENT_AT.date())
    assert verdict(replace(desk, outside=(remembered,)), SPAM) == KEPT


def test_once_the_host_is_listed_or_published_the_claim_holds_again() -> None:
    desk = replace(FULL, outside=(OutsideSender("harbor.example", OUTSIDE[1]),))
    named: Records = {**CLOSED, "harbor.example": [f"v=spf1 ip4:192.0.2.10 ip4:{OUTSIDE[1]} -all"]}
    assert verdict(desk, SPAM) == KEPT
    assert verdict(replace(desk, dns=named), SPAM) == REMOVED


def test_a_forwarder_of_proven_mail_contradicts_nothing() -> None:
    """Proven, and handed over by a host outside: but for somebody that the mail was not written to."""
    line = taken_in("fwd.alumni.example", "198.51.100.30", to=BOB)
    forwarded = report(signed(mail(line, to="bob@alumni.example", message_id="<n3@mail.harbor.example>")))
    assert verdict(replace(FULL, among=(forwarded,)), SPAM) == REMOVED


def test_what_came_to_another_account_is_not_judged_by_our_senders() -> None:
    elsewhere = report(
        mail(FROM_STRANGER, author="ann@freemail.example", message_id=SPAM_ID), to="ann@freemail.example"
    )
    assert verdict(FULL, elsewhere) == KEPT
    here = report(mail(FROM_STRANGER, author="ann@freemail.example", message_id=SPAM_ID))
    assert verdict(FULL, here) == REMOVED


def test_where_somebody_signed_in_the_host_that_reports_is_the_one_that_sent() -> None:
    """A new server of ours reports about its own client: its address counts, not the client's line."""
    line = (
        "from laptop (host-7.dyn.isp.example [198.51.100.77]) by mx.newhost.example (Postfix) "
        f"with ESMTPSA id 44DD for <{BOB}>; Mon, 02 Nov 2026 09:00:30 +0000"
    )
    own = report(mail(line, message_id=SPAM_ID), reporter="mx.newhost.example")
    named: Records = {**CLOSED, "harbor.example": ["v=spf1 ip4:192.0.2.10 ip4:198.51.100.9 -all"]}
    assert verdict(FULL, own) == REMOVED
    assert replace(FULL, dns=named).judge(own).opinion is not Opinion.BACKSCATTER


def test_a_web_form_on_a_strangers_host_goes_and_on_ours_stays() -> None:
    line = "by web3.hoster.example (Postfix, from userid 1003) id 55EE; Mon, 02 Nov 2026 09:00:30 +0000"
    form = report(mail(line, message_id=SPAM_ID), reporter="web3.hoster.example")
    listed = replace(FULL, organisation=replace(HARBOR, relay_names=frozenset({"web3.hoster.example"})))
    named: Records = {**CLOSED, "harbor.example": ["v=spf1 ip4:192.0.2.10 ip4:198.51.100.9 -all"]}
    assert verdict(FULL, form) == REMOVED
    assert listed.judge(form).opinion is not Opinion.BACKSCATTER
    assert replace(FULL, dns=named).judge(form).opinion is not Opinion.BACKSCATTER


GATEWAY = ("mx9.sieve.example", "198.51.100.190")
BEHIND: Records = {
    **CLOSED,
    "far.example": {"MX": ["10 mx9.sieve.example"]},
    "mx9.sieve.example": {"A": [GATEWAY[1]]},
}


def filtered(*below: str) -> Notice:
    return report(mail(taken_in(*GATEWAY), *below, message_id=SPAM_ID))


def test_a_gateway_of_the_recipients_is_looked_through_to_who_handed_the_mail_to_it() -> None:
    desk = replace(FULL, dns=BEHIND)
    by_stranger = taken_in("unknown", "198.51.100.66", helo="pc-66.example", by="in3.sieve.example")
    by_us = taken_in("mx1.harbor.example", "192.0.2.10", by="in3.sieve.example")
    assert verdict(desk, filtered(by_stranger)) == REMOVED
    assert desk.judge(filtered(by_us)).opinion is not Opinion.BACKSCATTER
    assert verdict(desk, filtered()) == KEPT, "a gateway that writes no line hides who was before it"


def test_who_is_no_exchanger_of_the_recipients_is_not_looked_through() -> None:
    chain = filtered(taken_in("mx1.harbor.example", "192.0.2.10", by="in3.elsewhere.example"))
    assert verdict(FULL, chain) == REMOVED


# --- campaign ----------------------------------------------------------------------------------------


def flood(
    count: int, *, minutes: int = 2, peer: str = "unknown", network: int = 1, day: int = 0
) -> Iterator[Notice]:
    """Notices about mails from so many networks, each by a machine of its own."""
    for number in range(count):
        ip = f"198.{18 + number % 2}.{number * network % 250}.{10 + number}"
        line = taken_in(peer, ip, helo=f"win-{number}")
        when = SENT_AT + timedelta(days=day, minutes=5 + minutes * number % 300)
        yield report(mail(line, message_id=f"<s{number}.{day}@bulk.example>"), received=when)


def among(notices: Iterable[Notice]) -> Desk:
    return Desk(HARBOR, FULL.sent, among=tuple(notices), dns=OPEN)


def test_many_strangers_on_many_networks_within_hours_are_a_campaign() -> None:
    assert verdict(among(flood(OPERATORS)), SPAM) == (Opinion.BACKSCATTER, Ground.CAMPAIGN)
    assert verdict(among(flood(OPERATORS - 2)), SPAM) == KEPT


@pytest.mark.parametrize(
    "others",
    [
        tuple(flood(60, network=0)),
        tuple(flood(60, peer="mail.elsewhere.example")),
        tuple(n for day in range(8) for n in flood(6, day=2 + day)),
    ],
    ids=["from two networks", "by one operator's servers", "over a week"],
)
def test_few_networks_named_servers_or_many_days_are_none(others: tuple[Notice, ...]) -> None:
    assert verdict(among(others), SPAM) == KEPT


def test_within_a_campaign_a_server_with_a_name_stays_and_so_does_what_speaks_for_us() -> None:
    desk = among(flood(60))
    assert verdict(desk, report(mail(FROM_STRANGE_SERVER, message_id=SPAM_ID))) == KEPT
    before = replace(desk, sent=(*desk.sent, sent_mail(900, subject="Another")))
    assert verdict(before, SPAM) == KEPT
    assert desk.judge(report(mail(FROM_RELAY, message_id=SPAM_ID))).opinion is Opinion.GENUINE


def test_a_machine_that_was_seen_at_other_times_is_of_no_campaign() -> None:
    """A server of ours that nobody listed, without a name: its mail comes back on other days, too."""
    earlier = report(
        mail(FROM_STRANGER, message_id="<e1@newhost.example>"), received=SENT_AT - timedelta(days=3)
    )
    assert verdict(among((*flood(60), earlier)), SPAM) == KEPT
    around = (
        report(
            mail(taken_in("unknown", f"198.51.100.{n}", helo="x"), message_id=f"<a{n}@newhost.example>"),
            received=SENT_AT + timedelta(minutes=n),
        )
        for n in range(100, 100 + FEW)
    )
    assert verdict(among((*flood(60), *around)), SPAM) == KEPT


def test_the_window_of_a_campaign_reaches_hours_and_not_a_day() -> None:
    late = replace(SPAM, received=SENT_AT + CAMPAIGN + timedelta(hours=6))
    assert verdict(among(flood(60)), late) == KEPT


# --- measured ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "is_bounded"),
    [
        (Share(2_994, 2_994), False),
        (Share(2_995, 2_995), True),
        (Share(5_000, 5_001), False),
        (Share(), False),
    ],
)
def test_three_thousand_proven_mails_without_a_counterexample_bound_one_in_a_thousand(
    share: Share, is_bounded: bool
) -> None:
    assert measured.is_bounded(share) is is_bounded


def test_two_dozen_proven_mails_measure_nothing() -> None:
    assert verdict(replace(FULL, dns=OPEN, among=proven_reports()), SPAM) == KEPT


# --- taught ------------------------------------------------------------------------------------------


class Labels:
    """What an administrator said of the group that a notice belongs to."""

    def __init__(self, notice: Notice, truth: Opinion) -> None:
        self._said = {likeness(notice): truth}

    def taught(self, groups: frozenset[str]) -> Mapping[str, Opinion]:
        return {group: truth for group, truth in self._said.items() if group in groups}


OTHER = "You have won the lottery of the seas"


def test_a_label_settles_its_group_and_no_other() -> None:
    labelled = report(mail(FROM_STRANGER, message_id=SPAM_ID, subject=OTHER))
    line = taken_in("unknown", "198.51.100.71", helo="win-71", by="mx.sea.example")
    alike = report(mail(line, message_id="<spam.2@bulk.example>", subject=OTHER), reporter="mx.sea.example")
    by_server = report(mail(FROM_STRANGE_SERVER, message_id="<spam.3@bulk.example>", subject=OTHER))
    desk = replace(FULL, dns=OPEN, teachings=Labels(labelled, Opinion.BACKSCATTER))
    assert verdict(desk, alike) == (Opinion.BACKSCATTER, Ground.TAUGHT)
    assert (
        verdict(desk, report(mail(FROM_STRANGER, message_id=SPAM_ID, subject="A quite different one")))
        == KEPT
    )
    assert verdict(desk, by_server) == KEPT, "a server with a name may be a service that nobody told us of"
    assert verdict(replace(desk, teachings=None), alike) == KEPT


def test_a_label_for_genuine_keeps_a_group_where_a_stranger_would_go() -> None:
    assert verdict(FULL, SPAM) == REMOVED
    assert (
        replace(FULL, teachings=Labels(SPAM, Opinion.GENUINE)).judge(SPAM).opinion is not Opinion.BACKSCATTER
    )


def test_a_label_does_not_reach_what_is_proven_nor_a_subject_that_the_owner_writes() -> None:
    proven = report(signed(mail(FROM_STRANGE_SERVER, subject=OTHER)))
    desk = replace(FULL, dns=OPEN, teachings=Labels(proven, Opinion.BACKSCATTER))
    assert desk.judge(proven).opinion is Opinion.GENUINE
    unproven = report(mail(FROM_STRANGER, message_id=SPAM_ID, subject=OTHER))
    assert verdict(desk, unproven) == (Opinion.BACKSCATTER, Ground.TAUGHT)
    writes = sent_mail(901, to=("carl@sea.example",), subject=OTHER)
    assert verdict(replace(desk, sent=(*desk.sent, writes)), unproven) == KEPT


# --- a signature that cannot be checked -----------------------------------------------------------------


def claimed(selector: str) -> Notice:
    field = (
        f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=harbor.example; s={selector}; "
        "h=from:to:subject:date:message-id; bh=AAAA; b=AAAA"
    )
    return report(mail(FROM_STRANGER, message_id=SPAM_ID, fields=(field,)))


def test_a_signature_whose_key_nobody_tells_holds_the_removal() -> None:
    """`Desk` asks no key source: so the key is unknown, unlike that of the configured selector."""
    found = FULL.judge(claimed("s2"))
    assert (found.opinion, found.ground) == KEPT
    assert "unchecked_signature" in {one.rule for one in found.evidence}
    assert verdict(FULL, claimed("s1")) == REMOVED


def test_a_selector_that_never_was_is_as_good_as_no_signature_unless_proven_mail_bears_it() -> None:
    notice = claimed("s2")
    known = replace(FULL.known(notice), absent_keys=frozenset({("harbor.example", "s2")}))
    from cleaner import classifier, evidence

    assert classifier.judge(notice, evidence.gather(notice, known)).opinion is Opinion.BACKSCATTER
    bearing = replace(
        known, habits=replace(known.habits, selectors=frozenset({"s2._domainkey.harbor.example"}))
    )
    assert classifier.judge(notice, evidence.gather(notice, bearing)).opinion is Opinion.UNSURE
