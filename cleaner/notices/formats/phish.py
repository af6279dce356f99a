"""
Fakes: phishing and worms that look like a delivery report or a notice of held mail.

No specification: sighted in phishing collections and on mailing lists. A report brings back a mail, or at
least says which one; a fake brings a link to follow or a file to open. Most are sent like any mail, so that
their envelope has a sender; others are baited with a link that knows the addressee.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote, urlsplit

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
    "delivery software",
    "mail delivery",
    "email delivery",
    "mailbox",
    "notification",
    "webmaster",
    "it service",
    "message center",
)


def read(sheet: Sheet) -> Finding | None:
    if sheet.returned.completeness is not Completeness.NONE or sheet.answers or _is_passed_on(sheet):
        return None
    held = words.said(words.HELD, sheet.title)
    failed = words.said((*words.FAILURE, *words.SUCCESS, *words.DELAY), sheet.title)
    official = sheet.has_daemon_sender or words.said(_SUPPORT, sheet.sender_name)
    if official and _is_by_a_mail_program(sheet) and (failed or _says_failed(sheet)):
        return Finding(Kind.NDR_PHISH, FAMILY)
    if not (sheet.attachments or any(not _is_ours(link, sheet) for link in sheet.links)):
        return None
    if not (held or failed or sheet.report_type == "delivery-status"):
        return None
    if _is_baited(sheet):
        return Finding(Kind.NDR_PHISH, FAMILY)
    if _is_sent_like_a_report(sheet) or not (held or failed):
        return None
    return Finding(Kind.NDR_PHISH, FAMILY) if official or (held and _claims_to_be_ours(sheet)) else None


def _is_passed_on(sheet: Sheet) -> bool:
    """Somebody forwards or answers a report, or files it as a ticket; its words stand in his mail."""
    return sheet.has_ticket or (sheet.is_answer and not sheet.is_automatic)


def _is_by_a_mail_program(sheet: Sheet) -> bool:
    """No mail system writes with a person's mail program: the worms Mydoom and Bagle say so."""
    return sheet.headers.text("x-mailer").lower().startswith("microsoft outlook express")


def _says_failed(sheet: Sheet) -> bool:
    return words.said(words.FAILURE, sheet.folded)


def _is_ours(link: str, sheet: Sheet) -> bool:
    """It leads to the addressee's own domain, as that of a real quarantine does."""
    host = (urlsplit(link).hostname or "") if "[" not in link else ""
    domains = {domain_of(address) for address in sheet.addressees} - {""}
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)


def _is_baited(sheet: Sheet) -> bool:
    """A link that carries the addressee's own address: what a fake log-in page fills in, and no mail system needs."""
    linked = unquote(" ".join(sheet.links)).lower()
    return any(address_key(address) in linked for address in sheet.addressees)


def _is_sent_like_a_report(cover: Cover) -> bool:
    """Null or daemon envelope sender, or none recorded: then what it says is not enough."""
    path = cover.return_path
    return not isinstance(path, str) or path == "" or path.lower().startswith("mailer-daemon")


def _claims_to_be_ours(sheet: Sheet) -> bool:
    """It names the addressee's domain as its author."""
    domains = {domain_of(address) for address in sheet.addressees} - {""}
    author = f"{sheet.sender_name} {address_key(sheet.sender)} {sheet.title}"
    return any(domain in author for domain in domains)
