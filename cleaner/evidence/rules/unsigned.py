"""
The full header came back without a signature of ours, though our mail is signed.

Only where we know a key of the author's domain. A server that signs at delivery returns the unsigned original in its own
reports (Exim), so a report of our own server says nothing here.

Source: RFC 6376 section 6.1; observed: Exim signs while it delivers (DOMAIN.md).
"""

from __future__ import annotations

from typing import Final

from cleaner.evidence import mentions, trail
from cleaner.values import (
    ABSENT,
    Completeness,
    Evidence,
    Known,
    Notice,
    Organisation,
    Returned,
    Side,
    domain_of,
)

SOMETIMES: Final = 0.4
"""How much it counts where nobody said that everything leaves signed: web and CRM hosts often do not."""

SIDE = Side.BACKSCATTER


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    returned = notice.returned
    if returned.completeness not in (Completeness.WHOLE, Completeness.HEADERS):
        return ()
    if returned.headers.get("dkim-signature") is not ABSENT or not returned.from_addresses:
        return ()
    if trail.is_own_report(notice, known.organisation) or not is_signing(returned, known.organisation):
        return ()
    return (
        Evidence(
            "unsigned",
            side=SIDE,
            seen=mentions.shown(f"From: {returned.from_addresses[0]}, no DKIM-Signature"),
            reason="Your mail server signs your mail; the mail that came back bears no signature.",
            strength=1.0 if known.organisation.always_signs else SOMETIMES,
        ),
    )


def is_signing(returned: Returned, organisation: Organisation) -> bool:
    domains = {key.domain.casefold() for key in organisation.dkim_keys}
    authors = {domain_of(address) for address in returned.from_addresses}
    return bool(authors & domains) or (organisation.always_signs and bool(authors & organisation.domains))
