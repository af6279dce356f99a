"""
The first peer outside the reporter's own site handed the returned mail over.

An own relay or client speaks for us, and so does a machine that handed over mail proven ours; a stranger speaks
against us. What its lines claim below is not believed. It means something only where our own machines are known, by
address or from proven mail, and where the mail was not forwarded, nor taken in by a filtering service; and it
is no ground for a removal, for a new service of ours is a stranger, too.

Source: RFC 5321 section 4.4; measured: forgers write whole consistent chains below that line.
"""

from __future__ import annotations

from typing import Final

from cleaner.evidence import trail, ways
from cleaner.values import Evidence, Known, Notice, Side

SERVER: Final = 0.35
"""How much a stranger with a server's name counts beside one on a customer's line."""
ONCE: Final = 0.5
"""How much a machine counts that handed over proven mail on one day only."""

SIDE = Side.BACKSCATTER
LEARNS = True


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    organisation = known.organisation
    peer = ways.sender_of(notice, known)
    if peer is None or organisation.shared:
        return ()
    if ways.is_listed(peer, organisation):
        return (
            finding(peer, Side.GENUINE, "One of your own mail servers or computers handed the mail over."),
        )
    days = ways.days_proven(peer.ip, known.habits)
    if days:
        strength = 1.0 if days >= ways.TWICE else ONCE
        return (
            finding(
                peer,
                Side.GENUINE,
                "The machine that handed it over also handed over mail that is proven yours.",
                strength,
            ),
        )
    if ways.surely_stranger(notice, known) is None:
        return ()
    strength = 1.0 if peer.machine is trail.Machine.LINE else SERVER
    return (finding(peer, Side.BACKSCATTER, "A stranger's computer handed the mail over.", strength),)


def finding(peer: trail.Peer, side: Side, reason: str, strength: float = 1.0) -> Evidence:
    return Evidence("handed_over", side=side, seen=trail.shown(peer), reason=reason, strength=strength)
