"""
How many requests a scan over EWS sends: what Exchange counts, and slows down whoever sends too many.

    python -m benchmarks.ews_requests

A generated mailbox (`mailbox.py`) of 5,000 messages with 1 % notices lies on the EWS server of the tests, behind
one impersonating account. Each scan is a new process, so that nothing is remembered but what is in the store. What is
counted does not depend on the machine, the time does and is not judged.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks import mailbox
from cleaner.app import App
from cleaner.config import make_key
from tests.servers.ews import PASSWORD, Box, EwsServer, Ways

ACCOUNT: Final = "cleaner@harbor.example"
MOST_FIRST: Final = 80
MOST_IDLE: Final = 5


@dataclass(frozen=True)
class Scan:
    """One process: what it asked for, how long it took, what it moved."""

    what: str
    requests: Counter[str]
    seconds: float
    moved: int
    most: int | None = None

    @property
    def total(self) -> int:
        return self.requests.total()

    @property
    def is_kept(self) -> bool:
        return self.most is None or self.total <= self.most

    def __str__(self) -> str:
        verdict = (
            "" if self.most is None else f"at most {self.most}: {'kept' if self.is_kept else 'EXCEEDED'}"
        )
        each = ", ".join(f"{count} {name}" for name, count in sorted(self.requests.items()))
        figures = f"{self.total:>4} requests  {self.seconds:>6.1f} s  {self.moved:>3} moved"
        return f"{self.what:<38} {figures}  {verdict}\n    {each}"


def fill(box: Box, folder: Path) -> None:
    """Delivers what the generated Maildir holds."""
    for sub, place in ((folder / "cur", "inbox"), (folder / ".Sent" / "cur", "sentitems")):
        for path in sorted(sub.iterdir()):
            when = datetime.fromtimestamp(int(path.name.partition(".")[0]), UTC)
            box.deliver(path.read_bytes(), place, received=when, composed=place == "sentitems")


def install(server: EwsServer, root: Path, preview: str) -> Path:
    """An installation that knows nothing yet; its configuration."""
    root.mkdir()
    make_key(root / "master.key")
    (root / "password").write_text(PASSWORD)
    path = root / "cleaner.toml"
    path.write_text(
        f"""{mailbox.ORGANISATION}
[[server]]
name = "exchange"
connector = "ews"
endpoint = "{server.endpoint}"
tls = "none"
auth = "basic"
access = "impersonation"
user = "{ACCOUNT}"
password = "file:password"
[lookups]
dns = false
[policy]
preview = "{preview}"
[[mailbox]]
address = "{mailbox.ADDRESS}"
server = "exchange"
"""
    )
    run(path, "optin", "add", mailbox.ADDRESS)
    return path


def run(configuration: Path, *command: str) -> str:
    program = [sys.executable, "-m", "cleaner", "-c", str(configuration), *command]
    return subprocess.run(program, check=True, capture_output=True, text=True).stdout


def timed(configuration: Path) -> tuple[float, int]:
    """How long a scan takes, and how many messages it moves."""
    began = time.monotonic()
    lines = [json.loads(line) for line in run(configuration, "scan", "--format", "jsonl").splitlines()]
    return time.monotonic() - began, sum(line["outcome"] == "done" for line in lines)


def scan(server: EwsServer, configuration: Path, what: str, most: int | None = None) -> Scan:
    server.counts.clear()
    seconds, moved = timed(configuration)
    return Scan(what, counted(server), seconds, moved, most)


def look(server: EwsServer, configuration: Path) -> Scan:
    """What `serve` does with a mailbox into which nothing came."""
    with App.open(configuration) as app:
        watched = app.context.settings.mailbox(mailbox.ADDRESS)
        before = app.context.mailboxes.pulse(watched)
        server.counts.clear()
        began = time.monotonic()
        is_same = app.context.mailboxes.pulse(watched) == before
        seconds = time.monotonic() - began
    return Scan("a look from outside, nothing new", counted(server), seconds, 0, MOST_IDLE if is_same else 0)


def counted(server: EwsServer) -> Counter[str]:
    found: Counter[str] = Counter()
    for (_, operation), count in server.counts.items():
        found[operation] += count
    return found


def scans(messages: int, root: Path) -> Iterator[Scan]:
    mailbox.write(root / "maildir", messages)
    with EwsServer(ways=Ways.EXCHANGE) as server:
        server.add_account(ACCOUNT, impersonates=None)
        fill(server.add_mailbox(mailbox.ADDRESS), root / "maildir")
        only_told = install(server, root / "preview", "7d")
        yield scan(server, only_told, f"first scan of {messages}, preview", MOST_FIRST)
        yield scan(server, only_told, "second scan, nothing new", MOST_IDLE)
        moving = install(server, root / "moving", "0")
        yield scan(server, moving, f"first scan of {messages} that moves", MOST_FIRST)
        yield scan(server, moving, "second scan after it")
        yield scan(server, moving, "third scan, nothing new", MOST_IDLE)
        yield look(server, moving)


def main() -> int:
    parser = argparse.ArgumentParser(description="How many requests a scan over EWS sends.")
    parser.add_argument("--messages", type=int, default=5_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = []
        for one in scans(given.messages, Path(folder)):
            print(one)
            found.append(one)
    return 0 if all(one.is_kept for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
