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
from cleaner.notices.lazy import lazy
from cleaner.notices.sheet import Finding, Sheet
from cleaner.values import Completeness, Kind, Recipient, address_key, domain_of

FAMILY: Final = ""

_DIGEST: Final = re.compile(
    r"\b(?:digest|quarantine)\b|\b\d{1,6} (?:\w{1,20} ){0,2}(?:messages|mails|e-?mails)\b"
)
_SUCCESS_TITLE: Final = re.compile(r"\b(?:success|delivered:|relayed:|expanded:|return receipt)")


def read(sheet: Sheet) -> Finding | None:
    if not is_report(sheet):
        return None
    found = recipients(sheet)
    return Finding(_kind(sheet), families.family(sheet), found, _host(sheet))


def recipients(sheet: Sheet) -> tuple[Recipient, ...]:
    """The recipients that the report names in words, or else in its subject."""
    return failures.named(sheet) or failures.named_in_subject(sheet)


def is_report(sheet: Sheet) -> bool:
    """Who speaks, what it says, and what it brings back, taken together."""
    if "x-failed-recipients" in sheet.headers:
        return True
    if _is_answer(sheet) or _is_for_the_postmaster(sheet) or _is_digest(sheet):
        return False
    signs = _Signs(sheet)
    if sheet.is_of_a_list and not (signs.speaks or signs.to_envelope or sheet.answers_us):
        return False
    if signs.speaks:
        return _is_report_of_a_daemon(sheet, signs)
    if sheet.has_null_sender and sheet.report_type == "delivery-status":
        return True
    return _is_report_of_another(sheet, signs)


class _Signs:
    """What speaks for a report, each worked out when first asked for: the first ones cost least."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.speaks = sheet.has_daemon_sender or _is_daemon_path(sheet)
        self.to_envelope = sheet.has_null_sender or sheet.answers_an_envelope
        self.marked = self.to_envelope or bool(sheet.auto_submitted)
        self.titled = words.said((*words.FAILURE, *words.DELAY), sheet.title)

    @lazy
    def said(self) -> bool:
        return words.said((*words.FAILURE, *words.DELAY), self.sheet.folded)

    @lazy
    def coded(self) -> bool:
        return status.has_code(self.sheet.text[:16_000])

    @lazy
    def told(self) -> bool:
        return self.titled or self.said or self.coded

    @lazy
    def of_mail(self) -> bool:
        return words.is_of_mail(self.sheet.title) or words.is_of_mail(self.sheet.folded)

    @lazy
    def back(self) -> bool:
        return self.sheet.returned.completeness is not Completeness.NONE

    @lazy
    def named(self) -> bool:
        return _names_someone(self.sheet)

    @lazy
    def bare(self) -> bool:
        """It offers nothing to follow or to open."""
        return not (self.sheet.links or self.sheet.attachments)


def _is_report_of_a_daemon(sheet: Sheet, signs: _Signs) -> bool:
    if sheet.is_report and (signs.titled or sheet.report_type == "delivery-status"):
        return True
    if _is_by_a_colleague(sheet):
        return signs.back and signs.told
    if signs.titled and (signs.marked or (signs.bare and signs.of_mail and not sheet.is_of_a_list)):
        return signs.marked or not _is_of_our_domain(sheet) or signs.named or signs.back
    if signs.marked and ((signs.coded and signs.said) or (said_to_succeed(sheet) and signs.named)):
        return True
    if signs.back and (signs.told or sheet.answers_us):
        return True
    if signs.named and (signs.titled or (signs.told and (signs.marked or _tells_plainly(sheet, signs)))):
        return True
    # in a language that nobody listed: a daemon that writes to an envelope about a stranger
    speaks_itself = sheet.has_daemon_sender and bool(sheet.sender)
    return speaks_itself and signs.to_envelope and signs.bare and _names_a_stranger(sheet)


def _is_report_of_another(sheet: Sheet, signs: _Signs) -> bool:
    """Gateways and programs that speak under an address of their own."""
    if _names_an_answer(sheet):
        return False
    if sheet.has_ticket and not signs.back:
        return False
    if sheet.has_null_sender and _names_whom_we_wrote_to(sheet):
        return True
    if signs.to_envelope and _may_answer_an_envelope(sheet, signs):
        if signs.back and sheet.answers_us and signs.told:
            return True
        return signs.named and _says_why(sheet, signs)
    if not (signs.titled and signs.named and (sheet.answers_us or signs.back)) or _is_by_a_colleague(sheet):
        return False
    return signs.said or signs.coded or (sheet.answers_us and failures.naming(sheet).plainly)


def _names_an_answer(sheet: Sheet) -> bool:
    """Its subject calls it an automatic answer; behind a word of failure that is the name of what failed."""
    if not words.said(words.AUTOREPLY, sheet.title):
        return False
    head = sheet.title.partition(": ")[0]
    return words.said(words.AUTOREPLY, head) or not words.said(words.FAILURE, head)


def _tells_plainly(sheet: Sheet, signs: _Signs) -> bool:
    """A postmaster who writes by hand names people and codes too, in whole sentences."""
    by_hand = isinstance(sheet.return_path, str) and sheet.return_path != ""
    return failures.naming(sheet).plainly and (signs.said or not by_hand)


def _may_answer_an_envelope(sheet: Sheet, signs: _Signs) -> bool:
    """What calls itself an answer is a person's, unless it speaks of a failure and quotes a code."""
    return sheet.auto_submitted != "auto-replied" or signs.titled or (signs.coded and signs.said)


