"""
The notice speaks for our own mail system, but a stranger sent it.

It names our domain as its author, or reports on our own mailbox, and only our own servers can do that. What
our server recorded on top tells where it came from.

Source: observed: phishing in the form of reports on held or undelivered mail (DOMAIN.md, corpus labels).
"""

from __future__ import annotations

from typing import Final

from cleaner.evidence import mentions, ours
from cleaner.values import Completeness, Evidence, Hop, Kind, Known, Notice, Organisation, Side

SIDE = Side.BACKSCATTER

BY_FORM: Final = 0.5
"""Not enough alone: form and wording must never suffice."""


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    organisation = known.organisation
    claim, strength = claims_to_be_ours(notice, known)
    hop = entry(notice, organisation)
    if not claim or hop is None or hop.ip is None or hop.authenticated:
        return ()
    if not ours.knows_addresses_like(hop.ip, organisation) or ours.is_neighbour(hop.ip, organisation):
        return ()
    if notice.returned.completeness is not Completeness.NONE:
        return ()
    return (
        Evidence(
            "fake_report",
            side=SIDE,
            seen=mentions.shown(f"{claim} from {hop.peer or hop.helo} [{hop.ip}]"),
            reason="It pretends to come from your own mail system, but a stranger sent it.",
            strength=strength,
        ),
    )


def claims_to_be_ours(notice: Notice, known: Known) -> tuple[str, float]:
    """
    What in the notice says that our own mail system wrote it, and how surely; empty if nothing does.

    A notice of its form with a link may also be the digest of a filtering service that we do use.
    """
    if ours.is_own_address(notice.sender, known.organisation):
        return notice.sender, 1.0
    if notice.kind is Kind.NDR_PHISH and notice.links:
        return f"a notice with a link, {notice.sender}", BY_FORM
    return "", 0.0


def entry(notice: Notice, organisation: Organisation) -> Hop | None:
    """The line of our own server that took the notice in from outside."""
    for hop in notice.hops:
        if hop.by and not ours.is_own_host(hop.by, organisation):
            return None
        if hop.ip is not None and not ours.is_internal(hop.ip):
            return hop
    return None
