"""
What stands in the way of moving messages: capabilities, rights (RFC 4314), space (RFC 9208).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cleaner.connectors.imap.grammar import GrammarError, number, values
from cleaner.connectors.imap.session import Session
from cleaner.connectors.imap.wire import string
from cleaner.ports import Obstacle
from cleaner.values import ActionName, FolderRole, Policy

NEARLY_FULL: Final = 0.95

NO_WAY: Final = Obstacle(
    "the server has neither MOVE nor UIDPLUS, so a moved message could not be removed without removing all "
    "that its owner has marked as deleted",
    'use a server that has one of them, or set policy.action = "report"',
)

RIGHTS: Final = {
    "r": "read it",
    "i": "put messages into it",
    "t": "mark messages in it as deleted",
    "e": "remove messages from it",
    "k": "make folders in it",
}


def obstacles(session: Session, policy: Policy) -> tuple[Obstacle, ...]:
    return session.patiently(lambda: tuple(_all(session, policy)))


def _all(session: Session, policy: Policy) -> Iterator[Obstacle]:
    if not can_move(session):
        yield NO_WAY
    if session.has(b"ACL"):
        yield from _rights(session, policy)
    if session.has(b"QUOTA"):
        yield from _space(session)


def can_move(session: Session) -> bool:
    return session.has(b"MOVE") or session.has(b"UIDPLUS")


def _rights(session: Session, policy: Policy) -> Iterator[Obstacle]:
    there = {folder.name for folder in session.folders().all}
    for folder in policy.folders:
        if folder in there:
            yield from _lacking(session, folder, "rte")
    trash = next((f.name for f in session.folders().all if f.role is FolderRole.TRASH), "Trash")
    target = policy.quarantine if policy.action is ActionName.MOVE else policy.trash or trash
    if target in there:
        yield from _lacking(session, target, "irte")
        return
    parent = target.rpartition("/")[0]
    while parent and parent not in there:
        parent = parent.rpartition("/")[0]
    prefix = session.folders().own.prefix
    if parent or prefix.upper().startswith("INBOX"):
        yield from _lacking(session, parent or "INBOX", "k")


def _lacking(session: Session, folder: str, needed: str) -> Iterator[Obstacle]:
    rights = _own_rights(session, folder)
    if rights is None:
        return
    lacking = [RIGHTS[right] for right in needed if right not in rights]
    if lacking:
        yield Obstacle(
            f"this account has no right over {folder!r} to {', nor to '.join(lacking)}",
            f"grant it the rights {''.join(r for r in needed if r not in rights)} (RFC 4314) over {folder!r}",
        )


def _own_rights(session: Session, folder: str) -> str | None:
    """The letters of our rights over a folder; None where the server does not tell."""
    answer = session.wire.command(b"MYRIGHTS", session.name_of(folder))
    for parts in answer.named(b"MYRIGHTS"):
        try:
            _, rights, *_ = values(parts)
        except (GrammarError, ValueError):
            continue
        if isinstance(rights, bytes):
            letters = rights.decode("ascii", "replace")
            # RFC 2086 had one letter each for what are now several.
            old = ("ket" if "d" in letters and "t" not in letters else "") + ("kx" if "c" in letters else "")
            return letters + old
    return None


def _space(session: Session) -> Iterator[Obstacle]:
    answer = session.wire.command(b"GETQUOTAROOT", string(b"INBOX"))
    for parts in answer.named(b"QUOTA"):
        try:
            _, resources, *_ = values(parts)
        except (GrammarError, ValueError):
            continue
        triples = resources if isinstance(resources, tuple) else ()
        for kind, used, limit in zip(triples[::3], triples[1::3], triples[2::3], strict=False):
            have, most = number(used), number(limit)
            if have is None or not most or have < NEARLY_FULL * most:
                continue
            name = kind.decode("ascii", "replace").lower() if isinstance(kind, bytes) else "space"
            unit = f"{have / 1024:.0f} of {most / 1024:.0f} MB" if name == "storage" else f"{have} of {most}"
            yield Obstacle(
                f"the quota is nearly used up ({name}: {unit}); soon nothing can be moved to another folder",
                "raise it, or remove mail",
                blocks=False,
            )
