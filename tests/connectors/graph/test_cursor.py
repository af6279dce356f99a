"""Where a look ended is believed only where we wrote it, and for the folder that it was written for."""

from __future__ import annotations

import base64
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleaner.connectors.graph.cursor import MARK, MOST_KNOWN, Cursor, mark_of, packed, short, unpacked

FOLDER = "AAMkAGI2inbox"
LINK = "/users('1')/mailFolders('AAMk')/messages/delta?$deltatoken=x-_%20=."
CURSOR = Cursor(short(FOLDER), LINK, frozenset({mark_of("a"), mark_of("b")}), 2, "3.1.4096")


@pytest.mark.parametrize(
    "cursor",
    [
        CURSOR,
        Cursor(short(FOLDER), LINK),
        Cursor(short(FOLDER), LINK, frozenset(), -1),
        Cursor(short(FOLDER), LINK, frozenset({mark_of(str(n)) for n in range(3000)}), 0),
    ],
)
def test_what_was_written_is_read(cursor: Cursor) -> None:
    assert Cursor.parse(str(cursor), FOLDER) == cursor


def test_it_holds_for_one_folder() -> None:
    assert Cursor.parse(str(CURSOR), "AAMkAGI2sent") is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-1],
        lambda text: text.replace("deltatoken", "skiptoken"),
        lambda text: text.replace(packed(CURSOR.known or ()), packed(())),
        lambda text: text.replace(LINK, f"https://elsewhere.example{LINK}"),
        lambda text: text.replace(LINK, f"{LINK} "),
        lambda text: f"2{text[1:]}",
        lambda text: text[:0],
    ],
)
def test_what_was_changed_is_no_cursor(spoil: object) -> None:
    assert callable(spoil)
    assert Cursor.parse(spoil(str(CURSOR)), FOLDER) is None


@given(st.frozensets(st.binary(min_size=MARK, max_size=MARK), max_size=300))
def test_marks_are_packed_and_unpacked(marks: frozenset[bytes]) -> None:
    assert unpacked(packed(marks)) == marks


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no zlib",
        zlib.compress(b"abc"),
        zlib.compress(bytes(MARK * (MOST_KNOWN + 1))),
        zlib.compress(bytes(50_000_000)),
        zlib.compress(bytes(400))[:-6],
    ],
)
def test_what_was_never_packed_is_refused(content: bytes) -> None:
    with pytest.raises((ValueError, zlib.error)):
        unpacked(base64.b64encode(content).decode())


def test_a_large_folder_does_not_make_a_large_cursor() -> None:
    marks = frozenset(mark_of(str(number)) for number in range(5_000))
    assert len(packed(marks)) < 5 * len(marks)
