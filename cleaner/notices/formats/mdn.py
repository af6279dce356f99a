"""
Disposition notifications: the recipient's mail program says what became of a mail.

Source: RFC 8098. A Sieve `reject` comes in this form too (RFC 5429 section 2.1.2; Dovecot, Cyrus): the
mail was deleted without being shown, and a server says so, not a person. That is a failure.
"""

from __future__ import annotations

from typing import Final

from cleaner.notices import words
from cleaner.notices.fields import message_ids
from cleaner.notices.formats.rfc3464 import address_of
from cleaner.notices.sheet import Finding, Sheet
from cleaner.values import Headers, Kind, Recipient

FAMILY: Final = "mdn"
_TYPES: Final = ("message/disposition-notification", "message/global-disposition-notification")


def read(sheet: Sheet) -> Finding | None:
    part = sheet.part_of_type(*_TYPES)
    if part is None:
        if sheet.report_type != "disposition-notification" or sheet.is_of_a_list:
            return None
        return Finding(Kind.MDN, FAMILY)
    fields = Headers.parse(part.payload.lstrip(b"\r\n"))
    disposition = fields.text("disposition").lower()
    reporter = fields.text("reporting-ua").partition(";")[0].strip()
    answers = message_ids(fields.text("original-message-id"))
    final = address_of(fields.text("final-recipient"))
    original = address_of(fields.text("original-recipient"))
    address = final or original
    rejected = _is_reject(sheet, disposition)
    recipient = Recipient(
        address,
        original=original if original and original != address else None,
        action="failed" if rejected else disposition.rpartition(";")[2].strip() or None,
        reporter=reporter or None,
    )
    return Finding(
        Kind.NDR if rejected else Kind.MDN,
        "sieve" if rejected else FAMILY,
        (recipient,) if address else (),
        reporter,
        answers,
    )


def _is_reject(sheet: Sheet, disposition: str) -> bool:
    """A person who deletes a mail unread is told by `manual-action`, or by his own From address."""
    # Exchange and its like write `manual-action` for all, whatever it was.
    by_hand = "manual-action" in disposition and not sheet.rebuilt
    if "deleted" not in disposition.rpartition(";")[2] or by_hand:
        return False
    says_so = "reject" in sheet.headers.text("auto-submitted").lower() or "reject" in sheet.title
    return says_so or (sheet.has_daemon_sender and words.said(words.FAILURE, sheet.folded))
