"""
The queue: jobs of procrastinate, which lie in tables of its own in our PostgreSQL.

One job carries one due mailbox. Its lock keeps two jobs of a mailbox from being worked on at once, its queueing lock
keeps two from waiting; it names the mailbox by its row, so that no address stands in the queue. procrastinate is
imported only where there is a queue.

How its tables are upgraded while old and new workers run side by side is its own rule: of each version the migrations
named `pre` come before its workers, those named `post` after the last older worker is gone
(https://procrastinate.readthedocs.io/en/stable/howto/production/migrations.html). Here the latter come with the version
after that.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, func, inspect, select, text

from cleaner.errors import StoreError, UsageError
from cleaner.store import tables
from cleaner.store.database import Database
from cleaner.store.failures import told
from cleaner.store.schema import UPGRADING

if TYPE_CHECKING:
    import procrastinate

QUEUE: Final = "mailboxes"
TASK: Final = "bounce-cleaner turn"
JOBS: Final = "procrastinate_jobs"
RECORD: Final = "queue-schema"
"""In `meta`: up to which versions its migrations named `pre` and `post` were applied."""
POOL_PATIENCE: Final = 15.0
"""Seconds that somebody waits for a connection."""
RECONNECT: Final = 3.0
"""
Seconds over which its pool spreads its tries to connect, each twice as late as the one before. It begins anew whenever
somebody wants a connection, so that a live worker is back soon after the database is.
"""
_MIGRATION: Final = re.compile(r"(\d{2}\.\d{2}\.\d{2})_\d{2}_(pre|post)_\w{1,200}\.sql")


class QueueState(enum.Enum):
    """The tables of the queue compared with the procrastinate that is installed."""

    ABSENT = "absent"
    OLDER = "older"
    CURRENT = "current"
    FOREIGN = "foreign"
    """Made by somebody else."""


@dataclass(frozen=True, slots=True)
class Applied:
    """Up to which version the migrations of each kind were applied."""

    pre: str
    post: str


@dataclass(frozen=True, slots=True)
class Order:
    """A mailbox, by its row, that is to be put into the queue; the highest priority comes first."""

    mailbox: int
    priority: int


class Queue:
    """The queue in one database of PostgreSQL."""

    def __init__(self, database: Database) -> None:
        if database.is_sqlite:
            raise UsageError(
                f"{database.where} is a file for one machine, and needs no worker beside 'serve'. For several "
                "machines set store.url to a PostgreSQL database: postgresql://USER@HOST/DATABASE"
            )
        self._database = database
        try:
            import procrastinate
        except ModuleNotFoundError as error:
            raise StoreError(
                f"on PostgreSQL the service needs the package {error.name}; install it: "
                "pip install 'bounce-cleaner[fleet]'"
            ) from error
        self._deferring = procrastinate.App(connector=procrastinate.SyncPsycopgConnector())

    def state(self) -> QueueState:
        with self._database.read() as connection:
            return self._state(connection)

    def _state(self, connection: Connection) -> QueueState:
        applied = _applied(connection)
        if not inspect(connection).has_table(JOBS):
            return QueueState.ABSENT
        if applied is None:
            return QueueState.FOREIGN
        return QueueState.OLDER if due_migrations(applied, _shipped())[0] else QueueState.CURRENT

    def prepare(self) -> None:
        """Makes its tables, or upgrades them, in one transaction. Raises StoreError."""
        if self.state() is QueueState.CURRENT:
            return
        with self._database.write() as connection:
            connection.execute(select(func.pg_advisory_xact_lock(UPGRADING)))
            match self._state(connection):
                case QueueState.ABSENT:
                    newest = newest_of(_shipped())
                    self._apply(connection, [self._deferring.schema_manager.get_schema()])
                    _record(connection, Applied(newest, newest))
                case QueueState.OLDER if (applied := _applied(connection)) is not None:
                    names, becomes = due_migrations(applied, _shipped())
                    self._apply(connection, [(_folder() / name).read_text("utf-8") for name in names])
                    _record(connection, becomes)
                case QueueState.FOREIGN:
                    raise StoreError(
                        f"{self._database.where} holds the queue (procrastinate) of another program; give "
                        "bounce-cleaner a database of its own in store.url"
                    )

    @staticmethod
    def _apply(connection: Connection, scripts: Iterable[str]) -> None:
        for script in scripts:
            # Many statements in one, and percent signs that are meant.
            connection.exec_driver_sql(script, execution_options={"no_parameters": True})

    def put(self, connection: Connection, orders: Sequence[Order]) -> tuple[int, ...]:
        """
        Puts mailboxes into the queue in the caller's transaction; the numbers of their jobs.

        Where one waits already (its owner left and came back), that job is taken.
        """
        from procrastinate.jobs import Job

        waiting = self._waiting(connection, [lock_of(order.mailbox) for order in orders])
        jobs = [
            Job(
                id=None,
                queue=QUEUE,
                task_name=TASK,
                lock=lock_of(order.mailbox),
                queueing_lock=lock_of(order.mailbox),
                priority=order.priority,
                task_kwargs={"mailbox": order.mailbox},
            )
            for order in orders
            if lock_of(order.mailbox) not in waiting
        ]
        if jobs:
            driver = connection.connection.driver_connection
            with self.in_our_words():
                made = self._deferring.job_manager.batch_defer_jobs(jobs, connection=driver)
            waiting |= {str(job.lock): int(job.id or 0) for job in made}
        return tuple(waiting[lock_of(order.mailbox)] for order in orders)

    @staticmethod
    def _waiting(connection: Connection, locks: Sequence[str]) -> dict[str, int]:
        query = text(
            f"SELECT queueing_lock, id FROM {JOBS} WHERE status = 'todo' AND queueing_lock = ANY(:locks)"  # noqa: S608
        )
        return {row.queueing_lock: row.id for row in connection.execute(query, {"locks": list(locks)})}

    def application(self, most: int = 4) -> procrastinate.App:
        """For a worker: to be opened within a loop of asyncio, with at most so many connections."""
        import procrastinate

        engine = self._database.engine
        arguments: dict[str, Any] = {
            **engine.dialect.create_connect_args(engine.url)[1],
            **self._database.connect_arguments,
        }
        # SQLAlchemy's own types: psycopg has the usual ones by itself.
        arguments.pop("context", None)
        connector = procrastinate.PsycopgConnector(
            conninfo="",
            kwargs=arguments,
            min_size=1,
            max_size=most,
            timeout=POOL_PATIENCE,
            reconnect_timeout=RECONNECT,
        )
        return procrastinate.App(connector=connector)

    @contextmanager
    def in_our_words(self) -> Iterator[None]:
        from procrastinate.exceptions import ConnectorException

        try:
            yield
        except ConnectorException as error:
            raise StoreError(told(error.__cause__, self._database.where)) from error


def lock_of(mailbox: int) -> str:
    return f"mailbox {mailbox}"


def newest_of(names: Iterable[str]) -> str:
    return max(found[1] for name in names if (found := _MIGRATION.fullmatch(name)))


def due_migrations(applied: Applied, names: Iterable[str]) -> tuple[tuple[str, ...], Applied]:
    """Which of its migrations are due, in their order, and up to which they are applied then."""
    known = [(found[1], found[2], name) for name in sorted(names) if (found := _MIGRATION.fullmatch(name))]
    newest = max(version for version, _, _ in known)
    if newest <= applied.pre:
        # Also where a newer program was here: its `post` come later.
        return (), applied
    posts = [name for v, kind, name in known if kind == "post" and applied.post < v <= applied.pre]
    pres = [name for v, kind, name in known if kind == "pre" and v > applied.pre]
    return (*posts, *pres), Applied(newest, max(applied.pre, applied.post))


def _folder() -> Path:
    from procrastinate.schema import SchemaManager

    return Path(SchemaManager.get_migrations_path())


def _shipped() -> tuple[str, ...]:
    return tuple(path.name for path in _folder().iterdir())


def _applied(connection: Connection) -> Applied | None:
    m = tables.meta.c
    kept: bytes | None = connection.execute(select(m.value).where(m.name == RECORD)).scalar()
    return Applied(*kept.decode("ascii").split("/")) if kept is not None else None


def _record(connection: Connection, applied: Applied) -> None:
    connection.execute(tables.meta.delete().where(tables.meta.c.name == RECORD))
    value = f"{applied.pre}/{applied.post}".encode("ascii")
    connection.execute(tables.meta.insert().values(name=RECORD, value=value))
