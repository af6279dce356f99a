"""How the databases go about the questions that are really asked of them: by an index, or through a whole table."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Engine, event

from cleaner.store import tables

EXPLAINABLE: Final = ("SELECT", "WITH", "UPDATE", "DELETE")
SQLITE_SCAN: Final = re.compile(r"^SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?")
PARTIAL: Final = frozenset(
    index.name
    for table in tables.metadata.sorted_tables
    for index in table.indexes
    if index.dialect_options["sqlite"]["where"] is not None
)
"""Indexes over the few rows that are asked for, which may well be read whole."""
AS_OFTEN: Final = 3
"""The same words with other values may be gone about in another way."""


@dataclass(slots=True)
class Plans:
    """What was asked, and which tables were read through for it."""

    asked: dict[str, int] = field(default_factory=dict)
    read_through: dict[tuple[str, str], str] = field(default_factory=dict)
    """By table and statement: the plan."""

    def note(self, cursor: Any, statement: str, values: Any, *, is_postgresql: bool) -> None:
        if not statement.startswith(EXPLAINABLE) or self.asked.get(statement, 0) >= AS_OFTEN:
            return
        self.asked[statement] = self.asked.get(statement, 0) + 1
        explain = _postgresql if is_postgresql else _sqlite
        for table, plan in explain(cursor, statement, values):
            self.read_through.setdefault((table, statement), plan)

    def tables_named(self) -> frozenset[str]:
        return frozenset(
            name for statement in self.asked for name in re.findall(r"(?:FROM|JOIN|UPDATE) (\w+)", statement)
        )


@contextmanager
def recording() -> Iterator[Plans]:
    """Everything that any store of this process asks meanwhile, explained on the spot."""
    plans = Plans()

    def note(connection: Any, cursor: Any, statement: str, values: Any, _context: Any, many: bool) -> None:
        first = values[0] if many else values
        with cursor.connection.cursor() if connection.dialect.name == "postgresql" else _own(cursor) as ours:
            plans.note(ours, statement, first, is_postgresql=connection.dialect.name == "postgresql")

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield plans
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@contextmanager
def _own(cursor: Any) -> Iterator[Any]:
    ours = cursor.connection.cursor()
    try:
        yield ours
    finally:
        ours.close()


def _postgresql(cursor: Any, statement: str, values: Any) -> Iterator[tuple[str, str]]:
    cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", values)
    (plan,) = cursor.fetchone()[0]
    for name in _read_whole(plan["Plan"], is_limited=False):
        yield name, json.dumps(plan, indent=1)


def _read_whole(node: dict[str, Any], *, is_limited: bool) -> Iterator[str]:
    """The tables of which all rows are read, or all entries of an index, and not only as many as are wanted."""
    kind = node["Node Type"]
    is_whole_index = kind in ("Index Scan", "Index Only Scan") and "Index Cond" not in node
    is_whole_index = is_whole_index and node["Index Name"] not in PARTIAL
    if kind == "Seq Scan" or (is_whole_index and not is_limited):
        yield node["Relation Name"]
    is_limited = kind == "Limit" or (is_limited and kind not in ("Sort", "Aggregate", "Hash", "Materialize"))
    for child in node.get("Plans", ()):
        yield from _read_whole(child, is_limited=is_limited)


def _sqlite(cursor: Any, statement: str, values: Any) -> Iterator[tuple[str, str]]:
    steps = [row[3] for row in cursor.execute(f"EXPLAIN QUERY PLAN {statement}", values)]
    # The right part of an order is sorted among equals only.
    sorts = any(step.startswith("USE TEMP B-TREE") and "RIGHT PART" not in step for step in steps)
    takes_first = " LIMIT " in statement and not sorts
    for step in steps:
        found = SQLITE_SCAN.match(step)
        if found is not None and found[2] not in PARTIAL and not takes_first:
            yield found[1], "\n".join(steps)
