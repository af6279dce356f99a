"""
A policy that our domains publish (SPF) lets the host that handed the mail over send for them.

It names services that send for us and that nobody listed here. A provider that many share proves nothing by that, for
strangers send by it, too; and what the policy refuses counts only where it is strict (`closed_senders`).

Source: RFC 7208 (Sender Policy Framework).
"""

from __future__ import annotations

from cleaner.evidence import mentions, trail, ways
from cleaner.values import Evidence, Known, Notice, Side

SIDE = Side.GENUINE


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    organisation = known.organisation
    peer = ways.sender_of(notice, known)
    if peer is None or organisation.shared or ways.is_listed(peer, organisation):
        return ()
    if ways.allowed(notice, peer.ip, known) != "pass":
        return ()
    seen = mentions.shown(f"{ways.policy_domain(notice, organisation)}: {trail.shown(peer)}")
    reason = "Your domain's published policy lets this machine send its mail."
    return (Evidence("sender_policy", side=Side.GENUINE, seen=seen, reason=reason),)
