"""Who sends for us: asked and remembered while mailboxes are cleaned, asked for files only where that is wanted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from cleaner.config import LookupSettings
from cleaner.lookups import Dns
from cleaner.service.explain import judge_for, judge_for_organisation
from cleaner.service.scan import ScanRequest
from cleaner.values import HostQuestion, HostsView
from tests.lookups.nameserver import NameServer, serving
from tests.service.hands import ANN, Hands

DOMAIN = "harbor.example"
OWN, STRANGER = "192.0.2.10", "198.51.100.66"
QUESTION = HostQuestion(
    senders=frozenset(((OWN, DOMAIN), (STRANGER, DOMAIN))),
    sites=((STRANGER, "far.example"),),
    domains=frozenset((DOMAIN,)),
)
ZONE: dict[str, tuple[str, ...] | str | None] = {
    DOMAIN: (f"v=spf1 ip4:{OWN} -all",),
    f"_dmarc.{DOMAIN}": ("v=DMARC1; p=reject",),
    "far.example": ("v=spf1 ip4:198.51.100.66 -all",),
}
RESULTS = {(OWN, DOMAIN): "pass", (STRANGER, DOMAIN): "fail"}


@pytest.fixture
def asking(hands: Hands) -> Iterator[tuple[Hands, NameServer]]:
    with serving(ZONE) as server:
        dns = Dns(timedelta(seconds=5), [server.address])
        hands.app.context = replace(hands.app.context, dns=dns)
        hands.opt_in(ANN)
        yield hands, server


def found(hands: Hands, *, asks: bool) -> HostsView:
    context = hands.app.context
    judge = judge_for(context, context.settings.mailbox(ANN), asks=asks)
    assert judge.sources.hosts is not None
    return judge.sources.hosts.find(QUESTION)


def test_what_cleaning_asked_is_remembered_for_judging_files(asking: tuple[Hands, NameServer]) -> None:
    hands, server = asking
    view = found(hands, asks=False)
    assert (view.spf, view.policies, view.sites) == ({}, {}, {})
    assert server.asked == []
    hands.app.context.hosts(asks=True, remembers=True).find(QUESTION)
    asked = len(server.asked)
    later = found(hands, asks=False)
    assert later.spf == RESULTS
    assert later.policies[DOMAIN].since == hands.now
    assert later.sites == {}, "other people's domains are not remembered"
    assert len(server.asked) == asked


def test_files_are_judged_by_what_dns_answers_where_that_is_asked_for(
    asking: tuple[Hands, NameServer],
) -> None:
    hands, _ = asking
    assert found(hands, asks=True).spf == RESULTS
    assert found(hands, asks=True).sites == {(STRANGER, "far.example"): "spf"}
    organisation = judge_for_organisation(hands.app.context, "harbor", asks=True)
    assert organisation.sources.hosts is not None
    assert organisation.sources.hosts.find(QUESTION).spf == RESULTS
    assert hands.app.context.store.dns.states([DOMAIN]) == (), "who judges files writes nothing"


def test_a_scan_remembers_and_a_dry_run_does_not(asking: tuple[Hands, NameServer]) -> None:
    hands, _ = asking
    question = HostQuestion(domains=frozenset((DOMAIN,)))
    hands.app.context.hosts(asks=True, remembers=not ScanRequest(dry_run=True).only_looks).find(question)
    assert hands.app.context.store.dns.states([DOMAIN]) == ()
    hands.app.context.hosts(asks=True, remembers=not ScanRequest().only_looks).find(question)
    assert {state.kind for state in hands.app.context.store.dns.states([DOMAIN])} == {"TXT"}


@pytest.mark.parametrize(
    ("lookups", "is_asked"),
    [
        (LookupSettings(), {DOMAIN, f"_dmarc.{DOMAIN}", "far.example"}),
        (LookupSettings(sites=False), {DOMAIN, f"_dmarc.{DOMAIN}"}),
        (LookupSettings(spf=False), {"far.example"}),
        (LookupSettings(spf=False, sites=False), set()),
    ],
)
def test_the_configuration_says_what_is_asked(
    asking: tuple[Hands, NameServer], lookups: LookupSettings, is_asked: set[str]
) -> None:
    hands, server = asking
    hands.put(replace(hands.app.context.settings, lookups=lookups))
    hands.app.context.hosts(asks=True).find(QUESTION)
    assert set(server.asked) == is_asked


def test_unsure_notices_are_judged_anew_once_the_senders_are_closed(asking: tuple[Hands, NameServer]) -> None:
    hands, server = asking
    mailbox = hands.app.context.settings.mailbox(ANN)

    def stamp() -> str:
        """A day later, with what is published then."""
        hands.now += timedelta(days=1)
        dns = Dns(timedelta(seconds=5), [server.address])
        hands.app.context = replace(hands.app.context, dns=dns)
        hands.app.context.hosts(asks=True, remembers=True).find(QUESTION)
        return hands.app.context.knowledge(mailbox)

    nothing = hands.app.context.knowledge(mailbox)
    closed = stamp()
    server.zone[DOMAIN] = ("v=spf1 ip4:192.0.2.0/28 ~all",)
    other = stamp()
    server.zone[f"_dmarc.{DOMAIN}"] = ("v=DMARC1; p=none",)
    opened = stamp()
    assert closed == other
    assert len({nothing, closed, opened}) == 3


def test_without_dns_what_is_remembered_counts(asking: tuple[Hands, NameServer]) -> None:
    hands, _ = asking
    hands.app.context.hosts(asks=True, remembers=True).find(QUESTION)
    hands.app.context = replace(hands.app.context, dns=None)
    assert hands.app.context.hosts(asks=True).find(QUESTION).spf == RESULTS
