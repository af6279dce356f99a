"""
Three workers and two schedulers over one PostgreSQL and a real Dovecot, killed at random while mail arrives.

Every mailbox is served, no two runs of one overlap, every message exists exactly once, nothing genuine is moved, and
each tick comes once. In the long run PostgreSQL crashes once, too. What was given out, begun and ended when is written
down by triggers of the database, which nobody kills.
"""

from __future__ import annotations

import random
import signal
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest

from cleaner.app import App
from cleaner.values import EntryState
from tests.servers.dovecot import MASTER, MASTER_PASSWORD, Dovecot, running
from tests.servers.process import missing
from tests.store import postgresql
from tests.store.postgresql import Cluster
from tests.worlds.harbor import Harbor, overlaps
from tests.worlds.killing import Postman, Process, wait_until_ready, wait_until_served, writing

COMMANDS = (("serve", "--schedule-only"), ("serve", "--schedule-only"), ("worker",), ("worker",), ("worker",))

AUDIT = """
CREATE TABLE audit (
    id bigserial PRIMARY KEY, at timestamptz DEFAULT clock_timestamp(), what text, who text, number bigint
);
CREATE FUNCTION audit_tick() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO audit (what, who, number) VALUES ('tick', NEW.holder, NEW.tick);
    RETURN NEW;
END $$;
CREATE TRIGGER audit AFTER INSERT OR UPDATE ON office FOR EACH ROW EXECUTE FUNCTION audit_tick();
CREATE FUNCTION audit_claim() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO audit (what, who, number)
    VALUES (CASE WHEN NEW.claimed_by IS NULL THEN 'over' ELSE 'given out' END, NEW.claimed_by, NEW.mailbox_id);
    RETURN NEW;
END $$;
CREATE TRIGGER audit AFTER UPDATE ON schedule FOR EACH ROW
    WHEN (OLD.claimed_by IS DISTINCT FROM NEW.claimed_by) EXECUTE FUNCTION audit_claim();
CREATE FUNCTION audit_job() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_OP = 'UPDATE' AND NEW.status = 'doing' THEN
        INSERT INTO audit (what, number) VALUES ('begun', (NEW.args->>'mailbox')::bigint);
    ELSIF OLD.status = 'doing' THEN
        INSERT INTO audit (what, number) VALUES ('ended', (OLD.args->>'mailbox')::bigint);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER audit AFTER DELETE OR UPDATE OF status ON procrastinate_jobs
    FOR EACH ROW EXECUTE FUNCTION audit_job();
"""


@dataclass
class Fleet:
    """All processes that ever ran, and those that live, by what they are."""

    harbor: Harbor
    every: list[Process] = field(default_factory=list)
    alive: list[Process] = field(default_factory=list)

    def start_all(self) -> None:
        for command in COMMANDS:
            self.alive.append(self._start(command))

    def _start(self, command: tuple[str, ...]) -> Process:
        process = Process.start(self.harbor, f"p{len(self.every)}", *command)
        self.every.append(process)
        return process

    def replace(self, number: int, how: int) -> None:
        """Ends one, which must be living, and has another take its place."""
        victim = self.alive[number]
        assert victim.popen.poll() is None, victim.log.read_text()
        victim.end(how)
        self.alive[number] = self._start(COMMANDS[number])

    def end_all(self) -> None:
        with ThreadPoolExecutor(len(COMMANDS)) as together:
            codes = tuple(together.map(lambda process: process.end(signal.SIGTERM), self.alive))
        assert codes == (0,) * len(COMMANDS)

    def kill_all(self) -> None:
        for process in self.alive:
            process.popen.kill()
            process.popen.wait()


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    programs = postgresql.programs()
    if programs is None:
        missing("PostgreSQL", "apt-get install postgresql")
    # Not below the folders of pytest, which only their owner may enter.
    with tempfile.TemporaryDirectory() as base, postgresql.cluster(Path(base), programs) as made:
        yield made


