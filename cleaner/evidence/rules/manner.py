"""
The returned mail was written as this mailbox writes, or in ways that it never uses.

Compared are the shape of the Message-ID, the mail program, the charset, the time zone, the part of the day and the
language with the counts of the mail in Sent. People travel and change programs, and forgers copy a mail of ours
whole, so it is weak on both sides and nothing is ever removed on it.

Source: RFC 5322 sections 3.3 and 3.6.4, RFC 3282; observed: a campaign is written by one tool, in one zone.
"""

from __future__ import annotations

from typing import Final

from cleaner.evidence import mentions
from cleaner.evidence.manner import kind_of, manner
from cleaner.values import Completeness, Evidence, Known, Notice, SentRecordView, Side

ENOUGH: Final = 30
"""Mails that tell a kind, before it says something that a value is not among them."""
OFTEN: Final = 0.2
STRANGE: Final = 2
"""Kinds that must be strange: one alone is a journey, or a new program."""
ONE_JOURNEY: Final = {"zone": "journey", "hour": "journey"}
"""Who writes from another zone writes at other hours: that is one strange thing, not two."""
USUAL: Final = 4

SIDE = Side.NEUTRAL


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    returned = notice.returned
    if notice.rebuilt or returned.completeness not in (Completeness.WHOLE, Completeness.HEADERS):
        # What a server writes anew, in Sent and in the notice, shows its own manner and not its user's.
        return ()
    traits = tuple(
        trait
        for trait in manner(returned.headers, returned.subject or "")
        if known.sent.manner.get(kind_of(trait), 0) >= ENOUGH
    )
    strange = [trait for trait in traits if not known.sent.manner.get(trait, 0)]
    apart = {ONE_JOURNEY.get(kind_of(trait), trait) for trait in strange}
    if len(apart) >= STRANGE:
        return (
            Evidence(
                "manner",
                side=Side.BACKSCATTER,
                seen=mentions.shown(", ".join(strange)),
                reason="It is not written the way you write: of the mail in your Sent folder none is like that.",
                strength=min(1.0, len(apart) / USUAL),
            ),
        )
    if not strange and sum(share(trait, known.sent) >= OFTEN for trait in traits) >= USUAL:
        return (
            Evidence(
                "manner",
                side=Side.GENUINE,
                seen=mentions.shown(", ".join(traits)),
                reason="It is written the way you mostly write.",
            ),
        )
    return ()


def share(trait: str, sent: SentRecordView) -> float:
    return sent.manner.get(trait, 0) / sent.manner[kind_of(trait)]
