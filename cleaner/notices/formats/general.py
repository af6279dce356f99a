"""
Reports in words, of any system: Exim, qmail, Postfix and Sendmail in their old forms, Exchange, Gmail and
those that nobody listed.

Read from what is the same in every language: a mail system speaks (empty envelope sender, RFC 5321 section
4.5.5, or a daemon as author), it names recipients, it quotes reply or status codes (RFC 5321, RFC 3463), and it
sends the mail back. Words only add to that: none of them alone makes a report of a message.
"""

from __future__ import annotations

import re
from typing import Final

from cleaner.notices import failures, families, status, words
from cleaner.notices.sheet import Finding, Sheet
from cleaner.values import Completeness, Kind, Recipient, address_key, subject_key

FAMILY: Final = ""

_SUCCESS_TITLE: Final = re.compile(r"\b(?:success|delivered:|relayed:|expanded:|return receipt)")


def read(sheet: Sheet) -> Finding | None:
    if not is_report(sheet):
        return None
    found = recipients(sheet)
    return Finding(_kind(sheet), families.family(sheet), found, _host(sheet))


def recipients(sheet: Sheet) -> tuple[Recipient, ...]:
    """The recipients that the report names in words."""
    return failures.named(sheet)


def is_report(sheet: Sheet) -> bool:
    """Who speaks, what it says, and what it brings back, taken together."""
    if "x-failed-recipients" in sheet.headers:
        return True
    speaks = sheet.has_daemon_sender or _is_daemon_path(sheet)
    if _is_answer(sheet) or _is_for_the_postmaster(sheet) or (sheet.is_of_a_list and not speaks):
        return False
    if sheet.report_type == "delivery-status" and (speaks or sheet.has_null_sender):
        return True
    titled = any(phrase in sheet.title for phrase in (*words.FAILURE, *words.DELAY))
    said = any(phrase in sheet.folded for phrase in (*words.FAILURE, *words.DELAY))
    coded = status.has_code(sheet.text[:16_000])
    back = sheet.returned.completeness is not Completeness.NONE
    named = _names_someone(sheet)
    if speaks and titled and (sheet.has_null_sender or sheet.auto_submitted):
        return True
    if speaks:
        return (
            (coded and said)
            or (back and (titled or said or coded or sheet.answers_us))
            or (named and (titled or said or coded))
        )
    if sheet.has_null_sender:
        return (back and sheet.answers_us and (titled or said or coded)) or (
            named and titled and (said or coded)
        )
    return titled and (said or coded) and named and (sheet.answers_us or back)


def _names_someone(sheet: Sheet) -> bool:
    own = frozenset() if sheet.has_daemon_sender else sheet.own_addresses
    return any(address_key(found.address) not in own for found in failures.named(sheet))


def _is_daemon_path(sheet: Sheet) -> bool:
    path = sheet.return_path
    return isinstance(path, str) and path.upper().startswith(("MAILER-DAEMON", "POSTMASTER@"))


def _is_for_the_postmaster(sheet: Sheet) -> bool:
    """Postfix tells its postmaster of sessions that went wrong; that is about nobody's mail."""
    return isinstance(sheet.return_path, str) and sheet.return_path.lower().startswith("double-bounce@")


def _is_answer(sheet: Sheet) -> bool:
    """A person who answers or passes on a report keeps its subject behind `Re:` or `Fwd:`."""
    bare = subject_key(sheet.subject)
    answered = bool(bare) and bare != sheet.title
    return answered and not sheet.has_null_sender and not sheet.has_daemon_sender


def _kind(sheet: Sheet) -> Kind:
    title, said = sheet.title, sheet.folded
    if any(phrase in title for phrase in words.DELAY):
        return Kind.DELAY
    if _SUCCESS_TITLE.search(title) and not status.has_code(sheet.text[:16_000]):
        return Kind.SUCCESS
    failing = any(phrase in title for phrase in words.FAILURE)
    if not failing and any(phrase in said for phrase in words.DELAY):
        return Kind.DELAY
    return Kind.NDR


def _host(sheet: Sheet) -> str:
    return sheet.sender.rpartition("@")[2].lower()
