"""
Installed as docs/service.md says: its commands are typed as they stand there, in other folders.

A mailbox is opted in, watched, then cleaned; the program is upgraded, and the owner withdraws.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cleaner.service import demo
from tests.servers import systemd

pytestmark = pytest.mark.nightly

PROJECT = Path(__file__).resolve().parents[2]
PAGE = (PROJECT / "docs" / "service.md").read_text("utf-8")
ANN = "ann@harbor.example"
PATIENCE = 60.0


@dataclass
class Machine:
    """One machine, all of it below a folder."""

    root: Path

    def here(self, text: str) -> str:
        """What the page says, with this machine's folders."""
        for place, name in (
            ("/opt/bounce-cleaner", "opt"),
            ("/etc/bounce-cleaner", "etc"),
            ("/etc/systemd/system", "systemd/units"),
            ("/var/lib/bounce-cleaner", "state"),
        ):
            text = text.replace(place, str(self.root / name))
        return text

    def types(self, commands: str) -> str:
        """A person types these, in the folder of the project; the first that fails ends the test."""
        path = f"{self.root / 'commands'}:{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "SYSTEMD_STATE": str(self.root / "systemd")}
        ran = subprocess.run(
            ["/bin/sh", "-euc", self.here(commands)],
            cwd=self.root / "project",
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, f"{commands}\n{ran.stdout}\n{ran.stderr}"
        return ran.stdout + ran.stderr

    def quarantined(self) -> int:
        return len([p for p in (self.root / "mail" / ANN / ".Backscatter").rglob("*") if ":2," in p.name])

    def journal(self) -> str:
        return self.types("journalctl -u bounce-cleaner")

    def wait_for(self, holds: Callable[[], object]) -> None:
        until = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < until, self.journal()
            time.sleep(0.1)


def blocks(heading: str, kind: str = "sh") -> list[str]:
    """The commands of that part of the page."""
    part = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(rf"```{kind}\n(.*?)```", part, re.DOTALL)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """Fresh: the project's files as they would be downloaded, and nothing else."""
    found = Machine(tmp_path)
    for name in ("commands", "systemd/units", "state"):
        (tmp_path / name).mkdir(parents=True)
    systemd.places(tmp_path / "commands")
    ignore = shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__")
    shutil.copytree(PROJECT, tmp_path / "project", ignore=ignore)
    demo.build(tmp_path / "demo", datetime.now(UTC))
    (tmp_path / "demo" / "mail").rename(tmp_path / "mail")
    unit = tmp_path / "project" / "config" / "bounce-cleaner.service"
    unit.write_text(found.here(unit.read_text()))
    yield found
    if (tmp_path / "systemd" / "pid").exists():
        found.types("systemctl stop bounce-cleaner")


def configure(machine: Machine) -> None:
    """The administrator writes his own organisation, and the documented lines on state and key."""
    path = machine.root / "etc" / "cleaner.toml"
    assert path.exists()
    assert (machine.root / "etc" / "master.key").stat().st_mode & 0o077 == 0
    text = (machine.root / "demo" / "cleaner.toml").read_text()
    (store,) = blocks("Under systemd", "toml")
    text = re.sub(r"\[store\]\n(?:[a-z].*\n)+", machine.here(store), text)
    assert "credential:master.key" in text
    text = text.replace('path = "mail/', f'path = "{machine.root}/mail/')
    text = re.sub(r"(?m)^preview = .*\n", "", text)
    text = text.replace("[policy]\n", '[policy]\npreview = "7d"\n')
    path.write_text(f'{text}\n[service]\nlisten = "off"\n')


def test_a_new_user_follows_the_page(machine: Machine) -> None:
    install, use = blocks("Under systemd")
    machine.types(install)
    configure(machine)
    function, _, rest = use.partition("cleaner check\n")
    checked = machine.types(f"{function}cleaner check")
    assert "FAIL" not in checked
    # Watched: it reports and moves nothing.
    before = machine.quarantined()
    assert "only reported on" in machine.types(function + rest)
    machine.wait_for(lambda: "scan ends" in machine.journal())
    assert machine.quarantined() == before == 0
    assert ANN in machine.types(f"{function}cleaner status")
    # Its owner is content with what she saw.
    machine.types(f"{function}cleaner optin add {ANN} --preview 0")
    machine.types("systemctl restart bounce-cleaner")
    machine.wait_for(machine.quarantined)
    # Upgraded.
    marker = machine.root / "project" / "cleaner" / "__init__.py"
    marker.write_text(re.sub(r'__version__ = ".*"', '__version__ = "99.0"', marker.read_text()))
    (upgrade,) = blocks("Upgrading")
    machine.types(upgrade)
    assert "99.0" in machine.types(f"{function}cleaner --version")
    moved = machine.quarantined()
    # Withdrawn: nothing is done to what comes now, and what was moved can be taken back.
    (withdrawal,) = re.findall(r"`(cleaner optin remove [^`]*)`", PAGE)
    machine.types(function + withdrawal)
    assert "opted-out" in machine.types(f"{function}cleaner optin show {ANN}")
    machine.types(f"{function}cleaner undo --mailbox {ANN} --since 1d")
    assert (moved > 0, machine.quarantined()) == (True, 0)
