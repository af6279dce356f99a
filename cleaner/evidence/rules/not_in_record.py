"""
The answered mail's id is not in the sent record, though the record reaches over that time.

Phones, web forms and applications leave no copy, so absence is weak; how weak, the record's completeness says: the
share of it among the mails that are proven by what they bear themselves.

Source: DESIGN.md, decision 3.
"""

from __future__ import annotations

from datetime import datetime

from cleaner.evidence import completeness, mentions
from cleaner.values import Evidence, Known, Notice, SentRecordView, Side

SIDE = Side.BACKSCATTER
LEARNS = True


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    ids = mentions.main_ids(notice)
    when = mentions.sent_at(notice)
    if not ids or when is None or not covers(known.sent, when):
        return ()
    if any(id in known.sent.by_message_id for id in (*ids, *notice.answers)):
        return ()
    return (
        Evidence(
            "not_in_record",
            side=SIDE,
            seen=mentions.shown(ids[0] + completeness.shown(known)),
            reason="No mail with this id is among the mail you are known to have sent.",
            strength=completeness.strength(known, notice),
        ),
    )


def covers(sent: SentRecordView, when: datetime) -> bool:
    return mentions.tells_by_absence(sent) and sent.begins is not None and sent.begins <= when
