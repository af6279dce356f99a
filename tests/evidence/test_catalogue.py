"""Every rule says what it is about, whence it is known, and what its findings mean."""

from __future__ import annotations

from importlib import import_module

import pytest

from cleaner import evidence
from cleaner.classifier.weights import SPEAKS_FOR, WEIGHTS
from cleaner.values import Side

RULES = evidence.catalogue()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_has_a_summary_and_a_source(rule: evidence.RuleInfo) -> None:
    assert rule.summary.endswith(".")
    assert len(rule.source) > 10
    assert isinstance(rule.side, Side)
    reason = rule.text.partition("Source:")[0].partition("\n\n")[2]
    assert len(reason.split()) > 10, "why it speaks for its side, and how it can be wrong"
    assert callable(import_module(f"cleaner.evidence.rules.{rule.name}").check)


def test_there_are_at_least_a_dozen() -> None:
    assert len(RULES) >= 12
    assert [rule.name for rule in RULES] == sorted(evidence.names())


def test_weights_are_only_of_rules_that_exist() -> None:
    names = set(evidence.names())
    assert {rule for rule, _ in WEIGHTS} <= names
    assert {(rule, Side.GENUINE) for rule in SPEAKS_FOR} <= set(WEIGHTS)
    assert all(weight > 0 for weight in WEIGHTS.values())
