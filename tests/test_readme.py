"""
Every command that the README shows does what it says there.

The commands are run in order, as a reader would, on a small Maildir; `make` and what it needs are run by
`.ci/run`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cleaner.service.demo import build

PROJECT = Path(__file__).resolve().parent.parent
README = (PROJECT / "README.md").read_text("utf-8")
SHOWN = re.findall(
    r"^\$ (.+)$", "\n".join(re.findall(r"```console\n(.*?)```", README, re.DOTALL)), re.MULTILINE
)
COMMANDS = [command for command in SHOWN if command.startswith("bounce-cleaner ")]
CONFIGURATION = "\n".join(re.findall(r"```toml\n(.*?)```", README, re.DOTALL))


class Reader:
    """Somebody who follows the README in an empty folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "reader"
        self.saved = folder / "saved"
        self.run = "RUN"
        demo = build(folder / "demo", datetime.now(UTC))
        [self.key] = re.findall(r'^public_key = "(.+)"$', demo.read_text(), re.MULTILINE)
        self.folder.mkdir()
        maildir = (folder / "demo" / "mail" / "ann@harbor.example").rename(self.folder / "Maildir")
        notice = next(file for file in (maildir / "cur").iterdir() if b"Cheap watches" in file.read_bytes())
        shutil.copy(notice, self.folder / "notice.eml")

    def type(self, command: str) -> subprocess.CompletedProcess[str]:
        program, *arguments = command.replace("RUN", self.run).split()
        assert program == "bounce-cleaner"
        done = subprocess.run(
            [sys.executable, "-m", "cleaner", *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(PROJECT), "BOUNCE_CLEANER_CONFIG": ""},
            capture_output=True,
            text=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
        )
        if found := re.search(r"undo --run (\S+)", done.stdout):
            self.run = found[1]
        if arguments == ["init"]:
            text = CONFIGURATION.replace("/home/ann/Maildir", str(self.folder / "Maildir"))
            (self.folder / "cleaner.toml").write_text(text.replace("v=DKIM1; k=rsa; p=MIIB…", self.key))
        return done

    def save(self) -> None:
        shutil.copytree(self.folder, self.saved)

    def restore(self) -> None:
        """The alternatives that the README shows for taking back all start from the same mailbox."""
        shutil.rmtree(self.folder)
        shutil.copytree(self.saved, self.folder)

    def moved(self) -> int:
        quarantine = self.folder / "Maildir" / ".Backscatter"
        return (
            sum(len([*(quarantine / sub).iterdir()]) for sub in ("cur", "new")) if quarantine.exists() else 0
        )


def is_taken_back(command: str) -> bool:
    return command.startswith(("bounce-cleaner undo", "bounce-cleaner optin remove"))


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path)


def test_every_command_works_in_the_order_shown(reader: Reader) -> None:
    for command in COMMANDS:
        done = reader.type(command)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        if command == "bounce-cleaner scan" and not reader.saved.exists():
            assert reader.moved() > 0, done.stdout
            reader.save()
        if command.startswith("bounce-cleaner undo") and "--entry" not in command:
            assert reader.moved() == 0, done.stdout
        if is_taken_back(command):
            reader.restore()


def test_nothing_is_moved_before_the_owner_agreed(reader: Reader) -> None:
    for command in COMMANDS[: COMMANDS.index("bounce-cleaner scan")]:
        reader.type(command)
        assert reader.moved() == 0


def test_what_is_no_command_of_the_program_is_run_by_the_set_up() -> None:
    others = {command for command in SHOWN if command not in COMMANDS}
    assert others == {"make demo", "make test", "source .venv/bin/activate"}
    script = (PROJECT / ".ci" / "run").read_text()
    assert "make demo\n" in script
    assert "make test\n" in script


def test_what_it_points_to_is_there() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (PROJECT / target).exists(), target
