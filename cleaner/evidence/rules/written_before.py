"""
The recipient was written to before.

Worms take recipients from address books, so it is no proof.

Source: observed: people write again to whom they wrote before; but worms use address books.
"""

from __future__ import annotations

from cleaner.evidence import mentions
from cleaner.values import Evidence, Known, Notice, Side

SIDE = Side.GENUINE


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    for address in sorted(mentions.failed(notice)):
        if known.sent.by_recipient.get(address):
            return (
                Evidence(
                    "written_before",
                    side=SIDE,
                    seen=mentions.shown(address),
                    reason="You have written to this recipient before.",
                ),
            )
    return ()
