"""
This recipient, or somebody at that domain, was written to at some time.

Forged mail goes to strangers more often than ours does; but worms read address books, and some
domains are everybody's.

Source: DOMAIN.md, provenance signals ("the failed recipient was written to before").
"""

from __future__ import annotations

from typing import Final

from cleaner.evidence.mentions import domains, failed, shown
from cleaner.evidence.ours import SHARED_DOMAINS
from cleaner.values import Evidence, Known, Notice, Side

SIDE: Final = Side.GENUINE
ONLY_DOMAIN: Final = 0.5


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    recipients = failed(notice)
    address = next((a for a in sorted(recipients) if known.sent.by_recipient.get(a)), None)
    if address is not None:
        return (
            Evidence(
                "correspondent",
                side=SIDE,
                seen=shown(address),
                reason="You have written to this recipient before.",
            ),
        )
    known_domains = (domains(recipients) - SHARED_DOMAINS) & known.sent.domains_written_to
    if not known_domains:
        return ()
    return (
        Evidence(
            "correspondent",
            side=SIDE,
            seen=shown(min(known_domains)),
            reason="You have written to somebody at the recipient's domain before.",
            strength=ONLY_DOMAIN,
        ),
    )
