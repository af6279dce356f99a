"""
Mail of ours that is proven was never handed over by a machine like this.

How strange that is, the proven mails say: where fifty came from our own servers and none from elsewhere, a
stranger is news; where many came from machines seen but once, he is not.

Source: Good (1953), Biometrika 40: the share of things seen once estimates that of things not seen yet.
"""

from __future__ import annotations

import math
from typing import Final

from cleaner.evidence import mentions, trail, ways
from cleaner.values import Evidence, Known, Notice, Side

SURE: Final = math.log(20)
"""The odds at which the finding has its full strength."""

SIDE = Side.BACKSCATTER
LEARNS = True


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    peer = ways.stranger(notice, known)
    if peer is None or peer.at_us:
        return ()
    known_ways = known.habits.ways.get(peer.ip.version)
    if known_ways is None or known_ways.total < ways.ENOUGH:
        return ()
    strength = min(1.0, -math.log(known_ways.rest) / SURE)
    if strength <= 0:
        return ()
    return (
        Evidence(
            "strange_way",
            side=SIDE,
            seen=mentions.shown(f"{trail.shown(peer)}, {known_ways.hits} of {known_ways.total} proven mails"),
            reason="None of the mail that is proven yours left by a machine like this one.",
            strength=strength,
        ),
    )
