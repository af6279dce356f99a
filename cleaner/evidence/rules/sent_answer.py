"""
The notice belongs to a conversation of ours with this recipient.

`References` names a mail that this mailbox sent to the very person who answers or failed. Correspondents
know such ids, so it is no proof; a forger who copies a whole conversation is rare.

Source: RFC 5322 section 3.6.4; RFC 3834 section 3.1.5.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from cleaner.evidence.mentions import failed, main_ids, meet, shown
from cleaner.values import Evidence, Kind, Known, Notice, Side

SIDE: Final = Side.GENUINE
RECENT: Final = timedelta(days=14)


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    if notice.returned.message_id or notice.kind is Kind.NDR_PHISH:
        return ()  # the original's own id says more than its conversation
    main = main_ids(notice)
    for message_id in notice.answers:
        mail = known.sent.by_message_id.get(message_id)
        if mail is None or message_id in main or meet(failed(notice), mail.recipients) is None:
            continue
        if notice.received is not None and notice.received - mail.time > RECENT:
            continue
        return (
            Evidence(
                "sent_answer",
                side=SIDE,
                seen=shown(f"{message_id} sent on {mail.time:%Y-%m-%d %H:%M}"),
                reason="It belongs to a conversation in which you wrote to this recipient.",
            ),
        )
    return ()
