"""Progress is shown on a terminal and nowhere else, and leaves nothing behind."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from cleaner.cli import progress
from cleaner.cli.progress import Bar


def test_where_no_terminal_is_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    with Bar() as bar:
        bar("reading", 1, 2)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_on_a_terminal_it_shows_the_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(progress, "remarks", lambda: Console(file=stream, force_terminal=True, width=80))
    with Bar() as bar:
        bar("reading INBOX\x1b]0;x", 1, 2)
        bar("reading INBOX\x1b]0;x", 2, 2)
        bar("moving", 0, None)
    assert "reading INBOX\ufffd]0;x" in stream.getvalue()
    assert "moving" in stream.getvalue()
    bar.clear()
