"""
The Message-ID is one of ours, but that mail went to others.

Whoever received our mail knows its id and can put it on a forged one. So the id alone proves nothing when
the failed recipient is not among the recipients of our mail, nor plausibly reached by forwarding one, or
when the dates lie days apart. Removing it would still be a guess: the verdict is unsure.

Source: DESIGN.md, decision 2; replays were sighted in joe jobs that reuse received mail.
"""

from __future__ import annotations

from typing import Final

from cleaner.evidence.mentions import failed, main_ids, shown
from cleaner.evidence.record import Fit, fit
from cleaner.evidence.trail import is_handed_over_by_us
from cleaner.values import Evidence, Force, Known, Notice, Side

SIDE: Final = Side.NEUTRAL


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    for message_id in main_ids(notice):
        mail = known.sent.by_message_id.get(message_id)
        if mail is None or fit(notice, mail) is not Fit.CONTRADICTED:
            continue
        if is_handed_over_by_us(notice, known.organisation):
            return ()  # an alias or a blind copy of ours: the relay that sent it is the better witness
        return (
            Evidence(
                "replayed_id",
                side=SIDE,
                seen=shown(f"{message_id}, now for {', '.join(sorted(failed(notice)))}"),
                reason="The Message-ID is of a mail that you sent, but not to this recipient at that time: "
                "somebody may have reused it.",
                force=Force.SUSPICION,
            ),
        )
    return ()
