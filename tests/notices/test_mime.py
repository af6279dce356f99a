"""Parts are cut out of the bytes, leniently and within bounds."""

from __future__ import annotations

import gc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaner.notices import mime, read
from cleaner.notices.limits import MAX_DEPTH, MAX_PARTS
from cleaner.values import Message


def parts(raw: bytes) -> list[tuple[str, bytes]]:
    return [(part.type, part.body) for part in mime.parse(raw).leaves()]


MIXED = b"Content-Type: multipart/mixed; boundary=a\n\n"


def test_a_mail_without_type_is_a_text() -> None:
    assert parts(b"Subject: x\n\nhello\n") == [("text/plain", b"hello\n")]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_cuts_parts_at_any_line_end(end: bytes) -> None:
    raw = MIXED + b"preface\n--a\n\none\n--a\nContent-Type: text/html\n\ntwo\n\n--a--\nepilogue"
    assert parts(raw.replace(b"\n", end)) == [("text/plain", b"one"), ("text/html", b"two" + end)]


def test_an_empty_part_is_a_part() -> None:
    assert parts(MIXED + b"--a\n--a\n\nx\n--a--\n") == [("text/plain", b""), ("text/plain", b"x")]


def test_a_missing_end_ends_with_the_mail() -> None:
    assert parts(MIXED + b"--a\n\none") == [("text/plain", b"one")]


def test_a_missing_boundary_leaves_one_part() -> None:
    assert parts(MIXED + b"nothing here") == [("multipart/mixed", b"nothing here")]


def test_a_longer_boundary_is_another_one() -> None:
    inner = b"Content-Type: multipart/mixed; boundary=ab\n\n--ab\n\nx\n--ab--\n"
    assert parts(MIXED + b"--a\n" + inner + b"--a--\n") == [("text/plain", b"x")]


def test_does_not_look_into_a_mail_in_a_mail() -> None:
    inner = b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b--"
    raw = MIXED + b"--a\nContent-Type: message/rfc822\n\n" + inner + b"\n--a--\n"
    assert parts(raw) == [("message/rfc822", inner)]


def test_decodes_the_transfer_encoding_when_asked() -> None:
    part = mime.parse(
        b"Content-Transfer-Encoding: BASE64\nContent-Type: text/plain; charset=utf-8\n\nR3LDvMOfZQ==\n"
    )
    assert (part.payload, part.text) == ("Grüße".encode(), "Grüße")
    part = mime.parse(b"Content-Transfer-Encoding: quoted-printable\n\na=3Db=\nc")
    assert part.payload == b"a=bc"


def test_reads_parameters_and_file_names() -> None:
    found = mime.parameters("text/plain; Charset=\"utf-8\"; name*=utf-8''gr%C3%BC%C3%9Fe.txt; x=1")
    assert found == {"charset": "utf-8", "name": "grüße.txt", "x": "1"}
    part = mime.parse(b'Content-Disposition: ATTACHMENT; filename="=?utf-8?q?gr=C3=BCn?=.exe"\n\n')
    assert (part.disposition, part.filename) == ("attachment", "grün.exe")


def test_too_many_parts_are_refused() -> None:
    assert len(parts(MIXED + b"--a\n\nx\n" * MAX_PARTS)) == MAX_PARTS
    with pytest.raises(mime.TooManyPartsError):
        mime.parse(MIXED + b"--a\n\nx\n" * (MAX_PARTS + 2))


def nested(levels: int) -> bytes:
    raw = b"\nx"
    for level in range(levels):
        raw = b"Content-Type: multipart/mixed; boundary=b%d.\n\n--b%d.\n%s\n--b%d.--\n" % (
            level,
            level,
            raw,
            level,
        )
    return raw


def test_too_deep_parts_are_refused() -> None:
    assert parts(nested(MAX_DEPTH - 1)) == [("text/plain", b"x")]
    with pytest.raises(mime.TooManyPartsError):
        mime.parse(nested(MAX_DEPTH + 1))


@pytest.mark.parametrize(
    ("raw", "end"),
    [(b"A: b\n\nx", 6), (b"A: b\r\n\r\nx", 8), (b"\nx", 1), (b"\r\nx", 2), (b"A: b", 4), (b"", 0)],
)
def test_finds_where_the_body_begins(raw: bytes, end: int) -> None:
    assert mime.header_end(raw, 0, len(raw)) == end


@given(st.binary(max_size=400))
@settings(deadline=None)
def test_never_raises_on_any_bytes(raw: bytes) -> None:
    for part in mime.parse(MIXED + raw).leaves():
        assert isinstance(part.text, str)


@pytest.mark.parametrize(
    "declared",
    [
        b"Content-Type: multipart/mixed\n",
        b"Content-Type: multipart/mixed;\nboundary=unindented\n",
        b'Content-Type: multipart/mixed; boundary="=_ _=\n   77(5)"\n',
        b"Content-Type: multipart/report; boundary=another\n",
    ],
)
def test_a_lost_boundary_is_the_one_that_shows(declared: bytes) -> None:
    body = b"--=_ _= \n   77(5)\nContent-Type: text/html\n\none\n--=_ _= \n   77(5)\n\ntwo\n--=_ _=--\n"
    assert parts(declared + b"\n" + body) == [("text/html", b"one"), ("text/plain", b"two")]


def test_two_dashes_alone_are_no_boundary() -> None:
    body = b"-- \nAnn\n--rule--\nnot a field\n"
    assert parts(b"Content-Type: multipart/mixed\n\n" + body) == [("multipart/mixed", body)]


def test_parts_of_equal_content_are_two() -> None:
    """Found by fuzzing: compared by content, a part and its parent compared each other for ever."""
    one, two = mime.parse(MIXED + b"--a\n\nx\n--a\n\nx\n--a--\n").leaves()
    assert one != two


def test_what_was_read_is_freed_at_once() -> None:
    """Nothing in it points to what holds it: a mailbox's messages would wait for the garbage collector."""
    raw = b"Return-Path: <>\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nfailed\n--b\n\nx\n--b--\n"
    read(Message("INBOX", "1", raw))
    gc.collect()
    gc.disable()
    try:
        read(Message("INBOX", "2", raw))
        assert gc.collect() == 0
    finally:
        gc.enable()
