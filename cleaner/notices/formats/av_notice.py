"""
Notices of virus and content filters to the supposed sender.

Sighted: MailScanner (in some twenty languages), amavisd-new, BitDefender. They name a virus or a banned file
in the subject; one that comes as a delivery status notification is that first.
"""

from __future__ import annotations

import re
from typing import Final

from cleaner.notices import failures, words
from cleaner.notices.sheet import Finding, Sheet
from cleaner.values import Completeness, Kind, subject_key

FAMILY: Final = "av"
_SOFTWARE: Final = (
    "mailscanner",
    "amavis",
    "antivir",
    "anti-vir",
    "clamav",
    "bitdefender",
    "virus",
    "content-filter",
)


def read(sheet: Sheet) -> Finding | None:
    if sheet.is_of_a_list or subject_key(sheet.subject) != sheet.title:
        return None
    title = re.split(r"\bre:", sheet.title)[0]  # behind it an answer quotes the subject of our mail
    named = words.said(words.VIRUS, title)
    if not (named or sheet.has_null_sender) or _is_answer(sheet):
        return None
    whole = sheet.returned.completeness in (Completeness.WHOLE, Completeness.HEADERS)
    speaker = f"{sheet.sender_name} {sheet.sender.lower()} {sheet.headers.text('x-mailer').lower()}"
    by_filter = any(name in speaker for name in _SOFTWARE)
    if not (named or by_filter):
        return None
    if not (sheet.has_null_sender or sheet.has_daemon_sender or sheet.answers or _is_about_a_mail(sheet)):
        return None
    if not (sheet.is_automatic or by_filter) or (whole and sheet.has_null_sender and not by_filter):
        return None
    family = next((name for name in ("mailscanner", "amavis", "bitdefender") if name in sheet.folded), FAMILY)
    return Finding(Kind.AV_NOTICE, family, failures.named(sheet))


def _is_about_a_mail(sheet: Sheet) -> bool:
    """Scanners of machines tell their administrators of viruses too, and newsletters all the world."""
    if sheet.returned.completeness is not Completeness.NONE:
        return True
    return words.is_of_mail(f"{sheet.title} {sheet.folded}") and bool(failures.named(sheet))


def _is_answer(sheet: Sheet) -> bool:
    return "vacation" in sheet.headers.text("auto-submitted") or words.said(words.AUTOREPLY, sheet.title)
