"""
Message-tracking logs of Exchange: CSV, one line for each event (Microsoft: Message tracking).

Which column is which stands in the line `#Fields:`, and differs between versions. Exchange also logs mail that
strangers bring with our sender addresses; `directionality`, from 2013 on, tells what began here.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from cleaner.ledger.mail import MAX_RECIPIENTS, LoggedMail, Wanted, address_of, text, with_brackets

_FIELDS: Final = "#Fields:"
_FROM_MAILBOXES: Final = frozenset(("STOREDRIVER", "MAILBOXRULE"))
_EVENTS: Final = frozenset(
    "RECEIVE SUBMIT SEND SENDEXTERNAL TRANSFER EXPAND RESOLVE REDIRECT FAIL DEFER DELIVER HADISCARD".split()
)
_LEAVING: Final = frozenset(("SEND", "SENDEXTERNAL"))


class ExchangeLog:
    """Reads the lines of one file."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._columns: tuple[str, ...] = ()
        self.recognised = 0
        self.bad = 0

    @staticmethod
    def is_one(head: bytes) -> bool:
        """Whether a log begins like one."""
        start = head.removeprefix(b"\xef\xbb\xbf")[:2_000]
        return start.startswith(b"#") and (b"#Fields:" in start or b"Exchange" in start)

    def read(self, line: bytes) -> Iterator[LoggedMail]:
        written = text(line).lstrip("\ufeff").rstrip("\r\n")
        if written.startswith("#"):
            if written.startswith(_FIELDS):
                names = written.removeprefix(_FIELDS).split(",")
                self._columns = tuple(name.strip().lower() for name in names)
            return
        if not written:
            return
        event = self._event(written)
        if event is None:
            self.bad += 1
            return
        self.recognised += 1
        mail = self._mail(event)
        if mail is not None:
            yield mail

    def _event(self, line: str) -> Mapping[str, str] | None:
        try:
            values = next(csv.reader((line,), strict=True), [])
        except csv.Error:
            return None
        if len(values) != len(self._columns):
            return None
        return dict(zip(self._columns, values, strict=True))

    def _mail(self, event: Mapping[str, str]) -> LoggedMail | None:
        sender = event.get("sender-address", "")
        if not self._wanted(sender) or event.get("event-id", "").upper() not in _EVENTS:
            return None
        time = _time(event.get("date-time", ""))
        if time is None:
            self.bad += 1
            return None
        began_here = _began_here(event)
        message_id = with_brackets(event.get("message-id", ""))
        if not message_id or not (began_here or _is_brought(event)):
            return None
        recipients = [
            address.strip()
            for name in ("recipient-address", "related-recipient-address")
            for address in event.get(name, "").split(";")[:MAX_RECIPIENTS]
        ]
        client = event.get("original-client-ip") or event.get("client-ip") or ""
        return LoggedMail(
            sender=sender,
            message_ids=(message_id,),
            time=time,
            recipients=tuple(dict.fromkeys(address for address in recipients if "@" in address)),
            subject=event.get("message-subject", ""),
            submitted=began_here,
            client=address_of(client.encode()) if client else None,
        )


def _began_here(event: Mapping[str, str]) -> bool:
    direction = event.get("directionality", "").casefold()
    if direction in ("originating", "incoming"):
        return direction == "originating"
    if event.get("source", "").upper() in _FROM_MAILBOXES:
        return event.get("event-id", "").upper() in ("RECEIVE", "SUBMIT")
    return event.get("event-id", "").upper() in _LEAVING


def _is_brought(event: Mapping[str, str]) -> bool:
    """Somebody brought it by SMTP: then his address tells whether he is one of us."""
    return event.get("source", "").upper() == "SMTP" and event.get("event-id", "").upper() == "RECEIVE"


def _time(written: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(written.strip())
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
