"""Classifying: files, mbox files and folders are judged without any effect."""

from __future__ import annotations

from pathlib import Path

import pytest

from cleaner.app import judging
from cleaner.errors import UsageError
from cleaner.service.classify import classify
from cleaner.service.mailfiles import messages_of
from tests.service.hands import ANN, NOW, Hands, installed


def test_a_maildir_gives_the_path_of_each_file(hands: Hands) -> None:
    hands.opt_in(ANN)
    hands.scan()
    inbox = hands.maildir(ANN)
    with judging(hands.root / "cleaner.toml", ANN, clock=lambda: NOW) as judge:
        lines = list(classify(judge, [inbox / ".Backscatter"]))
    assert {line["verdict"] for line in lines} == {"backscatter"}
    assert all(Path(line["id"]).is_file() for line in lines)
    assert {line["mailbox"] for line in lines} == {ANN}


def test_an_mbox_counts_its_messages_from_one(hands: Hands, tmp_path: Path) -> None:
    box = tmp_path / "box"
    box.write_bytes(
        b"".join(
            b"From MAILER-DAEMON Fri Nov 20 12:00:00 2026\n" + path.read_bytes() + b"\n"
            for path in hands.folder(ANN, ".")
        )
    )
    ids = [message.id for message in messages_of(box)]
    assert ids == [f"{box}#{number}" for number in range(1, len(hands.folder(ANN, ".")) + 1)]


def test_nothing_is_written_where_there_is_no_store_yet(tmp_path: Path) -> None:
    path = installed(tmp_path / "demo")
    before = sorted(tmp_path.rglob("*"))
    with judging(path, ANN, clock=lambda: NOW) as judge:
        lines = list(classify(judge, [tmp_path / "demo" / "mail" / ANN]))
    assert lines
    assert sorted(tmp_path.rglob("*")) == before


def test_without_a_configuration_nothing_is_called_backscatter(
    hands: Hands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Form and wording alone never suffice."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BOUNCE_CLEANER_CONFIG", raising=False)
    with judging(None, None, clock=lambda: NOW) as judge:
        lines = list(classify(judge, [hands.maildir(ANN)]))
    assert lines
    assert "backscatter" not in {line["verdict"] for line in lines if line["kind"] != "ndr-phish"}


def test_a_path_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        list(messages_of(tmp_path / "missing"))


def test_a_file_that_cannot_be_read_is_a_line_with_the_reason(hands: Hands, tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    folder.mkdir()
    (folder / "1.eml").symlink_to(folder / "1.eml")
    (folder / "2.eml").write_bytes(hands.folder(ANN, ".")[0].read_bytes())
    with judging(hands.root / "cleaner.toml", ANN, clock=lambda: NOW) as judge:
        lines = {Path(line["id"]).name: line for line in classify(judge, [folder], all_messages=True)}
        assert lines["2.eml"]["error"] is None
        assert lines["1.eml"]["kind"] == "not-a-bounce"
        assert "cannot be read" in lines["1.eml"]["error"]
