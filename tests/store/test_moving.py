"""All that a store in a file holds arrives on a server, row by row, or nothing does."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, create_engine, select, text, update

from cleaner.cli import main
from cleaner.errors import MasterKeyError, StoreError
from cleaner.service.demo import build
from cleaner.store import Store, moving, schema, tables
from cleaner.store.database import Database
from tests.store.conftest import new_database
from tests.store.filling import fill
from tests.store.samples import ANN, KEY, entry, url

EVERY = {table.name for table in tables.metadata.sorted_tables}


def quiet(stage: str, done: int, total: int | None) -> None:
    pass


@pytest.fixture
def target(postgresql_server: str) -> str:
    return new_database(postgresql_server)


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Store]:
    """A store with rows in every table, and with numbers of the journal that are gone."""
    with Store.open(url(tmp_path), KEY) as store:
        with store._database.write() as connection:
            fill(connection, lambda _table: 40)
            connection.execute(tables.journal.delete().where(tables.journal.c.id > 30))
        yield store


def rows_of(where: str, table: Table) -> list[tuple[Any, ...]]:
    database = Database(where)
    with database.read() as connection:
        rows = sorted(map(repr, connection.execute(select(table))))
    database.close()
    return [(row,) for row in rows]


def test_everything_arrives_as_it_was(filled: Store, tmp_path: Path, target: str) -> None:
    before = {name: rows_of(url(tmp_path), tables.metadata.tables[name]) for name in EVERY}
    stages: list[tuple[str, int, int | None]] = []
    moved = filled.move_to(target, lambda *told: stages.append(told))
    assert set(moved) == EVERY
    assert all(moved.values()), "a table without rows would be compared with nothing"
    assert before == {name: rows_of(target, tables.metadata.tables[name]) for name in EVERY}
    total = sum(moved.values())
    assert stages == [("copying", total, total), ("comparing", total, total)]


def test_the_next_numbers_are_new_ones(filled: Store, target: str) -> None:
    """Also those of changes that are gone: a person may have noted them down."""
    filled.move_to(target, quiet)
    with Store.open(target, KEY) as store:
        (made,) = store.journal("new@harbor.example").intend([entry(mailbox="new@harbor.example")])
        assert made.id == 41
        with store._database.write() as connection:
            for name in sorted(EVERY):
                table = tables.metadata.tables[name]
                column = table.autoincrement_column
                if column is not None and name != "journal":
                    query = select(text(f"nextval(pg_get_serial_sequence('{name}', '{column.name}'))"))
                    assert connection.execute(query).scalar_one() > 40, name


def test_the_old_file_is_refused_and_says_where_all_is_now(
    filled: Store, tmp_path: Path, target: str
) -> None:
    filled.move_to(target, quiet)
    filled.close()
    with pytest.raises(StoreError, match=f"was moved to {target}; write that in store.url"):
        Store.open(url(tmp_path), KEY)
    Store.open(target, KEY).close()


def test_a_database_that_was_only_looked_at_may_be_moved_to(filled: Store, target: str) -> None:
    Store.open(target, KEY).close()
    assert set(filled.move_to(target, quiet)) == EVERY


# --- refused: both are as they were ------------------------------------------------------------------


def is_as_it_was(store: Store, target: str) -> bool:
    database = Database(target)
    with database.read() as connection:
        is_empty = schema.state_of(connection) is schema.SchemaState.EMPTY
    database.close()
    with store._database.read() as connection:
        marks = connection.execute(select(tables.meta.c.name)).scalars().all()
    return is_empty and schema.MOVED not in marks


def test_a_target_with_rows_is_refused(filled: Store, target: str) -> None:
    with Store.open(target, KEY) as there:
        there.journal(ANN).intend([entry()])
        with pytest.raises(StoreError, match=r"is not empty \(.*\); make a new database"):
            filled.move_to(target, quiet)
        assert len(there.entries()) == 1
    # Not marked, so that it can be moved elsewhere.
    Store.open(filled.where.join(["sqlite:///", ""]), KEY).close()


@pytest.mark.parametrize(
    ("revision", "message"), [("9999", "by a newer bounce-cleaner"), ("0001", "by an older bounce-cleaner")]
)
def test_a_target_of_another_version_is_refused(
    filled: Store, target: str, revision: str, message: str
) -> None:
    Store.open(target, KEY).close()
    execute(target, f"UPDATE alembic_version SET version_num = '{revision}'")  # noqa: S608
    with pytest.raises(StoreError, match=message):
        filled.move_to(target, quiet)


def test_tables_of_another_program_are_refused(filled: Store, target: str) -> None:
    execute(target, "CREATE TABLE mailbox (photo text)")
    with pytest.raises(StoreError, match="tables of another program"):
        filled.move_to(target, quiet)


def test_a_target_of_another_master_key_is_refused(filled: Store, target: str) -> None:
    Store.open(target, b"x" * 32).close()
    with pytest.raises(MasterKeyError, match="another master key"):
        filled.move_to(target, quiet)


def test_only_a_file_of_sqlite_is_moved_and_only_to_postgresql(
    filled: Store, tmp_path: Path, target: str
) -> None:
    with pytest.raises(StoreError, match="is no database of PostgreSQL"):
        filled.move_to(f"sqlite:///{tmp_path / 'other.db'}", quiet)
    with Store.open(target, KEY) as there, pytest.raises(StoreError, match="is no file of SQLite"):
        there.move_to(target, quiet)


def test_what_a_newer_program_wrote_is_not_moved_by_an_older_one(filled: Store, target: str) -> None:
    with filled._database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="by a newer bounce-cleaner; upgrade the program first"):
        filled.move_to(target, quiet)


def test_while_serve_runs_nothing_is_moved(filled: Store, tmp_path: Path, target: str) -> None:
    with Store.open(url(tmp_path), KEY) as served:
        served.schedule.join()
        with pytest.raises(StoreError, match="is in use; end serve"):
            filled.move_to(target, quiet)
    assert is_as_it_was(filled, target)
    filled.move_to(target, quiet)


def test_nobody_writes_meanwhile(filled: Store, tmp_path: Path, target: str) -> None:
    refused: list[StoreError] = []

    def write(stage: str, _done: int, _total: int | None) -> None:
        with pytest.raises(StoreError, match="in use by another process") as error:
            late.journal(ANN).intend([entry()])
        refused.append(error.value)

    with Store.open(url(tmp_path), KEY, busy_timeout=timedelta(milliseconds=1)) as late:
        filled.move_to(target, write)
    assert len(refused) == 2


def test_a_row_that_arrives_otherwise_undoes_all(
    filled: Store, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a type of one database cannot hold what the other's does."""

    def rounded(column: Any, taking: Any) -> Any:
        write = right(column, taking)
        return (lambda value: (value or 0) + 1) if column is tables.journal.c.occurrence else write

    right = moving._writer
    monkeypatch.setattr(moving, "_writer", rounded)
    with pytest.raises(StoreError, match=r"a row of journal is not in .* as it was; nothing was moved"):
        filled.move_to(target, quiet)
    assert is_as_it_was(filled, target)


