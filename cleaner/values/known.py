"""What is known beside it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import TypeAlias

from cleaner.values.fields import IPNetwork
from cleaner.values.judgement import Opinion


@dataclass(frozen=True, slots=True)
class DkimKey:
    """A public key of ours as published (RFC 6376 section 3.6.1), from configuration, DNS or archive."""

    domain: str
    selector: str
    record: str


Selector: TypeAlias = tuple[str, str]
"""A domain and the name of one of its keys, lower case."""


@dataclass(frozen=True, slots=True)
class FoundKeys:
    """What became of the keys that were asked for; a selector in neither is unknown: nobody answered."""

    keys: tuple[DkimKey, ...] = ()
    absent: frozenset[Selector] = frozenset()
    """There is certainly no such key, and none was ever seen."""


@dataclass(frozen=True, slots=True)
class BatvKey:
    """A secret key that sender addresses of ours are tagged with (draft-levine-smtp-batv)."""

    number: int
    """The digit that names it in the tag."""
    key: bytes = field(repr=False)
    days: int = 7
    """How long a tag is valid."""


@dataclass(frozen=True, slots=True)
class HmacKey:
    """A secret key that our mail servers sign their own header field with (docs/own-header.md)."""

    id: str
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Organisation:
    """
    A set of domains with what sends their mail.

    `relay_names` and `relay_networks` are the configured relays split by what they are.
    """

    name: str
    domains: frozenset[str] = frozenset()
    relay_names: frozenset[str] = frozenset()
    relay_networks: tuple[IPNetwork, ...] = ()
    client_networks: tuple[IPNetwork, ...] = ()
    authserv_ids: frozenset[str] = frozenset()
    always_signs: bool = False
    senders_complete: bool = False
    """The administrator's word: nothing but relays, client networks and what SPF allows sends for the domains."""
    dmarc_reports: str = ""
    """The mailbox that DMARC aggregate reports about the domains come to; empty: none is read for them."""
    dkim_keys: tuple[DkimKey, ...] = ()
    always_tags: bool = False
    batv_keys: tuple[BatvKey, ...] = ()
    hmac_keys: tuple[HmacKey, ...] = ()
    shared: bool = False
    """Strangers send by the same relays and under the same signature: both prove nothing about one user."""
    found_keys: tuple[DkimKey, ...] = ()
    """DKIM keys that nobody configured, found in DNS or in the archive for the notices at hand."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose mailbox it is: the addresses that this person sends as, comparable forms (`address_key`)."""

    address: str
    addresses: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """One mail of the sent record on its way in: hashed by the store, never kept in the clear."""

    message_id: str | None
    time: datetime
    recipients: tuple[str, ...]
    subject: str
    manner: tuple[str, ...] = ()
    """Traits of how it is written (`evidence.manner`); counted, not kept with the mail."""


@dataclass(frozen=True, slots=True)
class SentQuestion:
    """All that a batch of notices mentions, asked of the sent record at once."""

    message_ids: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()
    subjects: frozenset[str] = frozenset()
    """Decoded; the record compares them normalised (`subject_key`)."""
    manner: frozenset[str] = frozenset()
    """Traits, and kinds of traits."""


@dataclass(frozen=True, slots=True)
class SentMail:
    """
    One mail of ours that the question touched.

    The record holds hashes only, so `recipients`, `domains` and `subject` tell of the *asked* ones
    which belong to this mail; `recipient_count` tells how many it had in all.
    """

    time: datetime
    message_id: str | None = None
    recipients: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()
    subject: str | None = None
    """The asked subject (its `subject_key`) that is this mail's, if one is."""
    recipient_count: int = 0
    logged: bool = False
    """Known from a transport log, not from a copy."""


