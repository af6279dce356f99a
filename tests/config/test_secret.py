"""A secret is read late, from where it stands, and what hinders that is told with its remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from cleaner.config import Secret, make_key
from cleaner.errors import SecretUnavailableError


def test_env(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = Secret("env:ANN_PASSWORD")
    monkeypatch.delenv("ANN_PASSWORD", raising=False)
    with pytest.raises(SecretUnavailableError, match="ANN_PASSWORD is not set"):
        secret.reveal()
    monkeypatch.setenv("ANN_PASSWORD", "hunter2")
    assert secret.reveal() == "hunter2"
    assert "hunter2" not in repr(secret)


def test_file_is_relative_to_the_configuration_and_its_first_line_counts(tmp_path: Path) -> None:
    secret = Secret("file:sub/pass", tmp_path)
    with pytest.raises(SecretUnavailableError, match="put it there"):
        secret.reveal()
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "pass").write_bytes(b" two words \r\nsecond line\n")
    assert secret.reveal() == " two words "
    (tmp_path / "sub" / "pass").write_bytes(b"\n")
    with pytest.raises(SecretUnavailableError, match="it is empty"):
        secret.reveal()
    (tmp_path / "sub" / "pass").write_bytes(b"\xff\xfe")
    with pytest.raises(SecretUnavailableError, match="does not hold text"):
        secret.reveal()


def test_a_file_that_others_may_read_is_told(tmp_path: Path) -> None:
    file = tmp_path / "pass"
    file.write_text("x")
    file.chmod(0o640)
    assert "chmod 600" in (Secret("file:pass", tmp_path).exposure() or "")
    file.chmod(0o600)
    assert Secret("file:pass", tmp_path).exposure() is None
    assert Secret("env:X", tmp_path).exposure() is None
    assert Secret("file:missing", tmp_path).exposure() is None


def test_credential_of_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = Secret("credential:master")
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(SecretUnavailableError, match="LoadCredential=master:"):
        secret.reveal()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "master").write_text("hunter2")
    assert secret.reveal() == "hunter2"


def test_command_runs_without_a_shell(tmp_path: Path) -> None:
    assert Secret("command:printf '%s\\nrest' 'a b;$(id)'", tmp_path).reveal() == "a b;$(id)"
    with pytest.raises(SecretUnavailableError, match="status 1"):
        Secret("command:false", tmp_path).reveal()
    with pytest.raises(SecretUnavailableError, match="full path"):
        Secret("command:no-such-program-here", tmp_path).reveal()


def test_a_command_that_waits_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cleaner.config.secret.COMMAND_SECONDS", 0.05)
    with pytest.raises(SecretUnavailableError, match="did not end"):
        Secret("command:sleep 60", tmp_path).reveal()


def test_keyring_without_its_package_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "keyring", None)
    with pytest.raises(SecretUnavailableError, match="pip install keyring"):
        Secret("keyring:bounce-cleaner/ann").reveal()


def test_a_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    assert make_key(tmp_path / "master.key")
    made = (tmp_path / "master.key").read_bytes()
    assert (tmp_path / "master.key").stat().st_mode & 0o777 == 0o600
    assert not make_key(tmp_path / "master.key")
    assert (tmp_path / "master.key").read_bytes() == made


@pytest.mark.parametrize(("name", "made"), [("master.key", True), ("application.pem", False)])
def test_init_is_named_only_for_what_it_makes(tmp_path: Path, name: str, made: bool) -> None:
    with pytest.raises(SecretUnavailableError) as caught:
        Secret(f"file:{name}", tmp_path).reveal()
    assert ("bounce-cleaner init" in str(caught.value)) is made
