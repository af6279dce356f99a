"""
Where a look at a folder ended: the link that Graph gave to go on with, and which messages we know to be there.

A round of changes tells everything that was added, changed or taken away since a link ([delta query]), whatever its
date; the link of a page in the midst of a round serves as well, and both may be used again, so that nothing is lost
when a run breaks off after listing. One that has expired (410) makes us list all; what was judged before is then known
by its fingerprint.

With immutable ids one thing is left out: a message that was moved away and back is told to be gone and never told of
again ([issue 21752], open since 2023; the documentation knows nothing of it). Undo does that, and so does an owner who
takes a message out of the quarantine. So the cursor holds which messages are known to be there, four bytes of each
one's hash, and with every round their number is held against the one that the folder tells. If the folder holds
more, the ids of all are listed, and those that are not known come with the others. A difference that stays is
remembered as `gap`: a folder counts what is no message, too.

Four bytes: of 5,000 messages one that came back is overlooked in a million, and then until the next complete look.
Folders that are not watched (Sent) are told of without: what was sent stays sent.

A full mailbox has no rounds of changes to tell, and China's cloud never has. There a folder is listed as it is, and
after that the ids of all are held against those that are known; a link that was given before is kept for later.

The quarantine is listed in every run, only to learn what its owner put there. While it holds as many messages, as
many unread, and as many bytes as at the last look, it is not asked for at all.

[delta query]: https://learn.microsoft.com/graph/delta-query-messages
[issue 21752]: https://github.com/microsoftgraph/microsoft-graph-docs/issues/21752
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

MARK: Final = 4
"""Bytes of a message's mark."""

MOST_KNOWN: Final = 200_000
"""Messages of a folder that are kept apart; who has more is told of what Graph tells."""

UNKNOWN_GAP: Final = -1

START: Final = "/-"
"""The link of a cursor that no round of changes stands behind."""

_FORM: Final = re.compile(
    r"1:([0-9a-f]{8}):(-1|[0-9]{1,9}):(-|[A-Za-z0-9+/=]{0,1200000}):([0-9.]{0,60}):([0-9a-f]{8}):(/[!-~]{1,200000})"
)


@dataclass(frozen=True, slots=True)
class Cursor:
    """All that the folder held by that link was listed."""

    folder: str
    """A short form of its id."""
    link: str
    """Below the root: a cursor never leads elsewhere."""
    known: frozenset[bytes] | None = None
    """Marks of the messages there; None: they are not kept apart."""
    gap: int = UNKNOWN_GAP
    """How many more the folder said it held, when the last round had ended; before that unknown."""
    stamp: str = ""
    """What the folder told of itself before the last round ended."""

    @classmethod
    def parse(cls, text: str | None, folder: str) -> Cursor | None:
        """None for what is not a cursor of ours for this folder."""
        match = _FORM.fullmatch(text or "")
        if match is None or match[1] != short(folder) or match[5] != short(f"{match[3]}{match[6]}"):
            return None
        try:
            known = None if match[3] == "-" else unpacked(match[3])
        except (ValueError, zlib.error):
            return None
        return cls(match[1], match[6], known, int(match[2]), match[4])

    def __str__(self) -> str:
        known = "-" if self.known is None else packed(self.known)
        return f"1:{self.folder}:{self.gap}:{known}:{self.stamp}:{short(known + self.link)}:{self.link}"


def short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def mark_of(id: str) -> bytes:
    return hashlib.sha256(id.encode()).digest()[:MARK]


def packed(marks: Collection[bytes]) -> str:
    """Sorted and column by column, which is a third smaller."""
    ordered = b"".join(sorted(marks))
    columns = b"".join(ordered[column::MARK] for column in range(MARK))
    return base64.b64encode(zlib.compress(columns)).decode("ascii")


def unpacked(text: str) -> frozenset[bytes]:
    """Raises ValueError or zlib.error for what `packed` never wrote."""
    try:
        content = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None
    stream = zlib.decompressobj()
    columns = stream.decompress(content, MARK * MOST_KNOWN + 1)
    count, rest = divmod(len(columns), MARK)
    if rest or count > MOST_KNOWN or not stream.eof:
        raise ValueError("not marks of messages")
    return frozenset(columns[place::count] for place in range(count))