@dataclass(frozen=True, slots=True)
class SentRecordView:
    """
    What the sent record answered.

    `begins` is the time of its oldest mail, `None` where nothing is recorded.
    """

    by_message_id: Mapping[str, SentMail] = field(default_factory=lambda: MappingProxyType({}))
    by_subject: Mapping[str, tuple[SentMail, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """`subject_key` → mails with that subject."""
    by_recipient: Mapping[str, tuple[SentMail, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """`address_key` → the mails sent to it, latest first, at most 20."""
    domains_written_to: frozenset[str] = frozenset()
    """Those domains of asked addresses to which anything was sent."""
    begins: datetime | None = None
    ends: datetime | None = None
    mails: int = 0
    id_domains: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """Right-hand sides (of ours) of the Message-IDs in the record, counted; what our ids look like."""
    manner: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """Asked trait → copies of sent mail that have it; kind of traits → copies that tell it."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A likely notice that came into this mailbox: what bursts are counted from."""

    time: datetime
    subject: str = ""
    reporter: str = ""


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    hits: int = 0
    total: int = 0

    @property
    def rest(self) -> float:
        """How likely the next one is no hit: the rule of succession, which never says never."""
        return (self.total - self.hits + 1) / (self.total + 2)


@dataclass(frozen=True, slots=True)
class Lesson:
    """
    What one judged notice shows of the way that its mail left.

    A lesson about our own mail only where it is proven; else it only tells on which days a machine was seen.
    Machines, networks, domains and ids stand here as texts to be compared: those that the memory holds as hashes
    and that nobody asked about are hashes here, too.
    """

    day: date | None = None
    original: str = ""
    """The id of the mail: one that comes back ten times is one lesson."""
    site: str = ""
    """Whose machine handed the notice in, as our own server saw it: a forger has few of his own."""
    machine: str = ""
    """The address that handed the mail over to the reporter's side; empty where the trace does not tell."""
    network: str = ""
    """The addresses around it."""
    version: int = 4
    """Of the Internet Protocol."""
    is_listed: bool = False
    """It is a configured relay or client."""
    at_us: bool = False
    """Our own server reports: the machine is a client of ours, or a stranger."""
    author: str = ""
    """The domain of the From."""
    signed: bool | None = None
    """Whether it bears a DKIM-Signature of ours; None where that cannot be seen."""
    in_record: bool = False
    """Proven by the sent record."""
    by_mark: bool = False
    """Proven by something that the mail itself bears: a signature, a tag."""
    of_colleague: bool = False
    """It was learned in another mailbox of the organisation."""
    at: datetime | None = None
    """When the notice came."""
    selector: str = ""
    """`selector._domainkey.domain` of a signature of ours that the mail bears."""
    submitted: bool | None = None
    """Proven: our own server noted that it had the mail from a client of ours, or who signed in; None: not told."""
    outside: OutsideSender | None = None
    """Proven, and handed over by a host that is not among those that send for us."""
    stranger: str = ""
    """
    Who runs the machine, where it is a stranger without a server's name and nothing proves the mail.

    That is the registered domain of the machine's name, else the addresses around it; what campaigns are told by.
    """

    @property
    def is_proven(self) -> bool:
        return self.in_record or self.by_mark


@dataclass(frozen=True, slots=True)
class OutsideSender:
    """A host that sent proven mail of ours though nothing lists it: who sends for us is not a closed set."""

    domain: str
    """Ours, that it sent for."""
    ip: str
    name: str = ""
    """As looked up by the server that took the mail in."""
    day: date | None = None

    def __str__(self) -> str:
        return f"{self.name} [{self.ip}]" if self.name else f"[{self.ip}]"


class SeenBy(enum.Enum):
    """How it was seen that a host sends for us."""

    ARRIVAL = "arrival"
    """Mail of ours came from it into a mailbox, and our own server found it authentic."""
    DMARC = "dmarc"
    """Somebody else found mail of ours from it authentic, and said so in a DMARC aggregate report."""


@dataclass(frozen=True, slots=True)
class ObservedSender:
    """A host that our own mail was seen coming from, authentic: it is no stranger, and nothing is proven by it."""

    domain: str
    """Ours, that it sent for."""
    ip: str
    name: str = ""
    """As looked up by our server; empty where nobody told."""
    first_day: date = date.min
    last_day: date = date.min
    days: int = 1
    """On how many days it was seen."""
    by: SeenBy = SeenBy.ARRIVAL

    def __str__(self) -> str:
        return f"{self.name} [{self.ip}]" if self.name else f"[{self.ip}]"


Place: TypeAlias = tuple[str, str]
"""An address and an empty text; or the network around an address and the registered domain of its host's name."""


@dataclass(frozen=True, slots=True)
class StrangerSeen:
    """Mail in our name that nothing proves, handed over by a stranger without a server's name."""

    at: datetime
    operator: str
    """The registered domain of the machine's name, else the addresses around it."""
    machine: str
    network: str
    """The addresses around it."""


@dataclass(frozen=True, slots=True)
class Machine:
    """On which days a machine handed over mail in our name, and mail that is proven ours."""

    seen: frozenset[date] = frozenset()
    proven: frozenset[date] = frozenset()


@dataclass(frozen=True, slots=True)
class Alarm:
    """On one day, much came back that left by our own servers and that the user did not keep."""

    day: date
    mails: int
    usual: float
    """How many of the kind on other days."""

    def __str__(self) -> str:
        return (
            f"on {self.day} {self.mails} mails came back that bear your own signature and are not among the mail "
            f"sent from this mailbox ({self.usual:.1f} on other days); has somebody its password?"
        )


@dataclass(frozen=True, slots=True)
class Habits:
    """
    How our mail leaves, as the notices about proven mail show it.

    Proofs are what it is learned from, so nobody else can teach it what is ours.
    """

    machines: Mapping[str, Machine] = field(default_factory=lambda: MappingProxyType({}))
    """Those that no configuration lists."""
    networks: frozenset[str] = frozenset()
    """Around machines that handed over proven mail."""
    ways: Mapping[int, Share] = field(default_factory=lambda: MappingProxyType({}))
    """IP version → proven mails from a machine that is listed or was seen on other days, too, of all."""
    signed: Mapping[str, Share] = field(default_factory=lambda: MappingProxyType({}))
    """From domain → mails with a signature of ours, of those proven by the sent record."""
    recorded: Share = Share()
    """Mails in the sent record, of those proven by a mark that they bear: how complete the record is."""
    submitted: Share = Share()
    """Mails that our server noted to be from a client of ours, or who signed in, of those proven that tell it."""
    selectors: frozenset[str] = frozenset()
    """Selectors of ours whose signatures proven mail bears."""
    outside_senders: tuple[OutsideSender, ...] = ()
    """Hosts that sent proven mail and that nothing lists, by the notices at hand."""
    strangers: tuple[StrangerSeen, ...] = ()
    """Sorted by time."""


@dataclass(frozen=True, slots=True)
class HostQuestion:
    """What a batch of notices asks the outside about hosts."""

    ips: frozenset[str] = frozenset()
    """Addresses to be looked up in blocklists."""
    senders: frozenset[tuple[str, str]] = frozenset()
    """An address, and the domain of ours that it sent for: does the domain's SPF policy allow it?"""
    sites: tuple[tuple[str, str], ...] = ()
    """An address, and somebody else's domain: is it one of that domain's MX hosts or SPF senders? Most telling first."""
    domains: frozenset[str] = frozenset()
    """Domains of ours whose published policy is asked for."""
    names: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Address → its looked-up name, as the server that took the mail in recorded it; empty ones are left out."""


@dataclass(frozen=True, slots=True)
class SenderPolicy:
    """What a domain of ours publishes about who may send for it (SPF and DMARC), as far as it is known."""

    domain: str
    is_closed: bool
    """Strict: nobody but those that its SPF policy lists sends for it, and it asks others to act on that."""
    open_because: str = ""
    """A sentence for the administrator; empty where it is closed."""
    since: datetime | None = None
    """When this closed policy was first seen."""


@dataclass(frozen=True, slots=True)
class HostsView:
    """What the outside answered; what is not there is unknown."""

    listed: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """Address → the blocklists that it stands on."""
    spf: Mapping[tuple[str, str], str] = field(default_factory=lambda: MappingProxyType({}))
    """
    Address and domain → `pass`, `provider` (a pass by the policy of a provider that many share) or `fail`.

    A pass by any policy that is remembered counts, so that a move to another provider makes nobody a stranger.
    """
    sites: Mapping[tuple[str, str], str] = field(default_factory=lambda: MappingProxyType({}))
    """Address and somebody else's domain → `mx`, `spf`, or empty text where it is neither."""
    policies: Mapping[str, SenderPolicy] = field(default_factory=lambda: MappingProxyType({}))
    """Domain of ours → its published policy; one that nobody answers for is left out."""
    may_ask: bool = True
    """False: the configuration forbids to ask, so that nothing published is to be had by waiting."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a rule may know beside the notice. Gathered once per batch, the same for all its notices."""

    organisation: Organisation
    owner: Owner
    sent: SentRecordView = field(default_factory=SentRecordView)
    arrivals: tuple[Arrival, ...] = ()
    """Sorted by time."""
    now: datetime | None = None
    habits: Habits = field(default_factory=Habits)
    hosts: HostsView = field(default_factory=HostsView)
    absent_keys: frozenset[Selector] = frozenset()
    """DKIM keys that the notices' signatures name and that certainly never were."""
    outside_senders: tuple[OutsideSender, ...] = ()
    """Hosts outside our senders that sent proven mail, as remembered from earlier notices."""
    observed: frozenset[Place] = frozenset()
    """Where our own mail was seen coming from: whoever is there is no stranger."""
    taught: Mapping[str, Opinion] = field(default_factory=lambda: MappingProxyType({}))
    """Group of like notices (`evidence.likeness`) → what an administrator's labels say of it."""
