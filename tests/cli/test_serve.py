"""`serve` as a process of its own: signals, what it tells systemd, and what can be asked of it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cleaner.app import App
from cleaner.service import consent
from cleaner.service.serve.notify import Systemd
from tests.cli.conftest import Ran
from tests.servers.process import free_port

ANN = "ann@harbor.example"
BEN = "ben@harbor.example"
PATIENCE = 60
FIRST = Path(__file__).parents[1] / "store" / "first.sql"


@dataclass
class Serving:
    """One process, and what it was told to write where."""

    process: subprocess.Popen[bytes]
    config: Path
    log: Path
    port: int
    manager: socket.socket

    def events(self) -> list[dict[str, Any]]:
        lines = self.log.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def wait_for(self, event: str, times: int = 1, **marks: str) -> dict[str, Any]:
        until = time.monotonic() + PATIENCE
        while True:
            found = [
                e
                for e in self.events()
                if event in e["event"] and all(e.get(k) == v for k, v in marks.items())
            ]
            if len(found) >= times:
                return found[times - 1]
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < until, self.log.read_text()
            time.sleep(0.05)

    def ask(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def told(self) -> str:
        """The next that systemd hears."""
        return self.manager.recv(4096).decode()


@contextmanager
def running(config: Path, tmp_path: Path) -> Iterator[Serving]:
    port = free_port()
    text = config.read_text()
    if "[service]" not in text:
        config.write_text(f'{text}\n[service]\nlog = "json"\nlisten = "127.0.0.1:{port}"\n')
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(tmp_path / "notify"))
    manager.settimeout(PATIENCE)
    log = tmp_path / "log"
    with log.open("ab") as errors, manager:
        process = subprocess.Popen(
            [sys.executable, "-m", "cleaner", "-c", config, "serve"],
            stderr=errors,
            env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "600000"},
        )
        try:
            yield Serving(process, config, log, port, manager)
        finally:
            process.kill()
            process.wait()
            (tmp_path / "notify").unlink()


def test_it_cleans_tells_and_ends(
    agreed: Path, tmp_path: Path, files: Callable[[], dict[str, bytes]]
) -> None:
    before = files()
    with running(agreed, tmp_path) as serving:
        assert serving.told().startswith("READY=1\nSTATUS=2 mailboxes")
        for address in (ANN, BEN):
            serving.wait_for("scan ends: done", mailbox=address)
        while not (heard := serving.told()).startswith("WATCHDOG=1"):
            pass
        assert "2 mailboxes" in heard
        assert serving.ask("/healthz") == (200, "ok\n")
        assert serving.ask("/readyz") == (200, "ok\n")
        assert serving.ask("/")[0] == 404
        status, numbers = serving.ask("/metrics")
        assert status == 200
        assert 'bounce_cleaner_turns_total{result="done",server="mailboxes"} 2.0' in numbers
        assert "bounce_cleaner_mailboxes 2.0" in numbers
        assert "harbor.example" not in numbers
        assert serving.end() == 0
        while not serving.told().startswith("STOPPING=1"):
            pass
        assert serving.events()[-1]["event"] == "ended"
    moved = [path for path in files() if "/.Backscatter/" in path]
    assert moved
    assert sorted(files().values()) == sorted(before.values())
    with App.open(agreed) as app:
        assert {run.state for run in app.context.store.runs.list()} == {"done"}
        assert all(turn.claimed_by is None for turn in app.context.store.schedule.all())


def test_the_log_names_mailbox_and_run_and_quotes_no_mail(agreed: Path, tmp_path: Path) -> None:
    with running(agreed, tmp_path) as serving:
        ended = serving.wait_for("scan ends: done", mailbox=ANN)
        assert serving.end(signal.SIGINT) == 0
        assert ended["moved"] > 0
        begun = next(e for e in serving.events() if e["event"] == "scan begins" and e["mailbox"] == ANN)
        assert begun["run"] == ended["run"]
        text = serving.log.read_text()
    for quoted in ("Subject", "Undeliver", "Delivery", "@far", "<html"):
        assert quoted not in text


def test_a_hang_up_reads_the_configuration_again_and_a_faulty_file_changes_nothing(
    agreed: Path, tmp_path: Path
) -> None:
    with running(agreed, tmp_path) as serving:
        serving.wait_for("scan ends: done", mailbox=ANN)
        good = agreed.read_text()
        agreed.write_text(good + "\nnonsense = true\n")
        serving.process.send_signal(signal.SIGHUP)
        refused = serving.wait_for("the old one stays in force")
        assert "there is no such key" in refused["event"]
        assert serving.ask("/readyz")[0] == 200
        agreed.write_text(good.replace('url = "sqlite:///state.db"', 'url = "sqlite:///other.db"'))
        serving.process.send_signal(signal.SIGHUP)
        assert "cannot change while" in serving.wait_for("the old one stays in force", 2)["event"]
        agreed.write_text(good.replace("[policy]", '[policy]\ninterval = "1s"'))
        serving.process.send_signal(signal.SIGHUP)
        serving.wait_for("was read again")
        serving.wait_for("scan ends: done", 2, mailbox=ANN)
        assert serving.end() == 0


def test_who_opts_in_and_out_meanwhile_is_followed(demo: Path, tmp_path: Path) -> None:
    text = demo.read_text().replace("[policy]", '[policy]\ninterval = "1s"')
    demo.write_text(text)
    with running(demo, tmp_path) as serving:
        assert serving.told().startswith("READY=1\nSTATUS=0 mailboxes")
        with App.open(demo) as app:
            consent.opt_in(app.context, consent.NewMailbox(ANN))
        serving.wait_for("scan ends: done", mailbox=ANN)
        with App.open(demo) as app:
            consent.opt_out(app.context, ANN)
            while app.context.store.schedule.all():
                time.sleep(0.05)
            # A turn that was already begun may still have been recorded.
            looks = len(app.context.store.accesses.list(ANN))
            consent.opt_in(app.context, consent.NewMailbox(BEN))
            serving.wait_for("scan ends: done", mailbox=BEN)
            assert len(app.context.store.accesses.list(ANN)) == looks
        assert serving.end() == 0


def test_an_address_in_use_is_said_and_nothing_is_begun(agreed: Path, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        agreed.write_text(f'{agreed.read_text()}\n[service]\nlisten = "127.0.0.1:{port}"\n')
        with running(agreed, tmp_path) as serving:
            assert serving.process.wait(PATIENCE) == 2
        assert "cannot be listened on (Address already in use)" in serving.log.read_text()


def test_a_newer_database_is_refused_with_the_remedy(
    agreed: Path, tmp_path: Path, run: Callable[..., Ran]
) -> None:
    with closing(sqlite3.connect(agreed.parent / "state.db", isolation_level=None)) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.execute("UPDATE meta SET value = X'39393939' WHERE name = 'borne-from'")
    for command in ("serve", "check"):
        ran = run("-c", agreed, command)
        assert ran.code == 1
        assert "newer bounce-cleaner; upgrade the program, or restore the backup" in ran.out + ran.err


def test_an_older_database_is_upgraded_and_told_of(
    demo: Path, tmp_path: Path, run: Callable[..., Ran]
) -> None:
    """As the first version left it, with Ann opted in."""
    (demo.parent / "master.key").write_text("k" * 32)
    for name in ("one", "other"):
        for path in demo.parent.glob("state.db*"):
            path.unlink() if path.is_file() else shutil.rmtree(path)
        with closing(sqlite3.connect(demo.parent / "state.db")) as database:
            database.executescript(FIRST.read_text())
        if name == "one":
            ran = run("-c", demo, "check")
            assert "older than this program (revision 0001) and has been upgraded to" in " ".join(
                ran.out.split()
            )
    with running(demo, tmp_path) as serving:
        serving.wait_for("the database was older (revision 0001) and has been upgraded to")
        serving.wait_for("scan ends", mailbox=ANN)
        assert serving.end() == 0


def documented(heading: str) -> list[str]:
    """The commands of that part of the page on the store."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "store.md").read_text("utf-8")
    part = page.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", part, re.DOTALL)