def test_a_value_that_postgresql_refuses_undoes_all(filled: Store, target: str) -> None:
    """SQLite keeps longer texts than a column says."""
    with filled._database.write() as connection:
        connection.execute(update(tables.run).values(kind="x" * 17))
    with pytest.raises(StoreError, match="value too long"):
        filled.move_to(target, quiet)
    assert is_as_it_was(filled, target)


def test_what_breaks_off_undoes_all(filled: Store, target: str) -> None:
    def interrupted(stage: str, _done: int, _total: int | None) -> None:
        if stage == "comparing":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        filled.move_to(target, interrupted)
    assert is_as_it_was(filled, target)


def execute(where: str, statement: str) -> None:
    engine = create_engine(where)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def test_memory_does_not_grow_with_the_rows(tmp_path: Path, target: str) -> None:
    with Store.open(url(tmp_path), KEY) as store:
        with store._database.write() as connection:
            fill(connection, lambda table: 30_000 if table is tables.sent else 2)
        tracemalloc.start()
        try:
            store.move_to(target, quiet)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 12_000_000


# --- the command -------------------------------------------------------------------------------------


def command(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    told = capsys.readouterr()
    return int(ended.value.code or 0), told.out, told.err


def pictures(folder: Path) -> dict[str, bytes]:
    return {
        f"{path.parent.relative_to(folder)}/{path.name.partition(':')[0]}": path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.parent.name in ("cur", "new")
    }


def test_a_run_from_before_is_undone_afterwards(
    tmp_path: Path, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The program told what to write into the configuration, and there the journal goes on."""
    demo = build(tmp_path / "demo", datetime.now(UTC))
    for address in ("ann@harbor.example", "ben@harbor.example"):
        assert command(capsys, "-c", demo, "optin", "add", address, "--preview", "0")[0] == 0
    before = pictures(demo.parent)
    found = re.search(r"undo --run (\S+)", command(capsys, "-c", demo, "scan")[1])
    assert found is not None
    assert pictures(demo.parent) != before
    code, out, err = command(capsys, "-c", demo, "store", "move-to", target)
    assert (code, err) == (0, "")
    assert f'    url = "{target}"' in out.splitlines()
    assert command(capsys, "-c", demo, "history")[0] == 1
    demo.write_text(demo.read_text().replace('url = "sqlite:///state.db"', f'url = "{target}"'))
    assert found[1] in command(capsys, "-c", demo, "history")[1]
    assert command(capsys, "-c", demo, "undo", "--run", found[1])[0] == 0
    assert pictures(demo.parent).keys() == before.keys()


def test_a_password_is_no_part_of_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    demo = build(tmp_path / "demo", datetime.now(UTC))
    code, _, err = command(capsys, "-c", demo, "store", "move-to", "postgresql://ann:secret@db/cleaner")
    assert code == 2
    assert "must not hold a password" in err
    assert "secret" not in err
