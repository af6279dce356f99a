"""What an owner does on any server, and what he must find then."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from tests.servers.owner import Owner

WHEN: Final = datetime(2026, 11, 2, 10, 15, tzinfo=UTC)


def work(owner: Owner) -> None:
    for folder in ("Sent", "Rückläufer/迷惑", "R&D"):
        owner.make(folder)
    kept = owner.deliver("INBOX", b"Subject: 1\n\nKept.\n", WHEN, ("\\Seen", "$Forwarded"))
    owner.mark("INBOX", kept, "\\Deleted")
    dragged = owner.deliver("INBOX", b"Subject: 2\n\nDragged.\n")
    owner.delete("INBOX", owner.deliver("INBOX", b"Subject: 3\n\nDeleted.\n"))
    owner.move("INBOX", dragged, "Rückläufer/迷惑")
    assert {"INBOX", "R&D", "Rückläufer/迷惑", "Sent"} <= set(owner.folders())
    (item,) = owner.items("INBOX")
    assert (item.uid, item.received) == (kept, WHEN)
    assert item.flags == ("$Forwarded", "\\Deleted", "\\Seen")
    assert owner.raw("INBOX", kept) == b"Subject: 1\r\n\r\nKept.\r\n"
    assert len(owner.items("Rückläufer/迷惑")) == 1
    before = owner.snapshot()
    assert owner.snapshot() == before
