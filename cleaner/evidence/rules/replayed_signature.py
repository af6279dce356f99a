"""
A signature of ours verifies, but the failed recipient is not among those it was signed for.

Mail that somebody received can be sent on with its signature intact. It can also be a blind copy, a list or
a forwarding: unsure.

Source: RFC 6376 section 8.6; DESIGN.md, decision 2.
"""

from __future__ import annotations

from typing import Final

from cleaner.evidence.mentions import failed, shown
from cleaner.evidence.signed import Signed, signed_mail
from cleaner.evidence.trail import is_handed_over_by_us
from cleaner.values import Evidence, Force, Known, Notice, Side

SIDE: Final = Side.NEUTRAL


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    found = signed_mail(notice, known.organisation)
    if found is None or found.fit is Signed.FITS or is_handed_over_by_us(notice, known.organisation):
        return ()
    return (
        Evidence(
            "replayed_signature",
            side=SIDE,
            seen=shown(f"d={found.domain} s={found.selector}, now for {', '.join(sorted(failed(notice)))}"),
            reason="The signature of your organisation is valid, but does not show that the mail was meant "
            "for this recipient: somebody may have sent it on.",
            force=Force.SUSPICION,
        ),
    )
