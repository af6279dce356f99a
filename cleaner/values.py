"""
The nouns of the product, frozen, in order of appearance.

What flows through the pipeline is one of these: a connector lists a `Folder` and yields a
`Heading` and then a `Message`; reading makes a `Notice` of it; rules that know the `Known` find
`Evidence`; judging gives a `Verdict`; the policy a `Plan`; an action an `Outcome`, kept as an
`Entry` of the journal.

Times are aware datetimes, durations `timedelta`, sizes bytes. Addresses are kept as they were read;
compare them with `address_key`. A field of a mail is its value, `ABSENT` (the mail does not have
it) or `UNKNOWN` (the connector could not see it: Exchange rebuilds mail and drops fields), and no
rule takes the one for the other.
"""

from __future__ import annotations

import enum
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from types import MappingProxyType
from typing import Any, Final, TypeAlias

IPAddress: TypeAlias = IPv4Address | IPv6Address
IPNetwork: TypeAlias = IPv4Network | IPv6Network


class Missing(enum.Enum):
    """Why a field has no value: the mail lacks it, or we cannot tell."""

    ABSENT = "absent"
    UNKNOWN = "unknown"


ABSENT: Final = Missing.ABSENT
UNKNOWN: Final = Missing.UNKNOWN

MAX_HEADER_BYTES: Final = 256 * 1024
MAX_HEADER_FIELDS: Final = 2_000
MAX_SUBJECT: Final = 1_000
Field: TypeAlias = str | Missing


def address_key(address: str) -> str:
    """
    The form under which two spellings of one address are equal.

    Local parts are case-sensitive by RFC 5321 section 2.4 and treated without regard to case by
    every mailbox provider that we know of; enclosing brackets and a trailing dot do not count.
    """
    return address.strip().strip("<>").rstrip(".").casefold()


_REPLY_PREFIX: Final = re.compile(
    r"\s*[^\W\d_]{1,12}\s{0,2}(?:\[\d{1,3}\]|\(\d{1,3}\)|\^\d{1,3})?\s{0,2}[:\uff1a]"
)
_REPLY_WORDS: Final = frozenset(
    "re aw antw antwort sv vs ref rif r res odp fwd fw wg tr rv enc doorst vb i vl ynt ilt "
    "回复 答复 转发 回覆 轉寄 返信 転送".split()
)


def subject_key(subject: str) -> str:
    """
    The form under which the subject of a mail and of its answers are equal.

    NFKC, case-folded, white space collapsed, and the reply and forward prefixes that mail programs
    put before it in the languages we have seen taken off (RFC 5322 section 3.6.5 knows only `Re:`).
    """
    text = unicodedata.normalize("NFKC", subject[:MAX_SUBJECT]).casefold()
    text = " ".join(text.split())
    while (match := _REPLY_PREFIX.match(text)) is not None:
        word = match.group().strip().rstrip(":").split("[")[0].split("(")[0].split("^")[0].strip()
        if word not in _REPLY_WORDS:
            break
        text = text[match.end() :].lstrip()
    return text


def domain_of(address: str) -> str:
    """The domain of an address in comparable form; empty if it has none."""
    return address_key(address).rpartition("@")[2] if "@" in address else ""


# --- what a connector sees -----------------------------------------------------------------------


