"""
Who really handed the returned mail over.

Forgers write whole Received chains that lead through our relay, with plausible names, addresses and times.
They cannot write the lines above their own: those the receiving side wrote. So the chain is read from
the top as long as one host of that side passes the mail to another, and the first peer from outside is the one that
handed it over. What stands below that line is hearsay.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from cleaner.evidence.hosts import (
    is_internal,
    is_name,
    is_our_client,
    is_our_host,
    registered,
    reporters,
    within,
)
from cleaner.values import Hop, Known, Notice, Organisation, address_key, domain_of


class Hands(enum.Enum):
    """By whom the receiving side was given the mail."""

    OURS = "ours"
    """One of our relays, by its address."""
    OUR_CLIENT = "our client"
    """Our own server recorded it, and had it from one of us."""
    FORWARDER = "forwarder"
    """The mail system of an address that the mail was sent to: it may have been forwarded there."""
    STRANGER = "stranger"
    THROUGH_US = "through us"
    """One of our relays, which had it from a stranger who did not sign in."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Handover:
    """The decisive hop, and whose hands it shows."""

    hands: Hands
    hop: Hop | None = None


def handover(notice: Notice, known: Known) -> Handover:
    """Who handed the returned mail over, as far as its trace tells for certain."""
    return _handover(notice.returned.hops, notice_side(notice, known), known.organisation)


@dataclass(frozen=True, slots=True)
class NoticeSide:
    """What of the notice matters for reading the trace."""

    domains: frozenset[str]
    failed: frozenset[str]
    to: frozenset[str]


def notice_side(notice: Notice, known: Known) -> NoticeSide:
    failed = frozenset(address_key(r.address) for r in notice.recipients)
    to = frozenset(map(address_key, notice.returned.to_addresses))
    return NoticeSide(reporters(notice), failed, to)


def _handover(hops: tuple[Hop, ...], side: NoticeSide, organisation: Organisation) -> Handover:
    for position, hop in enumerate(hops):
        if is_passing_on(hop, organisation):
            continue
        below = hops[position + 1 :]
        if is_our_host(hop.by, organisation):
            return recorded_by_us(hop, organisation)
        if registered(hop.by) not in side.domains:
            # Written by nobody whom we can place: perhaps the forger himself.
            return Handover(Hands.UNKNOWN, hop)
        if within(hop.ip, organisation.relay_networks):
            return through_our_relay(hop, below, organisation)
        if is_forwarder(hop, below, side):
            return Handover(Hands.FORWARDER, hop)
        return Handover(Hands.STRANGER, hop)
    return Handover(Hands.UNKNOWN)


def is_passing_on(hop: Hop, organisation: Organisation) -> bool:
    """A step within one mail system: no peer address, or a peer of the recording host's own house."""
    if within(hop.ip, organisation.relay_networks) or within(hop.ip, organisation.client_networks):
        return False
    if hop.ip is None or is_internal(hop.ip):
        return True
    # Only the looked-up name counts: anybody can say HELO with the recording host's name.
    return is_name(hop.peer) and is_name(hop.by) and registered(hop.peer) == registered(hop.by)


def recorded_by_us(hop: Hop, organisation: Organisation) -> Handover:
    """Our own server reports, and its line says who gave it the mail."""
    if is_our_client(hop, organisation):
        return Handover(Hands.OUR_CLIENT, hop)
    return Handover(Hands.STRANGER, hop)


def through_our_relay(hop: Hop, below: tuple[Hop, ...], organisation: Organisation) -> Handover:
    """The mail came from our relay; what our relay wrote tells whether one of us had given it the mail."""
    for inner in below:
        if not is_our_host(inner.by, organisation):
            break
        if inner.ip is None or is_internal(inner.ip):
            continue
        if not is_our_client(inner, organisation) and organisation.client_networks:
            return Handover(Hands.THROUGH_US, inner)
        break
    return Handover(Hands.OURS, hop)


def is_forwarder(hop: Hop, below: tuple[Hop, ...], side: NoticeSide) -> bool:
    """Whether the peer may be the mail system of an address that the mail was sent to, passing it on."""
    if side.failed & side.to:
        return False
    peers = {registered(name) for name in (hop.peer, hop.helo) if is_name(name)}
    homes = {registered(domain_of(address)) for address in side.to}
    recorded = {registered(below[0].by)} if below else homes
    return bool(peers & homes & recorded) or bool(peers & recorded and below)
