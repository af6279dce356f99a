"""
A DKIM signature of ours verifies over the returned header.

It proves that the organisation sent this header. Whoever received the mail can replay it to strangers, so the
recipient must be among the signed ones, or the mail have been passed on by their mail system.

Source: RFC 6376 section 3.7: the body comes in only as its hash, so the header alone can be verified.
"""

from __future__ import annotations

from cleaner.evidence import mentions, ours, signatures, ways
from cleaner.values import Evidence, Force, Known, Notice, Side, domain_of

SIDE = Side.GENUINE


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    if known.organisation.shared:
        return ()
    found = signatures.verified(notice, known.organisation)
    if found is None:
        return ()
    signature, _ = found
    seen = mentions.shown(f"d={signature.domain}; s={signature.selector}")
    if not signature.covers("from") or not is_aligned(notice, signature.domain):
        return ()
    if not fits(notice, signature, known):
        return (
            Evidence(
                "dkim_ours",
                side=Side.NEUTRAL,
                seen=seen,
                reason="Your mail server signed this mail, but for other recipients: it may have been replayed.",
                force=Force.SUSPICION,
            ),
        )
    return (
        Evidence(
            "dkim_ours",
            side=Side.GENUINE,
            seen=seen,
            reason="The returned mail bears a signature of your own mail server that nobody else can make.",
            force=Force.PROOF,
        ),
    )


def is_aligned(notice: Notice, domain: str) -> bool:
    """The signing domain is the author's own, or above it (RFC 7489 section 3.1.1)."""
    return any(
        author == domain or author.endswith(f".{domain}")
        for author in map(domain_of, notice.returned.from_addresses)
    )


def fits(notice: Notice, signature: signatures.Signature, known: Known) -> bool:
    about = mentions.failed(notice)
    if not about or mentions.meet(about, notice.returned.to_addresses):
        return True
    if not signature.covers("to"):
        return True
    peer = ways.sender_of(notice, known)
    if peer is None:
        return True
    if ways.is_listed(peer, known.organisation):
        return True
    # Passed on: the peer is the mail system of somebody that the mail was written to.
    homes = {ours.registered_domain(domain) for domain in mentions.domains(notice.returned.to_addresses)}
    peers = {ours.registered_domain(name) for name in (peer.hop.peer, peer.hop.helo)}
    return bool((homes & peers) - {""})
