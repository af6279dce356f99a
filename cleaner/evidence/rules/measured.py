"""
Mail of ours that lacks what this mail lacks was never seen, in thousands of proven mails.

Measured is each share by another kind of proof than its own: how often signed mail is missing from the record, how often
recorded mail is unsigned, how often proven mail comes from a host not seen before. What lacks several proofs may lack
them for one reason (a service that nobody told us of), so shares are never multiplied: the smallest bound is the
joint one. It must be within one in a thousand at 95 % confidence, which takes some 3,000 proven mails without a
counterexample; and a stranger must have handed the mail over.

Source: Clopper and Pearson, Biometrika 26 (1934); for no hit in n the bound is 1 - 0.05^(1/n).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cleaner.evidence import habits, mentions, trail, ways
from cleaner.values import Evidence, Ground, Known, Notice, Share, Side

PROMISE: Final = 0.001
DOUBT: Final = 0.05

SIDE = Side.BACKSCATTER
LEARNS = True


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    peer = ways.stranger(notice, known)
    if peer is None or peer.at_us:
        return ()
    for what, share in lacks(notice, peer, known):
        if is_bounded(share):
            return (
                Evidence(
                    "measured",
                    side=SIDE,
                    seen=mentions.shown(f"{what}; of {share.total:,} proven mails none"),
                    reason="Nothing like it is among thousands of mails that are proven yours.",
                    ground=Ground.MEASURED,
                ),
            )
    return ()


def lacks(notice: Notice, peer: trail.Peer, known: Known) -> Iterator[tuple[str, Share]]:
    """What the mail lacks, and how many of the proven mails have it."""
    learned = known.habits
    if habits.bears_signature(notice, known.organisation) is False:
        author = mentions.domains(notice.returned.from_addresses[:1])
        yield "unsigned", learned.signed.get(next(iter(author), ""), Share())
    if not any(id in known.sent.by_message_id for id in mentions.message_ids(notice)):
        yield "no copy", learned.recorded
    yield "an unknown host", learned.ways.get(peer.ip.version, Share())


def is_bounded(share: Share) -> bool:
    """Whether no counterexample was seen, and often enough."""
    return share.hits == share.total > 0 and 1.0 - DOUBT ** (1.0 / share.total) <= PROMISE
