"""
What a scan over IMAP costs: bytes, round trips, time and memory, against a bare loop of the standard library.

    python -m benchmarks.imap_scan

A generated mailbox (`mailbox.py`) lies on a real Dovecot behind a proxy that makes every round trip 20 ms long
and counts. The bare loop fetches the same items of the same messages, as the first scan was seen to ask for
them, and does nothing with them.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks import isbg, mailbox
from cleaner.config import make_key
from tests.servers.dovecot import PASSWORD, Dovecot, Options, running
from tests.servers.proxy import Counts, Proxy, between

ROUND_TRIP: Final = 0.020
MOST_BYTES: Final = 0.03
MOST_ROUND_TRIPS: Final = 120
MOST_ROUND_TRIPS_AGAIN: Final = 12
MOST_TIME: Final = 2.0
AIM_TIME: Final = 1.3
MOST_MEMORY: Final = 300

BARE_LOOP: Final = """
import imaplib, json, sys
port, user, password, folders = json.loads(sys.argv[1])
imap = imaplib.IMAP4("127.0.0.1", port)
imap.login(user, password)
for folder, items in folders.items():
    imap.select(folder, readonly=True)
    uids = imap.uid("SEARCH", "ALL")[1][0].split()
    for start in range(0, len(uids), 500):
        chunk = uids[start : start + 500]
        imap.uid("FETCH", f"{chunk[0].decode()}:{chunk[-1].decode()}", items)
imap.logout()
"""
"""500 messages at a time: fewer would be slower, more gain nothing."""


@dataclass(frozen=True)
class Run:
    """One process, from its start to its end."""

    seconds: float
    work: float
    """Seconds of processor time: what other programs on the machine do hardly changes it."""
    memory: float
    """The most it held at a time, in MB."""
    counts: Counts


@dataclass(frozen=True)
class Limit:
    what: str
    value: float
    most: float
    form: str
    is_of_time: bool = False

    @property
    def is_kept(self) -> bool:
        return self.value <= self.most

    def __str__(self) -> str:
        verdict = "kept" if self.is_kept else "EXCEEDED"
        return f"{self.what:<62} {self.value:>9{self.form}}   at most {self.most:<8{self.form}} {verdict}"


class Bench:
    """One mailbox on one server, and what is run over it."""

    def __init__(self, server: Dovecot, proxy: Proxy, user: str, root: Path) -> None:
        self.server = server
        self.proxy = proxy
        self.user = user
        self.root = root
        self._installations = 0

    def install(self, preview: str) -> Path:
        """A new installation that knows nothing yet; its configuration."""
        self._installations += 1
        folder = self.root / f"installation{self._installations}"
        folder.mkdir()
        make_key(folder / "master.key")
        (folder / "password").write_text(PASSWORD)
        path = folder / "cleaner.toml"
        path.write_text(
            f"""{mailbox.ORGANISATION}
[[server]]
name = "dovecot"
connector = "imap"
host = "127.0.0.1"
port = {self.proxy.port}
tls = "none"
[policy]
preview = "{preview}"
[[mailbox]]
address = "{mailbox.ADDRESS}"
server = "dovecot"
user = "{self.user}"
password = "file:password"
"""
        )
        run_program(path, "optin", "add", mailbox.ADDRESS).check_returncode()
        return path

    def scan(self, configuration: Path) -> tuple[Run, Counter[str]]:
        """Scans once; what it cost, and how many messages got which verdict and outcome."""
        out = configuration.parent / "lines"
        command = [*PROGRAM, "-c", str(configuration), "scan", "--format", "jsonl"]
        run = self.measure(command, out)
        lines = [json.loads(line) for line in out.read_text().splitlines()]
        return run, Counter(f"{line['verdict']}, {line['outcome']}" for line in lines)

    def loop(self, folders: dict[str, str]) -> Run:
        told = json.dumps([self.proxy.port, self.user, PASSWORD, folders])
        return self.measure([sys.executable, "-c", BARE_LOOP, told], self.root / "loop")

    def measure(self, command: Sequence[str], out: Path, environment: Mapping[str, str] | None = None) -> Run:
        before = self.proxy.counts
        began = time.monotonic()
        with out.open("wb") as file, out.with_suffix(".errors").open("wb") as errors:
            process = subprocess.Popen(command, stdout=file, stderr=errors, env=environment or as_installed())
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - began
        if process.returncode:
            raise SystemExit(f"{command[:4]} failed: {out.with_suffix('.errors').read_text()}")
        work = usage.ru_utime + usage.ru_stime
        return Run(seconds, work, usage.ru_maxrss / 1024, self.proxy.counts - before)


def as_installed() -> dict[str, str]:
    """The environment of a program whose modules are compiled, as those of an installed one are."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


TABLE_HEAD: Final = f"{'':<34} {'trips':>7} {'MB':>9} {'of all':>8} {'seconds':>8} {'cpu':>8} {'peak MB':>8}"
PROGRAM: Final = (sys.executable, "-m", "cleaner")


def run_program(configuration: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, "-c", str(configuration), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=as_installed(),
    )


def items_asked(bench: Bench) -> dict[str, str]:
    """Folder → what a first scan asks of its messages, read off the wire."""
    asked: dict[str, Counter[str]] = {}
    folder = ""
    with between(bench.server.port, records=True) as listening:
        watched = Bench(bench.server, listening, bench.user, bench.root / "watched")
        watched.root.mkdir()
        watched.scan(watched.install("7d"))
        commands = tuple(listening.commands)
    for command in commands:
        _, name, *rest = command.split(" ", 2)
        if name.upper() in ("SELECT", "EXAMINE"):
            folder = rest[0].split(" (")[0].strip('"')
        elif found := re.fullmatch(
            r"(?:UID )?FETCH \S+ (\(.*HEADER.*\))", f"{name} {rest[0] if rest else ''}"
        ):
            asked.setdefault(folder, Counter())[found[1]] += 1
    if not asked:
        raise SystemExit("the scan fetched no header fields")
    return {folder: items.most_common(1)[0][0] for folder, items in asked.items()}


