"""
Labelled mail: worlds of mailboxes, and folders of messages with a manifest.

A world is a folder with `world.json` (domains, relays, users, keys), `labels.jsonl` (one line for each message of
an inbox) and a Maildir per user with its Sent folder. A folder with `manifest.jsonl` holds single messages, of
whose addressees nothing is known. The formats are those of the development corpus.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final

from cleaner.errors import UsageError
from cleaner.values import (
    DkimKey,
    IPNetwork,
    Kind,
    Opinion,
    Organisation,
    Owner,
    address_key,
)

HARD_TO_DECIDE: Final = frozenset(("replayed-msgid", "no-original", "truncated", "undecidable"))
"""Tags of notices for which `unsure` is a right answer; they are counted beside the others."""

_ORDINARY: Final = ("ham", "spam")


@dataclass(frozen=True, slots=True)
class Labelled:
    """One message with what is known to be true of it."""

    path: Path
    kind: Kind
    truth: Opinion | None
    """None where nobody knows."""
    generator: str = ""
    tags: frozenset[str] = frozenset()
    recipients: frozenset[str] | None = None
    """Comparable forms; None where nobody knows."""

    @property
    def is_decidable(self) -> bool:
        return not self.tags & HARD_TO_DECIDE


@dataclass(frozen=True, slots=True)
class Mailbag:
    """Labelled messages of one mailbox, with what is known of its owner."""

    name: str
    messages: tuple[Labelled, ...]
    organisation: Organisation
    owner: Owner
    sent: tuple[Path, ...] = ()
    """Files of mail that the owner sent."""


def mailbags(path: Path) -> Iterator[Mailbag]:
    """The labelled mail in a folder or below it. Raises UsageError if there is none."""
    found = False
    for bag in _bags(path):
        found = True
        yield bag
    if not found:
        raise UsageError(
            f"{path}: no labelled mail there; a folder with manifest.jsonl, or with world.json and labels.jsonl"
        )


def _bags(path: Path) -> Iterator[Mailbag]:
    if (path / "world.json").is_file():
        yield from _world(path)
    elif (path / "manifest.jsonl").is_file():
        yield _folder(path)
    elif path.is_dir():
        for below in sorted(path.iterdir()):
            if below.is_dir():
                yield from _bags(below)


# --- worlds --------------------------------------------------------------------------------------


def _world(path: Path) -> Iterator[Mailbag]:
    world = json.loads((path / "world.json").read_text(encoding="utf-8"))
    organisation = _organisation(path.name, world)
    labels: dict[str, list[dict[str, Any]]] = {}
    for label in _lines(path / "labels.jsonl"):
        labels.setdefault(label["user"], []).append(label)
    for user in world["users"]:
        address = user["address"]
        files = _maildir(path / address)
        yield Mailbag(
            name=f"{path.name}/{address}",
            messages=tuple(
                _labelled(files[label["file"]], label)
                for label in labels.get(address, ())
                if label["file"] in files
            ),
            organisation=organisation,
            owner=Owner(address, frozenset(map(address_key, (address, *user.get("aliases", ()))))),
            sent=tuple(_maildir(path / address / ".Sent").values()),
        )


def _organisation(name: str, world: dict[str, Any]) -> Organisation:
    names: set[str] = set()
    networks: list[IPNetwork] = []
    for relay in world.get("own_relays", ()):
        try:
            networks.append(ip_network(relay, strict=False))
        except ValueError:
            names.add(relay.lower())
    return Organisation(
        name=name,
        domains=frozenset(domain.lower() for domain in world["own_domains"]),
        relay_names=frozenset(names),
        relay_networks=tuple(networks),
        client_networks=tuple(ip_network(text) for text in world.get("client_networks", ())),
        authserv_ids=frozenset(names),
        always_signs=bool(world.get("always_signs", False)),
        dkim_keys=tuple(
            DkimKey(key["domain"], key["selector"], key["public_key_txt"]) for key in world.get("dkim", ())
        ),
    )


def _maildir(folder: Path) -> dict[str, Path]:
    """Unique name without flags → file."""
    places = (folder / sub for sub in ("cur", "new"))
    files = (path for place in places if place.is_dir() for path in sorted(place.iterdir()))
    return {path.name.partition(":")[0]: path for path in files if not path.name.startswith(".")}


def _labelled(path: Path, label: dict[str, Any]) -> Labelled:
    return Labelled(
        path,
        Kind(label["kind"]),
        Opinion(label["truth"]),
        label.get("generator", ""),
        frozenset(label.get("tags", ())),
    )


# --- folders with a manifest ---------------------------------------------------------------------


def _folder(path: Path) -> Mailbag:
    return Mailbag(
        name=path.name,
        messages=tuple(_listed(path, line) for line in _lines(path / "manifest.jsonl")),
        organisation=Organisation(path.name),
        owner=Owner(""),
    )


def _listed(folder: Path, line: dict[str, Any]) -> Labelled:
    kind = Kind.NOT_A_BOUNCE if line["kind"] in _ORDINARY else Kind(line["kind"])
    stated = line.get("origin_verdict")
    truth = Opinion(stated) if stated else (None if kind.is_judged else Opinion.NOT_A_BOUNCE)
    recipients = line.get("recipients")
    return Labelled(
        folder / line["path"],
        kind,
        truth,
        line.get("family") or line["kind"],
        frozenset(),
        None if recipients is None else frozenset(map(address_key, recipients)),
    )


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.strip():
                yield json.loads(line)
