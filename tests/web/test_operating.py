"""The files for operators in `config/` fit what the program does."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cleaner.app import App
from cleaner.config import ServiceSettings
from cleaner.service.scan import MailboxScan
from cleaner.service.serve import Service
from cleaner.service.serve.work import Worked
from cleaner.store.records import Turn
from cleaner.web.metrics import Metrics
from tests.service.hands import ANN, Hands, installed

CONFIG = Path(__file__).resolve().parents[2] / "config"
UNIT = CONFIG / "bounce-cleaner.service"
EXPOSURE = 1.5


def test_the_dashboard_asks_for_numbers_that_there_are(tmp_path: Path) -> None:
    path = installed(tmp_path / "demo")
    with App.open(path) as app:
        hands = Hands(app, tmp_path / "demo")
        metrics = Metrics()
        metrics.watch(Service(app.context))
        turn = Turn(ANN, "mailboxes", hands.now, state="done")
        line = {"verdict": "genuine", "plan": "none", "outcome": "none"}
        metrics.began("mailboxes")
        metrics.ended("mailboxes", "harbor", Worked(turn, scan=MailboxScan(ANN, None, lines=(line,))), 0.1)
        given = set(re.findall(r"^(bounce_cleaner\w+)", metrics.text().decode(), re.MULTILINE))
    dashboard = json.loads((CONFIG / "grafana-dashboard.json").read_text())
    asked = {
        name
        for panel in dashboard["panels"]
        for target in panel["targets"]
        for name in re.findall(r"bounce_cleaner\w+", target["expr"])
    }
    assert asked
    assert asked <= given


def test_systemd_finds_the_unit_little_exposed() -> None:
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("needs systemd-analyze")
    command = [tool, "security", "--offline=true", "--no-pager", str(UNIT)]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"exposure level for \S+: ([\d.]+)", told.stdout)
    if found is None:
        pytest.skip(f"this systemd-analyze cannot look at files: {told.stderr}")
    assert float(found[1]) <= EXPOSURE


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    """All of it but where the program lies, which is another place on each machine."""
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("needs systemd-analyze")
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("/opt/bounce-cleaner/bin/bounce-cleaner", sys.executable))
    command = [tool, "verify", "--man=no", "--recursive-errors=no", str(copy)]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    if "Failed to" in told.stderr and "connect" in told.stderr:
        pytest.skip(f"this systemd-analyze needs a running systemd: {told.stderr}")
    assert (told.returncode, told.stderr) == (0, "")
    copy.write_text(copy.read_text().replace("Type=notify", "Type=notfy"))
    assert "notfy" in subprocess.run(command, capture_output=True, text=True, check=False).stderr


def test_the_unit_waits_longer_than_work_may_take_to_end() -> None:
    text = UNIT.read_text()
    found = re.search(r"TimeoutStopSec=(\d+)", text)
    assert found is not None
    assert int(found[1]) > ServiceSettings().drain.total_seconds() + 10
    assert "Type=notify" in text
    assert "LoadCredential=master.key:" in text


def test_the_container_asks_where_the_program_answers() -> None:
    text = (CONFIG / "Containerfile").read_text()
    listen = ServiceSettings().listen
    assert listen is not None
    assert f"http://{listen[0]}:{listen[1]}/healthz" in text
    assert "USER 10001" in text
