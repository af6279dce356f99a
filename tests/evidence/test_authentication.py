"""Authentication-Results are believed from our own servers alone, and only above the line that took the mail in."""

from __future__ import annotations

import pytest

from cleaner import notices
from cleaner.evidence import authentication
from cleaner.evidence.authentication import Finding
from cleaner.values import Message, Notice
from tests.evidence.scene import ANN, HARBOR, NOBODY

US = frozenset({"mx1.harbor.example"})
INNER = (
    f"Received: from mx1.harbor.example ([10.0.0.5]) by store.harbor.example with LMTP id 1 for <{ANN}>; x"
)
ENTRY = (
    "Received: from out.reef.example (out.reef.example [198.51.100.9]) by mx1.harbor.example (Postfix) with ESMTP "
    f"id 2 for <{ANN}>; Mon, 02 Nov 2026 09:05:00 +0000"
)
BEFORE = (
    "Received: from app (app [10.1.1.1]) by out.reef.example with ESMTP id 3; Mon, 02 Nov 2026 09:04:00 +0000"
)
PASSED = "Authentication-Results: mx1.harbor.example; dkim=pass header.d=reef.example"


def notice(*lines: str) -> Notice:
    head = (
        *lines,
        "From: Mail Delivery System <MAILER-DAEMON@reef.example>",
        f"To: {ANN}",
        "Subject: Undelivered mail",
    )
    return notices.read(
        Message("INBOX", "1", "\r\n".join((*head, "", "<bob@far.example>: 550 5.1.1 no")).encode())
    )


@pytest.mark.parametrize(
    ("lines", "proven"),
    [
        ((PASSED, ENTRY, BEFORE), {"reef.example"}),
        ((PASSED, INNER, ENTRY, BEFORE), {"reef.example"}),
        ((INNER, PASSED, ENTRY, BEFORE), {"reef.example"}),
        # written by whoever sent it
        ((ENTRY, PASSED, BEFORE), set()),
        ((INNER, ENTRY, PASSED), set()),
        ((ENTRY, BEFORE, PASSED), set()),
        # no line of ours is known
        ((PASSED, BEFORE), set()),
        ((PASSED,), set()),
    ],
)
def test_only_what_stands_above_our_own_line_is_believed(lines: tuple[str, ...], proven: set[str]) -> None:
    assert authentication.origin(notice(*lines), HARBOR).proven == proven


def test_nobody_is_believed_whom_the_configuration_does_not_name() -> None:
    other = PASSED.replace("mx1.harbor", "mx2.harbor")
    assert authentication.origin(notice(other, ENTRY), HARBOR).proven == set()
    assert authentication.origin(notice(PASSED, ENTRY), NOBODY).proven == set()


def test_each_field_of_ours_counts() -> None:
    spf = "Authentication-Results: mx1.harbor.example; spf=pass smtp.mailfrom=b@grid.example"
    dmarc = "Authentication-Results: mx1.harbor.example; dmarc=fail (p=none) header.from=harbor.example"
    found = authentication.origin(notice(spf, dmarc, PASSED, ENTRY), HARBOR)
    assert found.proven == {"grid.example", "reef.example"}
    assert found.refuted == {"harbor.example"}
    assert authentication.is_proven("mail.reef.example", found)
    assert not authentication.is_proven("harbor.example", found)
    assert not authentication.is_proven("", found)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("mx1.harbor.example; none", []),
        ("mx1.harbor.example", []),
        ("", []),
        ("MX1.Harbor.Example 1; dkim=pass header.d=Reef.Example.", [("dkim", "pass", "reef.example")]),
        ('"mx1.harbor.example"; spf=pass smtp.mailfrom=reef.example', [("spf", "pass", "reef.example")]),
        ('mx1.harbor.example; dkim=pass header.d="a.example"', [("dkim", "pass", "a.example")]),
        ("mx1.harbor.example; spf=pass smtp.helo=reef.example", [("spf", "pass", "")]),
        ("mx1.harbor.example; dkim=pass header.i=@mail.reef.example", [("dkim", "pass", "mail.reef.example")]),
        ("mx1.harbor.example; dkim=pass header.i=@x.example header.d=y.example", [("dkim", "pass", "y.example")]),
        ("mx1.harbor.example; dkim = fail (bad (nested) key) header.d = a.example", [("dkim", "fail", "a.example")]),
        ("mx1.harbor.example; dkim/1=pass header.d=reef.example", [("dkim", "pass", "reef.example")]),
        ("mx1.harbor.example; dmarc=pass (p=none; sp=none) header.from=a.example", [("dmarc", "pass", "a.example")]),
        ("mx1.harbor.example; auth=pass smtp.auth=ann; iprev=pass (x)", []),
        # not what they seem
        ("mx1.harbor.example.evil.example; dkim=pass header.d=reef.example", []),
        ("evil.example (mx1.harbor.example); dkim=pass header.d=reef.example", []),
        ("mx1.harbor.example (; dkim=pass header.d=reef.example", []),
        ("mx1.harbor.example; x=y (; dkim=pass header.d=reef.example)", []),
        ('mx1.harbor.example; spf=fail smtp.mailfrom="; dkim=pass header.d=b.c"@a.example', [("spf", "fail", "a.example")]),
        ('mx1.harbor.example; dkim=fail reason="header.d=b.c" header.d=a.example', [("dkim", "fail", "a.example")]),
        ('mx1.harbor.example; dkim=fail reason="\\"; dkim=pass header.d=b.example', [("dkim", "fail", "")]),
        ("mx1.harbor.example; dkim=pass x-header.d=reef.example", [("dkim", "pass", "")]),
        ("dkim=pass header.d=reef.example", []),
    ],
)  # fmt: skip
def test_a_field_is_read(value: str, found: list[tuple[str, str, str]]) -> None:
    assert authentication.read(value, US) == tuple(Finding(*one) for one in found)


@pytest.mark.parametrize(
    "piece", ["; dkim=pass header.d=a.example", "(", ")", "\\", '"', "; a", "header.d=", ";"]
)
def test_any_length_of_anything_is_read_in_bounds(piece: str) -> None:
    found = authentication.read("mx1.harbor.example" + piece * 200_000, US)
    assert len(found) <= authentication.MAX_RESULTS


def test_only_so_many_fields_are_read() -> None:
    lines = [PASSED.replace("reef", f"reef{n}") for n in range(50)]
    found = authentication.origin(notice(*lines, ENTRY), HARBOR)
    assert len(found.proven) == authentication.MAX_FIELDS
