"""Responses are taken apart, commands put together, whatever stands in them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleaner.connectors.imap.changing import is_flag
from cleaner.connectors.imap.copying import copied
from cleaner.connectors.imap.fetching import Fetched, fetched, flags_of, in_order
from cleaner.connectors.imap.grammar import (
    MAX_SET,
    GrammarError,
    Value,
    date_time,
    expanded,
    internal_date,
    quoted,
    sets,
    values,
)
from cleaner.connectors.imap.wire import Answer, Status


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([b'(\\Sent \\HasNoChildren) "/" Sent'], ((b"\\Sent", b"\\HasNoChildren"), b"/", b"Sent")),
        ([b'() NIL "a \\"b\\" \\\\c"'], ((), None, b'a "b" \\c')),
        (
            [b"(UID 7 BODY[HEADER.FIELDS (FROM TO)]<0> {5}", b"a)b\r\n", b" FLAGS (x))"],
            ((b"UID", b"7", b"BODY[HEADER.FIELDS (FROM TO)]<0>", b"a)b\r\n", b"FLAGS", (b"x",)),),
        ),
        ([b'(("INBOX." ".")) NIL NIL'], (((b"INBOX.", b"."),), None, None)),
        ([b'[Gmail]/All "NIL" nil'], (b"[Gmail]/All", b"NIL", None)),
        ([b"a[b"], (b"a[b",)),
        ([b""], ()),
    ],
)
def test_values(parts: list[bytes], expected: tuple[Value, ...]) -> None:
    assert values(parts) == expected


@pytest.mark.parametrize("text", [b"(", b")", b"(()", b"(" * 1000 + b")" * 1000])
def test_broken_lists_are_said(text: bytes) -> None:
    with pytest.raises(GrammarError):
        values([text])


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=5))
def test_any_bytes_are_taken_apart_or_refused(parts: list[bytes]) -> None:
    try:
        values(parts)
        fetched([b"1 FETCH " + parts[0], *parts[1:]])
    except GrammarError:
        pass
    Status.parse(parts[0])


def test_a_long_line_takes_time_in_proportion() -> None:
    """Each of these would take minutes, were anything tried twice."""
    for text in (b"[" * 20_000, b'"' * 200_001, b"\\" * 200_000, b'"' + b"\\" * 200_001, b" " * 200_000):
        values([text])


@given(st.sets(st.integers(1, 2**32 - 1), max_size=600))
def test_sets_hold_what_was_put_in_and_are_short(uids: set[int]) -> None:
    found = sets(uids)
    assert {uid for one in found for uid in expanded(one, 10**6)} == uids or max(uids) - min(uids) > 10**6
    assert all(len(one) <= MAX_SET + 30 for one in found)


def test_neighbours_become_one_range() -> None:
    assert sets(range(1, 20_001)) == (b"1:20000",)
    assert sets([5, 3, 4, 9, 3]) == (b"3:5,9",)
    assert sets([]) == ()


@pytest.mark.parametrize(
    ("text", "uids"),
    [
        (b"3:5,9", (3, 4, 5, 9)),
        (b"5:3", (5, 4, 3)),
        (b"1:4294967295", ()),
        (b"x", ()),
        (b"1:*", ()),
        (b"", ()),
    ],
)
def test_sequence_sets_keep_their_order_and_their_bounds(text: bytes, uids: tuple[int, ...]) -> None:
    assert expanded(text, 100) == uids


@pytest.mark.parametrize(
    ("code", "pairs"),
    [
        (b"7 1:2,5 9:11", {1: 9, 2: 10, 5: 11}),
        (b"7 5,1 20:21", {5: 20, 1: 21}),
        (b"7 1:3 9", {}),
        (b"7 1:4294967295 1:4294967295", {}),
        (b"7", {}),
        (b"", {}),
    ],
)
def test_copyuid(code: bytes, pairs: dict[int, int]) -> None:
    untagged = Answer(Status(b"OK"), remarks=[Status(b"OK", b"COPYUID", code)])
    assert copied(untagged) == pairs
    assert copied(Answer(Status(b"OK", b"COPYUID", code))) == pairs
    assert copied(Answer(Status(b"OK"))) == {}


def test_statuses() -> None:
    assert Status.parse(b"OK [COPYUID 7 1 2] Move done.") == Status(
        b"OK", b"COPYUID", b"7 1 2", b"Move done."
    )
    assert Status.parse(b"no [nonexistent] gone") == Status(b"NO", b"NONEXISTENT", b"", b"gone")
    assert Status.parse(b"OK") == Status(b"OK")
    assert Status.parse(b"OK [unclosed") == Status(b"OK", text=b"[unclosed")
    assert Status.parse(b"23 EXISTS") is None
    assert Status.parse(b"OKAY") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            b" 2-Nov-2026 10:15:00 +0130",
            datetime(2026, 11, 2, 10, 15, tzinfo=timezone(timedelta(minutes=90))),
        ),
        (
            b"17-jul-1996 02:44:25 -0700",
            datetime(1996, 7, 17, 2, 44, 25, tzinfo=timezone(timedelta(hours=-7))),
        ),
        (b"31-Feb-2026 10:15:00 +0000", None),
        (b"2-Xyz-2026 10:15:00 +0000", None),
        (b"1-Jan-2026 10:15:00 +9999", datetime(2026, 1, 1, 10, 15, tzinfo=UTC)),
        (b"nonsense", None),
        (None, None),
    ],
)
def test_internal_dates(text: bytes | None, expected: datetime | None) -> None:
    assert internal_date(text) == expected


@given(st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_dates_come_back_as_written(when: datetime) -> None:
    assert internal_date(date_time(when).strip(b'"')) == when.replace(microsecond=0)


@given(st.binary(max_size=40))
def test_quoted_strings_come_back(text: bytes) -> None:
    written = quoted(text)
    if written is not None:
        assert values([written]) == (text,)


def test_a_fetch_response_in_any_order_of_its_items() -> None:
    expected = Fetched(7, b"X: y\r\n\r\n", 25, datetime(2026, 11, 2, 10, 15, tzinfo=UTC), ("\\Seen",))
    head = b'INTERNALDATE " 2-Nov-2026 10:15:00 +0000" RFC822.SIZE 25'
    for parts in (
        [b"3 FETCH (UID 7 " + head + b" FLAGS (\\seen \\Recent) BODY[HEADER] {8}", b"X: y\r\n\r\n", b")"],
        [b"3 FETCH (BODY[HEADER]<0> {8}", b"X: y\r\n\r\n", b" FLAGS (\\Seen) UID 7 " + head + b")"],
    ):
        assert fetched(parts) == expected


@pytest.mark.parametrize(
    "parts",
    [
        [b"3 FETCH (FLAGS (\\Seen) UID 7)"],
        [b"3 EXISTS"],
        [b"3 FETCH"],
        [b"FLAGS (x)"],
        [b"3 FETCH (BODY[] NIL)"],
    ],
)
def test_what_tells_of_a_change_is_no_message(parts: list[bytes]) -> None:
    assert fetched(parts) is None


def test_a_short_header_may_be_quoted_and_an_empty_one_nil() -> None:
    assert fetched([b'3 FETCH (UID 7 BODY[HEADER] "a: b")']) == Fetched(7, b"a: b")
    assert fetched([b"3 FETCH (UID 7 BODY[HEADER] NIL)"]) == Fetched(7, b"")


def test_our_own_mark_is_never_told_of() -> None:
    marked = (b"\\Seen", b"$BounceCleanerMoving", b"\\Deleted", b"work")
    assert flags_of(marked) == ("\\Seen", "\\Deleted", "work")
    assert flags_of((b"\\DELETED", b"\\Recent")) == ("\\Deleted",)


@pytest.mark.parametrize(
    ("flag", "sent"),
    [
        ("\\Seen", True),
        ("$Forwarded", True),
        ("\\Recent", False),
        ("a b", False),
        ("ü", False),
        ("x)", False),
        ("", False),
    ],
)
def test_only_flags_that_can_be_written_are(flag: str, sent: bool) -> None:
    assert is_flag(flag) is sent


def test_what_comes_out_of_order_waits_for_its_turn() -> None:
    asked = (4, 1, 9, 2)
    assert list(in_order(asked, ((uid, uid) for uid in (1, 2, 4, 9)))) == [4, 1, 9, 2]
    assert list(in_order(asked, ((uid, uid) for uid in (9, 1)))) == [1, 9]