class FolderRole(enum.Enum):
    """What a folder is for (RFC 6154), as the server or its name says."""

    INBOX = "inbox"
    SENT = "sent"
    TRASH = "trash"
    JUNK = "junk"
    DRAFTS = "drafts"
    ARCHIVE = "archive"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder by its full name, levels separated by `/` whatever the server uses."""

    name: str
    role: FolderRole = FolderRole.NONE
    messages: int | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """
    What stands in a folder.

    `ids` are those that may be new since the cursor given (a connector may list one again, never
    leave one out), oldest first: by date, or by arrival where the system numbers its messages so; `cursor` is
    what to give next time, opaque to everyone but the connector; `total` counts all messages of the folder.
    A connector may list a part of the new ones: `left` counts those that come with the next cursor.
    """

    ids: tuple[str, ...]
    cursor: str
    total: int
    left: int = 0


@dataclass(frozen=True, slots=True)
class Headers:
    """
    The header fields of one mail, in order, as raw bytes.

    Each item is the name as written and the raw value after the colon, folds included, the final
    line end left out. `unknown` holds the names (lower case) whose absence means nothing here.
    """

    items: tuple[tuple[bytes, bytes], ...] = ()
    unknown: frozenset[str] = frozenset()
    _index: Mapping[str, list[int]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        index: dict[str, list[int]] = {}
        for position, (name, _) in enumerate(self.items):
            key = _short_name(name) if len(name) <= _SHORT else _field_name(name)
            index.setdefault(key, []).append(position)
        object.__setattr__(self, "_index", index)

    @classmethod
    def parse(cls, block: bytes, unknown: frozenset[str] = frozenset()) -> Headers:
        """
        The fields of a header block, read leniently and in linear time.

        Reading ends at the first empty line; CRLF and LF end a line, a bare CR does not. A line
        without a colon that is not a continuation is skipped, an mbox `From ` line too. At most
        MAX_HEADER_BYTES and MAX_HEADER_FIELDS are looked at; what is beyond is left out.
        """
        items: list[tuple[bytes, bytes]] = []
        for line in _FIELD_END.split(block[:MAX_HEADER_BYTES]):
            if line[:1] in _EMPTY_LINE:
                break
            name, colon, value = line.partition(b":")
            bare = name.strip()
            if not colon or not bare or b" " in bare or b"\n" in bare:
                continue
            if len(items) == MAX_HEADER_FIELDS:
                break
            items.append((name, value.removesuffix(b"\r")))
        return cls(tuple(items), unknown)

    @property
    def names(self) -> Collection[str]:
        """The names of the fields, lower case."""
        return self._index

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._index

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        return iter(self.items)

    def raw(self, name: str) -> tuple[bytes, ...]:
        """The raw values of every field of that name, topmost first."""
        return tuple(self.items[i][1] for i in self._index.get(name.lower(), ()))

    def all(self, name: str) -> tuple[str, ...]:
        """The unfolded values of every field of that name; 8-bit bytes read as UTF-8, else Latin-1."""
        return tuple(_unfold(value) for value in self.raw(name))

    def get(self, name: str) -> Field:
        """The first unfolded value of that name, `ABSENT` or `UNKNOWN`."""
        positions = self._index.get(name.lower())
        if positions:
            return _unfold(self.items[positions[0]][1])
        return UNKNOWN if name.lower() in self.unknown else ABSENT

    def only(self, names: frozenset[str]) -> Headers:
        """Those fields alone."""
        kept = tuple(
            item for item in self.items if item[0].decode("ascii", "replace").strip().lower() in names
        )
        return Headers(kept, self.unknown)

    def text(self, name: str) -> str:
        """Like `get`, with an empty text for what is missing: for where the difference does not matter."""
        value = self.get(name)
        return value if isinstance(value, str) else ""


_FIELD_END: Final = re.compile(rb"\n(?![ \t])")
_EMPTY_LINE: Final = (b"", b"\r", b"\n")
"""How what follows the last field begins."""

_SHORT: Final = 64
"""Bytes of a field name up to which it is remembered: mails share a few hundred names."""


def _field_name(name: bytes) -> str:
    return name.decode("ascii", "replace").strip().lower()


_short_name = lru_cache(maxsize=2_000)(_field_name)


def _unfold(value: bytes) -> str:
    flat = value
    if b"\n" in value:
        flat = b" ".join([line.strip(b" \t\r") for line in value.split(b"\n")])
    try:
        return flat.decode("utf-8").strip()
    except UnicodeDecodeError:
        return flat.decode("latin-1").strip()


@dataclass(frozen=True, slots=True)
class Heading:
    """A message seen without its body: what the shortlist is made from."""

    folder: str
    id: str
    headers: Headers
    size: int
    received: datetime | None = None
    """The internal date: when the message came into the mailbox."""
    flags: tuple[str, ...] = ()
    unreadable: str = ""
    """Why its header cannot be read; such a message is left alone and counted."""


@dataclass(frozen=True, slots=True)
class Message:
    """
    One mail of a mailbox, raw.

    `rebuilt`: the server wrote the MIME anew (EWS, Graph), so that trace fields which a returned
    original lacks are unknown, not absent. `header`: with `rebuilt`, the header block as received where the
    server keeps it (property 0x007D, internetMessageHeaders); reading believes it and not the one in `raw`.
    `unreadable`: why its bytes cannot be had; it is left alone.
    """

    folder: str
    id: str
    raw: bytes
    received: datetime | None = None
    flags: tuple[str, ...] = ()
    rebuilt: bool = False
    header: bytes = b""
    unreadable: str = ""


# --- what a notice says --------------------------------------------------------------------------


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
    time: datetime | None = None
    raw: str = ""


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
    fingerprint: str = ""
    doubt: str = ""


# --- what is known beside it ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DkimKey:
    """A public key of ours as published (RFC 6376 section 3.6.1), from configuration, DNS or archive."""

    domain: str
    selector: str
    record: str


Selector: TypeAlias = tuple[str, str]
"""A domain and the name of one of its keys, lower case."""


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


@dataclass(frozen=True, slots=True)
class SentQuestion:
    """All that a batch of notices mentions, asked of the sent record at once."""

    message_ids: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()
    subjects: frozenset[str] = frozenset()
    """Decoded; the record compares them normalised (`subject_key`)."""


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
    completeness: float | None = None


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

    @property
    def is_proven(self) -> bool:
        return self.in_record or self.by_mark


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


# --- evidence and verdict ------------------------------------------------------------------------


class Side(enum.Enum):
    """Which side a finding speaks for."""

    GENUINE = "genuine"
    BACKSCATTER = "backscatter"
    NEUTRAL = "neutral"


class Force(enum.Enum):
    """
    What a finding can do.

    PROOF settles the matter alone. SUSPICION is a proof of ours that contradicts the rest (replayed):
    the verdict becomes `unsure` and nothing is removed. WEIGHED counts by its weight.
    """

    PROOF = "proof"
    SUSPICION = "suspicion"
    WEIGHED = "weighed"


@dataclass(frozen=True, slots=True)
class Evidence:
    """
    One finding of one rule.

    `seen` quotes the mail (bounded, one line); `reason` is a sentence for the mailbox owner. `weight`,
    in nats of log-odds towards `side`, is set by the judge from the configured or learned table.
    """

    rule: str
    side: Side
    seen: str
    reason: str
    force: Force = Force.WEIGHED
    weight: float = 0.0
    strength: float = 1.0
    """How much of its rule's weight this finding carries, 0 to 1: the rule's to say, not the judge's."""


