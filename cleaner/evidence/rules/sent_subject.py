"""
A mail with this subject went to this recipient, at a time that fits.

For notices that return no id: together the three are hard to guess for somebody who never saw the mail.

Source: observed: a third of the reports without an original quote its subject.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from cleaner.evidence import mentions
from cleaner.values import Evidence, Known, Notice, Side, subject_key

LONGEST: Final = timedelta(days=14)

SIDE = Side.GENUINE


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    subject = subject_key(notice.returned.subject or notice.quoted_subject or "")
    about = mentions.failed(notice)
    if not subject or not about:
        return ()
    for mail in known.sent.by_subject.get(subject, ()):
        if mentions.is_in_time(notice, mail, LONGEST) and mentions.meet(about, mail.recipients):
            return (
                Evidence(
                    "sent_subject",
                    side=SIDE,
                    seen=mentions.shown(subject),
                    reason="You sent a mail with this subject to this recipient shortly before.",
                ),
            )
    return ()
