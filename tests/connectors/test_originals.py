"""Returned originals that come as attachments become parts of their notice, whatever stands in it."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage

from cleaner.connectors.exchange.originals import MOST_PARTS, Original, embedded, with_parts

ORIGINAL = Original(b"Subject: Minutes\r\nMessage-ID: <1@harbor.example>\r\n\r\nAs agreed.\r\n", b"")


def notice(body: bytes) -> bytes:
    return b"From: postmaster@harbor.example\r\nContent-Type: text/plain\r\n\r\n" + body


def parsed(mime: bytes) -> EmailMessage:
    return message_from_bytes(mime, EmailMessage, policy=policy.SMTP)


def boundary_of(mime: bytes) -> str:
    return str(parsed(mime).get_boundary(""))


def test_an_original_becomes_a_part_of_a_notice_that_has_none() -> None:
    first, second = parsed(with_parts(notice(b"Undeliverable.\r\n"), [ORIGINAL])).iter_parts()
    assert first.get_content().strip() == "Undeliverable."
    assert second.get_content_type() == "message/rfc822"
    assert second.get_content()["Message-ID"] == "<1@harbor.example>"


def test_who_guesses_the_mark_between_parts_makes_it_neither_longer_nor_ends_a_part() -> None:
    """Marks grown by a character until none of the mail has them took as many readings as the sender liked."""
    plain = with_parts(notice(b"Undeliverable.\r\n"), [ORIGINAL])
    guessed = b"--=_returned-original" + b"-" * 5_000 + b"\r\n--" + boundary_of(plain).encode() + b"--\r\n"
    found = with_parts(notice(guessed), [ORIGINAL])
    assert len(boundary_of(found)) <= 70  # RFC 2046 section 5.1.1
    kinds = [part.get_content_type() for part in parsed(found).iter_parts()]
    assert kinds == ["text/plain", "message/rfc822"]


def test_so_many_parts_are_looked_at() -> None:
    part = b"--x\r\nContent-Type: message/rfc822\r\n\r\nSubject: a\r\n\r\n\r\n"
    mime = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + part * (MOST_PARTS + 20) + b"--x--\r\n"
    assert len(embedded(mime)) == MOST_PARTS
    assert len(embedded(b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + part * 3 + b"--x--\r\n")) == 3
