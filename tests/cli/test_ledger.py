"""`ledger import`: what it says, and its exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

LINES = """\
Nov  2 10:15:00 mx1 postfix/smtpd[7]: 4F1A2B3C4D: client={client}
Nov  2 10:15:00 mx1 postfix/cleanup[8]: 4F1A2B3C4D: message-id=<a1@mail.harbor.example>
Nov  2 10:15:00 mx1 postfix/qmgr[9]: 4F1A2B3C4D: from=<ann@harbor.example>, size=1, nrcpt=1 (queue active)
Nov  2 10:15:01 mx1 postfix/smtp[10]: 4F1A2B3C4D: to=<bob@far.example>, relay=x, dsn=2.0.0, status=sent (250 Ok)
Nov  2 10:15:01 mx1 postfix/qmgr[9]: 4F1A2B3C4D: removed
"""


@pytest.fixture
def log(agreed: Path) -> Path:
    path = agreed.parent / "mail.log"
    path.write_text(LINES.format(client="desk[203.0.113.7]"))
    return path


def test_it_says_what_it_found(run: Run, agreed: Path, log: Path) -> None:
    ran = run("-c", agreed, "ledger", "import", log)
    assert ran.code == 0, ran.err
    assert "5 lines, 1 mail, 1 of them new." in ran.out
    (line,) = run("-c", agreed, "ledger", "import", "--format", "jsonl", log).out.splitlines()
    assert json.loads(line) == {
        "file": str(log),
        "lines": 5,
        "resumed": False,
        "bad": 0,
        "mails": 1,
        "new": 0,
        "strangers": 0,
        "error": None,
    }


def test_it_says_what_it_left_out_and_what_to_do(run: Run, agreed: Path, log: Path) -> None:
    log.write_text(LINES.format(client="unknown[198.51.100.66]"))
    ran = run("-c", agreed, "ledger", "import", log)
    assert ran.code == 0
    assert "name the hosts in relays or client_networks" in ran.err


def test_what_is_no_log_fails_and_the_others_are_read(run: Run, agreed: Path, log: Path) -> None:
    other = agreed.parent / "other.txt"
    other.write_text("This is no log.\n")
    assert run("-c", agreed, "ledger", "import", other).code == 1
    ran = run("-c", agreed, "ledger", "import", other, log)
    assert ran.code == 3
    assert "1 of them new" in ran.out
    assert "other.txt: no line in it" in ran.err
    assert run("-c", agreed, "ledger", "import", agreed.parent / "nowhere").code == 2


def test_nobody_opted_in_nothing_is_read(run: Run, demo: Path) -> None:
    log = demo.parent / "mail.log"
    log.write_text(LINES.format(client="desk[203.0.113.7]"))
    ran = run("-c", demo, "ledger", "import", log)
    assert ran.code == 2
    assert "optin add" in ran.err
