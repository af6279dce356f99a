"""
It is one of many notices, within hours, about mails that strangers on many unrelated networks sent.

A botnet sends a campaign through thousands of customers' lines; its notices name a new network nearly each time. An
honest service that nobody told us of sends from its own few networks, by servers that have a name. So only machines
without one count, and all of one operator as one: the registered domain of the looked-up name, or the addresses around.
What is proven, allowed by our policy, forwarded, or speaks for us in any way is neither counted nor called one of
them; nor is mail from a machine that was seen at other times, or from addresses that were seen more than a few times.

Two dozen operators within twelve hours: in the labelled worlds the busiest half day without a campaign shows seven, each
campaign shows more than 170. A company of whose people two dozen sent from as many networks, unsigned, without a
copy, by machines without a name, and none of it proven, would have to be thought up.

Source: observed: the notices of one campaign name 170 to 250 networks within the hour.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from cleaner.evidence import mentions, ours, trail, ways
from cleaner.evidence.habits import CAMPAIGN
from cleaner.values import Evidence, Ground, IPAddress, Known, Notice, Side, StrangerSeen

OPERATORS: Final = 24
FEW: Final = 5
"""Notices about mail from the addresses around one machine up to which it is one of many; a service sends more."""

SIDE = Side.BACKSCATTER
LEARNS = True


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    if notice.received is None:
        return ()
    peer = ways.stranger(notice, known)
    if peer is None or peer.at_us or not trail.is_nameless(peer, known.organisation):
        return ()
    seen = known.habits.strangers
    within = window(seen, notice.received)
    operators = {one.operator for one in within}
    if len(operators) < OPERATORS or not is_of_campaign(peer.ip, within, seen):
        return ()
    return (
        Evidence(
            "campaign",
            side=SIDE,
            seen=mentions.shown(
                f"{trail.shown(peer)}; {len(within)} such mails from {len(operators)} networks"
            ),
            reason="It is one of many notices about mails that strangers all over the internet sent within hours.",
            ground=Ground.CAMPAIGN,
        ),
    )


def window(seen: Sequence[StrangerSeen], at: datetime) -> Sequence[StrangerSeen]:
    """What was seen within hours of that time."""
    first = bisect_left(seen, at - CAMPAIGN, key=_time)
    return seen[first : bisect_right(seen, at + CAMPAIGN, key=_time)]


def is_of_campaign(ip: IPAddress, within: Sequence[StrangerSeen], every: Sequence[StrangerSeen]) -> bool:
    """Whether the machine shows up with the campaign alone, and those around it seldom: as bots do, and no service."""
    machine, network = str(ip), str(ours.surroundings(ip))
    times = sum(one.machine == machine for one in every)
    return times == sum(one.machine == machine for one in within) and (
        sum(one.network == network for one in every) <= FEW
    )


def _time(one: StrangerSeen) -> datetime:
    return one.at
