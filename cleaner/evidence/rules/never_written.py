"""
Nobody at the recipient's domain was ever written to.

Source: DOMAIN.md, provenance signals; absence is weak (DESIGN.md, decision 3).
"""

from __future__ import annotations

from typing import Final

from cleaner.evidence import mentions
from cleaner.values import Evidence, Known, Notice, Side

FEW: Final = 10

SIDE = Side.BACKSCATTER


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    about = mentions.failed(notice)
    domains = mentions.domains(about)
    if not domains or known.sent.mails < FEW or domains & known.sent.domains_written_to:
        return ()
    return (
        Evidence(
            "never_written",
            side=SIDE,
            seen=mentions.shown(", ".join(sorted(about))),
            reason="You have never written to anybody there.",
        ),
    )
