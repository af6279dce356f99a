"""
The full header came back without a signature of ours, though our mail is signed.

How much it says is learned from mail proven by the sent record: how much of it bore a signature. Before there is
enough of that, it counts a little where a key of the author's domain is configured. A server that signs at delivery
returns the unsigned original in its own reports (Exim), so a report of our own server says nothing here.

Source: RFC 6376 section 6.1; observed: Exim signs while it delivers.
"""

from __future__ import annotations

import math
from typing import Final

from cleaner.evidence import habits, mentions
from cleaner.values import Evidence, Known, Notice, Share, Side, domain_of

SOMETIMES: Final = 0.4
"""How much it counts before enough proven mail was seen: web and CRM hosts often do not sign."""
OFTEN: Final = 0.7
"""How much at most where nobody said that everything leaves signed: proven mail is not all our mail."""
ENOUGH: Final = 10
SURE: Final = math.log(20)

SIDE = Side.BACKSCATTER
LEARNS = True


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    if known.organisation.shared or habits.bears_signature(notice, known.organisation) is not False:
        return ()
    author = notice.returned.from_addresses[0]
    strength, seen = how_strange(known, domain_of(author))
    if strength <= 0:
        return ()
    return (
        Evidence(
            "unsigned",
            side=SIDE,
            seen=mentions.shown(f"From: {author}, no DKIM-Signature{seen}"),
            reason="Your mail server signs your mail; the mail that came back bears no signature.",
            strength=strength,
        ),
    )


def how_strange(known: Known, author: str) -> tuple[float, str]:
    """How much a missing signature counts, and the proven mails that say so."""
    organisation = known.organisation
    if organisation.always_signs and author in organisation.domains:
        return 1.0, ""
    signed = known.habits.signed.get(author, Share())
    if signed.total >= ENOUGH:
        seen = f"; {signed.hits} of {signed.total} proven mails have one"
        return min(OFTEN, -math.log(signed.rest) / SURE), seen
    # A key that was looked up says only that some notice bears a signature.
    signing = {key.domain.casefold() for key in organisation.dkim_keys}
    return (SOMETIMES if author in signing else 0.0), ""