@pytest.mark.parametrize(
    ("mailboxes", "seconds", "crashes"),
    [
        pytest.param(12, 6, False, id="briefly"),
        pytest.param(200, 120, True, id="two minutes", marks=pytest.mark.nightly),
    ],
)
def test_killed_and_restarted_while_mail_arrives(
    tmp_path: Path, cluster: Cluster, mailboxes: int, seconds: float, crashes: bool
) -> None:
    with running() as dovecot:
        harbor = install(tmp_path, dovecot, mailboxes, cluster.url)
        postman = Postman(dovecot)
        with App.open(harbor.configuration) as app:
            harbor.opt_in_all(app)
            app.context.store.fleet().queue.prepare()
            with psycopg.connect(cluster.url) as connection:
                connection.execute(AUDIT)
            harbor.begin(postman, datetime.now(UTC))
            fleet = Fleet(harbor)
            fleet.start_all()
            try:
                with writing(harbor, postman, random.Random(mailboxes)):
                    be_rough(fleet, cluster if crashes else None, seconds)
                wait_until_ready(fleet.alive)
                wait_until_served(harbor, dovecot, fleet.alive)
                fleet.end_all()
            finally:
                fleet.kill_all()
            check_mailboxes(harbor, dovecot, app)
            check_runs(harbor, app, fleet)
            check_audit(cluster.url, mailboxes)


def install(root: Path, dovecot: Dovecot, mailboxes: int, store: str) -> Harbor:
    users = [dovecot.new_user() for _ in range(mailboxes)]
    (root / "password").write_text(MASTER_PASSWORD)
    server = (
        'name = "harbor"',
        'connector = "imap"',
        'host = "127.0.0.1"',
        f"port = {dovecot.port}",
        'tls = "none"',
        'auth = "master-user"',
        f'user = "{MASTER}"',
        'password = "file:password"',
        "connections = 10",
        'timeout = "10s"',
    )
    service = 'listen = "off"\nlog = "json"\nworkers = 4\ndrain = "20s"\nlongest_pause = "5s"'
    return Harbor.install(
        root, users, server, now=datetime.now(UTC), policy='interval = "5s"', service=service, store=store
    )


def be_rough(fleet: Fleet, cluster: Cluster | None, seconds: float) -> None:
    """Kills some process every other second, most of them without warning; the database crashes in the middle."""
    chance = random.Random(seconds)
    victims: list[int] = []
    wait_until_ready(fleet.alive)
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, chance.uniform(1, 3)))
        victims = victims or chance.sample(range(len(COMMANDS)), len(COMMANDS))
        fleet.replace(victims.pop(), signal.SIGKILL if chance.random() < 0.85 else signal.SIGTERM)
        if cluster is not None and left < seconds / 2:
            wait_until_ready(fleet.alive)
            cluster.stop()
            time.sleep(2)
            cluster.start()
            cluster = None


def check_mailboxes(harbor: Harbor, dovecot: Dovecot, app: App) -> None:
    for user in harbor.users:
        owner = dovecot.owner(user)
        assert owner.contents() == Counter(harbor.all_of(user))
        inbox = {item.digest for item in owner.items("INBOX")}
        assert inbox == set(harbor.of(harbor.genuine, user))
        if user in harbor.spurious:
            quarantine = {item.digest for item in owner.items("Backscatter")}
            assert quarantine == set(harbor.spurious[user])
        owner.close()
        assert app.context.store.journal(user).open() == ()
    states = {entry.state for entry in app.context.store.entries()}
    assert states <= {EntryState.DONE, EntryState.FAILED}


def check_runs(harbor: Harbor, app: App, fleet: Fleet) -> None:
    found = [one for process in fleet.every for one in process.intervals()]
    assert {one.mailbox for one in found} == set(harbor.users)
    assert overlaps(found) == []
    # Nothing hangs: what is in the queue waits for a worker, and each claim has its job there.
    assert app.context.store.fleet().cut_off() == ()
    offices = [
        e for p in fleet.every for e in p.events() if e["event"] == "this process is the scheduler now"
    ]
    assert offices


def check_audit(url: str, mailboxes: int) -> None:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT what, who, number FROM audit ORDER BY id").fetchall()
        doing = connection.execute(
            "SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'"
        ).fetchone()
    assert doing == (0,)
    ticks = [number for what, _, number in rows if what == "tick"]
    assert ticks
    assert all(one < other for one, other in pairwise(ticks))
    given, jobs = defaultdict(list), defaultdict(list)
    for what, _, number in rows:
        if what in ("given out", "over"):
            given[number].append(what)
        elif what in ("begun", "ended"):
            jobs[number].append(what)
    assert len(given) == len(jobs) == mailboxes
    # Nobody is put into the queue again before he was served, and no job is begun before the one before it ended.
    assert all(one != other for whats in given.values() for one, other in pairwise(whats))
    assert all(one != other for whats in jobs.values() for one, other in pairwise(whats))
