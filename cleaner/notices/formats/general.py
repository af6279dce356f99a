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
from cleaner.values import Completeness, Kind, Recipient, address_key

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
    to_envelope = sheet.has_null_sender or sheet.answers_an_envelope
    if _is_answer(sheet) or _is_for_the_postmaster(sheet):
        return False
    if sheet.is_of_a_list and not (speaks or to_envelope or sheet.answers_us):
        return False
    titled = words.said((*words.FAILURE, *words.DELAY), sheet.title)
    if speaks and sheet.is_report and (titled or sheet.report_type == "delivery-status"):
        return True
    if speaks and titled and not (sheet.is_of_a_list or sheet.links or sheet.attachments):
        return True
    marked = to_envelope or bool(sheet.auto_submitted)
    if speaks and marked and (titled or (said_to_succeed(sheet) and _names_someone(sheet))):
        return True
    said = words.said((*words.FAILURE, *words.DELAY), sheet.folded)
    coded = status.has_code(sheet.text[:16_000])
    back = sheet.returned.completeness is not Completeness.NONE
    named = _names_someone(sheet)
    if speaks:
        told = titled or said or coded
        plainly = marked or failures.naming(sheet).plainly
        return (
            (marked and coded and said)
            or (back and (told or sheet.answers_us))
            or (named and (titled or (plainly and told)))
        )
    if sheet.has_null_sender and sheet.report_type == "delivery-status":
        return True
    if to_envelope:
        return (back and sheet.answers_us and (titled or said or coded)) or (
            named
            and (titled or sheet.has_null_sender)
            and (said or status.code_in(sheet.text[:16_000]) is not None)
        )
    return titled and (said or coded) and named and (sheet.answers_us or back)


def said_to_succeed(sheet: Sheet) -> bool:
    """The subject says that it was delivered."""
    return bool(_SUCCESS_TITLE.search(sheet.title)) or words.said(words.SUCCESS, sheet.title)


def _names_someone(sheet: Sheet) -> bool:
    own = frozenset() if sheet.has_daemon_sender else sheet.own_addresses
    return any(address_key(found.address) not in own for found in failures.named(sheet))


def _is_daemon_path(sheet: Sheet) -> bool:
    path = sheet.return_path
    return isinstance(path, str) and path.upper().startswith("MAILER-DAEMON")


def _is_for_the_postmaster(sheet: Sheet) -> bool:
    """Postfix tells its postmaster of sessions that went wrong; that is about nobody's mail."""
    return isinstance(sheet.return_path, str) and sheet.return_path.lower().startswith("double-bounce@")


def _is_answer(sheet: Sheet) -> bool:
    """
    A person who answers or passes on a report keeps its subject behind `Re:` or `Fwd:`, a ticket system behind a number.

    A postmaster who answers in person sends from his own address; mail systems that put `Re:` before a subject
    (sighted: Verizon's) leave the envelope sender empty.
    """
    if sheet.has_null_sender or sheet.answers_an_envelope:
        return False
    if sheet.has_daemon_sender and (not isinstance(sheet.return_path, str) or _is_daemon_path(sheet)):
        return False
    return sheet.is_answer or sheet.has_ticket


def _kind(sheet: Sheet) -> Kind:
    title, said = sheet.title, sheet.folded
    if words.said(words.DELAY, title) or words.said(words.RETRIES, said):
        return Kind.DELAY
    if said_to_succeed(sheet) and not status.has_code(sheet.text[:16_000]):
        return Kind.SUCCESS
    failing = words.said(words.FAILURE, title)
    if not failing and words.said(words.DELAY, said):
        return Kind.DELAY
    return Kind.NDR


def _host(sheet: Sheet) -> str:
    return sheet.sender.rpartition("@")[2].lower()
