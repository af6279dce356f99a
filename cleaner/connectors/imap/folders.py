"""
Folders as the server names them, and as we do.

We write `/` between the levels, Unicode, and leave out the prefix that some servers put before all of a user's
own folders (`INBOX.Sent` is our `Sent`). Folders of other users and shared ones keep their whole name and never
have a role: their Sent mail is not this owner's. Sources: RFC 2342 (namespaces), RFC 6154 (special use).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from cleaner.connectors.imap.grammar import GrammarError, Value, texts, values
from cleaner.connectors.imap.wire import Parts
from cleaner.connectors.roles import INBOX, role_of
from cleaner.connectors.utf7 import decoded, encoded
from cleaner.values import Folder, FolderRole

ROLES: Final = {
    b"\\sent": FolderRole.SENT,
    b"\\trash": FolderRole.TRASH,
    b"\\junk": FolderRole.JUNK,
    b"\\spam": FolderRole.JUNK,
    b"\\drafts": FolderRole.DRAFTS,
    b"\\archive": FolderRole.ARCHIVE,
    b"\\all": FolderRole.NONE,
    b"\\allmail": FolderRole.NONE,
    b"\\flagged": FolderRole.NONE,
    b"\\important": FolderRole.NONE,
}
"""Marks of RFC 6154, and of Gmail before it. Compared without regard to case."""

UNUSABLE: Final = frozenset((b"\\noselect", b"\\nonexistent"))

SLASH: Final = "∕"
"""Stands for a `/` inside a level, where the server has another separator."""


@dataclass(frozen=True, slots=True)
class Namespace:
    prefix: str
    separator: str
    is_own: bool


@dataclass(frozen=True, slots=True)
class Folders:
    """All folders of an account, as one LIST told."""

    namespaces: tuple[Namespace, ...] = (Namespace("", "/", True),)
    raw: Mapping[str, bytes] = field(default_factory=dict)
    """Our name → the server's."""
    all: tuple[Folder, ...] = ()

    @property
    def own(self) -> Namespace:
        return next((space for space in self.namespaces if space.is_own), Namespace("", "/", True))

    def raw_of(self, folder: str) -> bytes | None:
        """What the server calls a folder, also one that is not there; None for a name that it cannot have."""
        if (known := self.raw.get(folder)) is not None:
            return known
        if folder == INBOX:
            return b"INBOX"
        levels = folder.split("/")
        separator = self.own.separator
        if any(not level or not level.isprintable() for level in levels):
            return None
        if (len(levels) > 1 and not separator) or any(c in "*%" for c in folder):
            return None
        if separator not in ("", "/") and any(separator in level for level in levels):
            return None
        try:
            return encoded(self.own.prefix + separator.join(levels)).encode("ascii")
        except UnicodeEncodeError:
            return None


def namespaces(lines: Sequence[Parts]) -> tuple[Namespace, ...]:
    """What NAMESPACE answered: own, other users', shared."""
    found: list[Namespace] = []
    for parts in lines:
        try:
            kinds = values(parts)
        except GrammarError:
            continue
        for place, kind in enumerate(kinds[:3]):
            found += _namespaces(kind, is_own=place == 0)
    return tuple(found)


def _namespaces(kind: Value, *, is_own: bool) -> Iterable[Namespace]:
    for space in kind if isinstance(kind, tuple) else ():
        if isinstance(space, tuple) and space and isinstance(space[0], bytes):
            separator = space[1] if len(space) > 1 and isinstance(space[1], bytes) else b""
            yield Namespace(_name(space[0]), _name(separator), is_own)


def folders(lines: Sequence[Parts], spaces: tuple[Namespace, ...]) -> Folders:
    """What LIST answered, the inbox first."""
    marked = set(_marked(lines)) - {FolderRole.SENT, FolderRole.NONE}
    raw: dict[str, bytes] = {INBOX: b"INBOX"}
    roles: dict[str, FolderRole] = {INBOX: FolderRole.INBOX}
    separator = ""
    for parts in lines:
        try:
            marks, level_end, name, *_ = values(parts)
        except (GrammarError, ValueError):
            continue
        if not isinstance(name, bytes):
            continue
        flags = {mark.lower() for mark in texts(marks)}
        separator = _name(level_end) if isinstance(level_end, bytes) else ""
        if flags & UNUSABLE or name.upper() == b"INBOX":
            continue
        space = _space_of(_name(name), spaces)
        ours = _ours(_name(name), separator, space)
        if ours in raw:
            ours = _ours(_name(name), separator, None)
        raw.setdefault(ours, name)
        roles.setdefault(ours, _role(ours, flags, marked, is_own=space is None or space.is_own))
    names = (INBOX, *sorted(name for name in raw if name != INBOX))
    usual = (
        spaces if any(space.is_own for space in spaces) else (*spaces, Namespace("", separator or "/", True))
    )
    return Folders(usual, raw, tuple(Folder(name, roles[name]) for name in names))


def _space_of(name: str, spaces: Iterable[Namespace]) -> Namespace | None:
    """The namespace that a folder belongs to: that of the longest prefix."""
    fitting = [space for space in spaces if name.startswith(space.prefix)]
    return max(fitting, key=lambda space: len(space.prefix), default=None)


def _ours(name: str, separator: str, space: Namespace | None) -> str:
    rest = name.removeprefix(space.prefix) if space is not None and space.is_own else name
    if separator in ("", "/"):
        return rest
    return "/".join(level.replace("/", SLASH) for level in rest.split(separator))


def _marked(lines: Sequence[Parts]) -> Iterator[FolderRole]:
    """The roles for which the server marks a folder."""
    for parts in lines:
        with suppress(GrammarError, ValueError):
            marks, *_ = values(parts)
            yield from (ROLES[mark.lower()] for mark in texts(marks) if mark.lower() in ROLES)


def _role(folder: str, flags: set[bytes], marked: set[FolderRole], *, is_own: bool) -> FolderRole:
    """
    By the folder's mark, else by its name.

    A name does not count where the server marks another folder for the same; but sent mail is sent mail, in
    whichever of several folders different programs put it.
    """
    if not is_own:
        return FolderRole.NONE
    own = [ROLES[flag] for flag in sorted(flags) if flag in ROLES]
    if own:
        return next((role for role in own if role is not FolderRole.NONE), FolderRole.NONE)
    found = role_of(folder)
    return FolderRole.NONE if found is FolderRole.INBOX or found in marked else found


def _name(raw: bytes) -> str:
    return decoded(raw.decode("utf-8", "replace"))
