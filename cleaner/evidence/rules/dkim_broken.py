"""
A signature in our name does not verify with our key, though the header came back in full.

Forgers invent signatures or copy them from other mail. Mail systems reshape headers, so this is no proof.

Source: RFC 6376 section 6.1; measured: of 88 returned signatures of real mail 80 are intact.
"""

from __future__ import annotations

from cleaner.evidence import mentions, signatures
from cleaner.values import Completeness, Evidence, Known, Notice, Side

SIDE = Side.BACKSCATTER


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    organisation = known.organisation
    if organisation.shared or notice.returned.completeness not in (Completeness.WHOLE, Completeness.HEADERS):
        return ()
    claimed = signatures.ours_among(notice.returned.headers, organisation)
    known_keys = [s for s in claimed if signatures.keys_for(s, organisation)]
    if not known_keys or signatures.verified(notice, organisation) is not None:
        return ()
    return (
        Evidence(
            "dkim_broken",
            side=SIDE,
            seen=mentions.shown(f"d={known_keys[0].domain}; s={known_keys[0].selector}"),
            reason="The returned mail bears a signature in your name that is not your mail server's.",
        ),
    )
