"""
How many mailboxes a second go through the whole path of a fleet: due, queue, worker, schedule.

    python -m benchmarks.fleet

The mailboxes are instant: the look from outside answers at once that nothing came. Everything else is as it is in
service, over a real PostgreSQL on this machine: a scheduler and a worker, each a process of its own. The floor is
procrastinate alone, in the same database in the same minute: jobs of the same shape that do nothing, with the same
locks, and as many at once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg
from procrastinate import App as Procrastinate
from procrastinate import PsycopgConnector
from procrastinate.jobs import Job

from cleaner.app import App
from cleaner.config import MailboxSettings
from cleaner.service.fleet import Fleet
from cleaner.service.fleet.worker import POLLING
from cleaner.service.serve.work import Worked
from tests.store import postgresql
from tests.worlds.harbor import Harbor

LEAST: Final = 200.0
"""Jobs a second and worker."""
MOST_GROWTH: Final = 5.0
"""MB that a worker may grow by, over as many jobs as an hour brings at that pace, once it is warm."""
WORKERS: Final = 16
SERVER: Final = (
    'name = "harbor"',
    'connector = "imap"',
    'host = "127.0.0.1"',
    'auth = "master-user"',
    'user = "nobody"',
    'password = "env:NONE"',
    "connections = 64",
)
MOST_QUEUED: Final = 64


class Instant:
    """Mailboxes that tell at once that nothing came."""

    def pulse(self, _mailbox: MailboxSettings) -> str | None:
        return "as it was"

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"nobody opens an instant mailbox ({name})")


class Count:
    """Counts turns."""

    def __init__(self) -> None:
        self.turns = 0
        self.others = 0

    def began(self, _server: str) -> None:
        pass

    def ended(self, _server: str, _organisation: str, worked: Worked, _seconds: float) -> None:
        self.turns += 1
        self.others += not worked.only_looked


def take_part(configuration: Path, *, schedules: bool, jobs: int) -> None:
    """What each process of the fleet does: until it is ended, or has done so many jobs."""
    with App.open(configuration) as app:
        count = Count()
        context = replace(app.context, mailboxes=Instant())  # type: ignore[arg-type]
        fleet = Fleet(context, (count,), schedules=schedules, works=not schedules, workers=WORKERS)
        fleet.start()
        began, before, warm = time.monotonic(), 0, 0.0
        print(json.dumps({"ready": True}), flush=True)
        while not jobs or count.turns < jobs:
            time.sleep(0.05)
            if not before and count.turns >= max(200, jobs // 10):
                began, before, warm = time.monotonic(), count.turns, memory()
        took = time.monotonic() - began
        told = {"a second": (count.turns - before) / took, "cpu": cpu(), "jobs": count.turns}
        print(json.dumps({**told, "warm": warm, "end": memory(), "others": count.others}), flush=True)
        fleet.stop()


def memory() -> float:
    """MB that this process holds now."""
    found = re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def cpu() -> float:
    """Seconds of processor time."""
    times = os.times()
    return times.user + times.system


@contextmanager
def process(configuration: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "benchmarks.fleet", "--configuration", str(configuration), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as started:
        try:
            line(started)
            yield started
        finally:
            started.kill()


def line(started: subprocess.Popen[str]) -> dict[str, float]:
    """What it says next."""
    text = started.stdout.readline() if started.stdout is not None else ""
    if not text:
        raise SystemExit("a process of the fleet ended")
    found: dict[str, float] = json.loads(text)
    return found


def ours(root: Path, url: str, mailboxes: int, jobs: int, workers: int) -> list[dict[str, float]]:
    """Of each worker."""
    users = [f"u{number}@harbor.example" for number in range(mailboxes)]
    now = datetime.now(UTC)
    harbor = Harbor.install(root, users, SERVER, now=now, policy='interval = "1s"', store=url)
    with App.open(harbor.configuration) as app:
        harbor.opt_in_all(app)
        app.context.store.schedule.plan(dict.fromkeys(users, "harbor"), now)
        later = now + timedelta(days=1)
        with psycopg.connect(url) as connection:
            # All were looked through a moment ago.
            connection.execute(
                "UPDATE schedule SET state = 'done', pulse = 'as it was', looked_at = %s, upkeep_due = %s",
                (datetime.now(UTC), later),
            )
    each = ("--jobs", str(jobs))
    with process(harbor.configuration, "--schedules") as scheduler, ExitStack() as stack:
        started = [stack.enter_context(process(harbor.configuration, *each)) for _ in range(workers)]
        told = [line(worker) for worker in started]
        used = Path(f"/proc/{scheduler.pid}/stat").read_text().rpartition(")")[2].split()
        print(
            f"scheduler's CPU    {(int(used[11]) + int(used[12])) / os.sysconf('SC_CLK_TCK'):8.1f} s in all"
        )
    return told


async def floor(url: str, jobs: int) -> float:
    """procrastinate alone, jobs a second."""
    app = Procrastinate(connector=PsycopgConnector(conninfo=url, min_size=1, max_size=4))

    done = 0

    @app.task(name="nothing")
    async def nothing(mailbox: int) -> None:  # noqa: ARG001
        nonlocal done
        done += 1

    def job(number: int) -> Job:
        lock = f"floor {number}"
        given = {"mailbox": number}
        return Job(
            id=None,
            queue="floor",
            lock=lock,
            queueing_lock=lock,
            task_name="nothing",
            task_kwargs=given,
        )

    async with app.open_async():
        working = asyncio.create_task(
            app.run_worker_async(
                queues=["floor"],
                concurrency=WORKERS,
                install_signal_handlers=False,
                fetch_job_polling_interval=POLLING,
                delete_jobs="successful",
            )
        )
        began, put = time.monotonic(), 0
        while done < jobs:
            # No more in the queue than there are in ours.
            if put - done <= MOST_QUEUED // 2 and put < jobs:
                more = min(MOST_QUEUED // 2, jobs - put)
                await app.job_manager.batch_defer_jobs_async([job(n) for n in range(put, put + more)])
                put += more
            await asyncio.sleep(0.002)
        took = time.monotonic() - began
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
    return jobs / took


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Jobs a second through a whole fleet with instant mailboxes."
    )
    parser.add_argument("--mailboxes", type=int, default=2_000)
    parser.add_argument("--jobs", type=int, default=5_000, help="Of each worker.")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument(
        "--hour", action="store_true", help="As many jobs as an hour brings: memory stays flat."
    )
    parser.add_argument(
        "--untimed", action="store_true", help="The machine is busy: only memory has to be kept."
    )
    parser.add_argument("--configuration", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--schedules", action="store_true", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.configuration is not None:
        take_part(
            wanted.configuration, schedules=wanted.schedules, jobs=0 if wanted.schedules else wanted.jobs
        )
        return
    programs = postgresql.programs()
    if programs is None:
        raise SystemExit("needs PostgreSQL: apt-get install postgresql")
    jobs = int(LEAST * 3600) if wanted.hour else wanted.jobs
    with (
        tempfile.TemporaryDirectory() as base,
        tempfile.TemporaryDirectory() as root,
        postgresql.server(Path(base), programs) as url,
    ):
        told = ours(Path(root) / "fleet", url, wanted.mailboxes, jobs, wanted.workers)
        alone = asyncio.run(floor(url, min(jobs, 5_000)))
    is_kept = True
    for one in told:
        grown = one["end"] - one["warm"]
        milliseconds = one["cpu"] / one["jobs"] * 1000
        print(
            f"jobs a second      {one['a second']:8.1f}   (aim at least {LEAST:g}; procrastinate alone {alone:.1f})"
        )
        print(f"CPU of a job       {milliseconds:8.2f} ms in the worker, its start included")
        print(f"memory             {one['end']:8.1f} MB, grown by {grown:.1f} over {one['jobs']:,.0f} jobs")
        is_kept = is_kept and grown <= MOST_GROWTH and (wanted.untimed or one["a second"] >= LEAST)
        if one["others"]:
            raise SystemExit(f"{one['others']} mailboxes were not instant")
    sys.exit(0 if is_kept else 1)


if __name__ == "__main__":
    main()
