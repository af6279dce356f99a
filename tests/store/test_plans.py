"""
Whatever is asked for one mailbox, or at every tick, goes by an index, however much the store holds.

The questions are those that the commands and the service really ask, over sample mailboxes, in a store that holds
much of others. Both databases tell how they would go about each of them.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from cleaner.app import App
from cleaner.cli import main
from cleaner.service import digest
from cleaner.service.demo import build
from cleaner.service.fleet import Fleet
from cleaner.service.retention import overdue
from cleaner.service.serve import Service
from cleaner.service.serve.serving import Serving
from cleaner.values import ActionName, EntryState, Ground, Kind, Opinion, Outcome
from tests.store.conftest import new_database
from tests.store.filling import fill
from tests.store.plans import Plans, recording
from tests.store.samples import proposal, specimen, statement

NOW: Final = datetime.now(UTC).replace(microsecond=0)
ANN, BEN = "ann@harbor.example", "ben@harbor.example"
MAILBOXES: Final = 3_000

ROWS: Final = {
    "organisation": 20,
    "mailbox": MAILBOXES,
    "schedule": MAILBOXES,
    "consent": 2 * MAILBOXES,
    "sent": 30_000,
    "sent_recipient": 30_000,
    "sent_host": 10_000,
    "sent_manner": 10_000,
    "notice": 20_000,
    "lesson": 20_000,
    "journal": 20_000,
    "access": 20_000,
    "run": 40_000,
    "label": 5_000,
    "sample": 5_000,
    "model_day": 20_000,
    "model_difference": 5_000,
    "model_shadow": 5,
    # What is in these was sealed, and is opened by whoever looks at all of them.
    "alert_due": 0,
    "sign_in": 0,
}
"""Of others; of the tables that are not named here few."""
BIG: Final = frozenset(name for name, rows in ROWS.items() if rows >= 5_000) - {"consent"}

WHOLE: Final = {
    "consent": ("SELECT mailbox.address \nFROM consent JOIN mailbox", "SELECT max(consent.id)"),
    "schedule": (
        "SELECT schedule.mailbox_id, mailbox.address, schedule.server, schedule.claimed_by",
        "SELECT schedule.mailbox_id, schedule.server",
        "DELETE FROM schedule WHERE schedule.mailbox_id IN",
        "SELECT count(*) AS count_1, count(*) FILTER",
    ),
    "mailbox": (
        "SELECT mailbox.definition",
        "SELECT mailbox.address \nFROM consent JOIN mailbox",
        "SELECT schedule.mailbox_id, ",
        "SELECT mailbox.address, anon_1.mailbox_id, anon_1.",
    ),
}
"""
Tables of one row a mailbox or little more, and the questions that may read all of it: of those that tell of all
mailboxes, and of the service when somebody agreed or withdrew; not at every tick.
"""


def of(*words: Any) -> Callable[[int], Any]:
    values = [word.value if hasattr(word, "value") else word for word in words]
    return lambda number: values[number % len(values)]


def some_time(number: int) -> datetime:
    """Within the last year."""
    return NOW - timedelta(minutes=number * 7_919 % 525_600)


def nothing(number: int) -> None:
    return None


USUAL: Final[dict[str, Callable[[int], Any]]] = {
    "mailbox.address": lambda number: f"m{number}@harbor.example",
    "mailbox.definition": nothing,
    "mailbox.organisation_id": nothing,
    "consent.state": of("opted-in"),
    "schedule.server": of("one", "two", "three"),
    "schedule.claimed_by": nothing,
    "schedule.due": some_time,
    "schedule.state": of("done"),
    "run.kind": of("scan"),
    "run.state": of("done"),
    "run.started": some_time,
    "run.finished": some_time,
    "run.moved": of(0, 0, 0, 3),
    "sent.time": some_time,
    "sent.logged": of(False, False, True),
    "sent_recipient.time": some_time,
    "notice.kind": of(*Kind),
    "notice.opinion": of(*[Opinion.NOT_A_BOUNCE] * 20, Opinion.UNSURE, Opinion.GENUINE, Opinion.BACKSCATTER),
    "notice.action": of(*[ActionName.NONE] * 20, ActionName.MOVE, ActionName.WAIT),
    "notice.outcome": of(Outcome.DONE),
    "notice.judged_at": some_time,
    "notice.received": some_time,
    "notice.report": nothing,
    "journal.action": of(ActionName.MOVE),
    "journal.ground": of(*Ground),
    "journal.state": of(*[EntryState.DONE] * 4_999, EntryState.INTENDED),
    "journal.intended_at": some_time,
    "journal.settled_at": some_time,
    "journal.flags": of([]),
    "label.organisation_id": of(1, 2, 3, 4, 5),
    "label.truth": of(Opinion.GENUINE, Opinion.BACKSCATTER),
    "label.state": of("confirmed"),
    "label.origin": of("administrator"),
    "label.kind": of(Kind.NDR),
    "label.opinion": of(Opinion.UNSURE),
    "sample.kept_at": some_time,
    "access.at": some_time,
    "alert.at": some_time,
}


@pytest.fixture(scope="module")
def filled_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    demo = build(tmp_path_factory.mktemp("plans") / "demo", NOW)
    with App.open(demo) as app, app.context.store._database.write() as connection:
        fill(connection, lambda table: ROWS.get(table.name, 20), USUAL)
        connection.exec_driver_sql("ANALYZE")
    return demo


@pytest.fixture
def filled(filled_once: Path, tmp_path: Path) -> Path:
    """The configuration of sample mailboxes, with a store in a file that holds much of others."""
    return Path(shutil.copytree(filled_once.parent, tmp_path / "demo")) / filled_once.name


def test_in_a_file_no_table_is_read_through(filled: Path) -> None:
    plans = work_of_a_day(filled)
    assert unwanted(plans) == {}
    assert plans.tables_named() >= BIG
    assert unwanted(careless_work(filled)).keys() == {f"notice: {CARELESS}"}


def test_on_a_server_no_table_is_read_through(filled: Path, postgresql_server: str) -> None:
    target = new_database(postgresql_server)
    run("-c", filled, "store", "move-to", target)
    filled.write_text(filled.read_text().replace('url = "sqlite:///state.db"', f'url = "{target}"'))
    plans = work_of_a_day(filled)
    assert unwanted(plans) == {}
    assert plans.tables_named() >= BIG
    assert unwanted(careless_work(filled)).keys() == {f"notice: {CARELESS}"}


def unwanted(plans: Plans) -> dict[str, str]:
    return {
        f"{table}: {statement}": plan
        for (table, statement), plan in plans.read_through.items()
        if table in BIG or (table in WHOLE and not statement.startswith(WHOLE[table]))
    }


def run(*arguments: object) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    assert ended.value.code in (0, 3), arguments


def work_of_a_day(demo: Path) -> Plans:
    """All that is done for mailboxes, by command and by the service."""
    with recording() as plans:
        for address in (ANN, BEN):
            run("-c", demo, "optin", "add", address, "--preview", "0")
        run("-c", demo, "check")
        run("-c", demo, "scan", "--dry-run")
        run("-c", demo, "scan", "--mailbox", ANN)
        serve(demo)
        with App.open(demo) as app:
            entry = app.context.store.entries(mailbox=ANN, limit=1)[0]
        run("-c", demo, "explain", entry.id)
        run("-c", demo, "history")
        run("-c", demo, "history", "--mailbox", ANN, "--since", "7d")
        run("-c", demo, "history", "--since", "7d")
        run("-c", demo, "status")
        run("-c", demo, "report", "--since", "7d")
        run("-c", demo, "optin", "show", ANN)
        learn(demo)
        run("-c", demo, "undo", "--entry", entry.id)
        run("-c", demo, "undo", "--run", entry.run)
        run("-c", demo, "undo", "--mailbox", BEN, "--since", "1d")
        upkeep(demo)
        run("-c", demo, "optin", "remove", BEN)
    return plans


CARELESS: Final = "SELECT count(*) FROM notice WHERE folder = 'INBOX'"


def careless_work(demo: Path) -> Plans:
    """What must be noticed."""
    with recording() as plans, App.open(demo) as app, app.context.store._database.read() as connection:
        connection.exec_driver_sql(CARELESS)
    return plans


def serve(demo: Path) -> None:
    """Every mailbox has a turn of the service."""
    with App.open(demo) as app:
        is_shared = app.context.store.is_shared
        service: Serving = Fleet(app.context) if is_shared else Service(app.context, tick=0.05)
        service.start()
        moment = threading.Event()
        try:
            while not {ANN, BEN} <= {
                t.address for t in app.context.store.schedule.all() if t.state == "done"
            }:
                moment.wait(0.05)
            service.backlog()
        finally:
            assert service.stop()


def upkeep(demo: Path) -> None:
    with App.open(demo) as app:
        store = app.context.store
        store.runs.forget_idle(NOW - timedelta(days=30))
        store.alerts.forget(NOW - timedelta(days=30))
        some = [store.sent_record(f"m{number}@harbor.example") for number in range(1, 9)]
        assert sum(record.expire(NOW - timedelta(days=60)) for record in some) > 0
        app.context.expire_samples()
        for mailbox in app.context.settings.mailboxes:
            digest.items(app.context, mailbox, NOW - timedelta(days=1))
            overdue(app.context, mailbox)


def learn(demo: Path) -> None:
    with App.open(demo) as app:
        labels = app.context.store.labels
        labels.find(mailbox=ANN, limit=10)
        labels.samples(ANN)
        labels.add([(specimen(), statement())])
        app.context.store.proposals(ANN, "harbor").propose([proposal(3)])
        labels.erase_samples(ANN)
        app.context.store.undecided(100)
