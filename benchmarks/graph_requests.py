"""
How many requests a scan over Microsoft Graph sends: what Microsoft counts, and slows down whoever sends too many.

    python -m benchmarks.graph_requests

The same generated mailbox as over EWS (`ews_requests.py`), behind the Graph server of the tests and an application of
its own. Each scan is a new process, which signs in anew; signing in is told apart, since a service does it once an
hour. What stands in a batch is told too: Microsoft counts each of these towards its 10,000 in ten minutes
(https://learn.microsoft.com/graph/throttling-limits), a round trip they are together.
"""

from __future__ import annotations

import argparse
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
from benchmarks.ews_requests import Scan, run, timed
from cleaner.app import App
from cleaner.config import make_key
from tests.servers.certificates import Authority
from tests.servers.graph import CLIENT, SECRET, TENANT, Box, GraphServer

MOST_FIRST: Final = 70
MOST_IDLE: Final = 3


@dataclass(frozen=True)
class GraphScan(Scan):
    """One process: what it asked Graph for."""

    signing_in: int = 0
    steps: Counter[str] | None = None

    def __str__(self) -> str:
        inside = ", ".join(f"{count} {name}" for name, count in sorted((self.steps or Counter()).items()))
        return f"{super().__str__()}; in batches: {inside or 'nothing'}; {self.signing_in} to sign in"


def fill(box: Box, folder: Path) -> None:
    """Delivers what the generated Maildir holds."""
    for sub, place in ((folder / "cur", "inbox"), (folder / ".Sent" / "cur", "sentitems")):
        for path in sorted(sub.iterdir()):
            when = datetime.fromtimestamp(int(path.name.partition(".")[0]), UTC)
            box.deliver(path.read_bytes(), place, received=when, composed=place == "sentitems")


def install(server: GraphServer, authority: Authority, root: Path, preview: str) -> Path:
    """An installation that knows nothing yet; its configuration."""
    root.mkdir()
    make_key(root / "master.key")
    (root / "secret").write_text(SECRET)
    path = root / "cleaner.toml"
    path.write_text(
        f"""{mailbox.ORGANISATION}
[[server]]
name = "microsoft"
connector = "graph"
tenant = "{TENANT}"
client_id = "{CLIENT}"
client_secret = "file:secret"
endpoint = "{server.endpoint}"
authority = "{server.authority}"
ca_file = "{authority.ca_file}"
[lookups]
dns = false
[policy]
preview = "{preview}"
[[mailbox]]
address = "{mailbox.ADDRESS}"
server = "microsoft"
"""
    )
    run(path, "optin", "add", mailbox.ADDRESS)
    return path


def scan(server: GraphServer, configuration: Path, what: str, most: int | None = None) -> GraphScan:
    server.counts.clear()
    server.steps.clear()
    seconds, moved = timed(configuration)
    return counted(server, what, seconds, moved, most)


def look(server: GraphServer, configuration: Path) -> GraphScan:
    """What `serve` does with a mailbox into which nothing came."""
    with App.open(configuration) as app:
        watched = app.context.settings.mailbox(mailbox.ADDRESS)
        before = app.context.mailboxes.pulse(watched)
        server.counts.clear()
        server.steps.clear()
        began = time.monotonic()
        is_same = app.context.mailboxes.pulse(watched) == before
        seconds = time.monotonic() - began
    return counted(server, "a look from outside, nothing new", seconds, 0, MOST_IDLE if is_same else 0)


def counted(server: GraphServer, what: str, seconds: float, moved: int, most: int | None) -> GraphScan:
    asked: Counter[str] = Counter()
    for (_, operation), count in server.counts.items():
        asked[operation] += count
    signing_in = sum(asked.pop(name, 0) for name in ("openid", "token"))
    steps: Counter[str] = Counter()
    for (_, operation), count in server.steps.items():
        steps[operation] += count
    return GraphScan(what, asked, seconds, moved, most, signing_in, steps)


def scans(messages: int, root: Path) -> Iterator[GraphScan]:
    mailbox.write(root / "maildir", messages)
    authority = Authority(root)
    with GraphServer(authority.good()) as server:
        fill(server.add_mailbox(mailbox.ADDRESS), root / "maildir")
        only_told = install(server, authority, root / "preview", "7d")
        yield scan(server, only_told, f"first scan of {messages}, preview", MOST_FIRST)
        yield scan(server, only_told, "second scan, nothing new", MOST_IDLE)
        moving = install(server, authority, root / "moving", "0")
        yield scan(server, moving, f"first scan of {messages} that moves", MOST_FIRST)
        yield scan(server, moving, "second scan after it")
        yield scan(server, moving, "third scan, nothing new", MOST_IDLE)
        yield look(server, moving)


def main() -> int:
    parser = argparse.ArgumentParser(description="How many requests a scan over Microsoft Graph sends.")
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
