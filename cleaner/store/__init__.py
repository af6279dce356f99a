"""
The store: consent, sent record, judged notices, journal, runs, labels, and the DKIM keys that were ever seen.

SQLite by default, the same tables on PostgreSQL. Opened, it is of the current schema and of this master
key; a `Store` may be used by several threads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Self

from cleaner.errors import MailboxBusyError
from cleaner.store import grants, invitations, journal, keeping, moving, runs, schedule, schema, seen, sent
from cleaner.store.alerts import AlertBook
from cleaner.store.consent import AccessBook, ConsentBook
from cleaner.store.database import BUSY, Database
from cleaner.store.dns import DnsBook
from cleaner.store.grants import GrantBook
from cleaner.store.hashing import Keyed
from cleaner.store.invitations import InvitationBook
from cleaner.store.keys import KeyBook
from cleaner.store.labels import LabelBook, StoredProposals
from cleaner.store.ledger import LedgerBook
from cleaner.store.locks import Hold, Locks
from cleaner.store.mailboxes import MailboxBook
from cleaner.store.models import ModelBook
from cleaner.store.observed import ObservedBook, StoredObservations
from cleaner.store.outside import OutsideBook
from cleaner.store.owners import row_id
from cleaner.store.report import ReportBook
from cleaner.store.runs import RunBook
from cleaner.store.schedule import ScheduleBook
from cleaner.store.sealing import Seals
from cleaner.store.upkeep import UpkeepBook
from cleaner.store.watching import WatchBook
from cleaner.values import ActionName, Entry, EntryState, Ground, SeenNotice, address_key

if TYPE_CHECKING:
    from cleaner.store.fleet import FleetBook


class Store:
    """An open store; a context manager."""

    def __init__(self, database: Database, keyed: Keyed, seals: Seals) -> None:
        self._database = database
        self._keyed = keyed
        self.revision = schema.REVISIONS[-1]
        """Of the database; where a newer program was here, a later one than ours."""
        self.where = database.where
        self.is_new = False
        """It was made when it was opened: nothing is known of what was done before."""
        self.upgraded_from: str | None = None
        """The older revision that the database was of until it was opened."""
        self.consent = ConsentBook(database)
        self.invitations = InvitationBook(database, keyed)
        self.accesses = AccessBook(database)
        self.mailboxes = MailboxBook(database)
        self.labels = LabelBook(database, keyed, seals)
        self.models = ModelBook(database)
        self.watching = WatchBook(database)
        self.keys = KeyBook(database)
        self.outside = OutsideBook(database)
        self.observed = ObservedBook(database)
        self.dns = DnsBook(database)
        self.ledger = LedgerBook(database, keyed)
        self.alerts = AlertBook(database, keyed, seals)
        self.upkeep = UpkeepBook(database)
        self._locks = Locks(database)
        self.runs = RunBook(database, self._locks)
        self.grants = GrantBook(database, self._locks, seals)
        self.report = ReportBook(database)
        self.schedule = ScheduleBook(database, self._locks)
        self._fleet: FleetBook | None = None

    @classmethod
    def open(cls, url: str, key: bytes, *, busy_timeout: timedelta = BUSY) -> Store:
        """
        Opens the database, made or upgraded where needed; `sqlite://` is an empty one in memory.

        Raises StoreError, which says what to do: no right, no space, in use for longer than `busy_timeout`, not
        ours, written by a newer program, or with another master key.
        """
        keyed = Keyed(key)
        database = Database(url, busy_timeout)
        try:
            before, revision = schema.bring_up_to_date(database, keyed)
        except BaseException:
            database.close()
            raise
        store = cls(database, keyed, Seals(key))
        store.revision = revision
        store.upgraded_from = before or None
        store.is_new = before == ""
        return store

    @property
    def is_ahead(self) -> bool:
        """A newer program upgraded the database, in a way that this one can work with."""
        return self.revision != schema.REVISIONS[-1]

    def refuse_newer(self) -> None:
        """Raises StoreError once a newer program has changed the database so that this one cannot go on."""
        schema.refuse_unbearable(self._database)

    def close(self) -> None:
        self.schedule.close()
        self.runs.close()
        self._locks.close()
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def is_shared(self) -> bool:
        """Whether several machines can use it."""
        return not self._database.is_sqlite

    def fleet(self) -> FleetBook:
        """The schedule for several machines. Raises UsageError on SQLite, StoreError where a package is missing."""
        from cleaner.store.fleet import FleetBook

        if self._fleet is None:
            self._fleet = FleetBook(self._database, self._locks)
        return self._fleet

    def sent_record(self, address: str, begins: datetime | None = None) -> sent.StoredSentRecord:
        """What a mailbox's owner sent; mails from before `begins` are not added to it any more."""
        return sent.StoredSentRecord(self._database, self._keyed, address, begins)

    def journal(self, address: str) -> journal.StoredJournal:
        return journal.StoredJournal(self._database, address)

    def seen(self, address: str, organisation: str = "", counts_for: str = "") -> seen.SeenBook:
        """What was judged in a mailbox; with an organisation, what its other mailboxes taught, too."""
        return seen.SeenBook(self._database, self._keyed, address, organisation, counts_for)

    def observations(self, organisation: str) -> StoredObservations:
        return StoredObservations(self._database, organisation)

    def proposals(self, address: str, organisation: str, *, keep_samples: bool = True) -> StoredProposals:
        return StoredProposals(self.labels, organisation, address, keep_samples)

    def undecided(self, most: int) -> tuple[tuple[str, SeenNotice], ...]:
        """Notices of any mailbox that nobody could decide and nobody has labelled, the latest first."""
        with self._database.read() as connection:
            return seen.undecided(connection, most)

    def entries(
        self,
        *,
        id: int | None = None,
        run: str | None = None,
        mailbox: str | None = None,
        ground: Ground | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        states: Iterable[EntryState] | None = None,
        limit: int | None = None,
    ) -> tuple[Entry, ...]:
        """Journal entries of any mailbox that fit all that is given, oldest first; with a limit the last."""
        return journal.find_entries(
            self._database,
            id=id,
            run=run,
            mailbox=mailbox,
            ground=ground,
            since=since,
            until=until,
            states=states,
            limit=limit,
        )

    def entry_counts(self, address: str) -> Mapping[EntryState, int]:
        return journal.count_entries(self._database, address)

    def moved_since(self, address: str, since: datetime, actions: Iterable[ActionName]) -> int:
        """How many messages of a mailbox those actions moved after that time, wherever they are now."""
        return journal.count_moved(self._database, address, actions, since)

    @contextmanager
    def lock(self, address: str) -> Iterator[Hold]:
        """Holds a mailbox for the caller. Raises MailboxBusyError."""
        with self._locks.hold(f"mailbox {address_key(address)}") as hold:
            if not hold:
                raise MailboxBusyError(address)
            yield hold

    def move_to(self, url: str, tell: moving.Tell) -> Mapping[str, int]:
        """
        Moves all that is in this file of SQLite to a database of PostgreSQL; how many rows of each table.

        Afterwards this store cannot be opened any more. Raises StoreError; then both are as they were.
        """
        target = Database(url)
        try:
            return moving.move(self._database, target, self._keyed, tell)
        finally:
            target.close()

    @contextmanager
    def training(self, organisation: str) -> Iterator[bool]:
        """Holds the training of an organisation's model; false if another process is at it."""
        with self._locks.hold(f"training {organisation}") as hold:
            yield bool(hold)

    @contextmanager
    def telling(self) -> Iterator[bool]:
        """Whether the caller may tell of alarms; another process that does so keeps it from being told twice."""
        with self._locks.hold("alarms") as hold:
            yield bool(hold)

    def erase(self, address: str) -> None:
        """Erases what is known of a mailbox's owner; journal, accesses and consent history stay."""
        with self._database.write() as connection:
            mailbox = row_id(connection, address)
            if mailbox is not None:
                sent.erase(connection, mailbox)
                seen.forget(connection, mailbox)
                keeping.forget(connection, mailbox)
                schedule.forget(connection, mailbox)
                invitations.forget(connection, mailbox)
                grants.erase(connection, mailbox)
                runs.forget(connection, address)
        self.alerts.forget_about(address)
        self._database.shrink_log()
