"""
Many notices arrived within the same hour, and nothing like as much mail was sent.

One forged campaign makes hundreds of notices; genuine ones sit among them, so it only adds weight.

Source: observed: a campaign's notices come from many systems within an hour.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import datetime, timedelta
from typing import Final

from cleaner.evidence import mentions
from cleaner.values import Arrival, Evidence, Known, Notice, Side

HALF: Final = timedelta(minutes=30)
MANY: Final = 20

SIDE = Side.BACKSCATTER


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    if notice.received is None or not mentions.tells_by_absence(known.sent):
        return ()
    first = bisect_left(known.arrivals, notice.received - HALF, key=_time)
    near = bisect_right(known.arrivals, notice.received + HALF, key=_time) - first
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


def _time(arrival: Arrival) -> datetime:
    return arrival.time
