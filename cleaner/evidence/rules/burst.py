"""
Many notices arrived within the same hour, and nothing like as much mail was sent.

One forged campaign makes hundreds of notices; genuine ones sit among them, so it only adds weight.

Source: observed: a campaign's notices come from many systems within an hour (DOMAIN.md).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import timedelta
from typing import Final

from cleaner.values import Evidence, Known, Notice, Side

HALF: Final = timedelta(minutes=30)
MANY: Final = 20
FEW: Final = 10

SIDE = Side.BACKSCATTER


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    if notice.received is None or known.sent.mails < FEW:
        return ()
    times = [arrival.time for arrival in known.arrivals]
    near = bisect_right(times, notice.received + HALF) - bisect_left(times, notice.received - HALF)
    if near < MANY:
        return ()
    return (
        Evidence(
            "burst",
            side=SIDE,
            seen=f"{near} within an hour",
            reason="It came in a flood of such notices.",
        ),
    )
