"""Messages come out of whatever is named, one at a time, and what cannot be read says so."""

from __future__ import annotations

import io
import os
import sys
import tracemalloc
from pathlib import Path

import pytest

from cleaner.errors import UsageError
from cleaner.service import mailfiles
from cleaner.service.mailfiles import MAX_FILE, messages_of

FROM = b"From ann@harbor.example Mon Jan  5 10:15:00 2026\n"


def raws(path: Path) -> list[bytes]:
    return [message.raw for message in messages_of(path)]


def names(path: Path) -> list[str]:
    return [Path(message.id).name for message in messages_of(path)]


def mbox(path: Path, *messages: bytes) -> Path:
    path.write_bytes(b"".join(FROM + message + b"\n" for message in messages))
    return path


def test_an_mbox_is_taken_apart_to_the_byte(tmp_path: Path) -> None:
    first, second = b"Subject: 1\n\nOne.\n\nTwo.\n", b"Subject: 2\n\nx\n"
    box = mbox(tmp_path / "box", first, second)
    assert raws(box) == [first, second]
    assert names(box) == ["box#1", "box#2"]


@pytest.mark.parametrize(
    "text",
    [
        b">From here on at 10:15\n",
        b"From here on it is ours.\n",
        b" From ann@harbor.example Mon Jan  5 10:15:00 2026\n",
        b"before\nFrom ann@harbor.example Mon Jan  5 10:15:00 2026\n",
    ],
    ids=["escaped", "no time", "indented", "no empty line before"],
)
def test_a_line_that_only_begins_like_a_separator_separates_nothing(tmp_path: Path, text: bytes) -> None:
    message = (
        b"Subject: 1\n\nHello.\n\n" + text if not text.startswith(b"before") else b"Subject: 1\n\n" + text
    )
    assert raws(mbox(tmp_path / "box", message)) == [message]


def test_other_programs_separators(tmp_path: Path) -> None:
    box = tmp_path / "box"
    box.write_bytes(
        b"From - Mon Jan 05 10:15:00 2026\r\nSubject: 1\r\n\r\nx\r\n\r\n"
        b"From a@b Mon Jan  5 10:15 2026 remote from c\r\nSubject: 2\r\n\r\ny\r\n"
    )
    assert raws(box) == [b"Subject: 1\r\n\r\nx\r\n", b"Subject: 2\r\n\r\ny\r\n"]


def test_a_file_called_eml_is_one_message_whatever_its_first_line(tmp_path: Path) -> None:
    path = mbox(tmp_path / "a.eml", b"Subject: 1\n\nx\n", b"Subject: 2\n\ny\n")
    assert raws(path) == [path.read_bytes()]


def test_what_is_empty_or_no_mail_is_read_without_complaint(tmp_path: Path) -> None:
    (tmp_path / "0.eml").touch()
    (tmp_path / "notes.txt").write_bytes(b"no mail\n")
    (tmp_path / "noise.bin").write_bytes(bytes(range(256)) * 100)
    (tmp_path / "figures.csv").touch()
    (tmp_path / ".hidden").touch()
    assert names(tmp_path) == ["0.eml", "noise.bin", "notes.txt"]
    assert names(tmp_path / "figures.csv") == ["figures.csv"]  # named, it is read whatever it is called


def test_links_that_lead_back_are_not_followed_and_those_that_lead_nowhere_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(b"Subject: 1\n\nx\n")
    (tmp_path / "back").symlink_to(tmp_path)
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / "above").symlink_to(tmp_path)
    (tmp_path / "nowhere.eml").symlink_to(tmp_path / "missing")
    assert names(tmp_path) == ["a.eml", "nowhere.eml"]
    [_, lost] = messages_of(tmp_path)
    assert lost.unreadable == "No such file or directory"


def test_the_same_folder_by_two_links_is_read_twice(tmp_path: Path) -> None:
    """Near miss: only a link back to a folder above is left out."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.eml").write_bytes(b"Subject: 1\n\nx\n")
    (tmp_path / "other").symlink_to(tmp_path / "real")
    assert len(names(tmp_path)) == 2


def test_what_is_neither_file_nor_folder_is_passed_over(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "a.eml").write_bytes(b"Subject: 1\n\nx\n")
    assert names(tmp_path) == ["a.eml"]


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_what_may_not_be_read_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.eml").touch(0o000)
    (tmp_path / "b").mkdir(0o000)
    assert [message.unreadable for message in messages_of(tmp_path)] == ["Permission denied"] * 2


def test_a_folder_that_may_not_be_listed_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(mailfiles, "is_maildir", refuse)
    [message] = messages_of(tmp_path)
    assert (message.id, message.unreadable) == (str(tmp_path), "Permission denied")


def test_a_maildir_gives_its_messages_new_ones_first(tmp_path: Path) -> None:
    for sub in ("cur", "new", "tmp"):
        (tmp_path / sub).mkdir()
        (tmp_path / sub / f"1.{sub}").write_bytes(b"Subject: 1\n\nx\n")
    assert names(tmp_path) == ["1.new", "1.cur"]


def test_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for content, ids in (
        (b"Subject: 1\n\nx\n", ["-"]),
        (2 * (FROM + b"Subject: 1\n\nx\n\n"), ["-#1", "-#2"]),
    ):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        assert names(Path("-")) == ids


def test_a_path_that_is_not_there_is_told_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        mailfiles.require((tmp_path, tmp_path / "missing"))
    (tmp_path / "link").symlink_to(tmp_path / "missing")
    with pytest.raises(UsageError, match="leads nowhere"):
        mailfiles.require((tmp_path / "link",))


def test_of_a_giant_one_message_is_held_and_of_that_no_more_than_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailfiles, "MAX_FILE", 100_000)
    box = tmp_path / "box"
    with box.open("wb") as file:
        for _ in range(200):
            file.write(FROM + b"Subject: 1\n\n" + b"x" * 79 + b"\n" * 2)
        file.write(FROM + b"Subject: giant\n\n" + (b"y" * 79 + b"\n") * 100_000 + b"\n")
        file.write(FROM + b"Subject: one line\n\n" + b"z" * 8_000_000 + b"\n\n")
        file.write(FROM + b"Subject: last\n\nx\n")
    tracemalloc.start()
    try:
        sizes = [len(message.raw) for message in messages_of(box)]
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(sizes) == 203
    assert max(sizes) <= 100_000 + mailfiles.MAX_LINE + 80
    assert most < 8_000_000 < box.stat().st_size
    assert sizes[-1] == len(b"Subject: last\n\nx\n")
    assert MAX_FILE == 64 * 2**20
