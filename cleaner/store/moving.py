"""
Moving all that a store holds from a file of SQLite to PostgreSQL.

All or nothing: one transaction of the target builds the tables, takes the rows and is compared with the source, row by
row, before it ends. The source is locked against writers all the while, and is refused from then on, so
that no change is journalled in the wrong place. Both are read and written as streams: memory does not grow with them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from itertools import count, zip_longest
from typing import Any, Final

from sqlalchemy import (
    Column,
    Connection,
    LargeBinary,
    Row,
    String,
    Table,
    Text,
    collate,
    delete,
    func,
    insert,
    select,
    text,
)

from cleaner.errors import StoreError
from cleaner.store import indexes, schema, tables
from cleaner.store.database import Database
from cleaner.store.failures import told
from cleaner.store.hashing import Keyed
from cleaner.store.locks import Locks
from cleaner.store.queue import RECORD

Tell = Callable[[str, int, int | None], None]
"""Told `(stage, done, total)` as the work goes on."""

OWN: Final = (schema.MOVED, RECORD)
"""What is said in `meta` of one database, and does not move: a queue is made anew."""
PAGE: Final = 1_000
LARGE_PAGE: Final = 16
"""Rows read at a time; of those that hold whole messages only a few."""
OFTEN: Final = 5_000
"""Rows between two words about how far it is."""


def move(source: Database, target: Database, keyed: Keyed, tell: Tell) -> Mapping[str, int]:
    """
    Moves everything; returns how many rows of each table there were.

    Raises StoreError, which says what to do: somebody is at work on the source, the target is not empty or of
    another version, or a row did not arrive as it was. Then the target is as it was before.
    """
    _require_kinds(source, target)
    if Locks(source).is_any_held():
        raise StoreError(
            f"{source.where} is in use; end serve and every other command first, then repeat this"
        )
    with source.write() as giving:
        if schema.state_of(giving) is not schema.SchemaState.CURRENT:
            # It may hold what this program does not know of.
            raise StoreError(
                f"{source.where} was written by a newer bounce-cleaner; upgrade the program first"
            )
        total = sum(_count(giving, table) for table in _every())
        with target.rebuild() as taking, _in_our_words(target):
            _make_ready(target, taking, keyed)
            moved = _copy_all(giving, taking, _Told(tell, "copying", total))
            _compare_all(giving, taking, target, _Told(tell, "comparing", total))
        # What is in the target is certain now. Were this not written, the next try would find the target filled.
        giving.execute(insert(tables.meta).values(name=schema.MOVED, value=target.where.encode()))
    # Faster now than row by row.
    indexes.complete(target)
    return moved


def _every() -> tuple[Table, ...]:
    """All tables, those that others refer to first."""
    return tuple(tables.metadata.sorted_tables)


def _require_kinds(source: Database, target: Database) -> None:
    if source.path is None:
        raise StoreError(f"{source.where} is no file of SQLite; only from such a one can be moved")
    if target.is_sqlite:
        raise StoreError(
            f"{target.where} is no database of PostgreSQL; write postgresql://USER@HOST/DATABASE"
        )


class _Told:
    """Counts rows and tells of them at times."""

    def __init__(self, tell: Tell, stage: str, total: int) -> None:
        self._tell = tell
        self._stage = stage
        self._total = total
        self._numbers = count(1)

    def one(self) -> None:
        number = next(self._numbers)
        if number % OFTEN == 0 or number == self._total:
            self._tell(self._stage, number, self._total)


# --- the target ------------------------------------------------------------------------------------------


def _make_ready(target: Database, taking: Connection, keyed: Keyed) -> None:
    """Builds the tables where there are none, and holds them: nobody else finds them before all is there."""
    state = schema.state_of(taking)
    _require_fitting(target, taking, state)
    if state is schema.SchemaState.CURRENT:
        kept = select(tables.meta.c.value).where(tables.meta.c.name == schema.KEY_CHECK)
        schema.require_key(target, taking.execute(kept).scalar(), keyed)
    else:
        schema.build(taking, keyed)
    preparer = taking.dialect.identifier_preparer
    names = ", ".join(preparer.format_table(table) for table in _every())
    taking.execute(text(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE"))
    for table in _every():
        if table is not tables.meta and taking.execute(select(1).select_from(table).limit(1)).first():
            raise StoreError(f"{target.where} is not empty ({table.name}); make a new database with createdb")
    taking.execute(delete(tables.meta).where(tables.meta.c.name.not_in(OWN)))


def _require_fitting(target: Database, taking: Connection, state: schema.SchemaState) -> None:
    states = schema.SchemaState
    if state in (states.OLDER, states.NEWER, states.AHEAD):
        age = "an older" if state is states.OLDER else "a newer"
        raise StoreError(
            f"{target.where} was made by {age} bounce-cleaner (revision {schema.revision_of(taking)}); "
            "make a new database with createdb"
        )
    if state is states.FOREIGN:
        raise StoreError(f"{target.where} holds tables of another program; make a new database with createdb")


@contextmanager
def _in_our_words(target: Database) -> Iterator[None]:
    """What the driver raises by itself, where rows do not pass through SQLAlchemy."""
    try:
        yield
    except target.driver_error as error:
        raise StoreError(told(error, target.where)) from error


# --- copying ---------------------------------------------------------------------------------------------


def _copy_all(giving: Connection, taking: Connection, told: _Told) -> Mapping[str, int]:
    return {table.name: _copy(giving, taking, table, told) for table in _every()}


def _copy(giving: Connection, taking: Connection, table: Table, told: _Told) -> int:
    """One table by COPY, the fastest way in; each value as our types write it."""
    preparer = taking.dialect.identifier_preparer
    columns = ", ".join(preparer.format_column(column) for column in table.columns)
    writers = [_writer(column, taking) for column in table.columns]
    number = 0
    driver: Any = taking.connection.driver_connection
    statement = f"COPY {preparer.format_table(table)} ({columns}) FROM STDIN"
    with driver.cursor() as cursor, closing(_rows(giving, table)) as every, cursor.copy(statement) as rows:
        for row in every:
            rows.write_row([write(value) for write, value in zip(writers, row, strict=True)])
            told.one()
            number += 1
    _set_sequence(giving, taking, table)
    taking.execute(text(f"ANALYZE {preparer.format_table(table)}"))
    return number


def _writer(column: Column[Any], taking: Connection) -> Callable[[Any], Any]:
    processor = column.type.dialect_impl(taking.dialect).bind_processor(taking.dialect)
    return processor if processor is not None else lambda value: value


def _set_sequence(giving: Connection, taking: Connection, table: Table) -> None:
    """The next row gets a number that none before it ever had, also none that is gone."""
    column = table.autoincrement_column
    if column is None:
        return
    last = giving.execute(select(func.coalesce(func.max(column), 0))).scalar_one()
    if table.dialect_options["sqlite"]["autoincrement"]:
        ever = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
        last = max(last, giving.execute(ever, {"name": table.name}).scalar() or 0)
    if last:
        sequence = func.pg_get_serial_sequence(table.name, column.name)
        taking.execute(select(func.setval(sequence, last)))


# --- comparing -------------------------------------------------------------------------------------------


def _compare_all(giving: Connection, taking: Connection, target: Database, told: _Told) -> None:
    for table in _every():
        with closing(_rows(giving, table)) as every, closing(_rows(taking, table)) as arrived:
            for ours, theirs in zip_longest(every, arrived):
                if ours is None or theirs is None or tuple(ours) != tuple(theirs):
                    raise StoreError(
                        f"a row of {table.name} is not in {target.where} as it was; nothing was moved. "
                        "Please report it"
                    )
                told.one()


def _rows(connection: Connection, table: Table) -> Generator[Row[Any], None, None]:
    """All rows in an order that both databases agree on."""
    order = [_comparable(column, connection) for column in table.primary_key.columns]
    is_large = any(isinstance(c.type, LargeBinary) and c.type.length is None for c in table.columns)
    query = select(table).order_by(*order)
    if table is tables.meta:
        query = query.where(tables.meta.c.name.not_in(OWN))
    page = LARGE_PAGE if is_large else PAGE
    with connection.execute(query.execution_options(yield_per=page)) as result:
        yield from result


def _comparable(column: Column[Any], connection: Connection) -> Any:
    """By the bytes of a text, as SQLite compares; PostgreSQL would go by the rules of some language."""
    is_text = isinstance(column.type, String | Text | tables.AnyText)
    return collate(column, "C") if is_text and connection.dialect.name == "postgresql" else column


def _count(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())
