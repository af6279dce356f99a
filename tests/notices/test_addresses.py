"""Addresses in a report's fields, in the spellings that are sighted and those that are made to hurt."""

from __future__ import annotations

import pytest

from cleaner.notices.formats.rfc3464 import address_of


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("rfc822; bob@far.example", "bob@far.example"),
        ("RFC822;<bob@far.example>", "bob@far.example"),
        ("bob@far.example", "bob@far.example"),
        (r"utf-8; b\x{F6}b@far.example", "böb@far.example"),
        (r"utf-8; b\x{1F4E7}b@far.example", "b📧b@far.example"),
        (r"utf-8; b\x{110000}b@far.example", r"b\x{110000}b@far.example"),
        (r"utf-8; b\x{D800}b@far.example", r"b\x{D800}b@far.example"),
        (r"rfc822; b\x{F6}b@far.example", r"b\x{F6}b@far.example"),
    ],
)
def test_the_address_of_a_field(value: str, address: str) -> None:
    assert address_of(value) == address
