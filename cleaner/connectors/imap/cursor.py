"""
Where a look at a folder ended: UIDVALIDITY and the next UID.

A server gives each message that comes into a folder a higher UID than all before it, also to one that is moved
in from elsewhere with an old date, and never gives a UID twice while UIDVALIDITY stays (RFC 9051 section
2.3.1.1). UIDNEXT, told when the folder is opened, is at most the UID of whatever comes after that moment. So
what has a UID below it was there at the last look, and nothing else can be new. What is listed is asked for
after the folder was opened: mail that comes in between is listed now and, since the cursor is the older number,
once more the next time.

Another UIDVALIDITY (a folder made anew, a mailbox moved to another server), or a UIDNEXT below the remembered
one (a restored backup), makes the cursor void, and all is listed; messages that were judged before are then
known by their fingerprint. HIGHESTMODSEQ (RFC 7162) tells in addition which flags changed: nothing here
depends on flags, so it is not needed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_FORM: Final = re.compile(r"([0-9]{1,10}):([0-9]{1,10})")


@dataclass(frozen=True, slots=True)
class Cursor:
    """All messages with a lower UID were listed."""

    validity: int
    next_uid: int

    @classmethod
    def parse(cls, text: str | None) -> Cursor | None:
        """None for what is not a cursor of ours."""
        match = _FORM.fullmatch(text or "")
        return cls(int(match[1]), int(match[2])) if match else None

    def __str__(self) -> str:
        return f"{self.validity}:{self.next_uid}"

    def first_new(self, validity: int, next_uid: int | None) -> int:
        """The lowest UID that may be new in the folder as it is now."""
        # Zero: the server promises nothing about its numbers.
        if not validity or validity != self.validity or (next_uid is not None and next_uid < self.next_uid):
            return 1
        return max(1, self.next_uid)
