"""
Labelled mail: worlds of mailboxes, and folders of messages with a manifest.

A world is a folder with `world.json` (domains, relays, users, keys), `labels.jsonl` (one line for each message of
an inbox) and a Maildir per user with its Sent folder. A folder with `manifest.jsonl` holds single messages, of
whose addressees nothing is known. The formats are those of the development corpus.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Final

from cleaner.errors import UsageError
from cleaner.lookups.recorded import Records
from cleaner.service.labelled import Item, read_lines, read_object
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

LOCALISED: Final = "localised-"
"""How a tag says in which language a notice is written, where the label has no `lang`."""

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
    language: str = ""
    """As `de`; empty where nobody told."""

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
    missing: tuple[str, ...] = ()
    """Labels whose message is not there, as they name it."""
    dns: Records | None = None
    """What name servers answered; None where nobody wrote it down."""


def mailbags(path: Path) -> Iterator[Mailbag]:
    """
    The labelled mail in a folder or below it.

    Raises UsageError if there is none, or if labels cannot be understood: then with every faulty line.
    """
    if not path.is_dir():
        what = (
            "that is a file; name the folder that it lies in" if path.exists() else "there is no such folder"
        )
        raise UsageError(f"{path}: {what}")
    found = False
    for bag in _bags(path, frozenset()):
        found = True
        yield bag
    if not found:
        raise UsageError(
            f"{path}: no labelled mail there; a folder with manifest.jsonl, or with world.json and labels.jsonl"
        )


def _bags(path: Path, above: frozenset[Path]) -> Iterator[Mailbag]:
    """`above` are the folders that led here: a link back to one of them is not followed."""
    real = path.resolve()
    if real in above:
        return
    if (path / "world.json").is_file():
        yield from _world(path)
    elif (path / "manifest.jsonl").is_file():
        yield _folder(path)
    else:
        for below in sorted(path.iterdir()):
            if below.is_dir():
                yield from _bags(below, above | {real})


# --- worlds --------------------------------------------------------------------------------------


def _world(path: Path) -> Iterator[Mailbag]:
    world = read_object(path / "world.json")
    organisation = world.read(lambda item: _organisation(path.name, item))
    owners = world.read(lambda item: tuple(_owner(user) for user in item.objects("users")))
    dns = world.read(_dns)
    labels: dict[str, list[tuple[str, Labelled]]] = {}
    for user, file, label in read_lines(path / "labels.jsonl", _label):
        labels.setdefault(user, []).append((file, label))
    strangers = tuple(
        f"{user}/{file}" for user in labels.keys() - {o.address for o in owners} for file, _ in labels[user]
    )
    for number, owner in enumerate(owners):
        files = _maildir(path / owner.address)
        of_owner = labels.get(owner.address, ())
        absent = tuple(f"{path.name}/{owner.address}/{file}" for file, _ in of_owner if file not in files)
        yield Mailbag(
            name=f"{path.name}/{owner.address}",
            messages=tuple(replace(label, path=files[file]) for file, label in of_owner if file in files),
            organisation=organisation,
            owner=owner,
            sent=tuple(_maildir(path / owner.address / ".Sent").values()),
            missing=absent if number else (*(f"{path.name}/{one}" for one in sorted(strangers)), *absent),
            dns=dns,
        )


def _owner(user: Item) -> Owner:
    address = user.text("address")
    others = (*user.texts("aliases", ()), *user.texts("identities", ()))
    return Owner(address, frozenset(map(address_key, (address, *others))))


def _organisation(name: str, world: Item) -> Organisation:
    names: set[str] = set()
    networks: list[IPNetwork] = []
    for relay in world.texts("own_relays", ()):
        try:
            networks.append(ip_network(relay, strict=False))
        except ValueError:
            names.add(relay.lower())
    return Organisation(
        name=name,
        domains=frozenset(domain.lower() for domain in world.texts("own_domains")),
        relay_names=frozenset(names),
        relay_networks=tuple(networks),
        client_networks=tuple(ip_network(text) for text in world.texts("client_networks", ())),
        authserv_ids=frozenset(names),
        always_signs=bool(world.content.get("always_signs", False)),
        senders_complete=bool(world.content.get("senders_complete", False)),
        shared=bool(world.content.get("shared", False)),
        dkim_keys=tuple(
            DkimKey(key.text("domain"), key.text("selector"), key.text("public_key_txt"))
            for key in world.objects("dkim", ())
        ),
    )


def _dns(world: Item) -> Records | None:
    """`dns`: name → text records, or kind of record → records; null where nobody answered."""
    if "dns" not in world.content or world.is_null("dns"):
        return None
    names = world.inner("dns")
    return {
        name: {kind: names.inner(name).texts(kind) for kind in found}
        if isinstance(found, dict)
        else names.texts(name)
        for name, found in names.content.items()
    }


def _maildir(folder: Path) -> dict[str, Path]:
    """Unique name without flags → file."""
    places = (folder / sub for sub in ("cur", "new"))
    files = (path for place in places if place.is_dir() for path in sorted(place.iterdir()))
    return {path.name.partition(":")[0]: path for path in files if not path.name.startswith(".")}


def _label(line: Item) -> tuple[str, str, Labelled]:
    """A line of `labels.jsonl`: whose mailbox, which file, and what is true of it."""
    tags = line.texts("tags", ())
    label = Labelled(
        Path(),
        line.member("kind", Kind),
        line.member("truth", Opinion),
        line.text("generator", ""),
        frozenset(tags),
        language=language(line, tags),
    )
    return line.text("user"), line.text("file"), label


# --- folders with a manifest ---------------------------------------------------------------------


def _folder(path: Path) -> Mailbag:
    listed = [
        replace(label, path=path / label.path) for label in read_lines(path / "manifest.jsonl", _listed)
    ]
    return Mailbag(
        name=path.name,
        messages=tuple(label for label in listed if label.path.is_file()),
        organisation=Organisation(path.name),
        owner=Owner(""),
        missing=tuple(str(label.path) for label in listed if not label.path.is_file()),
    )


def _listed(line: Item) -> Labelled:
    word = line.text("kind")
    kind = Kind.NOT_A_BOUNCE if word in _ORDINARY else line.member("kind", Kind, _ORDINARY)
    is_told = line.content.get("origin_verdict") is not None
    truth = line.member("origin_verdict", Opinion) if is_told else None
    if truth is None and not kind.is_judged:
        truth = Opinion.NOT_A_BOUNCE
    recipients: Iterable[str] | None = None
    if line.content.get("recipients") is not None:
        recipients = line.texts("recipients")
    return Labelled(
        Path(line.text("path")),
        kind,
        truth,
        line.text("family", "") or word,
        frozenset(),
        None if recipients is None else frozenset(map(address_key, recipients)),
        language(line, ()),
    )


def language(line: Item, tags: Iterable[str]) -> str:
    tagged = (tag.removeprefix(LOCALISED) for tag in tags if tag.startswith(LOCALISED))
    return line.text("lang", "") or next(tagged, "")
