"""
The notice refers to a mail of ours somewhere in the conversation.

Every participant knows these ids, so this speaks for us without proving anything.

Source: RFC 5322 section 3.6.4; RFC 3834 section 3.1.5 asks responders to set In-Reply-To and References.
"""

from __future__ import annotations

from cleaner.evidence import mentions
from cleaner.values import Evidence, Known, Notice, Side

SIDE = Side.GENUINE


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    main = mentions.main_ids(notice)
    for id in notice.answers:
        if id not in main and id in known.sent.by_message_id:
            return (
                Evidence(
                    "conversation",
                    side=SIDE,
                    seen=mentions.shown(id),
                    reason="It belongs to a conversation in which you wrote.",
                ),
            )
    return ()
