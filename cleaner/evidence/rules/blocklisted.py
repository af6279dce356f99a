"""
A host on the way stands on a blocklist: the one that handed the mail over, or the one that reports.

Lists of spam sources say something about who handed the returned mail over; lists of hosts that answer spam with
reports say a little about any report of theirs. Good servers stand on lists for days, so it is weak. Only lists that
the configuration names are asked.

Source: RFC 5782; ips.backscatterer.org lists hosts that were seen to send backscatter.
"""

from __future__ import annotations

from typing import Final

from cleaner.evidence import mentions, ours, trail, ways
from cleaner.values import Evidence, Known, Notice, Side

REPORTER: Final = 0.5
"""What a listed reporter counts beside a listed sender: his reports on real mail come from the same host."""

SIDE = Side.BACKSCATTER


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    organisation = known.organisation
    peer = ways.sender_of(notice, known)
    if peer is not None and not ways.is_listed(peer, organisation):
        lists = known.hosts.listed.get(str(peer.ip), ())
        if lists:
            return (finding(str(peer.ip), lists, "The computer that handed the mail over", 1.0),)
    hop = trail.entry(notice, organisation)
    if hop is None or hop.ip is None or ours.is_inside(hop.ip, organisation):
        return ()
    lists = known.hosts.listed.get(str(hop.ip), ())
    return (finding(str(hop.ip), lists, "The server that reports", REPORTER),) if lists else ()


def finding(ip: str, lists: tuple[str, ...], who: str, strength: float) -> Evidence:
    return Evidence(
        "blocklisted",
        side=SIDE,
        seen=mentions.shown(f"[{ip}] on {', '.join(lists)}"),
        reason=f"{who} stands on a blocklist.",
        strength=strength,
    )
