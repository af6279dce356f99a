"""The files for operators in `config/` fit what the program does."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cleaner import config
from cleaner.app import App
from cleaner.config import ServiceSettings
from cleaner.service.scan import MailboxScan
from cleaner.service.serve import Service
from cleaner.service.serve.work import Worked
from cleaner.store.records import Turn
from cleaner.web.metrics import Metrics
from tests.servers.process import missing
from tests.service.hands import ANN, Hands, installed

CONFIG = Path(__file__).resolve().parents[2] / "config"
UNIT = CONFIG / "bounce-cleaner.service"
EXPOSURE = 1.5
FLEET = CONFIG / "fleet"
METRICS = 9825
GRACE = r"terminationGracePeriodSeconds: (\d+)"


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


def test_a_worker_is_run_like_the_service_as_little_exposed() -> None:
    def settings(name: str) -> set[str]:
        lines = (CONFIG / name).read_text().splitlines()
        return {line for line in lines if line and not line.startswith(("#", "Description=", "ExecStart="))}

    assert settings("bounce-cleaner-worker.service") == settings("bounce-cleaner.service")
    assert "cleaner.toml worker\n" in (CONFIG / "bounce-cleaner-worker.service").read_text()


def test_the_configuration_of_a_fleet_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BOUNCE_CLEANER_KEY", "IMAP_PASSWORD"):
        monkeypatch.setenv(name, "x" * 44)
    shutil.copy(FLEET / "cleaner.toml", tmp_path)
    settings = config.load(tmp_path / "cleaner.toml")
    assert settings.store.url.startswith("postgresql://")
    assert settings.service.listen is not None
    assert settings.service.listen[1] == METRICS


def test_compose_finds_nothing_wrong_with_its_example() -> None:
    """The schema of the Compose specification, which check-jsonschema brings along."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    told = subprocess.run([*command, FLEET / "compose.yaml"], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    assert {"serve", "worker"} <= set(re.findall(r'command: \["(\w+)"', (FLEET / "compose.yaml").read_text()))


@pytest.mark.nightly
def test_kubernetes_finds_nothing_wrong_with_its_example() -> None:
    if importlib.util.find_spec("kubernetes_validate") is None:
        missing("kubernetes-validate", "pip install --group manifests")
    command = [sys.executable, "-m", "kubernetes_validate", "--strict", str(FLEET / "kubernetes.yaml")]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr


def test_containers_of_a_fleet_may_end_their_work_and_tell_their_numbers() -> None:
    drain = ServiceSettings().drain.total_seconds()
    for file, pattern in (("compose.yaml", r"stop_grace_period: (\d+)s"), ("kubernetes.yaml", GRACE)):
        text = (FLEET / file).read_text()
        found = re.findall(pattern, text)
        assert found
        assert all(int(seconds) > drain + 10 for seconds in found)
    assert f"containerPort: {METRICS}" in (FLEET / "kubernetes.yaml").read_text()
    assert f"port: {METRICS}" in (FLEET / "prometheus.yml").read_text()


def test_the_container_asks_where_the_program_answers() -> None:
    text = (CONFIG / "Containerfile").read_text()
    listen = ServiceSettings().listen
    assert listen is not None
    assert f"http://{listen[0]}:{listen[1]}/healthz" in text
    assert "USER 10001" in text
