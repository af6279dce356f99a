"""
Messages out of files: single ones, mbox files, Maildirs, folders of files, standard input.

Whatever is named is read as a stream: of an mbox file of any size one message is held at a time, and of no message
more than `MAX_FILE`. What cannot be read is a message that says so, never an end.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from cleaner.errors import UsageError
from cleaner.values import Message

MAX_FILE: Final = 64 * 1024 * 1024
"""Larger files are named as unreadable rather than read: no notice comes near it."""
MAX_LINE: Final = 1024 * 1024
"""Lines of a file that is no text can be as long as the file; they are read in pieces."""
NOT_MAIL: Final = frozenset((".csv", ".html", ".json", ".jsonl", ".log", ".md", ".py", ".toml", ".zip"))
"""What lies beside samples in a folder; a file named on the command line is read whatever it is called."""
STDIN: Final = Path("-")

_SEPARATOR: Final = re.compile(rb"From \S.{0,400}?\d{1,2}:\d\d")
"""
What begins a message in an mbox file, after an empty line (RFC 4155): sender and time.

A line of text that begins with `From ` has no time; most programs write it as `>From ` anyway.
"""


def require(paths: Iterable[Path]) -> None:
    """Raises UsageError for a path that is not there, before the first is read."""
    for path in paths:
        if path != STDIN and not path.exists():
            broken = (
                "is a link that leads nowhere" if path.is_symlink() else "there is no such file or folder"
            )
            raise UsageError(f"{path}: {broken}")


def messages_of(path: Path) -> Iterator[Message]:
    """
    The messages of a file, an mbox file, a Maildir or a folder of files, in the order of their names; `-` is
    standard input.

    `id` is the path as given; in an mbox `PATH#N`, from 1. Raises UsageError for a path that is not there.
    """
    require((path,))
    if path == STDIN:
        yield from stream_messages(path, sys.stdin.buffer)
    elif path.is_dir():
        yield from folder_messages(path, frozenset())
    else:
        yield from file_messages(path)


def folder_messages(folder: Path, above: frozenset[Path]) -> Iterator[Message]:
    """`above` are the folders that led here: a link back to one of them is not followed."""
    real = folder.resolve()
    if real in above:
        return
    try:
        within = sorted(folder.iterdir())
        maildir = is_maildir(folder)
    except OSError as error:
        yield unreadable(folder, error)
        return
    if maildir:
        for sub in ("new", "cur"):
            yield from maildir_messages(folder / sub)
        return
    for path in within:
        if path.name.startswith("."):
            continue
        try:
            is_folder, is_one = path.is_dir(), path.is_file() or path.is_symlink()
        except OSError as error:  # a folder that may be listed and not entered
            yield unreadable(path, error)
            continue
        if is_folder:
            yield from folder_messages(path, above | {real})
        elif is_one and path.suffix.lower() not in NOT_MAIL:
            # A link that leads nowhere gives a line with the error rather than silence.
            yield from file_messages(path)


def maildir_messages(sub: Path) -> Iterator[Message]:
    try:
        files = sorted(path for path in sub.iterdir() if path.is_file() and not path.name.startswith("."))
    except OSError as error:
        yield unreadable(sub, error)
        return
    yield from map(one_message, files)


def is_maildir(folder: Path) -> bool:
    return (folder / "cur").is_dir() and (folder / "new").is_dir()


def file_messages(path: Path) -> Iterator[Message]:
    try:
        with path.open("rb") as file:
            yield from stream_messages(path, file)
    except OSError as error:
        yield unreadable(path, error)


def stream_messages(path: Path, file: BinaryIO) -> Iterator[Message]:
    first = file.readline(MAX_LINE)
    if first.startswith(b"From ") and path.suffix.lower() != ".eml":
        for number, raw in enumerate(mbox_messages(file), start=1):
            yield Message("", f"{path}#{number}", raw)
    else:
        yield Message("", str(path), first + file.read(MAX_FILE + 1 - len(first)))


def mbox_messages(file: BinaryIO) -> Iterator[bytes]:
    """What stands between the lines that separate messages; the first of these was read already."""
    kept: list[bytes] = []
    size = 0
    after_empty = begins = True
    while line := file.readline(MAX_LINE):
        if begins and after_empty and _SEPARATOR.match(line):
            yield without_last_line_end(kept)
            kept, size = [], 0
            after_empty = True
            continue
        after_empty = begins and line in (b"\n", b"\r\n")
        begins = line.endswith(b"\n")
        if size <= MAX_FILE:
            kept.append(line)
            size += len(line)
    yield without_last_line_end(kept)


def without_last_line_end(lines: list[bytes]) -> bytes:
    """The empty line before a separator is not the message's."""
    if lines and lines[-1] in (b"\n", b"\r\n"):
        del lines[-1]
    return b"".join(lines)


def one_message(path: Path) -> Message:
    try:
        with path.open("rb") as file:
            return Message("", str(path), file.read(MAX_FILE + 1))
    except OSError as error:
        return unreadable(path, error)


def unreadable(path: Path, error: OSError) -> Message:
    return Message("", str(path), b"", unreadable=error.strerror or str(error))