def _says_why(sheet: Sheet, signs: _Signs) -> bool:
    """Mail failed, not a parcel, a payment or a flight; or whom it could not reach is plainly named."""
    coded = status.code_in(sheet.text[:16_000]) is not None
    plainly = failures.naming(sheet).plainly
    if not sheet.has_null_sender and not signs.titled:
        return coded and plainly and not sheet.is_answer
    return (signs.said or coded) and (plainly or signs.of_mail)


def _names_whom_we_wrote_to(sheet: Sheet) -> bool:
    """It brings a mail of ours back and names one of its recipients, who is not its author, whatever the language."""
    if not sheet.answers_us:
        return False
    wanted = {address_key(address) for address in sheet.returned.to_addresses} - {address_key(sheet.sender)}
    named = failures.naming(sheet)
    return named.plainly and any(address_key(found.address) in wanted for found in named.recipients)


def _is_by_a_colleague(sheet: Sheet) -> bool:
    """
    Sent by hand: from the addressee's own domain, with its author's address on the envelope.

    An administrator is a colleague too; what he announces ("mail was delayed this morning") is no report. Where the
    envelope sender was not recorded, only he might be a mail system.
    """
    if sheet.auto_submitted or sheet.has_null_sender or not _is_of_our_domain(sheet):
        return False
    path = sheet.return_path
    return (
        address_key(path) == address_key(sheet.sender)
        if isinstance(path, str)
        else not sheet.has_daemon_sender
    )


def _is_of_our_domain(sheet: Sheet) -> bool:
    return domain_of(sheet.sender) in {domain_of(address) for address in sheet.addressees} - {""}


def _names_a_stranger(sheet: Sheet) -> bool:
    """Somebody of another domain than the addressee's, so none of whom he could ask for help."""
    own = {domain_of(address) for address in sheet.addressees}
    return any(domain_of(found.address) not in own for found in failures.named(sheet))


def said_to_succeed(sheet: Sheet) -> bool:
    """The subject says that it was delivered; it begins with the word, before which a negation would stand."""
    return bool(_SUCCESS_TITLE.search(sheet.title)) or sheet.title.startswith(words.SUCCESS)


def _names_someone(sheet: Sheet) -> bool:
    own = frozenset() if sheet.has_daemon_sender else sheet.own_addresses
    return any(address_key(found.address) not in own for found in failures.named(sheet))


def _is_daemon_path(sheet: Sheet) -> bool:
    path = sheet.return_path
    return isinstance(path, str) and path.upper().startswith("MAILER-DAEMON")


def _is_for_the_postmaster(sheet: Sheet) -> bool:
    """Postfix tells its postmaster of sessions that went wrong; that is about nobody's mail."""
    return isinstance(sheet.return_path, str) and sheet.return_path.lower().startswith("double-bounce@")


def _is_digest(sheet: Sheet) -> bool:
    """A list of mail that is held, with a link to it: about many mails, none of them ours."""
    return (
        bool(sheet.links)
        and bool(_DIGEST.search(sheet.title))
        and sheet.returned.completeness is Completeness.NONE
    )


def _is_answer(sheet: Sheet) -> bool:
    """
    A person who answers or passes on a report keeps its subject behind `Re:` or `Fwd:`, a ticket system behind a number.

    A postmaster who answers in person sends from his own address; mail systems that put `Re:` before a subject
    (sighted: Verizon's) leave the envelope sender empty.
    """
    if sheet.has_null_sender or sheet.answers_an_envelope:
        return False
    if sheet.has_daemon_sender and (not isinstance(sheet.return_path, str) or _is_daemon_path(sheet)):
        return sheet.is_answer and bool(sheet.answers) and not _brings_or_names(sheet)
    return sheet.is_answer or sheet.has_ticket


def _brings_or_names(sheet: Sheet) -> bool:
    return sheet.returned.completeness is not Completeness.NONE or failures.naming(sheet).plainly


def _kind(sheet: Sheet) -> Kind:
    title, said = sheet.title, sheet.folded
    if words.said(words.DELAY, title) or words.said(words.RETRIES, said):
        return Kind.DELAY
    if said_to_succeed(sheet) and not status.has_code(sheet.text[:16_000]):
        return Kind.SUCCESS
    if words.said(words.FAILURE, title) or (status.code_in(sheet.text[:16_000]) or "").startswith("5"):
        return Kind.NDR
    if words.said(words.DELAY, said):
        return Kind.DELAY
    return Kind.NDR


def _host(sheet: Sheet) -> str:
    return sheet.sender.rpartition("@")[2].lower()
