"""
What the pipeline asks of the outside, and no more.

Reading a mailbox and changing it are two Protocols, so that a preview cannot change anything by mistake.
Whatever a vendor's library raises is turned into `cleaner.errors` by the connector.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from cleaner.values import (
    Arrival,
    DkimKey,
    Entry,
    Folder,
    FoundKeys,
    Heading,
    HostQuestion,
    HostsView,
    Lesson,
    Listing,
    Message,
    ObservedSender,
    Opinion,
    OutgoingMail,
    OutsideSender,
    Proposal,
    SeenNotice,
    Selector,
    SentQuestion,
    SentRecordView,
)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something in the way of moving messages, and what to do about it."""

    what: str
    remedy: str
    blocks: bool = True
    """False: it will soon be in the way."""
    holds: bool = False
    """The mailbox is under a hold: what is in it must be kept, so that nothing leaves the quarantine for Trash."""


class Mailbox(Protocol):
    """One mailbox, read-only. Not for use by several threads at once."""

    @property
    def address(self) -> str:
        """The mailbox's own address."""

    def folders(self) -> tuple[Folder, ...]:
        """All folders, the inbox first under the name `INBOX`."""

    def list(self, folder: str, cursor: str | None = None) -> Listing:
        """
        The messages of a folder that may be new since `cursor` (None: all).

        Raises FolderMissingError. An unusable cursor lists all. Where some are `left`, they come when
        it is called again with the cursor of this listing.
        """

    def present(self, folder: str, ids: Sequence[str]) -> frozenset[str]:
        """Those of the ids that are still in the folder; empty for a folder that is gone."""

    def skim(self, folder: str, ids: Sequence[str], fields: Collection[str]) -> Iterator[Heading]:
        """
        Like `headings`, for very many messages: of a heading only its id and those fields are certain,
        its size, date and flags need not be told.
        """

    def headings(self, folder: str, ids: Sequence[str], fields: Collection[str] = ()) -> Iterator[Heading]:
        """
        Header fields of those messages, in the order asked; messages gone meanwhile are left out.

        `fields` (lower case) are all that is needed, and more may come; without them the whole header.
        """

    def fetch(self, folder: str, ids: Sequence[str]) -> Iterator[Message]:
        """The whole messages, in the order asked, those gone left out. Marks nothing as read."""

    def find(self, folder: str, message_id: str) -> tuple[str, ...]:
        """Ids of the messages with that Message-ID header; empty for a folder that is gone."""

    def obstacles(self) -> tuple[Obstacle, ...]:
        """What would keep messages from being moved, as far as it shows without trying."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Moved:
    """
    What became of one message of a move.

    `new_id` is its id in the target folder, None where the server does not tell. `error`: it was not
    moved and stands where it was; `gone`: it was not there any more. `unclear`: another program took it, or
    its copy, away in the middle of the move. `more`: the next result is certain already, since several
    messages were moved at once; who stops takes it first.
    """

    id: str
    new_id: str | None = None
    gone: bool = False
    error: str | None = None
    unclear: bool = False
    more: bool = False


@dataclass(frozen=True, slots=True)
class BegunMove:
    """A move that was begun, and of which nobody knows how far it came."""

    folder: str
    id: str
    target: str


class InFlight(Protocol):
    """What was on its way when moves were interrupted, on a system where a move takes several steps."""

    @property
    def messages(self) -> tuple[Heading, ...]:
        """Originals and copies, wherever they stand now; also such as nobody's open move speaks for."""

    def drop(self, folder: str, ids: Sequence[str]) -> None:
        """Removes messages that stand elsewhere as well, for good. Raises ChangeRefusedError; then all of them stay."""

    def land(self, not_deleted: Collection[tuple[str, str]]) -> None:
        """
        Takes from the messages whatever shows that they were on their way.

        `not_deleted`: those (folder, id) that were not marked as deleted when the move began; if one
        is now, the move may have done it.
        """


