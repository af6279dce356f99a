"""Whether anything came into a Maildir: its directories' times of last change."""

from __future__ import annotations

import time
from collections.abc import Sequence

from cleaner.config import MailboxSettings, Server
from cleaner.connectors.maildir.names import directory_of
from cleaner.connectors.maildir.reading import SETTLED_COARSE


def pulse(server: Server, mailbox: MailboxSettings, folders: Sequence[str]) -> str | None:
    """
    A text that changes when a message comes into one of the folders.

    None where something changed just now: a further change could bear the same time. Raises nothing: what
    cannot be read is told when the mailbox is opened.
    """
    root = server.path_of(mailbox.address)
    told = []
    for folder in folders:
        directory = directory_of(folder)
        if directory is None:
            return None
        for sub in ("new", "cur"):
            try:
                state = (root / directory / sub).stat()
            except OSError:
                return None
            if abs(time.time_ns() - state.st_mtime_ns) < SETTLED_COARSE:
                return None
            told.append(f"{state.st_ino:x}.{state.st_mtime_ns:x}")
    return " ".join(told)