def shown(what: str, run: Run, contents: mailbox.Contents) -> str:
    return (
        f"{what:<34} {run.counts.round_trips:>7} {run.counts.to_client / 1e6:>9.2f} "
        f"{run.counts.to_client / contents.size:>8.2%} {run.seconds:>8.2f} {run.work:>8.2f} {run.memory:>8.0f}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=3, help="the median of so many is shown")
    parser.add_argument("--untimed", action="store_true", help="exceeding the limit of time is no failure")
    parser.add_argument("--isbg", type=int, default=0, metavar="N", help="isbg, too, over N messages")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as root,
        running(Options()) as server,
        between(server.port, round_trip=ROUND_TRIP) as proxy,
    ):
        folder = Path(root)
        bench, contents = filled(server, proxy, folder / "whole", options.messages)
        limits = compare(bench, contents, options.runs)
        if options.isbg:
            compare_with_isbg(*filled(server, proxy, folder / "sample", options.isbg))
        return int(any(not limit.is_kept for limit in limits if not (limit.is_of_time and options.untimed)))


def filled(server: Dovecot, proxy: Proxy, root: Path, count: int) -> tuple[Bench, mailbox.Contents]:
    """A new mailbox of so many messages."""
    root.mkdir()
    user = server.new_user()
    home = server.home(user)
    contents = mailbox.write(home / "Maildir", count)
    server.account.own(home)
    return Bench(server, proxy, user, root), contents


def compare_with_isbg(bench: Bench, contents: mailbox.Contents) -> None:
    """Beside isbg over a smaller mailbox; it looks through the inbox alone, and has no sent record to keep."""
    with closing(bench.server.owner(bench.user)) as owner:
        owner.make("Spam")
    with isbg.installed() as peer:
        command = peer.command(bench.proxy.port, bench.user, PASSWORD)
        theirs = bench.measure(command, bench.root / "peer", peer.environment)
        again = bench.measure(command, bench.root / "peer", peer.environment)
    configuration = bench.install("0")
    ours, _ = bench.scan(configuration)
    ours_again, _ = bench.scan(configuration)
    print(f"{contents.messages} messages, {contents.size / 1e6:.0f} MB, {contents.notices} notices")
    print(TABLE_HEAD)
    print(shown(f"{isbg.RELEASE}, first scan", theirs, contents))
    print(shown("second scan, nothing new", again, contents))
    print(shown("Bounce Cleaner, first scan", ours, contents))
    print(shown("second scan, nothing new", ours_again, contents))


def compare(bench: Bench, contents: mailbox.Contents, count: int) -> tuple[Limit, ...]:
    print(
        f"{contents.messages} messages ({contents.sent} of them sent), {contents.size / 1e6:.0f} MB, "
        f"{contents.notices} notices of {contents.notices_size / 1e6:.2f} MB; "
        f"round trips of {ROUND_TRIP * 1000:.0f} ms; median of {count} runs\n"
    )
    items = items_asked(bench)
    for folder, asked in items.items():
        print(f"{folder}: {asked}")
    # By now the server has every header field in its cache, as one has that is in use.
    loops: list[Run] = []
    firsts: list[Run] = []
    seconds: list[Run] = []
    for _ in range(count):
        loops.append(bench.loop(items))
        configuration = bench.install("7d")
        first, verdicts = bench.scan(configuration)
        firsts.append(first)
        seconds.append(bench.scan(configuration)[0])
    loop, first, second = map(median, (loops, firsts, seconds))
    configuration = bench.install("0")
    acting, outcomes = bench.scan(configuration)
    after, _ = bench.scan(configuration)
    print(f"verdicts: {dict(verdicts)}; when it acts: {dict(outcomes)}\n")
    print(TABLE_HEAD)
    print(shown("bare imaplib loop", loop, contents))
    print(shown("first scan (preview)", first, contents))
    print(shown("second scan, nothing new", second, contents))
    print(shown("first scan that moves", acting, contents))
    print(shown("second scan after it, nothing new", after, contents))
    print()
    limits = (
        # All that came counts, also the notices' own bytes, which the limit would leave out.
        Limit("bytes fetched in the first scan, of the mailbox's", share(first, contents), MOST_BYTES, ".2%"),
        Limit("the same when it moves", share(acting, contents), MOST_BYTES, ".2%"),
        Limit("round trips in the first scan", first.counts.round_trips, MOST_ROUND_TRIPS, ".0f"),
        Limit("the same when it moves", acting.counts.round_trips, MOST_ROUND_TRIPS, ".0f"),
        Limit("round trips in a second scan", second.counts.round_trips, MOST_ROUND_TRIPS_AGAIN, ".0f"),
        Limit("the same after it moved", after.counts.round_trips, MOST_ROUND_TRIPS_AGAIN, ".0f"),
        Limit("time against the bare loop", first.seconds / loop.seconds, MOST_TIME, ".2f", True),
        Limit("peak memory, MB", max(first.memory, acting.memory), MOST_MEMORY, ".0f"),
    )
    print(*limits, sep="\n")
    print(f"aim for the time: {AIM_TIME}\n")
    return limits


def share(run: Run, contents: mailbox.Contents) -> float:
    return run.counts.to_client / contents.size


def median(runs: Sequence[Run]) -> Run:
    """The run of median time."""
    middle = statistics.median_low(run.seconds for run in runs)
    return next(run for run in runs if run.seconds == middle)


if __name__ == "__main__":
    sys.exit(main())
