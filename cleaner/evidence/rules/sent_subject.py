"""
A mail with this subject was sent to this recipient at that time.

For ids that are rewritten on the way out, as by Amazon SES and some gateways, and for answers that quote only
the subject: recipient, subject and time together are known to few but the two correspondents.

Source: DESIGN.md, decision 2; `X-SES-Outgoing` originals, whose Message-ID is not the one in Sent.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from cleaner.evidence.mentions import failed, meet, shown
from cleaner.values import Evidence, Known, Notice, SentMail, Side, subject_key

SIDE: Final = Side.GENUINE
CLOSE: Final = timedelta(hours=2)
"""Between the Date of the returned original and the mail of the record."""
ANSWERED_WITHIN: Final = timedelta(days=6)
"""Between sending and a notice that returns no date: queues give up after five days (RFC 5321, 4.5.4.1)."""


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    subject = notice.returned.subject or notice.quoted_subject
    if not subject:
        return ()
    for mail in known.sent.by_subject.get(subject_key(subject), ()):
        if meet(failed(notice), mail.recipients) is not None and _is_close(notice, mail):
            return (
                Evidence(
                    "sent_subject",
                    side=SIDE,
                    seen=shown(subject),
                    reason="You sent this recipient a mail with this subject at that time.",
                ),
            )
    return ()


def _is_close(notice: Notice, mail: SentMail) -> bool:
    if notice.returned.date is not None:
        return abs(notice.returned.date - mail.time) <= CLOSE
    if notice.received is None:
        return False
    return -CLOSE <= notice.received - mail.time <= ANSWERED_WITHIN
