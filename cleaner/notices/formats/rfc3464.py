"""
Delivery status notifications: the form in which most systems report.

Source: RFC 3464, RFC 6533 (internationalised). Read in its dialects: Action before Final-Recipient
(Exim), several recipients in one block, a blank line after every field, junk before Reporting-MTA, an
address without its type, a part of this type outside multipart/report (OpenSMTPD) or encoded in
base64, and what Exchange makes of it when it writes MIME anew (`X-Supplementary-Info`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Final

from cleaner.notices import failures, families, status, words
from cleaner.notices.fields import message_ids
from cleaner.notices.formats import general
from cleaner.notices.limits import MAX_ADDRESSES, MAX_DIAGNOSTIC, MAX_TEXT
from cleaner.notices.sheet import Finding, Sheet
from cleaner.values import Headers, Kind, Recipient, address_key

FAMILY: Final = "rfc3464"

_TYPES: Final = ("message/delivery-status", "message/global-delivery-status")
_FIRST_FIELD: Final = re.compile(rb"(?im)^(?:reporting-mta|original-recipient|final-recipient|action):")
_FINAL: Final = re.compile(rb"(?im)^final-recipient:[ \t]*rfc822[ \t]*;")
_BLANK: Final = re.compile(rb"\r?\n(?:[ \t]*\r?\n)+")
_NAMES_RECIPIENT: Final = ("final-recipient", "original-recipient", "x-actual-recipient")
_OF_RECIPIENT: Final = frozenset(
    {
        *_NAMES_RECIPIENT,
        "action",
        "status",
        "diagnostic-code",
        "remote-mta",
        "last-attempt-date",
        "will-retry-until",
        "x-supplementary-info",
        "x-display-name",
    }
)
_SUPPLEMENT: Final = re.compile(
    r"<\s*(?:(?P<mta>[^#<>]*?)\s*)?#(?P<status>[245]\.\d{1,3}\.\d{1,3})\s*(?P<rest>.*?)>?\s*$"
)
_ESCAPED: Final = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
_NOT_FAILED: Final = {
    "delayed": Kind.DELAY,
    "delivered": Kind.SUCCESS,
    "relayed": Kind.SUCCESS,
    "expanded": Kind.SUCCESS,
}


def read(sheet: Sheet) -> Finding | None:
    part = sheet.part_of_type(*_TYPES)
    fields = part.payload if part is not None else _in_text(sheet)
    if fields is None:
        return None
    blocks = [Headers.parse(block) for block in _BLANK.split(fields[:MAX_TEXT].strip())]
    message = _message_fields(blocks)
    reporter = _host(message.text("reporting-mta"))
    recipients = _distinct(_recipients(blocks, reporter))
    if not recipients and not _speaks_as_report(sheet, message):
        return None
    recipients = _by_mailbox(sheet, recipients) or general.recipients(sheet)
    return Finding(
        _kind(sheet, recipients),
        families.family(sheet) or FAMILY,
        recipients,
        reporter,
        message_ids(message.text("original-message-id") or message.text("x-original-message-id")),
    )


def _in_text(sheet: Sheet) -> bytes | None:
    """The fields where they stand in a text, because the boundaries of a report were lost on the way."""
    if not (sheet.has_null_sender or sheet.has_daemon_sender):
        return None
    body = sheet.root.body[: 4 * MAX_TEXT]
    first = _FIRST_FIELD.search(body)
    return body[first.start() :] if first and _FINAL.search(body, first.start()) else None


def _speaks_as_report(sheet: Sheet, message: Headers) -> bool:
    return "reporting-mta" in message or sheet.is_report


def _message_fields(blocks: list[Headers]) -> Headers:
    """The fields about the whole message, wherever they stand."""
    return Headers(tuple(item for block in blocks for item in block))


def _recipients(blocks: list[Headers], reporter: str) -> Iterator[Recipient]:
    for fields in _recipient_blocks(blocks):
        recipient = _recipient(fields, reporter)
        if recipient is not None:
            yield recipient


def _distinct(found: Iterable[Recipient]) -> tuple[Recipient, ...]:
    """Each recipient once; what one of two blocks about him leaves out is taken from the other."""
    kept: dict[str, Recipient] = {}
    for one in islice(found, 2 * MAX_ADDRESSES):
        key = address_key(one.address)
        other = kept.setdefault(key, one)
        if other.status is None and one.status is not None:
            kept[key] = replace(one, original=one.original or other.original)
    return tuple(kept.values())[:MAX_ADDRESSES]


def _recipient_blocks(blocks: list[Headers]) -> Iterator[Headers]:
    """
    The fields of each recipient.

    A block that names a recipient begins a new one, and so does a field that the current one has
    already. Fields of a recipient in a block that names none belong to the one before, or to the next.
    """
    current: list[tuple[bytes, bytes]] = []
    seen: set[str] = set()
    for block in blocks:
        names_one = any(name in block for name in _NAMES_RECIPIENT)
        if names_one and seen.intersection(_NAMES_RECIPIENT):
            yield Headers(tuple(current))
            current, seen = [], set()
        for name, value in block:
            key = name.decode("ascii", "replace").strip().lower()
            if key not in _OF_RECIPIENT:
                continue
            if key in seen and key in _NAMES_RECIPIENT and names_one:
                yield Headers(tuple(current))
                current, seen = [], set()
            seen.add(key)
            current.append((name, value))
    if seen.intersection(_NAMES_RECIPIENT):
        yield Headers(tuple(current))


def _recipient(fields: Headers, reporter: str) -> Recipient | None:
    final = address_of(fields.text("final-recipient"))
    original = address_of(fields.text("original-recipient"))
    address = final or original or address_of(fields.text("x-actual-recipient"))
    if not address:
        return None
    if original and _is_no_mailbox(address) and not _is_no_mailbox(original):
        address = original
    diagnostic = (
        fields.text("diagnostic-code").partition(";")[2].strip() or fields.text("diagnostic-code").strip()
    )
    remote = _host(fields.text("remote-mta"))
    stated = fields.text("status")
    supplement = _SUPPLEMENT.search(fields.text("x-supplementary-info"))
    if supplement:
        stated = supplement["status"]
        diagnostic = diagnostic or supplement["rest"].partition(";")[2].strip()
        remote = remote or _host(supplement["mta"] or "")
    return Recipient(
        address,
        original=original if original and address_key(original) != address_key(address) else None,
        status=status.best(stated, diagnostic),
        action=_action(fields.text("action")),
        reporter=reporter or None,
        diagnostic=diagnostic[:MAX_DIAGNOSTIC] or None,
        remote=remote or failures.remote_in(diagnostic[:MAX_DIAGNOSTIC]),
    )


def address_of(value: str) -> str:
    """The address of `rfc822; bob@far.example`, in the spellings that are sighted."""
    kind, semicolon, address = value.partition(";")
    address = (address if semicolon else kind).strip()
    if kind.strip().lower() == "utf-8":
        address = _ESCAPED.sub(_unescaped, address)
    return address.strip().strip("<>").strip()


def _unescaped(match: re.Match[str]) -> str:
    """The character of an RFC 6533 escape; what is no character stays as it was written."""
    number = int(match[1], 16)
    return chr(number) if number < 0xD800 or 0xE000 <= number <= 0x10FFFF else match[0]


def _is_no_mailbox(address: str) -> bool:
    """A command or a file that mail is delivered to, an X.400 address, a name without a domain."""
    return "@" not in address or " " in address or address.startswith(("|", "/"))


def _by_mailbox(sheet: Sheet, recipients: tuple[Recipient, ...]) -> tuple[Recipient, ...]:
    """Exim names the command that failed; the mailbox it stands for is in the header and in the words."""
    if not any(_is_no_mailbox(recipient.address) for recipient in recipients):
        return recipients
    named = general.recipients(sheet)
    if len(named) != len(recipients):
        return recipients
    return tuple(
        replace(recipient, address=other.address) if _is_no_mailbox(recipient.address) else recipient
        for recipient, other in zip(recipients, named, strict=True)
    )


def _action(value: str) -> str | None:
    word = value.partition("(")[0].strip().lower()
    return word or None


def _host(value: str) -> str:
    kind, semicolon, host = value.partition(";")
    name = (host if semicolon else kind).partition("(")[0]
    return name.strip().strip("<>").rstrip(".").lower()


def _kind(sheet: Sheet, recipients: tuple[Recipient, ...]) -> Kind:
    """
    Failure outweighs delay, and delay success: what the owner must know comes first.

    Exchange rewrites a delay to `delivered` with a status of failure; then the words decide.
    """
    kinds = {_kind_of(sheet, recipient) for recipient in recipients}
    return next((kind for kind in (Kind.NDR, Kind.DELAY, Kind.SUCCESS) if kind in kinds), Kind.NDR)


def _kind_of(sheet: Sheet, recipient: Recipient) -> Kind:
    code = recipient.status or ""
    if recipient.action in ("delivered", "relayed", "expanded") and code.startswith(("4", "5")):
        return Kind.DELAY if says_delayed(sheet) or code.startswith("4") else Kind.NDR
    if recipient.action in _NOT_FAILED:
        return _NOT_FAILED[recipient.action]
    if recipient.action is None and code.startswith("2"):
        return Kind.SUCCESS
    if recipient.action is None and says_delayed(sheet):
        return Kind.DELAY
    return Kind.NDR


def says_delayed(sheet: Sheet) -> bool:
    """The subject calls it a delay, the text says that it will be tried again, or says so and nothing else."""
    if words.said(words.DELAY, sheet.title):
        return True
    if words.said(words.RETRIES, sheet.folded):
        return True
    return words.said(words.DELAY, sheet.folded) and not words.said(words.FAILURE, sheet.title)
