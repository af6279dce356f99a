"""
From a message to a notice: the shortlist, the sheet, the first format that recognises it.
"""

from __future__ import annotations

from cleaner.notices import mime, rebuilt
from cleaner.notices.cover import Cover
from cleaner.notices.fields import message_id
from cleaner.notices.formats import FORMATS
from cleaner.notices.identity import fingerprint
from cleaner.notices.limits import MAX_IDS, MAX_READ
from cleaner.notices.sent import arrived
from cleaner.notices.sheet import Finding, Sheet
from cleaner.notices.shortlist import likely
from cleaner.notices.trace import hops
from cleaner.values import (
    MAX_HEADER_BYTES,
    MAX_HEADER_FIELDS,
    Headers,
    Kind,
    Message,
    Notice,
    subject_key,
)


def read(message: Message) -> Notice:
    """What a message says. Never raises; NOT_A_BOUNCE with a `doubt` where it could not be read."""
    raw = message.raw[:MAX_READ]
    end = mime.header_end(raw, 0, len(raw))
    headers = rebuilt.cover(message) if message.rebuilt else Headers.parse(raw[:end])
    cover = Cover(headers)
    if not likely(cover):
        return _ordinary(cover, message)
    if doubt := _header_doubt(end, headers):
        return _ordinary(cover, message, doubt)
    try:
        root = mime.parse(raw) if message.rebuilt else mime.tree(headers, raw[end:])
        sheet = Sheet(root, headers, rebuilt=message.rebuilt)
    except mime.TooManyPartsError:
        return _ordinary(cover, message, "it has more parts, or deeper ones, than are looked at")
    finding = next((found for form in FORMATS if (found := form.read(sheet)) is not None), None)
    return _ordinary(cover, message) if finding is None else _notice(sheet, finding, message)


def _header_doubt(end: int, headers: Headers) -> str:
    if end > MAX_HEADER_BYTES or len(headers.items) >= MAX_HEADER_FIELDS:
        return "its header is larger than is looked at"
    return ""


def _ordinary(cover: Cover, message: Message, doubt: str = "") -> Notice:
    return Notice(
        Kind.NOT_A_BOUNCE,
        headers=cover.headers,
        message_id=message_id(cover.headers.text("message-id")),
        subject=cover.subject,
        sender=cover.sender,
        return_path=cover.return_path,
        received=arrived(cover.headers, message.received),
        fingerprint=fingerprint(cover.headers),
        doubt=doubt,
    )


def _notice(sheet: Sheet, finding: Finding, message: Message) -> Notice:
    chain = hops(sheet.headers)
    top = chain[0].time if chain else None
    return Notice(
        finding.kind,
        family=finding.family,
        headers=sheet.headers,
        message_id=message_id(sheet.headers.text("message-id")),
        subject=sheet.subject,
        sender=sheet.sender,
        sender_name=sheet.sender_name,
        return_path=sheet.return_path,
        delivered_to=sheet.addressees,
        received=top or arrived(sheet.headers, message.received),
        hops=chain,
        reporter=finding.reporter or _host_of(sheet),
        recipients=finding.recipients,
        answers=tuple(dict.fromkeys((*sheet.answers, *finding.answers)))[:MAX_IDS],
        quoted_subject=_quoted_subject(sheet),
        returned=finding.returned or sheet.returned,
        text=sheet.text,
        links=sheet.links,
        attachments=sheet.attachments,
        rebuilt=sheet.rebuilt,
        fingerprint=fingerprint(sheet.headers),
    )


def _host_of(sheet: Sheet) -> str:
    return sheet.sender.rpartition("@")[2].lower()


def _quoted_subject(sheet: Sheet) -> str | None:
    bare = subject_key(sheet.subject)
    return sheet.subject if bare and bare != sheet.title else None
