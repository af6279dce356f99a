"""The servers beside Dovecot work as their owners expect."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime

import pytest

from tests.servers.courier import Courier
from tests.servers.cyrus import Cyrus

WHEN = datetime(2026, 11, 2, 10, 15, tzinfo=UTC)

pytestmark = pytest.mark.nightly


@pytest.mark.parametrize("name", ["cyrus", "courier"])
def test_an_owner_at_work(name: str, request: pytest.FixtureRequest) -> None:
    server: Cyrus | Courier = request.getfixturevalue(name)
    with closing(server.owner(server.new_user())) as owner:
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
