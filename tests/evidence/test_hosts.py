"""What the outside says of hosts is weak on both sides, and asked only of hosts that are not ours."""

from __future__ import annotations

from dataclasses import replace

from cleaner import evidence
from cleaner.classifier import judge
from cleaner.values import Evidence, HostsView, Notice, Opinion, Side
from tests.evidence.scene import (
    EMPTY,
    FROM_RELAY,
    FROM_STRANGER,
    HARBOR,
    NOBODY,
    mail,
    report,
)

STRANGER, REPORTER = "198.51.100.66", "198.51.100.9"
SPAM = report(mail(FROM_STRANGER))
GENUINE = report(mail(FROM_RELAY))


def found(notice: Notice, hosts: HostsView, rule: str) -> Evidence | None:
    known = replace(EMPTY.known(notice), hosts=hosts)
    return next((one for one in evidence.gather(notice, known) if one.rule == rule), None)


def test_asked_are_strangers_and_reporters_and_what_they_sent_for() -> None:
    question = evidence.wanted_hosts((SPAM, GENUINE), EMPTY.known(SPAM))
    assert question.ips == {STRANGER, REPORTER}
    assert question.senders == {(STRANGER, "harbor.example"), (REPORTER, "harbor.example")}
    assert question.sites == ((STRANGER, "far.example"),)
    assert question.domains == {"harbor.example"}


def test_a_listed_sender_counts_more_than_a_listed_reporter() -> None:
    sender = found(SPAM, HostsView({STRANGER: ("bl.example",)}), "blocklisted")
    reporter = found(SPAM, HostsView({REPORTER: ("ips.backscatterer.example",)}), "blocklisted")
    assert sender is not None
    assert reporter is not None
    assert sender.strength > reporter.strength
    assert found(SPAM, HostsView({"198.51.100.67": ("bl.example",)}), "blocklisted") is None


def test_our_own_relay_may_stand_on_any_list() -> None:
    assert found(GENUINE, HostsView({"192.0.2.10": ("bl.example",)}), "blocklisted") is None


def test_a_policy_speaks_for_a_host_and_a_providers_for_nobody() -> None:
    key = (STRANGER, "harbor.example")
    results = {
        word: found(SPAM, HostsView(spf={key: word}), "sender_policy")
        for word in ("pass", "provider", "fail")
    }
    assert {word for word, one in results.items() if one is not None} == {"pass"}
    assert results["pass"] is not None
    assert results["pass"].side is Side.GENUINE
    assert found(GENUINE, HostsView(spf={("192.0.2.10", "harbor.example"): "pass"}), "sender_policy") is None


def test_a_domain_that_anybody_may_use_is_not_asked_about() -> None:
    shared = replace(EMPTY.known(SPAM), organisation=replace(HARBOR, domains=frozenset({"gmail.com"})))
    question = evidence.wanted_hosts([SPAM], shared)
    assert (question.senders, question.domains) == (frozenset(), frozenset())


def test_of_a_foreign_author_the_policy_of_the_address_that_the_report_came_to_is_asked() -> None:
    foreign = report(mail(FROM_STRANGER, author="eve@sea.example"))
    question = evidence.wanted_hosts([foreign], EMPTY.known(foreign))
    assert (STRANGER, "harbor.example") in question.senders
    assert {domain for _, domain in question.senders} == {"harbor.example"}


def test_lists_and_policies_alone_remove_nothing() -> None:
    """Even where all of them speak against a mail: the network must not be able to take anything away."""
    every = HostsView({STRANGER: ("a", "b"), REPORTER: ("a", "b")}, {(STRANGER, "harbor.example"): "fail"})
    known = replace(EMPTY.known(SPAM), hosts=every, organisation=NOBODY)
    verdict = judge(SPAM, evidence.gather(SPAM, known))
    assert "blocklisted" in {one.rule for one in verdict.evidence}
    assert verdict.opinion is Opinion.UNSURE
