"""What a notice says."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from cleaner.values.fields import ABSENT, Field, IPAddress
from cleaner.values.mail import Headers


class Kind(enum.Enum):
    """What an automatic message is; the definitions stand in docs/kinds.md."""

    NDR = "ndr"
    DELAY = "delay"
    SUCCESS = "success"
    AUTOREPLY = "autoreply"
    MDN = "mdn"
    CHALLENGE = "challenge"
    AV_NOTICE = "av-notice"
    LIST_NOTICE = "list-notice"
    ARF = "arf"
    NDR_PHISH = "ndr-phish"
    NOT_A_BOUNCE = "not-a-bounce"

    @property
    def is_judged(self) -> bool:
        """Whether this kind is ours to judge: feedback reports and ordinary mail never are."""
        return self not in (Kind.ARF, Kind.NOT_A_BOUNCE)


@dataclass(frozen=True, slots=True)
class Hop:
    """
    One Received field, read (RFC 5321 section 4.4, and what servers write instead).

    Names are lower case without a trailing dot and empty where not stated. `ip` is the peer's
    address as the recording server saw it, never one that the peer merely claimed in its HELO.
    """

    helo: str = ""
    """What the peer called itself (`from`)."""
    peer: str = ""
    """The peer's name as looked up by the recording server; empty or `unknown` if it had none."""
    ip: IPAddress | None = None
    by: str = ""
    protocol: str = ""
    """As written after `with`, lower case: esmtpsa, lmtp, local …"""
    id: str = ""
    recipient: str = ""
    """The address after `for`."""
    envelope_from: str = ""
    authenticated: bool = False
    """The recording server says that the peer signed in."""
    local: bool = False
    """
    The mail was submitted on the recording host itself: by a user or program of it (command line, pickup folder)
    or on its web page. No mail server handed it over, so `helo`, `peer` and `ip` are empty.
    """
    time: datetime | None = None
    raw: str = ""

    @property
    def is_helo_only(self) -> bool:
        """
        Another machine handed the mail over, and all that is recorded of it is what it called itself.

        LMTP is spoken within a site (RFC 2033), where hosts are known by name.
        """
        claimed = bool(self.helo) and not self.peer and self.ip is None
        return claimed and not self.local and not self.protocol.startswith("lmtp")


@dataclass(frozen=True, slots=True)
class Recipient:
    """
    One recipient that a notice speaks of.

    `address` is where the mail finally could not go (Final-Recipient), `original` the address as the
    sender wrote it where the notice tells both (Original-Recipient, "generated from").
    """

    address: str
    original: str | None = None
    status: str | None = None
    """The enhanced status code (RFC 3463), from its field or else from the text."""
    action: str | None = None
    """failed, delayed, delivered, relayed, expanded; anything else as written, lower case."""
    reporter: str | None = None
    """The system that reports."""
    diagnostic: str | None = None
    remote: str | None = None
    """The system that refused (Remote-MTA)."""


class Completeness(enum.Enum):
    """How much of the mail it speaks of a notice returned."""

    WHOLE = "whole"
    HEADERS = "headers"
    FRAGMENT = "fragment"
    NONE = "none"


_TRACES: Final = (
    *("received", "x-received", "arc-seal", "x-originating-ip", "x-ms-exchange-organization-authsource"),
    *("x-ms-embedded-report", "x-ses-outgoing"),
)
"""What servers write into a mail that they take in; Exchange 5.5 and Amazon's service return it without."""


@dataclass(frozen=True, slots=True)
class Returned:
    """
    The returned original.

    `raw` holds its bytes unaltered, from its first header byte, as they stand in the notice after
    transfer decoding and, for quoted text, dequoting; signatures are verified over them. Of a
    FRAGMENT without header fields `headers` is empty. `unknown` names in `headers` are set where the
    connector rebuilt the mail.
    """

    completeness: Completeness = Completeness.NONE
    raw: bytes = b""
    headers: Headers = field(default_factory=Headers)
    message_id: str | None = None
    """With its angle brackets."""
    date: datetime | None = None
    from_addresses: tuple[str, ...] = ()
    to_addresses: tuple[str, ...] = ()
    """To, Cc and Resent- ones."""
    subject: str | None = None
    """Decoded."""
    hops: tuple[Hop, ...] = ()
    """Topmost (latest) first."""
    text: str = ""
    """Decoded text of the body, bounded; for the classifier, never for the verdict of a rule."""

    @property
    def is_without_trace(self) -> bool:
        """
        Its header came back, and no server is named in it, nor a program that takes the trace out.

        The system that failed to deliver it took it from no other machine, if it returns headers as they were.
        """
        if self.completeness not in (Completeness.WHOLE, Completeness.HEADERS) or not self.from_addresses:
            return False
        if self.message_id is None or self.date is None:
            return False
        return all(self.headers.get(name) is ABSENT for name in _TRACES)


@dataclass(frozen=True, slots=True)
class Notice:
    """
    What a message says when it is an automatic message about another mail.

    `kind` NOT_A_BOUNCE with `doubt` empty is an ordinary message; `doubt` says why one that looks like a
    notice was not read (over a limit of size, broken beyond reading): it is left alone.
    """

    kind: Kind
    family: str = ""
    """The mail system that wrote it, as far as its form tells; empty where the general reader read it."""
    headers: Headers = field(default_factory=Headers)
    message_id: str | None = None
    subject: str = ""
    sender: str = ""
    """The From address of the notice."""
    sender_name: str = ""
    """What the From calls its author beside the address, decoded and folded."""
    return_path: Field = ABSENT
    """The envelope sender; empty text for the null sender `<>`."""
    delivered_to: tuple[str, ...] = ()
    """Addresses that this copy was sent to: Delivered-To, X-Original-To, Envelope-To, To."""
    received: datetime | None = None
    """From the topmost Received, else the internal date, else Date."""
    hops: tuple[Hop, ...] = ()
    """The notice's own Received chain, topmost first."""
    reporter: str = ""
    """The reporting system: Reporting-MTA, else the host that the notice comes from."""
    recipients: tuple[Recipient, ...] = ()
    answers: tuple[str, ...] = ()
    """
    Message-IDs that the notice says it answers, with brackets: In-Reply-To, References,
    Original-Message-ID, X-Original-Message-ID.
    """
    quoted_subject: str | None = None
    """The original's subject as the notice quotes it ("Re: x"), also without an original."""
    returned: Returned = field(default_factory=Returned)
    text: str = ""
    """What the notice says in words: decoded, HTML to text, without the returned original, bounded."""
    links: tuple[str, ...] = ()
    """http(s) addresses in the notice's own text, bounded; what a fake report wants clicked."""
    attachments: tuple[str, ...] = ()
    """File names of attachments that are neither the report nor the returned original."""
    rebuilt: bool = False
    """The server wrote it anew, and may have dropped what would have proven it."""
    fingerprint: str = ""
    doubt: str = ""
