"""
What each finding weighs, in nats of log-odds towards its side, at full strength.

A strength of one is reached where a rule is sure of what it saw; the rule says how much of it is there. The sum decides
within a ground for removal (`values.Ground`), never in the place of one: form, wording and absence alone, whatever they
add up to, may have a service that nobody told us of as their one cause.
"""

from __future__ import annotations

from typing import Final

from cleaner.values import Evidence, Ground, Side

WEIGHTS: Final = {
    ("taught", Side.BACKSCATTER): 9.0,
    ("taught", Side.GENUINE): 9.0,
    ("closed_senders", Side.BACKSCATTER): 4.0,
    ("campaign", Side.BACKSCATTER): 3.5,
    ("measured", Side.BACKSCATTER): 4.0,
    ("fake_report", Side.BACKSCATTER): 4.0,
    ("handed_over", Side.GENUINE): 4.0,
    ("handed_over", Side.BACKSCATTER): 1.0,
    ("strange_way", Side.BACKSCATTER): 0.7,
    ("sent_subject", Side.GENUINE): 4.0,
    ("conversation", Side.GENUINE): 2.0,
    ("written_before", Side.GENUINE): 1.5,
    ("batv", Side.BACKSCATTER): 1.5,
    ("dkim_broken", Side.BACKSCATTER): 0.8,
    ("unsigned", Side.BACKSCATTER): 1.0,
    ("not_in_record", Side.BACKSCATTER): 1.0,
    ("foreign_id", Side.BACKSCATTER): 0.6,
    ("never_written", Side.BACKSCATTER): 0.5,
    ("foreign_author", Side.BACKSCATTER): 0.8,
    ("burst", Side.BACKSCATTER): 0.6,
    ("blocklisted", Side.BACKSCATTER): 0.6,
    ("sender_policy", Side.GENUINE): 1.5,
    ("manner", Side.BACKSCATTER): 0.6,
    ("manner", Side.GENUINE): 0.2,
}

SPEAKS_FOR: Final = frozenset(
    ("handed_over", "sent_subject", "conversation", "written_before", "sender_policy", "taught")
)
"""Rules whose finding for the mail keeps the model, and the weaker grounds, from removing it."""

YIELDS: Final = frozenset((Ground.CAMPAIGN, Ground.MEASURED, Ground.TAUGHT))
"""Grounds that hold only where nothing in the notice speaks for the mail."""

REMOVE: Final = 3.0
"""The score from which a notice is backscatter, where a ground holds."""

KEEP: Final = -1.5
"""The score below which a notice is genuine without a proof."""


def weight_of(evidence: Evidence) -> float:
    """The weight of one finding; unknown rules and neutral findings weigh nothing."""
    return WEIGHTS.get((evidence.rule, evidence.side), 0.0) * evidence.strength


def speaks_for(evidence: Evidence) -> bool:
    """Whether the finding says that the mail was ours, strongly enough that nothing weak may overrule it."""
    return evidence.side is Side.GENUINE and evidence.rule in SPEAKS_FOR