class ChangeableMailbox(Mailbox, Protocol):
    """One mailbox that may be changed."""

    def create(self, folder: str) -> None:
        """Makes a folder, and its parents; does nothing if it is there. Raises ChangeRefusedError."""

    def move(self, folder: str, ids: Sequence[str], target: str) -> Iterator[Moved]:
        """
        Moves messages, item by item, bytes, flags and internal date kept.

        Yields each result as soon as it is certain, so that what was moved before a failure is known.
        Raises FolderMissingError for the target, ServerUnavailableError when the connection breaks.
        What was interrupted before has to be settled first: see `in_flight`.
        """

    def in_flight(self, moves: Sequence[BegunMove]) -> InFlight | None:
        """What these moves left halfway; None where they left nothing, as where a move is one step."""

    def set_flags(self, folder: str, id: str, flags: Sequence[str]) -> str:
        """
        Gives the message exactly these flags; returns its id, which stays the same on every
        known system. Raises MessageGoneError.
        """

    def append(self, folder: str, raw: bytes, flags: Sequence[str], received: datetime) -> str:
        """Puts a new message into a folder; returns its id."""


class SentRecord(Protocol):
    """What is known of the mail that one mailbox's owner sent."""

    def ask(self, question: SentQuestion) -> SentRecordView:
        """Everything the record knows about what was asked, in one look-up."""

    def cursor(self, folder: str) -> str | None:
        """Where the indexing of that Sent folder stands."""

    def add(self, folder: str, mails: Iterable[OutgoingMail], cursor: str | None) -> int:
        """
        Adds the mails that are not in it yet and, in the same transaction, remembers the cursor.

        Returns how many were new.
        """


class Hosts(Protocol):
    """What the outside says of hosts."""

    def find(self, question: HostQuestion) -> HostsView:
        """What cannot be had is left out, and says nothing: it never raises because of the network."""


class Keys(Protocol):
    """The public DKIM keys of our domains."""

    def find(self, wanted: Mapping[Selector, int]) -> FoundKeys:
        """
        All keys that those selectors stand for, or once stood for; `wanted` says how many notices name each.

        What cannot be had is left out, and says nothing: it never raises because of the network.
        """


class Teachings(Protocol):
    """What an organisation's administrators said of notices."""

    def taught(self, groups: frozenset[str]) -> Mapping[str, Opinion]:
        """
        Group of like notices (`evidence.likeness`) → what confirmed labels say of it.

        Groups that nobody labelled, or of which labels say both, are left out.
        """


@dataclass(frozen=True, slots=True)
class Sources:
    """What judging asks beside the sent record; what is None is not asked."""

    keys: Keys | None = None
    hosts: Hosts | None = None
    teachings: Teachings | None = None
    outside_senders: tuple[OutsideSender, ...] = ()
    """Remembered hosts that sent proven mail though nothing lists them."""
    observed: tuple[ObservedSender, ...] = ()
    """Remembered hosts that our own mail was seen coming from."""


class KeyArchive(Protocol):
    """The public DKIM keys of our domains that were ever seen."""

    def keys(self, wanted: frozenset[Selector]) -> Mapping[DkimKey, datetime]:
        """The keys of those selectors, and when each was last seen published."""

    def remember(self, keys: Iterable[DkimKey], at: datetime, source: str) -> None:
        """Keeps keys, or that they are still published."""


@dataclass(frozen=True, slots=True)
class DnsState:
    """What stood in the Domain Name System under a name, for a time."""

    name: str
    """Lower case, without the last dot."""
    kind: str
    """Of record: `TXT`, `A`, `AAAA`, `MX`."""
    records: tuple[str, ...]
    """Sorted; empty: there was none."""
    first_seen: datetime
    last_seen: datetime


class DnsArchive(Protocol):
    """What our domains published about who sends for them, as far back as it was asked."""

    def states(self, names: Iterable[str]) -> tuple[DnsState, ...]:
        """All that is remembered of those names, the earliest first."""

    def remember(self, answers: Mapping[tuple[str, str], tuple[str, ...]], at: datetime) -> None:
        """Keeps what stands now under a name and kind, or that it still does."""


