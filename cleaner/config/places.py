"""
Where things are: the store, the secret keys, the mail systems, the mailboxes and how to get into them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from cleaner.config.oauth import SignIn
from cleaner.config.secret import Secret
from cleaner.values import BatvKey, HmacKey, Organisation, Owner, Policy, address_key


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Where the state is kept, and the master key for keyed hashes and encryption."""

    url: str
    """As SQLAlchemy takes it; the path of a SQLite file is absolute."""
    key: Secret
    keep_sent: timedelta = timedelta(0)
    """How long a sent mail stays in the sent record; zero: until its owner opts out."""


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """The learned model: whether it is asked, where models trained here are kept, and when `serve` trains anew."""

    use: bool = True
    path: Path = Path("models")
    retrain: timedelta = timedelta(days=7)
    """How long new labels wait at most until they are learned from; zero: until somebody trains."""
    retrain_after: int = 50
    """So many new labels do not wait so long; zero: they do."""
    accept: float = 0.001
    """The share of genuine notices that a model may lose by its own labels alone, at 95 % confidence."""


@dataclass(frozen=True, slots=True)
class LookupSettings:
    """What may be asked of the outside while mailboxes are cleaned."""

    dns: bool = True
    timeout: timedelta = timedelta(seconds=5)
    """For each question."""
    nameservers: tuple[tuple[str, int], ...] = ()
    """Addresses and ports; none: those of this machine."""
    blocklists: tuple[str, ...] = ()
    """Zones that hosts are looked up in (RFC 5782)."""
    spf: bool = True
    """Whether the policies of our own domains (SPF, DMARC) are asked for who may send for them."""
    sites: bool = True
    """Whether the mail servers of domains that notices mention are asked for."""


@dataclass(frozen=True, slots=True)
class AlarmSettings:
    """Whom to tell at once, and how; nobody where neither a webhook nor mail is named."""

    webhook: str | Secret | None = None
    """An https address, or where it stands: those of chat systems are secrets."""
    webhook_token: Secret | None = None
    mail: tuple[str, ...] = ()
    sender: str = ""
    smtp_host: str = "localhost"
    smtp_port: int | None = None
    """None: the usual one for `smtp_tls`."""
    smtp_tls: str = "starttls"
    smtp_user: str = ""
    smtp_password: Secret | None = None
    ca_file: Path | None = None
    timeout: timedelta = timedelta(seconds=15)
    repeat: timedelta = timedelta(days=1)
    """What still holds is told again after so long."""
    flood: int = 100
    """Notices about a stranger's mail that one mailbox gets in a day, from which on it is told; 0: never."""


@dataclass(frozen=True, slots=True)
class BatvSettings:
    """A key that sender addresses are tagged with."""

    number: int
    key: Secret
    days: int

    def reveal(self) -> BatvKey:
        return BatvKey(self.number, self.key.reveal().encode(), self.days)


@dataclass(frozen=True, slots=True)
class HmacSettings:
    """A key that a header field of our own is signed with."""

    id: str
    key: Secret

    def reveal(self) -> HmacKey:
        return HmacKey(self.id, self.key.reveal().encode())


@dataclass(frozen=True, slots=True)
class SecretKeys:
    """Where the secret keys of one organisation stand; they are read when mail is to be judged by them."""

    organisation: str
    batv: tuple[BatvSettings, ...] = ()
    hmac: tuple[HmacSettings, ...] = ()

    def all(self) -> tuple[Secret, ...]:
        return (*(settings.key for settings in self.batv), *(settings.key for settings in self.hmac))

    def given_to(self, organisation: Organisation) -> Organisation:
        """The organisation with its secret keys. Raises SecretUnavailableError."""
        return replace(
            organisation,
            batv_keys=tuple(settings.reveal() for settings in self.batv),
            hmac_keys=tuple(settings.reveal() for settings in self.hmac),
        )


@dataclass(frozen=True, slots=True)
class Server:
    """One mail system that mailboxes live on. Which fields are set depends on the connector."""

    name: str
    connector: str
    path: str | None = None
    """Maildir: where a mailbox lies, with `{address}`, `{local}` and `{domain}` to be filled in."""
    host: str | None = None
    port: int | None = None
    """None: the usual one for `tls`."""
    tls: str = "implicit"
    ca_file: Path | None = None
    auth: str = "password"
    user: str | None = None
    """The master user, where one account signs in for all."""
    password: Secret | None = None
    master_separator: str = "*"
    """IMAP: what stands between the mailbox's user and the master user; empty: the names are given one by one."""
    timeout: timedelta = timedelta(seconds=60)
    """How long an answer may take."""
    connections: int = 4
    """How many connections one process has to it at most."""
    idle: int = 0
    """At how many mailboxes `serve` waits for new mail with a connection of its own."""
    endpoint: str | None = None
    """EWS: the address of Exchange.asmx; None: autodiscover finds it."""
    access: str = ""
    """EWS: `impersonation` or `delegate`, never guessed."""
    oauth: SignIn | None = None
    """IMAP and Graph: how tokens are got, where it is signed in to with them."""
    client_id: str | None = None
    """EWS: OAuth 2.0 with a secret of the application's own (RFC 6749 section 4.4)."""
    client_secret: Secret | None = None
    token_url: str | None = None
    scope: str | None = None

    def path_of(self, address: str) -> Path:
        """The folder of one mailbox on a Maildir server."""
        local, _, domain = address.rpartition("@")
        parts = {"{address}": address, "{local}": local, "{domain}": domain}
        return Path(re.sub(r"\{(?:address|local|domain)\}", lambda found: parts[found[0]], self.path or ""))


@dataclass(frozen=True, slots=True)
class MailboxSettings:
    """One mailbox: whose, where, and what is to be done in it."""

    address: str
    server: str
    organisation: str
    policy: Policy
    """The common policy with this mailbox's own settings put over it."""
    aliases: tuple[str, ...] = ()
    """Further addresses at the organisation's domains."""
    identities: tuple[str, ...] = ()
    """Addresses elsewhere that this person sends as."""
    user: str = ""
    """The name to sign in with."""
    password: Secret | None = None
    sent_from: tuple[str, ...] = ()
    """Mailboxes whose Sent folder also holds mail of this address."""
    stored: bool = False
    """It stands in the store, not in the file."""

    def owner(self) -> Owner:
        """Whose mailbox it is, with every address that this person sends as."""
        named = (self.address, *self.aliases, *self.identities)
        return Owner(address_key(self.address), frozenset(map(address_key, named)))
