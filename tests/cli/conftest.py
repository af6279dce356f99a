"""Running the program in this process, as a shell would see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cleaner.cli import main
from cleaner.service.demo import build


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ran]:
    """Runs a command in an empty directory, without any configuration of this machine."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BOUNCE_CLEANER_CONFIG", raising=False)
    monkeypatch.delenv("BOUNCE_CLEANER_DEBUG", raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(
        "cleaner.config.loader.PLACES", (Path("cleaner.toml"), tmp_path / "etc" / "cleaner.toml")
    )

    def run(*arguments: object) -> Ran:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Ran(int(ended.value.code or 0), captured.out, captured.err)

    return run


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    """The configuration of two sample mailboxes, nobody opted in."""
    return build(tmp_path / "demo", datetime.now(UTC))


@pytest.fixture
def agreed(run: Callable[..., Ran], demo: Path) -> Path:
    """The same, both owners opted in, acting at once."""
    for address in ("ann@harbor.example", "ben@harbor.example"):
        assert run("-c", demo, "optin", "add", address, "--preview", "0").code == 0
    return demo


@pytest.fixture
def files(demo: Path) -> Callable[[], dict[str, bytes]]:
    """Takes a picture of all mail files: path and content."""

    def picture() -> dict[str, bytes]:
        root = demo.parent / "mail"
        return {
            str(path.relative_to(root)): path.read_bytes()
            for path in root.rglob("*")
            if path.is_file() and path.name != "maildirfolder"
        }

    return picture
