"""
How much it says that something is missing from the sent record (DESIGN.md, decision 3).

A record that held nine of ten proven mails lacks the tenth: what is missing from it is spurious at ten to one, not
more. Proofs by the record itself cannot tell how complete it is, so only mails proven by what they bear count.
"""

from __future__ import annotations

import math
from typing import Final

from cleaner.evidence.ways import ENOUGH
from cleaner.values import Known, Notice

UNMEASURED: Final = 0.7
UNMEASURED_ANEW: Final = 0.4
"""Where mail is written anew (Exchange) and has lost what it would be proven by: nobody can measure it there."""

SURE: Final = math.log(10)
LEAST: Final = 0.05


def strength(known: Known, notice: Notice) -> float:
    """From 0 to 1, where 1 is a record that lacks less than one mail of ten."""
    recorded = known.habits.recorded
    if recorded.total < ENOUGH:
        return UNMEASURED_ANEW if notice.rebuilt else UNMEASURED
    return max(LEAST, min(1.0, -math.log(recorded.rest) / SURE))


def shown(known: Known) -> str:
    recorded = known.habits.recorded
    if recorded.total < ENOUGH:
        return ""
    return f"; the record holds {recorded.hits} of {recorded.total} proven mails"
