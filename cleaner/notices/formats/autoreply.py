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
    if words.said(words.AUTOREPLY, sheet.title):
        return Finding(Kind.AUTOREPLY, FAMILY)
    if sheet.auto_submitted == "auto-replied" and not _is_bulk(sheet) and not _asks_to_unsubscribe(sheet):
        return Finding(Kind.AUTOREPLY, FAMILY)
    if words.said(words.ABSENCE, sheet.title) and _is_marked(sheet):
        return Finding(Kind.AUTOREPLY, FAMILY)
    if sheet.has_null_sender and _is_marked(sheet) and not sheet.attachments:
        return Finding(Kind.AUTOREPLY, FAMILY)
    return None


def _is_marked(sheet: Sheet) -> bool:
    """Debian's `vacation` says no more than `Precedence: bulk`; what a list or a shop sends in bulk names a list."""
    precedence = sheet.headers.text("precedence").strip().lower()
    return precedence in ("bulk", "junk", "auto_reply") and not sheet.is_of_a_list and not sheet.links


def _is_bulk(sheet: Sheet) -> bool:
    """A mailing that calls itself an answer: its envelope collects its own bounces (VERP), as no answer's does."""
    path = sheet.return_path if isinstance(sheet.return_path, str) else ""
    return "bounce" in path.lower()


def _asks_to_unsubscribe(sheet: Sheet) -> bool:
    """Mail programs send these for their users (RFC 2369), marked as automatic."""
    return sheet.title in ("unsubscribe", "subscribe")
