"""A labelled world as an installation: its mailboxes copied, its organisation configured."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cleaner.config import make_key

SINCE: Final = "2026-01-01"
"""The worlds' mail is older than the policy's `since`: a scan is asked to act on it all the same."""

LEFT_OUT: Final = frozenset(("replayed-msgid", "no-original", "truncated", "undecidable"))
"""Tags of backscatter for which `unsure` is the right answer."""


@dataclass(frozen=True)
class World:
    """One world, installed in a folder of its own."""

    root: Path
    labels: tuple[dict[str, Any], ...]

    @property
    def configuration(self) -> Path:
        return self.root / "cleaner.toml"

    @property
    def users(self) -> tuple[str, ...]:
        return tuple(sorted(path.name for path in (self.root / "mail").iterdir()))

    def places(self) -> dict[tuple[str, str], str]:
        """(user, unique name) → the folder where that message lies now: `` for the inbox."""
        found: dict[tuple[str, str], str] = {}
        for path in self.files():
            user, *folders = path.relative_to(self.root / "mail").parts[:-2]
            found[user, path.name.partition(":")[0]] = "/".join(folders)
        return found

    def files(self) -> list[Path]:
        mail = (self.root / "mail").rglob("*")
        return sorted(path for path in mail if path.is_file() and path.parent.name in ("cur", "new"))

    def snapshot(self) -> dict[str, tuple[str, int]]:
        """Every message by its path (flags stand in it): a hash of its bytes, and its date."""
        return {
            str(path.relative_to(self.root)): (
                hashlib.sha256(path.read_bytes()).hexdigest(),
                path.stat().st_mtime_ns,
            )
            for path in self.files()
        }

    def contents(self) -> Counter[str]:
        """How often each message exists, wherever it lies."""
        return Counter(hashlib.sha256(path.read_bytes()).hexdigest() for path in self.files())

    def moved(self) -> list[dict[str, Any]]:
        """The labels of the messages that are no longer in the inbox."""
        places = self.places()
        return [label for label in self.labels if places[label["user"], label["file"]] != ""]


def install(source: Path, root: Path) -> World:
    """Copies a world's mailboxes and configures its organisation as an administrator would."""
    facts = json.loads((source / "world.json").read_text())
    for user in facts["users"]:
        shutil.copytree(source / user["address"], root / "mail" / user["address"])
    make_key(root / "master.key")
    lines = [
        "[store]",
        'url = "sqlite:///state.db"',
        'key = "file:master.key"',
        "[[organisation]]",
        'name = "world"',
        f"domains = {json.dumps(facts['own_domains'])}",
        f"relays = {json.dumps(facts['own_relays'])}",
        f"client_networks = {json.dumps(facts['client_networks'])}",
    ]
    for key in facts["dkim"]:
        lines += ["[[organisation.dkim]]", f"domain = {json.dumps(key['domain'])}"]
        lines += [f"selector = {json.dumps(key['selector'])}"]
        lines += [f"public_key = {json.dumps(key['public_key_txt'])}"]
    lines += ["[[server]]", 'name = "maildirs"', 'connector = "maildir"', 'path = "mail/{address}"']
    lines += ["[lookups]", "dns = false", "[policy]", 'preview = "0"']
    # The floods in these worlds are larger than half a mailbox, which would rightly stop a run.
    lines += ["[safety]", "max_share = 1.0"]
    for user in facts["users"]:
        lines += ["[[mailbox]]", f"address = {json.dumps(user['address'])}", 'server = "maildirs"']
        lines += [f"aliases = {json.dumps(user['aliases'])}"]
    (root / "cleaner.toml").write_text("\n".join(lines) + "\n")
    labels = [json.loads(line) for line in (source / "labels.jsonl").read_text().splitlines()]
    return World(root, tuple(labels))
