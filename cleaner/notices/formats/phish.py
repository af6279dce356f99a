"""
Fakes: phishing and worms that look like a delivery report or a notice of held mail.

No specification: sighted in phishing collections and on mailing lists. A report brings back a mail, or at least
says which one; a fake brings a link to follow or a file to open. It is sent like any mail, so its envelope has
a sender, and it speaks of the addressee's own mailbox.
"""

from __future__ import annotations

from typing import Final

from cleaner.notices import words
from cleaner.notices.cover import Cover
from cleaner.notices.sheet import Finding, Sheet
from cleaner.values import Completeness, Kind, address_key, domain_of

FAMILY: Final = "phish"
_SUPPORT: Final = (
    "admin",
    "support",
    "webmail",
    "mail server",
    "mailserver",
    "helpdesk",
    "help desk",
    "postmail",
    "post office",
    "mail delivery",
    "email delivery",
    "mailbox",
    "notification",
    "webmaster",
    "it service",
    "message center",
)


def read(sheet: Sheet) -> Finding | None:
    if _is_sent_like_a_report(sheet) or sheet.returned.completeness is not Completeness.NONE:
        return None
    if not (sheet.links or sheet.attachments) or sheet.answers:
        return None
    held = any(phrase in sheet.title for phrase in words.HELD)
    failed = any(phrase in sheet.title for phrase in (*words.FAILURE, *words.SUCCESS))
    if not (held or failed):
        return None
    official = sheet.has_daemon_sender or any(word in sheet.sender_name for word in _SUPPORT)
    if official or (_claims_to_be_ours(sheet) and held):
        return Finding(Kind.NDR_PHISH, FAMILY)
    return None


def _is_sent_like_a_report(cover: Cover) -> bool:
    """Null or daemon envelope sender, or none recorded: then only what it says can tell, and it is not enough."""
    path = cover.return_path
    return not isinstance(path, str) or path == "" or path.lower().startswith("mailer-daemon")


def _claims_to_be_ours(sheet: Sheet) -> bool:
    """It names the addressee's domain as its author, or the addressee where it wants something clicked."""
    domains = {domain_of(address) for address in sheet.addressees} - {""}
    author = f"{sheet.sender_name} {address_key(sheet.sender)} {sheet.title}"
    ours = {address_key(address) for address in sheet.addressees}
    asked = " ".join(sheet.links).lower()
    return any(domain in author for domain in domains) or any(address in asked for address in ours)
