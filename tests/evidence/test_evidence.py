"""The rules are found by being there, explain themselves, and their order does not matter."""

from __future__ import annotations

import random

import pytest

from cleaner import evidence
from cleaner.values import Kind, Known, Notice, Organisation, Owner, Side
from tests.evidence.scene import BY_RELAY, FROM_RELAY, FROM_STRANGER, FULL, WITH_IT, mail, report, signed


@pytest.mark.parametrize("rule", evidence.catalogue(), ids=lambda rule: rule.name)
def test_every_rule_says_what_it_is_about_and_whence_it_knows(rule: evidence.RuleInfo) -> None:
    assert rule.summary.endswith(".")
    assert rule.source
    assert isinstance(rule.side, Side)


def test_every_finding_quotes_the_mail_and_gives_a_reason() -> None:
    for notice in (report(signed(mail(FROM_RELAY, BY_RELAY))), report(mail(FROM_STRANGER))):
        for found in evidence.gather(notice, FULL.known(notice)):
            assert found.seen
            assert "\n" not in found.seen
            assert found.reason.endswith(".")
            assert 0 < found.strength <= 1


def test_a_rule_can_be_left_out() -> None:
    notice = report(mail(FROM_RELAY, BY_RELAY))
    known = WITH_IT.known(notice)
    whole = evidence.gather(notice, known)
    assert "sent_record" in {found.rule for found in whole}
    rest = evidence.gather(notice, known, without=frozenset({"sent_record"}))
    assert rest == tuple(found for found in whole if found.rule != "sent_record")


def test_shuffled_findings_give_the_same_verdict() -> None:
    from cleaner import classifier

    notice = report(mail(FROM_STRANGER, FROM_RELAY, BY_RELAY))
    found = list(evidence.gather(notice, FULL.known(notice)))
    first = classifier.judge(notice, found)
    for seed in range(10):
        random.Random(seed).shuffle(found)
        assert classifier.judge(notice, found) == first


def test_a_notice_that_says_nothing_is_judged_without_a_finding_against_us() -> None:
    notice = Notice(Kind.NDR)
    found = evidence.gather(notice, FULL.known(notice))
    assert all(one.side is not Side.BACKSCATTER for one in found)


def test_the_question_holds_what_the_notice_mentions() -> None:
    notice = report(mail(FROM_RELAY), failed="bob+x@far.example", originally="list@far.example")
    asked = evidence.question((notice,))
    assert notice.returned.message_id in asked.message_ids
    assert {"bob+x@far.example", "list@far.example", "bob@far.example"} <= asked.addresses
    assert "Offer for the quay" in asked.subjects


def test_where_nobody_is_known_no_name_is_another_than_yours() -> None:
    notice = report(mail(FROM_STRANGER, author="eve@else.example"))
    nobody = Known(Organisation(""), Owner(""))
    assert all(one.side is not Side.BACKSCATTER for one in evidence.gather(notice, nobody))
    for somebody in (
        Known(Organisation("", domains=frozenset({"harbor.example"})), Owner("")),
        Known(Organisation(""), Owner("", frozenset({"ann@home.example"}))),
    ):
        assert "foreign_author" in {one.rule for one in evidence.gather(notice, somebody)}
