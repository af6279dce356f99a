"""
This recipient was written to in the days before the notice.

Without an original or an id, this is all that can be compared. Worms and forgers use address books, so it is
no more than a hint; but mail that one did write explains a notice about it best.

Source: RFC 5321 section 4.5.4.1 (queues give up after four to five days); DOMAIN.md, provenance signals.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from cleaner.evidence.mentions import failed, main_ids, shown
from cleaner.values import Evidence, Known, Notice, Side

SIDE: Final = Side.GENUINE
BEFORE: Final = timedelta(days=6)
CLOCK: Final = timedelta(hours=1)


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    if notice.received is None or any(id in known.sent.by_message_id for id in main_ids(notice)):
        return ()
    for address in sorted(failed(notice)):
        for mail in known.sent.by_recipient.get(address, ()):
            if -CLOCK <= notice.received - mail.time <= BEFORE:
                return (
                    Evidence(
                        "written_just_before",
                        side=SIDE,
                        seen=shown(f"{address} on {mail.time:%Y-%m-%d %H:%M}"),
                        reason="You wrote to this recipient shortly before.",
                    ),
                )
    return ()
