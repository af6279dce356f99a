"""
The mail bears a signature in our name that cannot be checked, because its key cannot be had.

Nobody answers, too many selectors were asked for, or the selector was rotated away after proven mail bore it. That is
unknown, not broken, and nothing is removed on it. A selector that does not exist, that no proven mail ever bore, is
something else: the signature was invented, and is as good as none.

Source: RFC 6376 section 3.6.1 (a revoked key makes signatures unverifiable) and section 6.1.2 (a key that cannot be had
is a temporary failure).
"""

from __future__ import annotations

from cleaner.evidence import mentions, signatures
from cleaner.values import Completeness, Evidence, Force, Known, Notice, Side

SIDE = Side.NEUTRAL
LEARNS = True


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    organisation = known.organisation
    if organisation.shared or notice.returned.completeness not in (Completeness.WHOLE, Completeness.HEADERS):
        return ()
    if signatures.verified(notice, organisation) is not None:
        return ()
    for one in signatures.ours_among(notice.returned.headers, organisation):
        if signatures.keys_for(one, organisation):
            continue
        name = f"{one.selector}._domainkey.{one.domain}"
        if (one.domain, one.selector) in known.absent_keys and name not in known.habits.selectors:
            continue
        return (
            Evidence(
                "unchecked_signature",
                side=SIDE,
                seen=mentions.shown(f"d={one.domain}; s={one.selector}"),
                reason="It bears a signature in your name, and the key to check it with cannot be had.",
                force=Force.HOLD,
            ),
        )
    return ()
