"""
The digest as a message: plain text and HTML.

It comes from the mailbox's own address and bears no mark of automatic mail: it is not sent, so that nothing
answers it, and no program is to take it for a notice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from typing import Any, Final

from cleaner.service.digest.wording import WORDINGS, Wording
from cleaner.values import Kind

MOST: Final = 50
"""Notices named one by one under a heading."""
LONGEST: Final = 100
"""Characters quoted from a mail."""
NAME: Final = "Bounce Cleaner"


@dataclass(frozen=True, slots=True)
class Item:
    """One notice that is told about."""

    at: datetime
    kind: Kind | None = None
    recipient: str = ""
    subject: str = ""
    """Of the mail that it speaks of."""
    is_moved: bool = False
    """False: it would have been."""
    until: datetime | None = None
    """When it leaves the quarantine for Trash."""

    @classmethod
    def of(cls, report: Mapping[str, Any], at: datetime, kind: Kind) -> Item:
        """From the line that was kept of it."""
        recipients = [str(r.get("address") or "") for r in report.get("recipients") or ()]
        returned = report.get("returned") or {}
        return cls(
            at, kind, plain(recipients[0] if recipients else ""), plain(str(returned.get("subject") or ""))
        )


@dataclass(frozen=True, slots=True)
class Letter:
    """All that a digest tells."""

    address: str
    language: str
    quarantine: str
    """Empty: notices go to the trash."""
    items: tuple[Item, ...]
    since: datetime
    now: datetime
    zone: tzinfo
    message_id: str

    @property
    def wording(self) -> Wording:
        return WORDINGS[self.language]

    def parts(self) -> Iterator[tuple[str, tuple[Item, ...]]]:
        """Headings, each with what stands under it."""
        moved = tuple(item for item in self.items if item.is_moved)
        would = tuple(item for item in self.items if not item.is_moved)
        if moved:
            yield self.wording.moved.format(count=len(moved)), moved
        if would:
            yield self.wording.would.format(count=len(would)), would

    def day(self, at: datetime) -> str:
        return f"{at.astimezone(self.zone):%Y-%m-%d}"

    def line(self, item: Item) -> str:
        words = self.wording
        told = [
            f"{item.at.astimezone(self.zone):%Y-%m-%d %H:%M}",
            words.kinds.get(item.kind, words.other) if item.kind is not None else words.other,
        ]
        if item.recipient:
            told.append(words.about.format(recipient=item.recipient, subject=item.subject or "–"))
        if item.until is not None:
            told.append(words.until.format(date=self.day(item.until)))
        return " · ".join(told)

    def opening(self) -> Sequence[str]:
        words = self.wording
        return words.greeting.format(since=self.day(self.since), now=self.day(self.now)), words.why

    def closing(self) -> str:
        words = self.wording
        if not any(item.is_moved for item in self.items):
            return words.nothing_done
        if not self.quarantine:
            return words.take_back_trash
        return words.take_back.format(folder=self.quarantine)


def raw(letter: Letter) -> bytes:
    """The message as it is put into the mailbox."""
    message = EmailMessage(policy=SMTP)
    local, _, domain = letter.address.rpartition("@")
    ours = local.isascii() and domain.isascii()
    sender = Address(NAME, local, domain) if ours else Address(NAME)
    message["From"] = sender
    message["To"] = Address("", local, domain) if ours else "undisclosed-recipients:;"
    message["Subject"] = letter.wording.subject
    message["Date"] = format_datetime(letter.now.astimezone(letter.zone))
    message["Message-ID"] = letter.message_id
    message["Content-Language"] = letter.language
    message.set_content(text(letter), cte="base64")
    message.add_alternative(html(letter), subtype="html", cte="base64")
    return message.as_bytes()


def text(letter: Letter) -> str:
    lines = [paragraph for one in letter.opening() for paragraph in (one, "")]
    for heading, items in letter.parts():
        lines += [heading, ""]
        lines += [f"- {letter.line(item)}" for item in items[:MOST]]
        if len(items) > MOST:
            lines.append(letter.wording.more.format(count=len(items) - MOST))
        lines.append("")
    return "\n".join([*lines, letter.closing(), ""])


def html(letter: Letter) -> str:
    parts = [f"<p>{escape(one)}</p>" for one in letter.opening()]
    for heading, items in letter.parts():
        parts.append(f"<h2>{escape(heading)}</h2><ul>")
        parts += [f"<li>{escape(letter.line(item))}</li>" for item in items[:MOST]]
        parts.append("</ul>")
        if len(items) > MOST:
            parts.append(f"<p>{escape(letter.wording.more.format(count=len(items) - MOST))}</p>")
    parts.append(f"<p><strong>{escape(letter.closing())}</strong></p>")
    style = "body{font:15px/1.5 sans-serif;max-width:46em}h2{font-size:17px}"
    return (
        f'<!doctype html><html lang="{letter.language}"><head><meta charset="utf-8">'
        f"<title>{escape(letter.wording.subject)}</title><style>{style}</style></head>"
        f"<body>{''.join(parts)}</body></html>"
    )


def plain(quoted: str) -> str:
    """What a mail says, so that it can neither break a line nor turn its direction; cut to a length."""
    shown = "".join(c if c.isprintable() else " " for c in quoted[: LONGEST * 4])
    shown = " ".join(shown.split())
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 1]}…"
