"""The lists of header fields that a connector is asked for: what is decided from them alone is decided from all."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pytest

from cleaner import notices
from cleaner.notices import shortlist
from cleaner.notices.text import Phrases
from cleaner.values import Headers, Heading

SAMPLES = sorted((Path(__file__).parent.parent / "samples").glob("*.eml"))


def headers_of(path: Path) -> Headers:
    return Headers.parse(path.read_bytes())


def only(headers: Headers, fields: Collection[str]) -> Headers:
    """What a server gives out that is asked for these fields."""
    return Headers(tuple((name, value) for name, value in headers if name.decode().strip().lower() in fields))


def decided(headers: Headers) -> tuple[object, ...]:
    return (
        notices.is_likely(only(headers, notices.SHORTLIST_FIELDS)),
        notices.fingerprint(only(headers, notices.FINGERPRINT_FIELDS)),
        notices.outgoing(Heading("Sent", "1", only(headers, notices.SENT_FIELDS), 0)),
    )


def expected(headers: Headers) -> tuple[object, ...]:
    return (
        notices.is_likely(headers),
        notices.fingerprint(headers),
        notices.outgoing(Heading("Sent", "1", headers, 0)),
    )


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_the_samples_are_decided_from_few_fields(path: Path) -> None:
    assert decided(headers_of(path)) == expected(headers_of(path))


@pytest.mark.corpus
def test_the_corpus_is_decided_from_few_fields(corpus: Path) -> None:
    paths = [path for path in (corpus / "worlds").rglob("*") if path.parent.name in ("cur", "new")]
    assert len(paths) > 100
    for path in paths[::7]:
        assert decided(headers_of(path)) == expected(headers_of(path)), path


def test_each_field_of_the_shortlist_is_needed() -> None:
    """One that changed nothing would only cost bytes."""
    marks = {name for name in notices.SHORTLIST_FIELDS if is_mark(name)}
    assert notices.SHORTLIST_FIELDS - marks == {
        "content-type",
        "from",
        "list-id",
        "list-post",
        "list-unsubscribe",
        "precedence",
        "return-path",
        "subject",
    }


def is_mark(name: str) -> bool:
    return shortlist.is_likely(Headers(((name.encode(), b" x"),)))


@pytest.mark.parametrize(
    ("value", "likely"), [(b" Pigeonhole Sieve 0.5.19", True), (b" CMU Sieve 3.0", False), (b"", True)]
)
def test_what_cyrus_delivers_is_not_likely_for_that(value: bytes, likely: bool) -> None:
    assert notices.is_likely(Headers(((b"X-Sieve", value), (b"From", b" ben@far.example")))) is likely


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("undeliverable", True),
        ("your mail is undeliverable now", True),
        ("退信", True),
        ("undeliverabl", False),
        ("un deliverable", False),
        ("", False),
        ("u", False),
        ("x" * 10_000, False),
    ],
)
def test_phrases_are_found_as_one_by_one(text: str, found: bool) -> None:
    phrases = ("undeliverable", "under way", "退信")
    assert Phrases(phrases).are_in(text) is found
    assert found is any(phrase in text for phrase in phrases)


def test_every_phrase_is_long_enough_to_be_found() -> None:
    for phrase in shortlist.TITLES:
        assert len(phrase) >= 2
