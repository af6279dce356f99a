"""
The SPF policy of the author's domain, one of ours, lets the host that handed the mail over send for it, or does not.

It lists services that send for us and that nobody listed here. Providers stand in it with all their customers, and
policies lack hosts that do send, so it is weak on both sides. It is only asked where the configuration wants it.

Source: RFC 7208 (Sender Policy Framework); section 10.3: forwarding breaks it.
"""

from __future__ import annotations

from cleaner.evidence import mentions, ours, trail, ways
from cleaner.values import Evidence, Known, Notice, Side, domain_of

SIDE = Side.NEUTRAL


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    organisation = known.organisation
    peer = trail.sender_of(notice, organisation)
    author = next(iter(notice.returned.from_addresses), "")
    if peer is None or organisation.shared or ways.is_listed(peer, organisation):
        return ()
    if not ours.is_own_address(author, organisation):
        return ()
    result = known.hosts.spf.get((str(peer.ip), domain_of(author)))
    seen = mentions.shown(f"{domain_of(author)}: {trail.shown(peer)}")
    if result == "pass":
        reason = "Your domain's published policy lets this machine send its mail."
        return (Evidence("sender_policy", side=Side.GENUINE, seen=seen, reason=reason),)
    # Behind a forwarder the policy fails for mail of ours, too.
    if result == "fail" and not ways.may_be_forwarded(notice, peer):
        reason = "Your domain's published policy does not let this machine send its mail."
        return (Evidence("sender_policy", side=Side.BACKSCATTER, seen=seen, reason=reason),)
    return ()
