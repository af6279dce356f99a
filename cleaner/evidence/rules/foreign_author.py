"""
The mail that came back was not even written in our name.

Spammers put our address into the envelope alone and another into the From field.

Source: RFC 5321 section 4.4 and RFC 5322 section 3.6.2: envelope and author are independent.
"""

from __future__ import annotations

from cleaner.evidence import mentions, ours
from cleaner.values import ABSENT, Evidence, Known, Notice, Side, address_key

SIDE = Side.BACKSCATTER


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    authors = notice.returned.from_addresses
    if not known.owner.addresses and not known.organisation.domains:
        return ()  # nobody's name is known, so none is another
    if not authors or notice.returned.headers.get("resent-from") is not ABSENT:
        return ()
    if any(is_ours(author, known) for author in authors):
        return ()
    return (
        Evidence(
            "foreign_author",
            side=SIDE,
            seen=mentions.shown(f"From: {authors[0]}"),
            reason="The mail that came back was written in another name than yours.",
        ),
    )


def is_ours(address: str, known: Known) -> bool:
    return address_key(address) in known.owner.addresses or ours.is_own_address(address, known.organisation)