def test_a_backup_made_while_it_serves_is_put_back_as_documented(
    agreed: Path, tmp_path: Path, run: Callable[..., Ran]
) -> None:
    """What happened after it is not undone by it, and nothing is moved a second time."""
    folder = agreed.parent
    backup, restore = documented("Backup")
    with running(agreed, tmp_path) as serving:
        serving.wait_for("scan ends", mailbox=ANN)
        serving.wait_for("scan ends", mailbox=BEN)
        subprocess.run(["/bin/sh", "-ec", backup], cwd=folder, check=True)
        # Later than the backup.
        assert run("-c", agreed, "optin", "pause", BEN).code == 0
        assert serving.end() == 0
    mail = {path.read_bytes() for path in (folder / "mail").rglob("*") if path.is_file()}
    moved = len(list((folder / "mail" / ANN / ".Backscatter").rglob("*:2,*")))
    assert moved
    subprocess.run(["/bin/sh", "-ec", restore], cwd=folder, check=True)
    assert (folder / "state.db").stat().st_mode & 0o077 == 0
    shown = run("-c", agreed, "optin", "list", "--format", "jsonl").out
    assert [json.loads(line)["state"] for line in shown.splitlines()] == ["opted-in"] * 2
    with running(agreed, tmp_path) as serving:
        serving.wait_for("ready: ", times=2)
        assert serving.end() == 0
    assert {path.read_bytes() for path in (folder / "mail").rglob("*") if path.is_file()} == mail
    assert len(list((folder / "mail" / ANN / ".Backscatter").rglob("*:2,*"))) == moved
    back = run("-c", agreed, "undo", "--mailbox", ANN, "--since", "1d")
    assert back.code == 0, back.out + back.err
    assert not list((folder / "mail" / ANN / ".Backscatter").rglob("*:2,*"))


@pytest.mark.parametrize("value", ["", "/nowhere/at/all"])
def test_without_systemd_nothing_is_told_and_nothing_fails(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", value)
    systemd = Systemd()
    systemd.ready("well")
    assert systemd.watchdog is None
