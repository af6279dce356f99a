"""`demo`: the whole program at work in a new directory."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., Any]


def test_it_cleans_shows_why_and_how_to_take_it_back(run: Run, tmp_path: Path) -> None:
    ran = run("demo")
    assert ran.code == 0, ran.err
    for word in ("genuine", "backscatter", "unsure", "moved", "ann@harbor.example", "ben@harbor.example"):
        assert word in ran.out
    assert [*(tmp_path / "demo" / "mail" / "ann@harbor.example" / ".Backscatter" / "cur").iterdir()]
    commands = re.findall(r"bounce-cleaner (-c demo/cleaner\.toml (?:history|explain|undo).*)", ran.out)
    assert len(commands) == 3
    for command in commands:
        assert run(*command.split()).code == 0, command


def test_each_time_it_takes_a_fresh_directory(run: Run, tmp_path: Path) -> None:
    for name in ("demo", "demo-2", "demo-3"):
        assert run("demo").code == 0
        assert (tmp_path / name / "cleaner.toml").exists()


def test_it_touches_nothing_that_is_there(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    ran = run("demo", "mine")
    assert ran.code == 2
    assert "not empty" in ran.err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["file"]
