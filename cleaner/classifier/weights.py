"""
What each finding weighs, in nats of log-odds towards its side, at full strength.

A strength of one is reached where a rule is sure of what it saw; the rule says how much of it is there. `TELLING`
are the findings about where the mail came from: without one of them nothing is ever removed, whatever the
others add up to, because form, wording and absence alone must never suffice.
"""

from __future__ import annotations

from typing import Final

from cleaner.values import Evidence, Side

WEIGHTS: Final = {
    ("handed_over", Side.GENUINE): 4.0,
    ("handed_over", Side.BACKSCATTER): 2.6,
    ("strange_way", Side.BACKSCATTER): 1.7,
    ("sent_subject", Side.GENUINE): 4.0,
    ("conversation", Side.GENUINE): 2.0,
    ("written_before", Side.GENUINE): 1.5,
    ("fake_report", Side.BACKSCATTER): 4.0,
    ("batv", Side.BACKSCATTER): 1.5,
    ("dkim_broken", Side.BACKSCATTER): 0.8,
    ("unsigned", Side.BACKSCATTER): 2.0,
    ("not_in_record", Side.BACKSCATTER): 1.0,
    ("foreign_id", Side.BACKSCATTER): 0.6,
    ("never_written", Side.BACKSCATTER): 0.5,
    ("foreign_author", Side.BACKSCATTER): 0.8,
    ("burst", Side.BACKSCATTER): 0.6,
    ("blocklisted", Side.BACKSCATTER): 0.6,
    ("sender_policy", Side.GENUINE): 1.5,
    ("sender_policy", Side.BACKSCATTER): 0.4,
    ("manner", Side.BACKSCATTER): 0.6,
    ("manner", Side.GENUINE): 0.2,
}

TELLING: Final = frozenset((("handed_over", Side.BACKSCATTER), ("fake_report", Side.BACKSCATTER)))

REMOVE: Final = 3.0
"""The score from which a notice is backscatter: twenty to one."""

KEEP: Final = -1.5
"""The score below which a notice is genuine without a proof."""


def weight_of(evidence: Evidence) -> float:
    """The weight of one finding; unknown rules and neutral findings weigh nothing."""
    return WEIGHTS.get((evidence.rule, evidence.side), 0.0) * evidence.strength
