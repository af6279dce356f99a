"""
The outside of a message: what its header fields say, worked out when first asked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from cleaner.notices import mime
from cleaner.notices.charsets import decode
from cleaner.notices.fields import addresses_in, decoded, display_name, first_address, message_ids
from cleaner.notices.lazy import lazy
from cleaner.notices.limits import MAX_ENCODED, MAX_IDS
from cleaner.notices.text import fold
from cleaner.values import Field, Headers, address_key, subject_key

_DAEMON: Final = re.compile(
    r"(?:mailer[-_.]?daemon|post[-_.]?master|mail[-_.]?daemon|mdaemon|mail\.?delivery\.?(?:system|subsystem)"
    r"|microsoftexchange[0-9a-f]{16,}|mail-?system|maildelivery|smtp-?daemon|daemon|mail-?router)(?![a-z0-9])"
)
_DAEMON_NAME: Final = re.compile(
    r"\b(?:mail delivery|mailer-?daemon|mail-?daemon|mail system|delivery (?:sub)?system|post ?master"
    r"|system administrator|mail administrator|mail router|delivery agent|systemadministrator"
    r"|microsoft outlook|mail deliver|mail-?(?:zustell)?system|zustell(?:sub)?system|mail-?server"
    r"|système de (?:livraison|messagerie|distribution)|sistema de (?:entrega|correo)|sistema di (?:recapito|posta)"
    r"|sistema de correio|postansvarig|systeembeheerder|administrateur système|administrador del? sistema"
    r"|amministratore di sistema|správce (?:pošty|systému)|administrator (?:poczty|systemu)|системный администратор"
    r"|почтов(?:ая система|ый сервер)|система доставки)\b"
    r"|システム管理者|メール(?:配信|配送)?システム|邮件(?:系统|投递系统)|系统管理员"
    r"|郵件系統|系統管理員|메일 ?시스템|시스템 관리자"
)
_ENVELOPE_ONLY: Final = re.compile(
    r"(?:.{0,200}[-+._=])?bounces?(?:[-+._=].{0,250})?@|(?:prvs|btv1|srs[01])[=+-].{1,250}@|owner-.{1,200}@",
    re.IGNORECASE,
)
"""
Addresses that only an envelope carries: of mailing lists and senders that collect their own bounces (VERP), of
signed envelope senders (BATV, draft-levine-smtp-batv), of forwarders (SRS).
"""

_TICKET: Final = re.compile(
    r"\[[^\]]{0,60}\d{2,20}\]|\(?(?:ticket|case|issue|request|tracker)\s?[#:]?\s?\d|#\d{2,}"
)
_BETWEEN: Final = re.compile(r"[-_.]")


MAX_REMEMBERED: Final = 500
"""Characters of a From field that is remembered: a mailbox has far fewer authors than messages."""


@dataclass(frozen=True, slots=True)
class Author:
    """What a From field says."""

    address: str
    name: str
    is_daemon: bool
    """It names a mail system, or nobody (`<>`), not a person."""


def author_of(value: str) -> Author:
    return _author(value) if len(value) <= MAX_REMEMBERED else _author.__wrapped__(value)


@lru_cache(maxsize=4096)
def _author(value: str) -> Author:
    address = first_address(value)
    name = fold(display_name(value))
    local = address_key(address).partition("@")[0].strip("\"'") or value[:MAX_ENCODED].strip("<> ").casefold()
    is_daemon = (
        value.endswith(("<>", "<@>"))
        or _DAEMON.match(local)
        or _DAEMON_NAME.search(name)
        or _DAEMON_NAME.search(_BETWEEN.sub(" ", local))
    )
    return Author(address, name, bool(is_daemon))


class Cover:
    """What the header fields of one message say."""

    def __init__(self, headers: Headers) -> None:
        self.headers = headers

    @lazy
    def subject(self) -> str:
        raw = next(iter(self.headers.raw("subject")), b"")
        if not raw.isascii():
            flat = b" ".join(line.strip(b" \t\r") for line in raw.split(b"\n"))
            return decoded(decode(flat, self._charset)).strip()
        return decoded(self.headers.text("subject")).strip()

    @lazy
    def _charset(self) -> str:
        """The charset that the message declares: what raw bytes in the header are likely to be in."""
        return mime.parameters(self.headers.text("content-type")).get("charset", "")

    @lazy
    def title(self) -> str:
        """The subject as subjects are compared."""
        return fold(self.subject)

    @lazy
    def is_answer(self) -> bool:
        """Its subject is that of another mail behind `Re:` or `Fwd:`."""
        bare = subject_key(self.subject)
        return bool(bare) and bare != self.title

    @lazy
    def has_ticket(self) -> bool:
        """Its subject begins with the number of a ticket."""
        return bool(_TICKET.match(self.title))

    @lazy
    def _author(self) -> Author:
        return author_of(self.headers.text("from"))

    @property
    def sender(self) -> str:
        """The From address."""
        return self._author.address

    @property
    def sender_name(self) -> str:
        return self._author.name

    @lazy
    def return_path(self) -> Field:
        """The envelope sender; empty text for `<>`."""
        value = self.headers.get("return-path")
        if not isinstance(value, str):
            return value
        return value.strip().strip("<>").strip()

    @lazy
    def has_null_sender(self) -> bool:
        """The envelope sender is empty; some servers store that as `<MAILER-DAEMON>`, bare or at a host of theirs."""
        path = self.return_path
        return isinstance(path, str) and (path == "" or path.upper().partition("@")[0] == "MAILER-DAEMON")

    @property
    def has_daemon_sender(self) -> bool:
        """The From names a mail system, or nobody (`<>`), not a person."""
        return self._author.is_daemon

    @lazy
    def auto_submitted(self) -> str:
        """`auto-replied`, `auto-generated` …; empty when absent or `no`."""
        value = self.headers.text("auto-submitted").partition(";")[0].partition("(")[0].strip().lower()
        return "" if value == "no" else value

    @lazy
    def precedence(self) -> str:
        """`bulk`, `list`, `junk`, `auto_reply` …, lower case."""
        return self.headers.text("precedence").strip().lower()

    @lazy
    def is_automatic(self) -> bool:
        return self.has_null_sender or self.has_daemon_sender or bool(self.auto_submitted)

    @lazy
    def addressees(self) -> tuple[str, ...]:
        """Whom this copy was sent to."""
        return addresses_in(self.headers, ("delivered-to", "x-original-to", "envelope-to", "to"))

    @lazy
    def answers_an_envelope(self) -> bool:
        """It is sent to an address that stands in no letter: what comes there answers an envelope sender."""
        return any(_ENVELOPE_ONLY.match(address) for address in self.addressees)

    @lazy
    def own_addresses(self) -> frozenset[str]:
        """Addresses of the notice itself, comparable: never failed recipients."""
        own = {address_key(address) for address in self.addressees}
        return frozenset(own | {address_key(self.sender)})

    @lazy
    def answers(self) -> tuple[str, ...]:
        """Message-IDs that the header says this answers."""
        names = ("in-reply-to", "references", "original-message-id", "x-original-message-id")
        ids = dict.fromkeys(
            found for name in names for value in self.headers.all(name) for found in message_ids(value)
        )
        return tuple(ids)[:MAX_IDS]

    @lazy
    def answers_under_own_subject(self) -> bool:
        """It answers a mail, but not under its subject, as few persons do."""
        return "in-reply-to" in self.headers and not (self.is_answer or self.has_ticket or self.is_of_a_list)

    @property
    def is_of_a_list(self) -> bool:
        """Distributed by a mailing list, so written to nobody in particular."""
        return any(name in self.headers for name in ("list-id", "list-post", "list-unsubscribe"))
