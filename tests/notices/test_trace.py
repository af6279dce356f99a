"""What a server recorded of its peer, told apart from what the peer claimed."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleaner.notices.trace import hop, hops
from cleaner.values import Headers, Hop

STAMP = "; Mon, 2 Nov 2026 10:15:00 +0000"

# what the field says → helo, peer, ip, by, protocol
WRITTEN = {
    "postfix": (
        "from desk.harbor.example (gate.harbor.example [192.0.2.7]) by mx.far.example (Postfix) with ESMTPS id 4F1A",
        ("desk.harbor.example", "gate.harbor.example", "192.0.2.7", "mx.far.example", "esmtps"),
    ),
    "postfix, no name": (
        "from desk.harbor.example (unknown [192.0.2.7]) by mx.far.example (Postfix) with ESMTP id 4F1A",
        ("desk.harbor.example", "unknown", "192.0.2.7", "mx.far.example", "esmtp"),
    ),
    "postfix, IPv6": (
        "from desk.example (gate.example [IPv6:2001:db8::7]) by mx.far.example (Postfix) with ESMTP id 4F1A",
        ("desk.example", "gate.example", "2001:db8::7", "mx.far.example", "esmtp"),
    ),
    "postfix, an address as HELO": (
        "from [203.0.113.99] (gate.example [192.0.2.7]) by mx.far.example (Postfix) with ESMTP id 4F1A",
        ("[203.0.113.99]", "gate.example", "192.0.2.7", "mx.far.example", "esmtp"),
    ),
    "postfix, local": (
        "by web.harbor.example (Postfix, from userid 33) id 77C2",
        ("", "", None, "web.harbor.example", ""),
    ),
    "exim, no name": (
        "from [192.0.2.7] (helo=desk.example) by mx.far.example with esmtps (TLS1.3) tls TLS_AES (Exim 4.96) id 1x-1",
        ("desk.example", "", "192.0.2.7", "mx.far.example", "esmtps"),
    ),
    "exim, an address as HELO": (
        "from [192.0.2.7] (helo=[203.0.113.99]) by mx.far.example with esmtp (Exim 4.96) id 1x-1",
        ("[203.0.113.99]", "", "192.0.2.7", "mx.far.example", "esmtp"),
    ),
    "exim, a name": (
        "from gate.example ([192.0.2.7] helo=desk.example) by mx.far.example with esmtp (Exim 4.96) id 1x-1",
        ("desk.example", "gate.example", "192.0.2.7", "mx.far.example", "esmtp"),
    ),
    "exim, ports": (
        "from gate.example ([192.0.2.7]:40312 helo=desk.example) by mx.far.example with esmtp (Exim 4.96) id 1x-1",
        ("desk.example", "gate.example", "192.0.2.7", "mx.far.example", "esmtp"),
    ),
    "exim, name and HELO the same": (
        "from gate.example ([192.0.2.7]) by mx.far.example with esmtp (Exim 4.96) id 1x-1",
        ("gate.example", "gate.example", "192.0.2.7", "mx.far.example", "esmtp"),
    ),
    "exim, local": (
        "from www-data by web.example with local (Exim 4.96) (envelope-from <www@web.example>) id 1x-1",
        ("www-data", "", None, "web.example", "local"),
    ),
    "sendmail": (
        "from desk.example (gate.example [192.0.2.7]) by mx.far.example (8.17.1/8.17.1) with ESMTP id x1",
        ("desk.example", "gate.example", "192.0.2.7", "mx.far.example", "esmtp"),
    ),
    "sendmail, a name that does not resolve back": (
        "from desk.example (gate.example [192.0.2.7] (may be forged)) by mx.far.example (8.17.1/8.17.1) with SMTP id x",
        ("desk.example", "", "192.0.2.7", "mx.far.example", "smtp"),
    ),
    "sendmail, ident": (
        "from desk.example (IDENT:joe@gate.example [192.0.2.7]) by mx.far.example (8.9/8.9) with ESMTP id x1",
        ("desk.example", "gate.example", "192.0.2.7", "mx.far.example", "esmtp"),
    ),
    "sendmail, local": (
        "(from joe@localhost) by host.example (8.17.1/8.17.1/Submit) id x1",
        ("", "", None, "host.example", ""),
    ),
    "opensmtpd": (
        "from desk.example (gate.example [192.0.2.7]) by mx.far.example (OpenSMTPD) with ESMTPS id 5b1 (TLSv1.3)",
        ("desk.example", "gate.example", "192.0.2.7", "mx.far.example", "esmtps"),
    ),
    "haraka": (
        (
            "from desk.example (gate.example [192.0.2.7]) by mx.far.example (Haraka/3.0) with ESMTP id A.1 "
            "envelope-from <ann@harbor.example>"
        ),
        ("desk.example", "gate.example", "192.0.2.7", "mx.far.example", "esmtp"),
    ),
    "exchange": (
        "from DESK.example (192.0.2.7) by mx.far.example (192.0.2.9) with Microsoft SMTP Server (TLS) id 15.1.2",
        ("desk.example", "", "192.0.2.7", "mx.far.example", "microsoft smtp server"),
    ),
    "exchange, IPv6": (
        "from a.far.example (2001:db8::7) by b.far.example (2001:db8::9) with Microsoft SMTP Server id 15.20",
        ("a.far.example", "", "2001:db8::7", "b.far.example", "microsoft smtp server"),
    ),
    "windows smtp service": (
        "from desk.example ([192.0.2.7]) by mx.far.example with Microsoft SMTPSVC(6.0.3790)",
        ("desk.example", "", "192.0.2.7", "mx.far.example", "microsoft smtpsvc"),
    ),
    "gmail": (
        "from desk.example (gate.example. [192.0.2.7]) by mx.google.example with ESMTPS id d1-2 for <b@far.example>",
        ("desk.example", "gate.example", "192.0.2.7", "mx.google.example", "esmtps"),
    ),
    "gmail, inside": ("by 2002:a05:1::1 with SMTP id x9", ("", "", None, "2002:a05:1::1", "smtp")),
    "qmail": (
        "from gate.example (HELO desk.example) (joe@192.0.2.7) by mx.far.example with SMTP",
        ("desk.example", "gate.example", "192.0.2.7", "mx.far.example", "smtp"),
    ),
    "qmail, an address as HELO": (
        "from unknown (HELO [203.0.113.99]) (192.0.2.7) by mx.far.example with SMTP",
        ("[203.0.113.99]", "unknown", "192.0.2.7", "mx.far.example", "smtp"),
    ),
    "qmail, inside": ("(qmail 4321 invoked by uid 1001)", ("", "", None, "", "")),
    "courier": (
        "from desk.example (gate.example [::ffff:192.0.2.7]) by mx.far.example with ESMTP",
        ("desk.example", "gate.example", "192.0.2.7", "mx.far.example", "esmtp"),
    ),
    "communigate": (
        (
            "from [192.0.2.7] (account ann@harbor.example HELO desk.example) by mx.example "
            "(CommuniGate Pro SMTP 6) with ESMTPA id 5"
        ),
        ("desk.example", "", "192.0.2.7", "mx.example", "esmtpa"),
    ),
    "an address and no more": ("from [192.0.2.7] by mx.example", ("", "", "192.0.2.7", "mx.example", "")),
    "a claim and no more": (
        "from desk.example by mx.example with SMTP",
        ("desk.example", "", None, "mx.example", "smtp"),
    ),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_reads_what_servers_write(name: str) -> None:
    field, (helo, peer, ip, by, protocol) = WRITTEN[name]
    read = hop(field + STAMP)
    assert (read.helo, read.peer, read.by, read.protocol) == (helo, peer, by, protocol)
    assert read.ip == (ip_address(ip) if ip else None)
    assert read.time == datetime(2026, 11, 2, 10, 15, tzinfo=UTC)


SIGNED_IN = (
    "from a (b [192.0.2.7]) (Authenticated sender: ann) by mx.example (Postfix) with ESMTPS id 1",
    "from a (b [192.0.2.7]) by mx.example (Postfix) with ESMTPSA id 1",
    "from [192.0.2.7] (helo=a) by mx.example with esmtpsa (TLS1.3) (Exim 4.96) id 1",
    "from a (b [192.0.2.7]) (authenticated bits=0) by mx.example (8.17/8.17) with ESMTP id 1",
    "from a (b [192.0.2.7]) (AUTH: LOGIN ann) by mx.example with ESMTP",
    "from a (b [192.0.2.7]) by mx.example with UTF8SMTPSA id 1",
)
NOT_SIGNED_IN = (
    "from a (b [192.0.2.7]) by mx.example (Postfix) with ESMTPS id 1",
    "from authenticated (b [192.0.2.7]) by mx.example (Postfix) with ESMTP id 1",
    "from unknown (HELO esmtpsa) (192.0.2.7) by mx.example with SMTP",
    "from esmtpsa (b [192.0.2.7]) by mx.example (no authenticated peer) with LMTP id 1",
)


@pytest.mark.parametrize("field", SIGNED_IN)
def test_sees_that_the_peer_signed_in(field: str) -> None:
    assert hop(field + STAMP).authenticated


@pytest.mark.parametrize("field", NOT_SIGNED_IN)
def test_a_name_is_no_sign_in(field: str) -> None:
    assert not hop(field + STAMP).authenticated


def test_reads_the_envelope() -> None:
    read = hop(
        "from gate.example ([192.0.2.7]) by mx.example with esmtp (Exim 4.96)"
        " (envelope-from <ann@harbor.example>) id 1x-1 for bob@far.example" + STAMP
    )
    assert (read.envelope_from, read.recipient, read.id) == ("ann@harbor.example", "bob@far.example", "1x-1")


def test_two_addresses_are_no_address() -> None:
    """A peer that writes an address into its HELO must not choose which of the two is believed."""
    assert hop("from a ([203.0.113.9]) (b [192.0.2.7]) by mx.example with SMTP" + STAMP).ip is None


@pytest.mark.parametrize("helo", ["[203.0.113.9]", "203.0.113.9", "helo=203.0.113.9", "x[203.0.113.9]"])
def test_a_claimed_address_is_never_the_peers(helo: str) -> None:
    for field in (
        f"from {helo} (b [192.0.2.7]) by mx.example (Postfix) with SMTP id 1",
        f"from [192.0.2.7] (helo={helo}) by mx.example with smtp (Exim 4.96) id 1",
        f"from unknown (HELO {helo}) (192.0.2.7) by mx.example with SMTP",
    ):
        assert hop(field + STAMP).ip in (ip_address("192.0.2.7"), None), field


@pytest.mark.parametrize(
    "field", ["", ";", "(", "))((", "from", "by", "from from by by", "nonsense; nonsense"]
)
def test_an_odd_field_reads_as_nothing(field: str) -> None:
    assert hop(field) == Hop(raw=field, helo=hop(field).helo, by=hop(field).by)


def test_keeps_the_order_of_the_chain() -> None:
    headers = Headers.parse(b"Received: by b.example; x\r\nReceived: by a.example; x\r\n\r\n")
    assert [read.by for read in hops(headers)] == ["b.example", "a.example"]


@given(st.text(max_size=300))
def test_never_raises(field: str) -> None:
    assert hop(field).raw == field
