"""Keys that nobody configured: found in DNS while mailboxes are cleaned, remembered, and never needed to stay safe."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cleaner.lookups import Dns
from cleaner.service.check import Level, check
from cleaner.service.classify import classify
from cleaner.service.explain import judge_for
from cleaner.service.scan import MailboxScan, ScanRequest
from cleaner.values import DkimKey
from tests.lookups.nameserver import NameServer, serving
from tests.service.hands import ANN, Hands

NAME = "demo._domainkey.harbor.example"
PHONE = "Running late"
"""The mail of the demo that left no copy in Sent, but was signed."""


@pytest.fixture
def keyless(hands: Hands) -> Iterator[tuple[Hands, NameServer]]:
    """The demo without a key in its configuration; its name server publishes the key."""
    (harbor,) = hands.app.context.settings.organisations
    (key,) = harbor.dkim_keys
    with serving({NAME: (key.record,)}) as server:
        hands.put(replace(hands.app.context.settings, organisations=(replace(harbor, dkim_keys=()),)))
        dns = Dns(timedelta(seconds=0.5), [server.address])
        hands.app.context = replace(hands.app.context, dns=dns)
        hands.opt_in(ANN)
        yield hands, server


def is_proven_by_signature(result: MailboxScan) -> bool:
    (line,) = (line for line in result.lines if line["returned"]["subject"] == PHONE)
    return "dkim_ours" in {found["rule"] for found in line["evidence"] if found["side"] == "genuine"}


def test_a_key_in_dns_proves_and_is_remembered_when_it_rotates(keyless: tuple[Hands, NameServer]) -> None:
    hands, server = keyless
    (first,) = hands.scan()
    assert is_proven_by_signature(first)
    ours = {name for name in server.asked if name.endswith("harbor.example")}
    assert ours == {NAME, "harbor.example", "_dmarc.harbor.example"}
    server.zone.clear()
    hands.now += timedelta(days=3)
    (again,) = hands.scan(ScanRequest(since=hands.now - timedelta(days=20)))
    assert is_proven_by_signature(again)


@pytest.mark.parametrize("records", [None, "SERVFAIL", "NXDOMAIN"])
def test_without_the_network_nothing_is_removed_that_would_else_stay(
    keyless: tuple[Hands, NameServer], records: str | None
) -> None:
    hands, server = keyless
    server.zone[NAME] = records
    (result,) = hands.scan()
    assert not is_proven_by_signature(result)
    (line,) = (line for line in result.lines if line["returned"]["subject"] == PHONE)
    assert line["verdict"] != "backscatter"
    assert result.error is None


def test_a_dry_run_asks_and_remembers_nothing(keyless: tuple[Hands, NameServer]) -> None:
    hands, _ = keyless
    (result,) = hands.scan(ScanRequest(dry_run=True))
    assert is_proven_by_signature(result)
    assert hands.app.context.store.keys.of(["harbor.example"]) == ()
    assert hands.app.context.store.dns.states(["harbor.example"]) == ()


def test_files_are_judged_by_the_archive_alone(keyless: tuple[Hands, NameServer]) -> None:
    hands, server = keyless
    context = hands.app.context
    judge = judge_for(context, context.settings.mailbox(ANN))
    inbox = Path(hands.maildir(ANN))

    def rules() -> set[str]:
        lines = [line for line in classify(judge, [inbox]) if line["returned"]["subject"] == PHONE]
        return {found["rule"] for line in lines for found in line["evidence"]}

    assert "dkim_ours" not in rules()
    hands.scan()
    asked = len(server.asked)
    assert "dkim_ours" in rules()
    assert len(server.asked) == asked


def test_configured_keys_are_remembered_and_new_keys_reopen_what_was_unsure(hands: Hands) -> None:
    hands.opt_in(ANN)
    mailbox = hands.app.context.settings.mailbox(ANN)
    before = hands.app.context.knowledge(mailbox)
    hands.scan()
    (key,) = hands.app.context.settings.organisations[0].dkim_keys
    assert hands.app.context.store.keys.of(["harbor.example"]) == (key,)
    assert hands.app.context.knowledge(mailbox) != before
    known = hands.app.context.knowledge(mailbox)
    hands.app.context.store.keys.remember([DkimKey("far.example", "x", key.record)], hands.now, "dns")
    assert hands.app.context.knowledge(mailbox) == known, "a stranger's key is no knowledge of ours"


def test_the_demo_asks_nobody(hands: Hands) -> None:
    assert hands.app.context.dns is None


@pytest.mark.parametrize(("records", "level"), [(None, Level.NOTE), ("NXDOMAIN", Level.OK)])
def test_check_says_whether_dns_answers(hands: Hands, records: str | None, level: Level) -> None:
    with serving({"_domainkey.harbor.example": records}) as server:
        dns = Dns(timedelta(seconds=0.3), [server.address])
        findings = check(replace(hands.app.context, dns=dns))
        (finding,) = [finding for finding in findings if finding.subject == "lookups"]
    assert finding.level is level


def test_check_says_nothing_of_lookups_that_are_turned_off(hands: Hands) -> None:
    assert "lookups" not in {finding.subject for finding in check(hands.app.context)}
