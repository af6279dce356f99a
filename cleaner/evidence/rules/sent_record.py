"""
The mail that is answered is in the sent record, with this recipient.

Its Message-ID is one that this mailbox sent, to the recipient who failed, and the dates agree: nobody else
wrote it. A recipient whom the notice itself traces back to one of ours ("generated from", Original-Recipient,
the returned To) was reached by forwarding and counts.

Source: RFC 5322 section 3.6.4 (a Message-ID is unique); DESIGN.md, decision 2.
"""

from __future__ import annotations

from typing import Final

from cleaner.evidence.mentions import main_ids, shown
from cleaner.evidence.record import Fit, fit
from cleaner.values import Evidence, Force, Known, Notice, Side

SIDE: Final = Side.GENUINE


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    for message_id in main_ids(notice):
        mail = known.sent.by_message_id.get(message_id)
        if mail is not None and fit(notice, mail) in (Fit.RECIPIENT, Fit.FORWARDED):
            return (
                Evidence(
                    "sent_record",
                    side=SIDE,
                    seen=shown(f"{message_id} sent on {mail.time:%Y-%m-%d %H:%M}"),
                    reason="You sent this mail to this recipient: it is in your sent mail.",
                    force=Force.PROOF,
                ),
            )
    return ()
