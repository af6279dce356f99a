"""
Old and new workers side by side over one migration step, and what becomes of the old ones at the step after that.

The newer program is this one with one migration more, in processes of their own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from cleaner.app import App
from cleaner.service import consent
from cleaner.store import schema
from tests.servers.process import missing
from tests.store import postgresql
from tests.worlds.harbor import Harbor
from tests.worlds.killing import PATIENCE, Process

NEWER = """
import shutil, sys
from pathlib import Path
from cleaner.store import schema

folder = Path(sys.argv.pop(1))
name, borne_from, change = sys.argv.pop(1), sys.argv.pop(1), sys.argv.pop(1)
shutil.copytree(schema.MIGRATIONS, folder, dirs_exist_ok=True)
(folder / "versions" / f"m_{name}.py").write_text(
    f"from alembic import op\\nrevision = {name!r}\\ndown_revision = {schema.REVISIONS[-1]!r}\\n"
    f"def upgrade():\\n    op.execute({change!r})\\n"
)
schema.MIGRATIONS = folder
schema.REVISIONS = (*schema.REVISIONS, name)
schema.OLDEST = borne_from or schema.OLDEST
from cleaner.cli import main
main()
"""
"""A program with one migration more: its folder, its name, the oldest program that it bears, its change."""

ADDS = "ALTER TABLE mailbox ADD COLUMN colour text NOT NULL DEFAULT 'blue'"
TAKES_AWAY = "ALTER TABLE schedule RENAME COLUMN pulse TO heartbeat"


@pytest.fixture
def url() -> Iterator[str]:
    programs = postgresql.programs()
    if programs is None:
        missing("PostgreSQL", "apt-get install postgresql")
    with tempfile.TemporaryDirectory() as base, postgresql.server(Path(base), programs) as url:
        yield url


@pytest.fixture
def harbor(tmp_path: Path, url: str) -> Harbor:
    users = ("ann@harbor.example", "ben@harbor.example")
    for user in users:
        for part in ("cur", "new", "tmp"):
            (tmp_path / "mail" / user / part).mkdir(parents=True)
    return Harbor.install(
        tmp_path,
        users,
        ('name = "harbor"', 'connector = "maildir"', f'path = "{tmp_path}/mail/{{address}}"'),
        now=datetime.now(UTC),
        policy='interval = "1s"',
        service='listen = "off"\nlog = "json"\nworkers = 2',
        store=url,
    )


class Newer(Process):
    """A process of the newer program."""

    change = ADDS
    borne_from = ""

    @classmethod
    def started(cls, harbor: Harbor, name: str, *command: str, change: str, borne_from: str = "") -> Process:
        log = harbor.root / f"{name}.log"
        folder = str(harbor.root / f"migrations-{name}")
        words = (sys.executable, "-c", NEWER, folder, "9999", borne_from, change)
        with log.open("wb") as errors:
            program = (*words, "-c", str(harbor.configuration), *command)
            return cls(harbor, name, subprocess.Popen(program, stderr=errors), log)


def wait_for(condition: Callable[[], bool], process: Process) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, process.log.read_text()
        time.sleep(0.05)


@contextmanager
def all_ended(processes: list[Process]) -> Iterator[None]:
    try:
        yield
    finally:
        for process in processes:
            process.popen.kill()
            process.popen.wait()


def has_logged(process: Process, words: str) -> Callable[[], bool]:
    return lambda: any(words in event["event"] for event in process.events())


def looks(url: str) -> int:
    """How often a mailbox was looked at."""
    with closing(psycopg.connect(url)) as connection:
        row = connection.execute("SELECT coalesce(sum(times), 0) FROM access").fetchone()
    assert row is not None
    return int(row[0])


def test_old_and_new_work_side_by_side_until_something_is_taken_away(harbor: Harbor, url: str) -> None:
    with App.open(harbor.configuration) as app:
        for user in harbor.users:
            consent.opt_in(app.context, consent.NewMailbox(user))
    old = [
        Process.start(harbor, "old-s", "serve", "--schedule-only"),
        Process.start(harbor, "old-w", "worker"),
    ]
    every = list(old)
    with all_ended(every):
        for process in old:
            wait_for(has_logged(process, "ready"), process)
        new = Newer.started(harbor, "new-w", "worker", change=ADDS)
        every.append(new)
        wait_for(has_logged(new, "ready"), new)
        assert has_logged(new, "has been upgraded to 9999")()
        # The old worker alone, on the new tables; then the new worker alone, for the old scheduler.
        new.popen.terminate()
        assert new.popen.wait(PATIENCE) == 0
        before = looks(url)
        wait_for(lambda: looks(url) > before + 2, old[1])
        late = Process.start(harbor, "late-w", "worker")
        every.append(late)
        wait_for(has_logged(late, "ready"), late)
        assert has_logged(
            late, "upgraded by a newer version (revision 9999), which this one can still work"
        )()
        for process in (old[1], late):
            process.popen.terminate()
            assert process.popen.wait(PATIENCE) == 0
        again = Newer.started(harbor, "again-w", "worker", change=ADDS)
        every.append(again)
        wait_for(has_logged(again, "ready"), again)
        before = looks(url)
        wait_for(lambda: looks(url) > before + 2, again)
        assert old[0].popen.poll() is None


@pytest.mark.nightly
def test_an_old_one_ends_with_clear_words_when_something_is_taken_away(harbor: Harbor, url: str) -> None:
    with App.open(harbor.configuration) as app:
        for user in harbor.users:
            consent.opt_in(app.context, consent.NewMailbox(user))
    old = [
        Process.start(harbor, "old-s", "serve", "--schedule-only"),
        Process.start(harbor, "old-w", "worker"),
    ]
    every = list(old)
    with all_ended(every):
        for process in old:
            wait_for(has_logged(process, "ready"), process)
        new = Newer.started(harbor, "new-w", "worker", change=TAKES_AWAY, borne_from="9999")
        every.append(new)
        wait_for(has_logged(new, "ready"), new)
        for process in old:
            assert process.popen.wait(PATIENCE) == 1
            assert "newer bounce-cleaner; upgrade the program" in process.log.read_text()
        late = Process.start(harbor, "late-w", "worker")
        every.append(late)
        assert late.popen.wait(PATIENCE) == 1
        assert "newer bounce-cleaner; upgrade the program" in late.log.read_text()


def test_the_program_of_today_is_borne_by_its_own_tables() -> None:
    assert schema.OLDEST in schema.REVISIONS