class Opinion(enum.Enum):
    """What a verdict says."""

    GENUINE = "genuine"
    BACKSCATTER = "backscatter"
    UNSURE = "unsure"
    NOT_A_BOUNCE = "not-a-bounce"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement of one notice with all its evidence, strongest first."""

    opinion: Opinion
    evidence: tuple[Evidence, ...] = ()
    score: float = 0.0
    """Summed weights: above zero speaks for backscatter."""
    because: str = ""
    """One sentence: what decided, for the mailbox owner."""
    probability: float | None = None
    """Calibrated, of backscatter; None where no model was asked."""
    model: str | None = None


# --- what is done about it -----------------------------------------------------------------------


class ActionName(enum.Enum):
    """What the policy may decide to do."""

    NONE = "none"
    WAIT = "wait"
    REPORT = "report"
    MOVE = "move"
    DELETE = "delete"
    REVIEW = "review"

    @property
    def changes_mailbox(self) -> bool:
        return self in (ActionName.MOVE, ActionName.DELETE, ActionName.REVIEW)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done with one message, and why; deciding not to act is a plan too."""

    action: ActionName
    reason: str
    target: str | None = None
    """The folder it goes to, where the action moves it."""


class Outcome(enum.Enum):
    """What really happened."""

    NONE = "none"
    PLANNED = "planned"
    DONE = "done"
    GONE = "gone"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Policy:
    """What to do about verdicts; `[policy]` of the configuration, overridden per mailbox."""

    action: ActionName = ActionName.MOVE
    quarantine: str = "Backscatter"
    review: str = "Backscatter/Review"
    training_folder: str | None = None
    """Where its owner may put spurious notices that were missed, to be learned from."""
    folders: tuple[str, ...] = ("INBOX",)
    sent: tuple[str, ...] = ()
    trash: str | None = None
    """Where `delete` moves to; None: the folder with the trash role, else `Trash`."""
    review_unsure: bool = False
    preview: timedelta = timedelta(days=7)
    grace: timedelta = timedelta(minutes=15)
    since: timedelta = timedelta(days=30)
    retention: timedelta = timedelta(days=30)
    leave: tuple[str, ...] = ("*-bounces@*", "*-bounces+*@*")


