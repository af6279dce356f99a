"""
Names in a Maildir: of folders (Maildir++) and of files.

Sources: https://cr.yp.to/proto/maildir.html (file names and flags), the Courier project's Maildir++ page
(sub-folders as `.A.B`), RFC 3501 section 5.1.3 (modified UTF-7 for what is not ASCII).
"""

from __future__ import annotations

from typing import Final

from cleaner.connectors.roles import INBOX
from cleaner.connectors.utf7 import decoded, encoded

RECENT: Final = "\\Recent"
"""Our flag for a message that still lies in `new/`: no mail program has seen it yet."""

MAX_NAME: Final = 255
"""Bytes of a directory's name on every common file system."""

FLAGS: Final = {
    "D": "\\Draft",
    "F": "\\Flagged",
    "P": "$Forwarded",
    "R": "\\Answered",
    "S": "\\Seen",
    "T": "\\Deleted",
}
LETTERS: Final = {flag: letter for letter, flag in FLAGS.items()}


def directory_of(folder: str) -> str | None:
    """The directory of a folder below the Maildir, None for a name that Maildir++ cannot hold."""
    if folder == INBOX:
        return ""
    levels = folder.split("/")
    if any(not level or level.startswith(".") or "." in level or "\0" in level for level in levels):
        return None
    try:
        name = "." + ".".join(encoded(level) for level in levels)
    except UnicodeEncodeError:
        return None
    return name if len(name) <= MAX_NAME else None


def folder_of(directory: str) -> str:
    """The folder's name of a directory such as `.A.B`."""
    return "/".join(decoded(level) for level in directory.removeprefix(".").split("."))


def unique_of(name: str) -> str:
    """The part of a file's name that stays when its flags change."""
    return name.partition(":")[0]


def id_of(unique: str) -> str:
    """
    A message's id: its unique name, each byte of it that is no UTF-8 written as `/ff`.

    Names may hold any bytes, which Python gives as lone surrogates (PEP 383), and those can be neither printed
    nor stored. No name holds a slash, so that the way back is certain.
    """
    if unique.isascii():
        return unique
    return "".join(f"/{ord(char) - 0xDC00:02x}" if "\ud800" <= char <= "\udfff" else char for char in unique)


def unique_from(id: str) -> str:
    """The unique name of the message with this id."""
    first, *others = id.split("/")
    return first + "".join(chr(0xDC00 + int(part[:2], 16)) + part[2:] for part in others)


def flags_of(name: str, *, in_new: bool) -> tuple[str, ...]:
    """The flags in a file's name; letters that stand for a server's keywords are given as they are."""
    letters = name.partition(":2,")[2]
    flags = tuple(FLAGS.get(letter, letter) for letter in letters)
    return (*flags, RECENT) if in_new else flags


def renewed(unique: str, fresh: str) -> str:
    """Another unique name for the same message; its size (`,S=…`), which quotas are counted by, is kept."""
    comma = unique.find(",")
    return fresh if comma < 0 else fresh + unique[comma:]


def name_with(unique: str, flags: tuple[str, ...]) -> str:
    """A file's name with these flags, in the order of their letters as the specification asks."""
    letters = {LETTERS.get(flag, flag) for flag in flags if flag != RECENT}
    return f"{unique}:2,{''.join(sorted(letter for letter in letters if len(letter) == 1))}"
