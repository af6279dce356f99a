"""People are alarmed of what does not pass by itself, and not once for each mailbox of a server that is down."""

from __future__ import annotations

from datetime import UTC, datetime

from cleaner.service.serve.alarming import FAILING, OFTEN, failing
from cleaner.store.records import Turn

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def turn(address: str, failures: int, state: str = "failed", server: str = "imap") -> Turn:
    return Turn(address, server, NOW, failures=failures, state=state, error="it is down")


def test_a_server_that_is_down_is_one_alarm() -> None:
    turns = [turn(f"u{number}@harbor.example", OFTEN + (number == 3)) for number in range(9)]
    (alert,) = failing([*turns, turn("x@harbor.example", OFTEN - 1, server="ews")])
    assert (alert.kind, alert.about) == (FAILING, "imap")
    assert (
        alert.text == f"u3@harbor.example and 8 more mailboxes failed {OFTEN + 1} times in a row: it is down"
    )


def test_passing_trouble_and_what_was_stopped_on_purpose_is_none() -> None:
    assert list(failing([turn("a@harbor.example", OFTEN - 1), turn("b@harbor.example", 9, "stopped")])) == []
