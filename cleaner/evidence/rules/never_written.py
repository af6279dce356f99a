"""
Nobody at the recipient's domain was ever written to.

Forged mail goes to addresses that a list was bought of, people write again where they wrote before; but everybody
writes to somebody for the first time, so it is weak, and the weaker the less complete the record is known to be.

Source: observed: phones, web forms and applications often leave no copy, so absence is weak.
"""

from __future__ import annotations

from cleaner.evidence import completeness, mentions
from cleaner.values import Evidence, Known, Notice, Side

SIDE = Side.BACKSCATTER
LEARNS = True


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    about = mentions.failed(notice)
    domains = mentions.domains(about)
    if not domains or not mentions.tells_by_absence(known.sent) or domains & known.sent.domains_written_to:
        return ()
    return (
        Evidence(
            "never_written",
            side=SIDE,
            seen=mentions.shown(", ".join(sorted(about))),
            reason="You have never written to anybody there.",
            strength=completeness.strength(known, notice),
        ),
    )
