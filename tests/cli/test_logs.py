"""The log of the service: a line an event, with mailbox and run, and nothing of anybody's mail."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator

import pytest

from cleaner.cli import logs
from cleaner.service.serve.marks import at_work_on

BODY = "Dear Ann, the offer is 12,000"


Told = Callable[[], str]


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Iterator[Told]:
    """What was written to standard error since it was last asked; the program's log is as it was afterwards."""
    log = logging.getLogger("cleaner")
    handlers, level, propagate = tuple(log.handlers), log.level, log.propagate
    yield lambda: capsys.readouterr().err
    log.handlers[:] = handlers
    log.level, log.propagate = level, propagate


def fail() -> None:
    raise ValueError(BODY)


@pytest.mark.parametrize("form", ["json", "human"])
def test_an_unexpected_error_tells_its_kind_and_place_and_not_what_it_says(told: Told, form: str) -> None:
    logs.set_up(form)
    log = logging.getLogger("cleaner.connectors.imap")
    with at_work_on("ann@harbor.example"):
        try:
            fail()
        except ValueError:
            log.exception("it failed")
    written = told()
    assert BODY not in written
    for wanted in ("ValueError", "test_logs.py", "ann@harbor.example"):
        assert wanted in written


def test_json_is_one_object_a_line(told: Told) -> None:
    logs.set_up("json")
    log = logging.getLogger("cleaner.service")
    log.info("scan ends: %s", "done\n\N{RIGHT-TO-LEFT OVERRIDE}", extra={"run": "r1", "moved": 0})
    log.debug("not told")
    (line,) = told().splitlines()
    event = json.loads(line)
    assert (event["event"], event["run"], event["moved"], event["level"]) == (
        "scan ends: done\n\N{RIGHT-TO-LEFT OVERRIDE}",
        "r1",
        0,
        "info",
    )
    assert line.isascii()
    assert "mailbox" not in event


def test_what_servers_say_cannot_make_lines_of_its_own(told: Told) -> None:
    logs.set_up("human")
    forged = "no\r\n2026-11-20T12:00:00.000+00:00 info    scan ends: done \x1b[31m"
    logging.getLogger("cleaner.service").warning(
        "failed: %s", forged, extra={"mailbox": "a\nb@harbor.example"}
    )
    (line,) = told().splitlines()
    assert line.endswith("mailbox=a b@harbor.example")
    assert "\x1b" not in line


def test_a_thread_s_mailbox_is_its_own(told: Told) -> None:
    logs.set_up("json")
    log = logging.getLogger("cleaner.service")
    with at_work_on("ann@harbor.example"):
        with at_work_on("ben@harbor.example"):
            log.info("inner")
        log.info("outer")
    log.info("nobody")
    found = [json.loads(line).get("mailbox") for line in told().splitlines()]
    assert found == ["ben@harbor.example", "ann@harbor.example", None]
