"""
Where a look at a folder ended: the server's own sync state.

SyncFolderItems tells everything that was added, changed or taken away since a state ([MS-OXWSSYNC] section 3.1.4.2),
whatever its date and wherever it came from: what is moved in counts as added, under a new id. A state may be listed
again from, so that nothing is lost when a run breaks off after listing. What a server changed is listed too, since it
may speak of a change to a message that it never told of.

A state that the server refuses (a mailbox moved or restored, an update of the server) makes us list all; what was
judged before is then known by its fingerprint. A server was sighted that takes any state for one of this folder, and
leaves out what another folder had seen; so the cursor holds the folder's id and a checksum of the state. And one that
was set back to a backup may believe that we know what came after it: the cursor holds the number of messages, and if
there are more than we know of, all are listed.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

_FORM: Final = re.compile(
    r"1:([0-9a-f]{8}):([0-9]{1,9}):([0-9]{1,9}):([A-Za-z0-9+/=_-]{1,2000000}):([0-9a-f]{8})"
)


@dataclass(frozen=True, slots=True)
class Cursor:
    """All that the folder held in that state was listed."""

    folder: str
    """A short form of its id."""
    count: int
    """How many messages that were."""
    gap: int
    """How many more the folder said it held: a number that differs for reasons of the server's own is no sign."""
    state: str

    @classmethod
    def parse(cls, text: str | None, folder: str) -> Cursor | None:
        """None for what is not a cursor of ours for this folder."""
        match = _FORM.fullmatch(text or "")
        if match is None or match[1] != short(folder) or match[5] != short(match[4]):
            return None
        return cls(match[1], int(match[2]), int(match[3]), match[4])

    def __str__(self) -> str:
        return f"1:{self.folder}:{self.count}:{self.gap}:{self.state}:{short(self.state)}"


def short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
