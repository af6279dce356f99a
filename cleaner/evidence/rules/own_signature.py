"""
The returned header carries a DKIM signature of ours that verifies.

Only who holds the key could sign it, so the header is ours, word for word. The signature must cover From, Date
and To, be made for the From's domain, and the failed recipient must be one of those signed, or the reporter
must have taken the mail in for one of those: else it may be a replay of mail that somebody received.

Source: RFC 6376 sections 3.7 and 8.6 (replay); verified over header fields alone, see
cleaner/evidence/signatures.py.
"""

from __future__ import annotations

from typing import Final

from cleaner.evidence.mentions import shown
from cleaner.evidence.signed import Signed, signed_mail
from cleaner.values import Evidence, Force, Known, Notice, Side

SIDE: Final = Side.GENUINE


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    found = signed_mail(notice, known.organisation)
    if found is None or found.fit is not Signed.FITS:
        return ()
    return (
        Evidence(
            "own_signature",
            side=SIDE,
            seen=shown(f"d={found.domain} s={found.selector}"),
            reason="The mail bears a valid signature of your organisation and was written to this recipient.",
            force=Force.PROOF,
        ),
    )
