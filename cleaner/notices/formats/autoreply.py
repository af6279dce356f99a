"""
Automatic answers of persons and desks: out of office, vacation, acknowledgements.

Source: RFC 3834 (`Auto-Submitted: auto-replied`); what answers without it is known by the subject that
every such system writes in its language, together with another sign of an automatic message.
"""

from __future__ import annotations

from typing import Final

from cleaner.notices import words
from cleaner.notices.sheet import Finding, Sheet
from cleaner.values import Kind

FAMILY: Final = "autoreply"


def read(sheet: Sheet) -> Finding | None:
    if sheet.has_daemon_sender and sheet.auto_submitted != "auto-replied":
        return None
    if sheet.auto_submitted == "auto-replied" or any(phrase in sheet.title for phrase in words.AUTOREPLY):
        return Finding(Kind.AUTOREPLY, FAMILY)
    return None
