"""A labelled world as an installation: its mailboxes copied, its organisation configured."""

from __future__ import annotations

import hashlib
import json
import shutil
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from cleaner.config import make_key
from cleaner.service.scan import MailboxScan

SINCE: Final = "2026-01-01"
"""The worlds' mail is older than the policy's `since`: a scan is asked to act on it all the same."""

LEFT_OUT: Final = frozenset(("replayed-msgid", "no-original", "truncated", "undecidable"))
"""Tags of backscatter for which `unsure` is the right answer."""

MAILDIRS: Final = ('name = "maildirs"', 'connector = "maildir"', 'path = "mail/{address}"')


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


def install(source: Path, root: Path, *, every: int = 1) -> World:
    """Copies a world's mailboxes, or every so-manieth message, and configures its organisation."""
    facts = json.loads((source / "world.json").read_text())
    for user in facts["users"]:
        inbox = source / user["address"]
        shutil.copytree(inbox, root / "mail" / user["address"], ignore=all_but(inbox, every))
    for path in (root / "mail", *(root / "mail").rglob("*")):
        # The corpus may be there for reading only.
        path.chmod(path.stat().st_mode | stat.S_IWUSR)
    configure(source, root, MAILDIRS)
    world = World(
        root, tuple(json.loads(line) for line in (source / "labels.jsonl").read_text().splitlines())
    )
    places = world.places()
    return replace(
        world, labels=tuple(label for label in world.labels if (label["user"], label["file"]) in places)
    )


def all_but(inbox: Path, every: int) -> Callable[[str, list[str]], list[str]]:
    """What `copytree` shall leave out."""
    messages = sorted(path.name for sub in ("cur", "new") for path in (inbox / sub).iterdir())
    out = frozenset(name for number, name in enumerate(messages) if number % every)
    return lambda _, names: [name for name in names if name in out]


def configure(source: Path, root: Path, server: Sequence[str], mailbox: Sequence[str] = ()) -> None:
    """What an administrator would write; `server` and `mailbox` are lines for those sections."""
    facts = json.loads((source / "world.json").read_text())
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
        # Nobody is asked here; what the world's domains publish says the same.
        "senders_complete = true",
    ]
    for key in facts["dkim"]:
        lines += ["[[organisation.dkim]]", f"domain = {json.dumps(key['domain'])}"]
        lines += [f"selector = {json.dumps(key['selector'])}"]
        lines += [f"public_key = {json.dumps(key['public_key_txt'])}"]
    lines += ["[[server]]", *server, "[lookups]", "dns = false", "[policy]", 'preview = "0"']
    # The floods in these worlds are larger than half a mailbox, which would rightly stop a run.
    lines += ["[safety]", "max_share = 1.0"]
    (name,) = [line for line in server if line.startswith("name = ")]
    for user in facts["users"]:
        lines += ["[[mailbox]]", f"address = {json.dumps(user['address'])}"]
        lines += [name.replace("name", "server"), f"aliases = {json.dumps(user['aliases'])}", *mailbox]
    (root / "cleaner.toml").write_text("\n".join(lines) + "\n")


def moved_by(results: Iterable[MailboxScan]) -> frozenset[tuple[str, str]]:
    """(user, fingerprint) of what was moved."""
    return frozenset(
        (result.address, str(line["fingerprint"]))
        for result in results
        for line in result.lines
        if line["outcome"] == "done"
    )
