"""Log files: plain and compressed, whole and broken, from wherever one left off."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from cleaner.ledger import LogFile, UnreadableLogError
from cleaner.ledger.files import HEAD, MAX_LINE

LINES = [f"line {number} {'x' * (number % 90)}\n".encode() for number in range(3_000)]
RAW = b"".join(LINES)
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda raw: raw,
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "two gz behind each other": lambda raw: gzip.compress(raw[:5_000]) + gzip.compress(raw[5_000:]),
}


def log(folder: Path, raw: bytes) -> LogFile:
    path = folder / "mail.log"
    path.write_bytes(raw)
    return LogFile(path)


@pytest.mark.parametrize("packer", PACKERS)
def test_every_line_comes_with_its_place_however_it_is_packed(tmp_path: Path, packer: str) -> None:
    file = log(tmp_path, PACKERS[packer](RAW))
    found = list(file.lines())
    assert [line for _, line in found] == LINES
    for place, line in found[:: len(found) // 7]:
        assert RAW[place : place + len(line)] == line
    assert file.head() == RAW[:HEAD]


@pytest.mark.parametrize("packer", PACKERS)
def test_reading_goes_on_where_it_ended(tmp_path: Path, packer: str) -> None:
    file = log(tmp_path, PACKERS[packer](RAW))
    start = sum(map(len, LINES[:2_000]))
    assert [line for _, line in file.lines(start)] == LINES[2_000:]
    assert list(file.lines(len(RAW))) == []
    assert list(file.lines(len(RAW) + 1_000)) == []


def test_a_line_that_is_still_being_written_waits(tmp_path: Path) -> None:
    assert [line for _, line in log(tmp_path, b"one\ntwo\nthr").lines()] == [b"one\n", b"two\n"]


def test_a_line_longer_than_any_is_left_out_and_the_places_stay_right(tmp_path: Path) -> None:
    raw = b"one\n" + b"x" * (3 * MAX_LINE) + b"\n" + b"two\n"
    file = log(tmp_path, raw)
    assert list(file.lines()) == [(0, b"one\n"), (len(raw) - 4, b"two\n")]
    assert file.overlong == 1


def test_a_log_too_short_to_be_known_again_has_no_head(tmp_path: Path) -> None:
    assert log(tmp_path, b"x" * (HEAD - 1)).head() == b""


@pytest.mark.parametrize("packer", ["gz", "bz2", "xz"])
def test_of_a_damaged_file_everything_before_the_damage_is_read(tmp_path: Path, packer: str) -> None:
    packed = PACKERS[packer](RAW * 20)
    file = log(tmp_path, packed[: len(packed) // 2])
    found: list[tuple[int, bytes]] = []
    with pytest.raises(UnreadableLogError, match=r"mail\.log: it is damaged"):
        found.extend(file.lines())
    assert found == list(log(tmp_path, RAW * 20).lines())[: len(found)]
    assert found or packer == "bz2", "which gives blocks of 900 kB or nothing"


def test_what_cannot_be_unpacked_here_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnreadableLogError, match="unzstd"):
        log(tmp_path, b"\x28\xb5\x2f\xfd" + b"\0" * 50).head()


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnreadableLogError, match="No such file"):
        LogFile(tmp_path / "mail.log")
