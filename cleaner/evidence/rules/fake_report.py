"""
The notice speaks for our own mail system, but a stranger sent it.

It names our domain as its author, and only our own servers can do that; or it is a fake by its form that wants a link
followed, and comes from a machine of nobody whom it names. What our server recorded on top tells where it came from.

Source: observed: phishing in the form of reports on held or undelivered mail.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from cleaner.evidence import mentions, ours, trail, ways
from cleaner.values import (
    Completeness,
    Evidence,
    Ground,
    Hop,
    IPAddress,
    Kind,
    Known,
    Notice,
    Side,
    domain_of,
)

SIDE = Side.BACKSCATTER
LEARNS = True

BY_FORM: Final = 0.5
"""Not enough alone: form and wording must never suffice."""
BY_STRANGE_SENDER: Final = 0.85
"""A fake by its form, handed in by a machine that is neither its author's nor that of what it links to."""


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    organisation = known.organisation
    hop = trail.entry(notice, organisation)
    if organisation.shared or hop is None or hop.ip is None or hop.authenticated:
        return ()
    if not ways.is_known_where_we_send_from(hop.ip, known) or may_be_ours(hop, hop.ip, known):
        return ()
    claim, strength = claims_to_be_ours(notice, hop, known)
    if not claim or notice.returned.completeness is not Completeness.NONE:
        return ()
    return (
        Evidence(
            "fake_report",
            side=SIDE,
            seen=mentions.shown(f"{claim} from {hop.peer or hop.helo} [{hop.ip}]"),
            reason="It pretends to come from your own mail system, but a stranger sent it.",
            strength=strength,
            ground=Ground.FALSE,
        ),
    )


def may_be_ours(hop: Hop, ip: IPAddress, known: Known) -> bool:
    if ours.is_neighbour(ip, known.organisation) or ways.is_near_proven(ip, known.habits):
        return True
    return ours.is_own_host(hop.peer, known.organisation) and not trail.is_unnamed(hop)


def claims_to_be_ours(notice: Notice, hop: Hop, known: Known) -> tuple[str, float]:
    """
    What in the notice says that our own mail system wrote it, and how surely; empty if nothing does.

    A notice of its form with a link may also be the digest of a filtering service that we do use: that one comes
    from the service's own machine, and its links lead to the service.
    """
    if ours.is_own_address(notice.sender, known.organisation):
        return notice.sender, 1.0
    if notice.kind is not Kind.NDR_PHISH or not notice.links:
        return "", 0.0
    if is_of_its_author(notice, hop):
        return f"a notice with a link, {notice.sender}", BY_FORM
    return f"a notice with a link, {notice.sender},", BY_STRANGE_SENDER


def is_of_its_author(notice: Notice, hop: Hop) -> bool:
    """Whether the machine that handed the notice in bears the name of its author or of what it links to."""
    if trail.is_unnamed(hop) or (hop.peer and hop.ip is not None and trail.is_line_name(hop.peer, hop.ip)):
        return False
    name = hop.peer or hop.helo
    return any(
        ours.is_same_side(name, host) for host in (domain_of(notice.sender), *map(host_of, notice.links))
    )


def host_of(link: str) -> str:
    try:
        return urlsplit(link).hostname or ""
    except ValueError:
        return ""
