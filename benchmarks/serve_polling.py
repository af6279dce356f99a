"""
What it costs `serve` to look after mailboxes to which nothing comes, and how much memory many take.

    python -m benchmarks.serve_polling

Idle mailboxes lie on a real Dovecot on this machine, over loopback. The floor is a bare loop of the standard
library (log-in, STATUS, log-out) over the same mailboxes, right before and right after. Processor time is that of
our process alone; how many are polled a second depends on the server, which shares the processors.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cleaner.app import App
from tests.servers.dovecot import MASTER, MASTER_PASSWORD, Dovecot, running
from tests.servers.process import free_port
from tests.worlds.harbor import Harbor

LEAST_POLLS: Final = 60.0
MOST_CPU: Final = 5.0
MOST_MEMORY: Final = 400.0

BARE_LOOP: Final = """
import imaplib, json, resource, sys, time
port, password, users, seconds = json.loads(sys.argv[1])
began = time.monotonic()
done = 0
while time.monotonic() - began < seconds:
    imap = imaplib.IMAP4("127.0.0.1", port)
    imap.login(users[done % len(users)], password)
    imap.status("INBOX", "(UIDVALIDITY UIDNEXT)")
    imap.logout()
    done += 1
took = time.monotonic() - began
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([done / took, (used.ru_utime + used.ru_stime) / done * 1000]))
"""


@dataclass(frozen=True)
class Pace:
    """How quick something polls."""

    per_second: float
    cpu: float
    """Milliseconds of processor time each."""


@contextmanager
def serving(harbor: Harbor, port: int) -> Iterator[subprocess.Popen[bytes]]:
    with (harbor.root / "log").open("wb") as log:
        command = [sys.executable, "-m", "cleaner", "-c", str(harbor.configuration), "serve"]
        process = subprocess.Popen(command, stderr=log)
        try:
            wait_for(port)
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def wait_for(port: int) -> None:
    until = time.monotonic() + 300
    while time.monotonic() < until:
        try:
            numbers(port)
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the service does not answer")


def numbers(port: int) -> dict[str, float]:
    """The counters by name and labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
        text = answer.read().decode()
    return {name: float(value) for name, value in re.findall(r"^(\w+(?:\{.*\})?) (\S+)$", text, re.MULTILINE)}


def turns(port: int, result: str) -> float:
    found = numbers(port)
    return sum(
        v for name, v in found.items() if name.startswith(f'bounce_cleaner_turns_total{{result="{result}"')
    )


def cpu_of(process: subprocess.Popen[bytes]) -> float:
    """Seconds of processor time."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_of(process: subprocess.Popen[bytes]) -> float:
    """The most memory it held at a time, in MB."""
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def bare(dovecot: Dovecot, users: Sequence[str], seconds: float) -> Pace:
    masters = [f"{user}*{MASTER}" for user in users]
    given = json.dumps([dovecot.port, MASTER_PASSWORD, masters, seconds])
    told = subprocess.run(
        [sys.executable, "-c", BARE_LOOP, given], capture_output=True, text=True, check=True
    )
    return Pace(*json.loads(told.stdout))


def install(root: Path, dovecot: Dovecot, users: Sequence[str], port: int, interval: str) -> Harbor:
    root.mkdir()
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
        "connections = 8",
    )
    harbor = Harbor.install(
        root,
        users,
        server,
        now=datetime.now(UTC),
        policy=f'interval = "{interval}"',
        service=f'listen = "127.0.0.1:{port}"\nworkers = 8',
    )
    with App.open(harbor.configuration) as app:
        harbor.opt_in_all(app)
    return harbor


def polling(root: Path, dovecot: Dovecot, mailboxes: int, seconds: float) -> tuple[Pace, Pace]:
    """Ours, and the floor."""
    users = [dovecot.new_user() for _ in range(mailboxes)]
    port = free_port()
    harbor = install(root / "polling", dovecot, users, port, "1s")
    with serving(harbor, port) as process:
        # All are looked through once; from then on nothing comes.
        while turns(port, "done") < mailboxes or turns(port, "nothing_new") < mailboxes:
            time.sleep(0.2)
        before, used, began = turns(port, "nothing_new"), cpu_of(process), time.monotonic()
        time.sleep(seconds)
        done, took = turns(port, "nothing_new") - before, time.monotonic() - began
        ours = Pace(done / took, (cpu_of(process) - used) / done * 1000)
    return ours, bare(dovecot, users, seconds)


def memory(root: Path, dovecot: Dovecot, mailboxes: int, seconds: float) -> float:
    users = [f"m{number}@harbor.example" for number in range(mailboxes)]
    port = free_port()
    harbor = install(root / "memory", dovecot, users, port, "1h")
    with serving(harbor, port) as process:
        time.sleep(seconds)
        return peak_of(process)


def main() -> None:
    parser = argparse.ArgumentParser(description="What looking after idle mailboxes costs.")
    parser.add_argument("--mailboxes", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument(
        "--configured", type=int, default=10_000, help="For the memory; 0: it is not measured."
    )
    parser.add_argument(
        "--untimed", action="store_true", help="The machine is busy: only memory has to be kept."
    )
    wanted = parser.parse_args()
    is_kept = True
    with running() as dovecot, tempfile.TemporaryDirectory() as name:
        root = Path(name)
        ours, floor = polling(root, dovecot, wanted.mailboxes, wanted.seconds)
        print(
            f"polled a second    {ours.per_second:8.1f}    "
            f"(aim at least {LEAST_POLLS:g}; bare loop, one at a time, {floor.per_second:.1f})"
        )
        print(f"our CPU per poll   {ours.cpu:8.2f} ms (aim at most {MOST_CPU:g}; bare loop {floor.cpu:.2f})")
        is_kept = wanted.untimed or (ours.per_second >= LEAST_POLLS and ours.cpu <= MOST_CPU)
        if wanted.configured:
            held = memory(root, dovecot, wanted.configured, wanted.seconds)
            print(f"memory, {wanted.configured:,} mailboxes {held:8.1f} MB (aim at most {MOST_MEMORY:g})")
            is_kept = is_kept and held <= MOST_MEMORY
    sys.exit(0 if is_kept else 1)


if __name__ == "__main__":
    main()
