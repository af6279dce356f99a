"""What the logs tell of one mail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import Final, NamedTuple, TypeAlias

from cleaner.values import IPAddress

Wanted: TypeAlias = Callable[[str], bool]
"""Whether mail of that envelope sender is of interest; asked early, so that all else is forgotten at once."""

MAX_RECIPIENTS: Final = 5_000


class Place(NamedTuple):
    """A line: the number of its file in this run, and where it begins."""

    file: int
    offset: int


@dataclass(frozen=True, slots=True)
class LoggedMail:
    """
    One mail that a mail server took in.

    `submitted`: by somebody who signed in, or on the server itself. Else `client` is who brought it, as far
    as the log tells; it may be a stranger who uses our sender address.
    """

    sender: str
    message_ids: tuple[str, ...]
    """With brackets; its own first, then those that other servers gave it on its way."""
    time: datetime
    recipients: tuple[str, ...]
    subject: str = ""
    submitted: bool = False
    client: IPAddress | None = None


@dataclass(slots=True)
class OpenMail:
    """A mail whose lines are still being gathered."""

    place: Place
    time: datetime
    sender: str | None = None
    message_id: str = ""
    further_ids: dict[str, None] | None = None
    recipients: dict[str, None] | None = None
    subject: str = ""
    submitted: bool = False
    client: IPAddress | None = None

    def add_recipient(self, address: str) -> None:
        if self.recipients is None:
            self.recipients = {}
        if len(self.recipients) < MAX_RECIPIENTS and "@" in address:
            self.recipients[address] = None

    def add_id(self, message_id: str) -> None:
        if self.further_ids is None:
            self.further_ids = {}
        if len(self.further_ids) < 10 and message_id != self.message_id:
            self.further_ids[message_id] = None

    def logged(self) -> LoggedMail | None:
        """What is known of it by now; None as long as its sender is not, or as it has neither id nor recipient."""
        if not self.sender or not (self.message_id or self.recipients):
            return None
        ids = (self.message_id, *(self.further_ids or ()))
        return LoggedMail(
            self.sender,
            tuple(id for id in ids if id),
            self.time,
            tuple(self.recipients or ()),
            self.subject,
            self.submitted,
            self.client,
        )


def text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def with_brackets(message_id: str) -> str:
    """As it stands in the mail; Exim logs it without, Postfix whatever the mail says. Empty for what is none."""
    bare = message_id.strip().strip("<>")
    return f"<{bare}>" if bare and len(bare) <= 900 else ""


def address_of(raw: bytes) -> IPAddress | None:
    try:
        return ip_address(raw.decode("ascii", "replace").removeprefix("IPv6:"))
    except ValueError:
        return None
