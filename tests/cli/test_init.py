"""`init` writes a configuration that loads, and overwrites nothing."""

from __future__ import annotations

import base64
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleaner.cli.init import MAILDIR, SERVER, filled_in, quoted, sample
from cleaner.config import load

Run = Callable[..., Any]


def test_it_writes_what_loads_and_a_private_key(run: Run, tmp_path: Path) -> None:
    ran = run("init")
    assert ran.code == 0
    assert "bounce-cleaner check" in ran.out
    settings = load(tmp_path / "cleaner.toml")
    assert len(base64.urlsafe_b64decode(settings.store.key.reveal())) == 32
    assert (tmp_path / "master.key").stat().st_mode & 0o777 == 0o600
    assert settings.store.key.exposure() is None


def test_it_overwrites_nothing(run: Run, tmp_path: Path) -> None:
    run("init")
    mine = sample() + "# mine"
    (tmp_path / "cleaner.toml").write_text(mine)
    key = (tmp_path / "master.key").read_bytes()
    ran = run("init")
    assert ran.code == 2
    assert "stays as it is" in ran.err
    assert (tmp_path / "cleaner.toml").read_text() == mine
    assert (tmp_path / "master.key").read_bytes() == key


def test_the_key_that_a_configuration_written_by_hand_lacks_is_made(run: Run, tmp_path: Path) -> None:
    (tmp_path / "cleaner.toml").write_text(sample().replace('# key = "file:master.key"', 'key = "file:k"'))
    assert run("init").code == 0
    assert (tmp_path / "k").exists()


def test_a_key_that_was_lost_is_not_replaced(run: Run, tmp_path: Path) -> None:
    (tmp_path / "cleaner.toml").write_text(sample())
    (tmp_path / "state.db").touch()
    assert run("init").code == 2
    assert not (tmp_path / "master.key").exists()


def test_a_key_that_is_there_is_kept(run: Run, tmp_path: Path) -> None:
    (tmp_path / "master.key").write_text("old")
    assert "Kept the master key" in run("init").out
    assert (tmp_path / "master.key").read_text() == "old"


def test_another_file_is_named_in_what_comes_next(run: Run, tmp_path: Path) -> None:
    ran = run("init", "etc/new place/cleaner.toml")
    assert "bounce-cleaner -c 'etc/new place/cleaner.toml' check" in ran.out
    assert load(tmp_path / "etc/new place/cleaner.toml").servers


@pytest.mark.parametrize("value", ["quay.example", 'a"b\\c', "größe.example"])
def test_answers_take_the_place_of_the_examples(value: str, tmp_path: Path) -> None:
    text = filled_in(sample(), {quoted(MAILDIR): quoted(f"/mail/{value}")})
    (tmp_path / "cleaner.toml").write_text(text, "utf-8")
    assert load(tmp_path / "cleaner.toml").servers[0].path == f"/mail/{value}"


def typed(folder: Path, answers: bytes) -> int:
    """Runs `init` at a terminal of its own."""
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "cleaner", "init"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        stdin=follower,
        stdout=follower,
        stderr=follower,
    ) as process:
        os.close(follower)
        os.write(leader, answers)
        code = process.wait(30)
        os.close(leader)
    return code


def test_the_sample_has_what_answers_replace() -> None:
    assert SERVER in sample()
    for example in ("# relays = []", '# password = "env:ANN_PASSWORD"', '# user = "ann@harbor.example"'):
        assert sample().count(example) == 1


def test_on_a_terminal_it_asks_and_check_passes(run: Run, tmp_path: Path) -> None:
    for sub in ("cur", "new", "tmp"):
        (tmp_path / "mail" / "bea@quay.example" / sub).mkdir(parents=True)
    answers = b"not a domain\nquay.example\nbea@quay.example\n\nmail/{address}\nmx.quay.example 192.0.2.9\n"
    assert typed(tmp_path, answers) == 0
    settings = load(tmp_path / "cleaner.toml")
    assert settings.mailboxes[0].address == "bea@quay.example"
    assert settings.servers[0].path_of("bea@quay.example") == tmp_path / "mail" / "bea@quay.example"
    assert settings.organisations[0].relay_names == {"mx.quay.example"}
    (tmp_path / "cleaner.toml").write_text(
        (tmp_path / "cleaner.toml").read_text().replace("# dns = true", "dns = false")
    )
    ran = run("check")
    assert ran.code == 0, ran.out


def test_an_imap_mailbox_is_asked_for(tmp_path: Path) -> None:
    answers = b"quay.example\nbea@quay.example\nimap\nmail.quay.example\nbea\nhunter2\nenv:BEA\n\n"
    assert typed(tmp_path, answers) == 0
    settings = load(tmp_path / "cleaner.toml")
    (server,) = settings.servers
    (mailbox,) = settings.mailboxes
    assert (server.connector, server.host) == ("imap", "mail.quay.example")
    assert (mailbox.user, mailbox.server) == ("bea", server.name)
    assert mailbox.password is not None
    assert mailbox.password.reference == "env:BEA"
    assert "hunter2" not in (tmp_path / "cleaner.toml").read_text()


def test_who_breaks_off_has_nothing_written(tmp_path: Path) -> None:
    assert typed(tmp_path, b"quay.example\n\x04") != 0
    assert list(tmp_path.iterdir()) == []
