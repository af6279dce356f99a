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
_PROGRAMS: Final = (
    "x-autoreply",
    "x-auto-reply",
    "x-autorespond",
    "x-autoresponder",
    "x-autoreply-from",
    "x-auto-reply-from",
    "x-vacation",
)
"""Fields that vacation programs and desks write into their answers, and into nothing else."""
_OF_EXCHANGE: Final = ("x-auto-response-suppress", "x-ms-exchange-inbox-rules-loop")
"""Written also into mail that a person's rule passes on, which keeps its envelope sender."""


def read(sheet: Sheet) -> Finding | None:
    if sheet.has_daemon_sender and sheet.auto_submitted != "auto-replied":
        return None
    if words.said(words.AUTOREPLY, sheet.title):
        return Finding(Kind.AUTOREPLY, FAMILY)
    if sheet.auto_submitted == "auto-replied" and not _is_bulk(sheet) and not _asks_to_unsubscribe(sheet):
        return Finding(Kind.AUTOREPLY, FAMILY)
    if words.said(words.ABSENCE, sheet.title) and _is_marked(sheet):
        return Finding(Kind.AUTOREPLY, FAMILY)
    if _names_its_program(sheet) or _is_an_answer_of_nobody(sheet):
        return Finding(Kind.AUTOREPLY, FAMILY)
    return None


def _names_its_program(sheet: Sheet) -> bool:
    named = sheet.precedence in ("auto_reply", "auto-reply") or any(
        name in sheet.headers for name in _PROGRAMS
    )
    return named and not sheet.is_of_a_list and not _is_bulk(sheet)


def _is_an_answer_of_nobody(sheet: Sheet) -> bool:
    """A person's address, an empty envelope sender, and a sign that no person sent it: whatever the language."""
    if not sheet.has_null_sender or sheet.attachments or sheet.links or sheet.is_of_a_list:
        return False
    by_exchange = any(name in sheet.headers for name in _OF_EXCHANGE) and ": " in sheet.title
    answering = sheet.is_answer and bool(sheet.answers)
    return by_exchange or answering or _is_marked(sheet)


def _is_marked(sheet: Sheet) -> bool:
    """Debian's `vacation` says no more than `Precedence: bulk`; what a list or a shop sends in bulk names a list."""
    return sheet.precedence in ("bulk", "junk", "auto_reply") and not sheet.is_of_a_list and not sheet.links


def _is_bulk(sheet: Sheet) -> bool:
    """A mailing that calls itself an answer: its envelope collects its own bounces (VERP), as no answer's does."""
    path = sheet.return_path if isinstance(sheet.return_path, str) else ""
    return "bounce" in path.lower()


def _asks_to_unsubscribe(sheet: Sheet) -> bool:
    """Mail programs send these for their users (RFC 2369), marked as automatic."""
    return sheet.title in ("unsubscribe", "subscribe")