class Journal(Protocol):
    """The record of every intended and completed change to one mailbox."""

    def intend(self, entries: Sequence[Entry]) -> tuple[Entry, ...]:
        """
        Writes intents, durably, before the mailbox is touched; gives them their ids.

        An entry whose mailbox, fingerprint, occurrence and action are already recorded is not
        written again but returned as it stands; only one that was tried and not made (FAILED, GONE)
        is taken up again.
        """

    def settle(self, entries: Sequence[Entry]) -> None:
        """Writes what became of them: state, new id, error, time."""

    def open(self) -> tuple[Entry, ...]:
        """Entries that an interrupted run left open, oldest first."""

    def for_fingerprints(self, fingerprints: Sequence[str]) -> Mapping[str, tuple[Entry, ...]]:
        """What was ever done about those messages, oldest first; the untouched are left out."""


class Memory(Protocol):
    """What is remembered of one mailbox between runs."""

    def cursor(self, folder: str) -> str | None:
        """Where the last complete look at that folder ended."""

    def known(self, fingerprints: Sequence[str]) -> Mapping[str, SeenNotice]:
        """Those of the fingerprints that were judged before."""

    def pending(self, knowledge: str) -> tuple[SeenNotice, ...]:
        """Notices to look at again: not settled, or unsure under other knowledge."""

    def arrivals(self, since: datetime) -> tuple[Arrival, ...]:
        """Notices that arrived since then, by time."""

    def lessons(self, asked: frozenset[str], strangers_since: datetime | None = None) -> tuple[Lesson, ...]:
        """
        What proven notices taught, when the machines asked about were seen, and strangers from that time on.

        `asked` holds machines, networks, domains and ids; what is told about others names them by hashes.
        """

    def note_gone(self, fingerprints: Sequence[str]) -> None:
        """Of those messages, what was held back is not where it was: nothing is to be done about it any more."""

    def record(self, notices: Iterable[SeenNotice], cursors: Mapping[str, str]) -> None:
        """Remembers judgements and how far each folder was looked through, in one transaction."""


class Observations(Protocol):
    """Where it is remembered which hosts an organisation's own mail was seen coming from."""

    def note(self, senders: Iterable[ObservedSender], outside: Iterable[OutsideSender]) -> None:
        """Remembers the hosts; `outside`: those of them that contradict that our senders are a closed set."""


class Proposals(Protocol):
    """Where it is noted down what the owner of one mailbox says by moving messages."""

    def propose(self, proposals: Sequence[Proposal]) -> int:
        """
        Notes proposals for an administrator to confirm; returns how many were new.

        What is known already, or was refused before, is not proposed again.
        """


@dataclass(frozen=True, slots=True)
class Grant:
    """What a person granted by signing in once: tokens that are never shown, and to whom they were given."""

    client: str
    """Provider and application: tokens mean nothing to others."""
    refresh_token: str = field(repr=False)
    access_token: str = field(default="", repr=False)
    renew_at: float = 0.0
    """When the access token is to be replaced, in seconds since 1970."""
    who: str = ""
    """Who signed in, where the provider tells."""


class Grants(Protocol):
    """Where grants are kept, encrypted, by server and mailbox; for several threads and processes."""

    def find(self, server: str, address: str) -> Grant | None: ...

    def keep(self, server: str, address: str, grant: Grant) -> bool:
        """Keeps it in place of another; false, and nothing is kept, where the owner opted out."""

    def forget(self, server: str, address: str) -> bool:
        """Whether there was one."""

    def turn(self, server: str, address: str) -> AbstractContextManager[bool]:
        """
        Holds the grant while it is renewed; false, and nothing held, if another process does.

        A refresh token is good once: used by two, it ends the grant (RFC 9700 section 4.14.2).
        """


@dataclass(frozen=True, slots=True)
class Invitation:
    """Where a person is to sign in, and with which code; shown to nobody else."""

    url: str
    code: str
    seconds: int
    """How long that is good for."""
    port: int = 0
    """Of this machine, which the browser is sent back to; 0: it is sent nowhere."""
