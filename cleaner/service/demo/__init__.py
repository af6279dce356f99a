"""
Sample mailboxes in a new directory: what `demo` cleans.

Two people of one small organisation, with mail as real servers write it: reports about mail they sent,
reports about mail that others sent in their name, and mail that is none of this program's business. All of
it is written here; names and addresses are reserved, and the DKIM key is made anew each time.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from cleaner.config import make_key
from cleaner.errors import UsageError
from cleaner.service.demo.letters import Office
from cleaner.service.demo.mailboxes import mailboxes

CONFIGURATION = """\
# The configuration of the demo. `bounce-cleaner init` writes one with every option explained.
[store]
url = "sqlite:///state.db"
key = "file:master.key"

[[organisation]]
name = "harbor"
domains = ["harbor.example"]
relays = ["mx1.harbor.example", "192.0.2.10"]
senders_complete = true
client_networks = ["203.0.113.0/24"]
authserv_ids = ["mx1.harbor.example"]

[[organisation.dkim]]
domain = "harbor.example"
selector = "demo"
public_key = "{public_key}"

[[server]]
name = "mailboxes"
connector = "maildir"
path = "mail/{{address}}"

[lookups]
dns = false        # nothing here is real

[policy]
preview = "0"      # act at once; otherwise a new mailbox is only reported on for a week

[[mailbox]]
address = "ann@harbor.example"
aliases = ["a.smith@harbor.example"]
server = "mailboxes"

[[mailbox]]
address = "ben@harbor.example"
server = "mailboxes"
"""


def build(directory: Path, now: datetime) -> Path:
    """
    Writes the demo into a directory that does not exist yet or is empty; returns the configuration's path.

    Raises UsageError where something is in the way.
    """
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise UsageError(f"{directory} is not empty; name a new directory: bounce-cleaner demo DIR")
    office = Office.new(now)
    for address, folders in mailboxes(office).items():
        for folder, letters in folders.items():
            fill(directory / "mail" / address / folder, letters)
    make_key(directory / "master.key")
    path = directory / "cleaner.toml"
    path.write_text(CONFIGURATION.format(public_key=office.public_record), encoding="utf-8")
    return path


def fill(folder: Path, letters: list[tuple[datetime, bytes]]) -> None:
    for sub in ("cur", "new", "tmp"):
        (folder / sub).mkdir(parents=True, exist_ok=True)
    for number, (time, raw) in enumerate(letters, start=1):
        path = folder / "cur" / f"{int(time.timestamp())}.M{number}P1.demo:2,S"
        path.write_bytes(raw)
        os.utime(path, (time.timestamp(), time.timestamp()))
