"""The program as a shell sees it: help at once, one sentence for an error, the exit codes of the contract."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleaner import __version__
from cleaner.cli import shell
from cleaner.errors import ServerUnavailableError, StoreError, UsageError

Run = Callable[..., Any]
PROJECT = str(Path(__file__).resolve().parents[2])


def test_help_tells_a_newcomer_the_first_steps(run: Run) -> None:
    ran = run("--help")
    assert ran.code == 0
    assert ran.out.index("bounce-cleaner init") < ran.out.index("bounce-cleaner check")
    assert all(len(line.rstrip()) <= 80 for line in ran.out.splitlines())


def test_without_a_command_it_is_wrong_usage_and_shows_the_help(run: Run) -> None:
    ran = run()
    assert ran.code == 2
    assert "First steps" in ran.out


def test_version(run: Run) -> None:
    assert run("--version").out == f"bounce-cleaner {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["scan", "--help"], ["label", "add", "-h"], ["-c", "x", "optin", "--help"]],
    ids=str,
)
def test_help_loads_no_heavy_library(arguments: list[str]) -> None:
    program = (
        "import sys\n"
        "from cleaner.cli import main\n"
        f"try:\n    main({arguments})\n"
        "finally:\n"
        "    heavy = {'cleaner.config', 'sqlalchemy', 'alembic', 'pydantic', 'dkim', 'cryptography', 'sklearn'}\n"
        "    print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == "[]"


def test_completion_is_offered(run: Run) -> None:
    assert "--install-completion" in run("--help").out


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (UsageError("that is no file"), 2, "bounce-cleaner: that is no file"),
        (StoreError("the disk is full"), 1, "bounce-cleaner: the disk is full"),
        (ServerUnavailableError("mx", "timed out"), 1, "mx cannot be reached"),
        (PermissionError(13, "Permission denied", "/etc/x"), 1, "bounce-cleaner: /etc/x: Permission denied"),
        (RuntimeError("boom\x1b[2J"), 1, "a fault of this program (RuntimeError: boom\ufffd[2J)"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_an_error_is_one_sentence_and_its_code(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, told: str
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr("cleaner.cli.init.sample", fail)
    ran = run("init")
    assert ran.code == code
    assert told in ran.err
    assert ran.out == ""
    assert "Traceback" not in ran.err


def test_the_trace_is_shown_when_asked_for(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("cleaner.cli.init.sample", fail)
    monkeypatch.setenv("BOUNCE_CLEANER_DEBUG", "1")
    with pytest.raises(RuntimeError, match="boom"):
        shell.main(["init"])


def test_a_wrong_option_is_wrong_usage(run: Run) -> None:
    assert run("init", "--frobnicate").code == 2
    assert run("frobnicate").code == 2


def test_a_reader_that_goes_away_is_no_error() -> None:
    program = f"{sys.executable} -m cleaner --help | true; echo ${{PIPESTATUS[0]}}"
    for _ in range(3):
        done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True)
        assert done.stderr == ""


def test_a_stream_that_cannot_show_a_letter_is_no_error(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cleaner", "-c", "Ω.toml", "init"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "latin-1", "PYTHONPATH": PROJECT},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert "\\u03a9.toml" in done.stdout
