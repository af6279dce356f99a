"""
The first peer outside the reporter's own site handed the returned mail over.

An own relay or client speaks for us, a stranger against us; what a stranger's lines claim below is not
believed. Only where relays are configured by address does a stranger mean anything, and where the mail may
have been forwarded, or came through a filtering service, he means nothing.

Source: RFC 5321 section 4.4; measured: forgers write whole consistent chains below that line (DOMAIN.md,
provenance signals).
"""

from __future__ import annotations

from typing import Final

from cleaner.evidence import mentions, ours, trail
from cleaner.values import Evidence, Known, Notice, Organisation, Side

SERVER: Final = 0.35
"""How much a stranger with a server's name counts beside one on a customer's line."""

SIDE = Side.BACKSCATTER


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    organisation = known.organisation
    peer = trail.sender_of(notice, organisation)
    if peer is None:
        return ()
    if is_one_of_us(peer, organisation):
        return (
            finding(peer, Side.GENUINE, "One of your own mail servers or computers handed the mail over."),
        )
    if not is_a_stranger(notice, peer, organisation):
        return ()
    strength = 1.0 if peer.machine is trail.Machine.LINE else SERVER
    return (finding(peer, Side.BACKSCATTER, "A stranger's computer handed the mail over.", strength),)


def is_one_of_us(peer: trail.Peer, organisation: Organisation) -> bool:
    if ours.is_relay(peer.ip, organisation) or ours.is_client(peer.ip, organisation):
        return True
    return peer.at_us and peer.hop.authenticated


def is_a_stranger(notice: Notice, peer: trail.Peer, organisation: Organisation) -> bool:
    return (
        ours.knows_addresses_like(peer.ip, organisation)
        and not ours.is_neighbour(peer.ip, organisation)
        and not trail.may_be_filter(peer, organisation)
        and (peer.at_us or not mentions.is_forwarded_before(notice, peer.hop))
    )


def finding(peer: trail.Peer, side: Side, reason: str, strength: float = 1.0) -> Evidence:
    name = peer.hop.peer or peer.hop.helo
    seen = mentions.shown(f"{name} [{peer.ip}] → {peer.hop.by}")
    return Evidence("handed_over", side=side, seen=seen, reason=reason, strength=strength)
