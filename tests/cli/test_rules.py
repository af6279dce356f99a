"""`rules` prints every format and rule with where it comes from."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from cleaner.evidence import catalogue
from cleaner.notices import FORMATS

Run = Callable[..., Any]


def test_every_format_and_rule_is_listed_in_80_columns(run: Run) -> None:
    ran = run("rules")
    assert ran.code == 0, ran.err
    assert all(len(line) <= 80 for line in ran.out.splitlines())
    for name in (*(form.name for form in FORMATS), *(rule.name for rule in catalogue())):
        assert name in ran.out
    assert "RFC 3464" in ran.out


def test_listed_for_programs_there_is_json_alone(run: Run) -> None:
    found = [json.loads(line) for line in run("rules", "--format", "jsonl").out.splitlines()]
    assert [one["format"] for one in found if "format" in one] == [form.name for form in FORMATS]
    assert {one["rule"] for one in found if "rule" in one} == {rule.name for rule in catalogue()}
    (one,) = [json.loads(line) for line in run("rules", "burst", "--format", "jsonl").out.splitlines()]
    assert one["rule"] == "burst"


def test_a_rule_has_a_page_of_its_own(run: Run) -> None:
    ran = run("rules", "handed_over")
    assert ran.code == 0
    assert "RFC 5321 section 4.4" in ran.out
    assert "Its weight for backscatter: at most 1.0." in ran.out


def test_a_proof_says_that_it_needs_no_weight(run: Run) -> None:
    assert "It settles the matter" in run("rules", "dkim_ours").out


def test_a_rule_that_is_none_is_told_of(run: Run) -> None:
    ran = run("rules", "handed_ovr")
    assert ran.code == 2
    assert "did you mean handed_over?" in ran.err
