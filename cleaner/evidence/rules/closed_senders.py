"""
The mail was sent by a host outside the closed set of those that send for us.

The set is closed by a strict policy of the domain (SPF that ends in `-all` or `~all`, with DMARC `quarantine` or
`reject`), or by the administrator's word `senders_complete`. Then a host that neither configuration, policy nor proven
mail names did not send it for us, unless it stands between: a forwarder, a filter, a gateway. It says nothing
where one proven mail came from outside the set, nor about notices that came to another account. What our own server
reports that it took from a stranger counts only if it is known to note who signs in.

Source: RFC 7208 section 8.4 and RFC 7489 section 6.3 (what a domain asks others to do); section 10.3 of RFC 7208
(forwarding).
"""

from __future__ import annotations

from cleaner.evidence import closure, mentions, ours, trail, ways
from cleaner.values import Evidence, Ground, Known, Notice, Side

SIDE = Side.BACKSCATTER
LEARNS = True


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    domain = ways.policy_domain(notice, known.organisation)
    if not domain:
        return ()
    found = closure.closure(domain, known)
    peer = ways.stranger(notice, known) if found.is_closed else None
    if peer is not None and peer.at_us and not tells_clients(known):
        return ()
    if peer is None or not is_outside(notice, peer, found, known):
        return ()
    by = "its published policy" if found.by_policy else "your word that all its senders are listed"
    return (
        Evidence(
            "closed_senders",
            side=SIDE,
            seen=mentions.shown(trail.shown(peer)),
            reason=f"A host sent it that may not send for {domain}, by {by}.",
            ground=Ground.CLOSED,
        ),
    )


def tells_clients(known: Known) -> bool:
    """
    Whether our own server is known to tell its clients from strangers: it noted so of each proven mail.

    Servers that do not write who signed in would make a stranger of everybody who travels.
    """
    noted = known.habits.submitted
    return noted.hits == noted.total >= ways.ENOUGH


def is_outside(notice: Notice, peer: trail.Peer, found: closure.Closure, known: Known) -> bool:
    """The policy must say so; what it does not say (nobody answered, too many look-ups) is not a refusal."""
    if ways.allowed(notice, peer.ip, known) == "fail":
        return True
    if not found.by_word or not ours.knows_addresses_like(peer.ip, known.organisation):
        return False
    # By word alone: the configuration is the whole set where the policy leaves it open, or may not be asked for.
    policy = known.hosts.policies.get(found.domain)
    return not known.hosts.may_ask if policy is None else not policy.is_closed