@dataclass(frozen=True, slots=True)
class Safety:
    """Limits beyond which a run stops and asks."""

    max_messages: int = 1000
    max_share: float = 0.5
    share_from: int = 10
    """The share is looked at only when more messages than this would go."""


class EntryState(enum.Enum):
    """
    The life of a journal entry.

    INTENDED → DONE → UNDOING → UNDONE. GONE: the message was not there any more, when it was to be moved or
    when it was to be taken back. FAILED: the change
    was refused and the message is where it was. RETURNED: the owner moved it back. PURGED: its
    retention ran out. INTENDED and UNDOING are open: an interrupted run, completed by the next.
    """

    INTENDED = "intended"
    DONE = "done"
    GONE = "gone"
    FAILED = "failed"
    UNDOING = "undoing"
    UNDONE = "undone"
    RETURNED = "returned"
    PURGED = "purged"

    @property
    def is_open(self) -> bool:
        return self in (EntryState.INTENDED, EntryState.UNDOING)


@dataclass(frozen=True, slots=True)
class Entry:
    """One intended or completed change, as the journal keeps it."""

    id: int
    run: str
    mailbox: str
    fingerprint: str
    occurrence: int
    action: ActionName
    folder: str
    message: str
    """The id in `folder`, before."""
    target: str
    new_id: str | None = None
    flags: tuple[str, ...] = ()
    received: datetime | None = None
    message_id: str | None = None
    state: EntryState = EntryState.INTENDED
    intended_at: datetime | None = None
    settled_at: datetime | None = None
    error: str | None = None

    @property
    def was_moved(self) -> bool:
        """Whether the message came to its target, wherever it is now."""
        if self.state is EntryState.GONE:
            return self.new_id is not None
        return self.state not in (EntryState.INTENDED, EntryState.FAILED)


@dataclass(frozen=True, slots=True)
class SeenNotice:
    """
    A notice that was judged, as it is remembered: by fingerprint, so that it is judged once.

    `knowledge` stamps what was known of the organisation when it was judged; an `unsure` one is
    looked at again when that changes. `report` is the line of the JSON contract of one that was acted
    on, so that it can be told later why; it is erased when the owner opts out.
    """

    fingerprint: str
    folder: str
    id: str
    kind: Kind
    opinion: Opinion
    action: ActionName
    outcome: Outcome
    judged_at: datetime
    received: datetime | None = None
    knowledge: str = ""
    lesson: Lesson = field(default_factory=Lesson)
    subject: str = ""
    reporter: str = ""
    report: Mapping[str, object] | None = None

    @property
    def is_settled(self) -> bool:
        """Whether nothing more is to be done about it: it stays for good, or it was moved."""
        if self.action is ActionName.NONE:
            return True
        return self.action.changes_mailbox and self.outcome in (Outcome.DONE, Outcome.GONE)


# --- what is learned from it ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LabelPolicy:
    """How labels are dealt with; `[labels]` of the configuration."""

    keep_samples: timedelta = timedelta(days=365)
    """How long the raw mail of a label is kept; zero: not at all."""


@dataclass(frozen=True, slots=True)
class Specimen:
    """
    One judged message as learning needs it, so that neither mail nor network has to be asked again.

    Everything in it is of the day it was judged, with what was known then. Like notices have the same `cluster`.
    """

    fingerprint: str
    kind: Kind
    cluster: str
    features: Mapping[str, Any]
    """What the classifier saw, as JSON."""
    opinion: Opinion
    score: float = 0.0
    probability: float | None = None
    model: str | None = None
    proven: bool = False
    """It carries a proof, or a contradicted one: no model is asked."""
    about: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """What tells a person which message it is; kept no longer than the raw mail."""
    raw: bytes = b""
    rebuilt: bool = False


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a mailbox owner's move says about one message; nothing is learned of it before somebody confirms it."""

    specimen: Specimen
    truth: Opinion
    at: datetime
    why: str
    entry: int | None = None
    """The change of ours that he took back."""
