"""
The answered mail's id ends in a host that none of our mail's ids ends in.

Mail programs form ids from a host or domain of their own; a spammer's tool uses his. Programs change, so it is weak.

Source: RFC 5322 section 3.6.4 (the right side names the host that made the id).
"""

from __future__ import annotations

from cleaner.evidence import mentions, ours
from cleaner.values import Evidence, Known, Notice, Side

SIDE = Side.BACKSCATTER


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    for id in mentions.main_ids(notice)[:1]:
        domain = mentions.id_domain(id)
        if not mentions.tells_by_absence(known.sent) or known.sent.id_domains.get(domain, 0):
            return ()
        if ours.is_own_domain(domain, known.organisation) or "." not in domain:
            return ()
        return (
            Evidence(
                "foreign_id",
                side=SIDE,
                seen=mentions.shown(id),
                reason="The id of the mail was made by a computer that never made one of yours.",
            ),
        )
    return ()
