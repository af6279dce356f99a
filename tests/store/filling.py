"""Rows for every table there is, also for those that somebody adds tomorrow, made by the types of their columns."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    Float,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    insert,
)

from cleaner.store import tables

Make = Callable[[int], Any]

ODD: Final = (
    "plain",
    "Ärger \N{PILE OF POO} 日本",
    "a\0b",
    "name\udcff",
    "\x1amark",
    "back\\slash\\u0000\t\n\\N",
    "\\.",
    "UPPER before lower",
    "",
)
"""Texts that one of the databases, or COPY, has to be shielded from."""
TIMES: Final = (
    datetime(1, 1, 2, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2026, 11, 20, 12, 0, 0, 1, tzinfo=UTC),
    datetime(9999, 12, 30, tzinfo=UTC),
)
LARGEST: Final = 2**31 - 1


def fill(connection: Connection, rows: Callable[[Table], int], own: Mapping[str, Make] | None = None) -> None:
    """
    Fills all tables but `meta`, parents first, so many rows each.

    `own` makes values of chosen columns (`journal.state`) from the number of the row.
    """
    counts: dict[str, int] = {}
    for table in tables.metadata.sorted_tables:
        counts[table.name] = min(rows(table), *(counts[name] for name in _owners(table)), LARGEST)
    for table in tables.metadata.sorted_tables:
        if table is tables.meta:
            continue
        makers = {column: _maker(column, counts, own or {}) for column in table.columns}
        numbers = iter(range(1, counts[table.name] + 1))
        while page := list(islice(numbers, 5_000)):
            values = [{c.name: make(number) for c, make in makers.items()} for number in page]
            connection.execute(insert(table), values)


def _owners(table: Table) -> list[str]:
    """The table of which there is one row for each of this one's."""
    keys = tuple(table.primary_key.columns)
    return [key.column.table.name for key in keys[0].foreign_keys] if len(keys) == 1 else []


def _maker(column: Column[Any], counts: Mapping[str, int], own: Mapping[str, Make]) -> Make:
    table = column.table
    if (chosen := own.get(f"{table.name}.{column.name}")) is not None:
        return chosen
    if column.foreign_keys:
        (key,) = column.foreign_keys
        parents = counts[key.column.table.name]
        make = _maker(key.column, counts, own)
        return lambda number: make((number - 1) % parents + 1)
    is_sure = not column.nullable
    make = _by_type(column, is_key=column.primary_key or _is_unique(column))
    return make if is_sure else lambda number: make(number) if number % 3 else None


def _is_unique(column: Column[Any]) -> bool:
    unique = (c for c in column.table.constraints if isinstance(c, UniqueConstraint))
    return bool(column.unique) or any(column.name in constraint.columns for constraint in unique)


def _by_type(column: Column[Any], *, is_key: bool) -> Make:
    """Different for each number where it is part of a key."""
    match column.type:
        case tables.UtcTime() if is_key:
            return lambda number: TIMES[2] + timedelta(seconds=number)
        case tables.UtcTime():
            return lambda number: TIMES[number % len(TIMES)]
        case tables.AnyText() | Text():
            return lambda number: f"{ODD[number % len(ODD)]}{number if is_key else ''}"
        case String(length=length):
            return lambda number: f"{column.name[:8]}{number if is_key else number % 3}"[:length]
        case LargeBinary(length=length):
            return lambda number: hashlib.sha512(f"{column} {number}".encode()).digest()[:length]
        case Boolean():
            return lambda number: number % 2 == 0
        case Integer() | BigInteger() if is_key:
            return lambda number: number
        case Integer() | BigInteger():
            return lambda number: number * 7919 % LARGEST
        case Float():
            return lambda number: number / 7
        case Date():
            return lambda number: date(2026, 1, 1) + timedelta(days=number % 300)
        case JSON():
            return lambda number: json.loads(
                json.dumps({"a": [number, 0.1, None, True], "ü\0": ODD[number % 9]})
            )
        case other:
            raise NotImplementedError(f"{column}: make values of {other!r} here")
