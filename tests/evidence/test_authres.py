"""Authentication-Results: those that our servers wrote, and none that a mail brought along."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import pytest

from cleaner.evidence.authres import MAX_FIELD, AuthenticationResult, authenticated, passed, read
from cleaner.notices import trace
from cleaner.values import Headers, Organisation

HARBOR = Organisation(
    "harbor",
    frozenset(("harbor.example",)),
    frozenset(("mx1.harbor.example",)),
    (ip_network("192.0.2.10/32"),),
    authserv_ids=frozenset(("mx1.harbor.example",)),
)
STORE = "Received: from mx1.harbor.example (mx1.harbor.example [192.0.2.10]) by imap.harbor.example with ESMTPS id 1"
ENTRY = "Received: from shop.hoster.example (shop.hoster.example [203.0.113.7]) by mx1.harbor.example with ESMTPS id 2"
OUTSIDE = "Received: from web (web.hoster.example [203.0.113.8]) by shop.hoster.example with ESMTP id 3"
FORGED = "Received: from mx1.harbor.example (mx1.harbor.example [192.0.2.10]) by mx1.harbor.example with ESMTP id 4"
EVIL = [("spf", "fail", "evil.example")]
PASSES = "Authentication-Results: mx1.harbor.example; dmarc=pass header.from=harbor.example"
FAILS = "Authentication-Results: mx1.harbor.example; dmarc=fail header.from=harbor.example"


def found(*fields: str, organisation: Organisation = HARBOR) -> frozenset[str]:
    headers = Headers.parse("\n".join((*fields, "Subject: hello")).encode())
    return passed(authenticated(headers, trace.hops(headers), organisation), "dmarc")


@pytest.mark.parametrize(
    "fields",
    [
        (PASSES, STORE, ENTRY, OUTSIDE),
        (STORE, PASSES, ENTRY, OUTSIDE),
        (STORE, ENTRY, PASSES, OUTSIDE),
        (ENTRY, PASSES, "X: y", OUTSIDE, ENTRY),
        (ENTRY, PASSES),
    ],
)
def test_what_stands_above_every_outside_hop_is_believed(fields: tuple[str, ...]) -> None:
    assert found(*fields) == {"harbor.example"}


@pytest.mark.parametrize(
    "fields",
    [
        (STORE, ENTRY, OUTSIDE, PASSES),
        (STORE, ENTRY, FORGED, PASSES),
        (OUTSIDE, PASSES),
        (PASSES,),
        (STORE, OUTSIDE, PASSES),
        (ENTRY, "Received: by mx1.harbor.example; Fri, 20 Nov 2026 10:00:00 +0000", PASSES),
    ],
    ids=[
        "below an outside hop",
        "below a forged line of ours",
        "written outside",
        "no line at all",
        "not by us",
        "bare line",
    ],
)
def test_what_a_mail_brought_along_is_not(fields: tuple[str, ...]) -> None:
    assert found(*fields) == frozenset()


def test_what_stands_higher_counts_first() -> None:
    """A mail may bring a field that lands right below the line of our server."""
    assert found(ENTRY, FAILS, PASSES) == frozenset()
    assert found(ENTRY, PASSES, FAILS) == {"harbor.example"}


@pytest.mark.parametrize(
    "server",
    [
        "mx1.harbor.example.evil.example",
        "evil.example",
        "mx1",
        "harbor.example",
        "xmx1.harbor.example",
        "mx1.harbor.example evil.example",
        "(mx1.harbor.example) evil.example",
        "",
        "evil.example (mx1.harbor.example)",
    ],
)
def test_another_server_is_not_believed(server: str) -> None:
    assert (
        found(ENTRY, f"Authentication-Results: {server}; dmarc=pass header.from=harbor.example")
        == frozenset()
    )


@pytest.mark.parametrize(
    "server",
    [
        "mx1.harbor.example",
        "MX1.Harbor.Example",
        "mx1.harbor.example 1",
        '"mx1.harbor.example"',
        "mx1.harbor.example (it)",
    ],
)
def test_our_server_is_however_it_is_written(server: str) -> None:
    field = f"Authentication-Results: {server};\n dmarc=pass\n header.from=harbor.example"
    assert found(ENTRY, field) == {"harbor.example"}


def test_without_a_believed_server_nothing_is() -> None:
    assert found(ENTRY, PASSES, organisation=replace(HARBOR, authserv_ids=frozenset())) == frozenset()


def test_googles_inner_hops_are_googles() -> None:
    ours = Organisation("h", frozenset(("harbor.example",)), authserv_ids=frozenset(("mx.google.com",)))
    fields = (
        "Received: by 2002:a05:6f02:8104:b0:75:2a0a:4e34 with SMTP id 5csp1; Fri, 20 Nov 2026 10:00:00 -0800",
        "Received: from shop.hoster.example (shop.hoster.example. [203.0.113.7]) by mx.google.com with ESMTPS id 2",
        PASSES.replace("mx1.harbor.example", "mx.google.com"),
    )
    assert found(*fields, organisation=ours) == {"harbor.example"}
    outside = fields[0].replace("2002:a05:6f02", "2002:cb00:7107")
    assert found(outside, *fields[1:], organisation=ours) == frozenset()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("none", []),
        ("dmarc=pass (p=reject dis=none) header.from=Harbor.Example.", [("dmarc", "pass", "harbor.example")]),
        (
            'dkim=pass (2048-bit; x) header.d=harbor.example; dkim=fail reason="; dkim=pass" header.d=far.example',
            [("dkim", "pass", "harbor.example"), ("dkim", "fail", "far.example")],
        ),
        ("dkim=pass header.i=ann@news.harbor.example", [("dkim", "pass", "news.harbor.example")]),
        ("dkim=fail header.d=a.example; dkim=pass header.d=a.example", [("dkim", "pass", "a.example")]),
        ("spf=pass smtp.mailfrom=<b+x=y@harbor.example> smtp.helo=far.example", [("spf", "pass", "harbor.example")]),
        ("spf=softfail smtp.mailfrom=harbor.example", [("spf", "softfail", "harbor.example")]),
        ("spf/1 = pass smtp.mailfrom = harbor.example", [("spf", "pass", "harbor.example")]),
        ("spf=pass smtp.helo=harbor.example", []),
        ("iprev=pass policy.iprev=192.0.2.1; auth=pass smtp.auth=ann", []),
        # Said twice, and differently.
        ("dmarc=pass header.from=a.example; dmarc=fail header.from=a.example", []),
        # What a sender chose, quoted or in a comment, is no result.
        ('spf=fail smtp.mailfrom="x; dmarc=pass header.from=harbor.example"@evil.example', EVIL),
        ('spf=fail smtp.mailfrom="a\\" ; dmarc=pass header.from=harbor.example; \\""@evil.example', EVIL),
        ("spf=fail (x (y) ; dmarc=pass header.from=harbor.example) smtp.mailfrom=evil.example", EVIL),
        ("spf=fail (x \\) ; dmarc=pass header.from=harbor.example) smtp.mailfrom=evil.example", EVIL),
        ("dmarc=pass header.from=harbor.example (", []),
        ("dmarc=pass header.from=harbor.example )", []),
        ('dmarc=pass header.from=harbor.example "', []),
        ("dmarc=passed-not header.from=harbor.example", [("dmarc", "passed-not", "harbor.example")]),
        ("xdmarc=pass header.from=harbor.example; dmarc pass header.from=harbor.example", []),
        (f"dmarc=pass header.from=harbor.example {'x' * MAX_FIELD}", []),
    ],
)  # fmt: skip
def test_results_are_read_as_written(text: str, expected: list[tuple[str, str, str]]) -> None:
    _, results = read(f"mx1.harbor.example; {text}")
    assert list(results) == [AuthenticationResult(*one) for one in expected]


@pytest.mark.parametrize(
    "piece", ["(", '"', "\\", ";", " =", "dkim=pass header.d=a.example;", "((", "x ", "= "]
)
def test_broken_fields_are_read_in_bounds(piece: str) -> None:
    headers = Headers.parse(("Authentication-Results: mx1.harbor.example; " + piece * 20_000).encode())
    assert authenticated(headers, (), HARBOR) == ()
    _, results = read("mx1.harbor.example; " + piece * (15_000 // len(piece)))
    assert len(results) <= 1
