"""What a server recorded of its peer, told apart from what the peer claimed."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleaner.notices.trace import hop, hops
from cleaner.values import Headers, Hop
from tests.notices.letters import SENT, read

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
        ("", "", None, "web.example", "local"),
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
    "sendmail, no HELO": (
        "(from gate.example [192.0.2.7]) by mx.far.example (8.17.1/8.17.1) with SMTP id x1",
        ("", "gate.example", "192.0.2.7", "mx.far.example", "smtp"),
    ),
    "imail": (
        "from desk.example [192.0.2.7] by mx.far.example with ESMTP (SMTPD32-8.15) id A6",
        ("desk.example", "", "192.0.2.7", "mx.far.example", "esmtp"),
    ),
    "mxlogic": (
        "from unknown [192.0.2.7] (EHLO desk.example) by mx.far.example(mxl_mta-6.5.0-4) with ESMTP id f.0",
        ("desk.example", "unknown", "192.0.2.7", "mx.far.example", "esmtp"),
    ),
    "fetchmail": (
        "from pop.example [192.0.2.7] by localhost with POP3 (fetchmail-6.4) for <ann@localhost> (single-drop)",
        ("pop.example", "", None, "localhost", "pop3"),
    ),
    "an address and no more": ("from [192.0.2.7] by mx.example", ("", "", "192.0.2.7", "mx.example", "")),
    "a claim and no more": (
        "from desk.example by mx.example with SMTP",
        ("desk.example", "", None, "mx.example", "smtp"),
    ),
}


MAPPED: Final = (
    "from a (b [::ffff:192.0.2.7]) by mx.example with ESMTP id 1",
    "from a (b [IPv6:::ffff:192.0.2.7]) by mx.example (Postfix) with ESMTP id 1",
    "from a (b [IPV6:::FFFF:C000:0207]) by mx.example with ESMTP id 1",
    "from [::ffff:192.0.2.7] (helo=a) by mx.example with esmtp (Exim 4.96) id 1",
    "from b ([::ffff:192.0.2.7]:4031 helo=a) by mx.example with esmtp (Exim 4.96) id 1",
    "from b (HELO a) (::ffff:192.0.2.7) by mx.example with SMTP",
    "from b (HELO a) (joe@::ffff:192.0.2.7) by mx.example with SMTP",
    "from a (IPv6:::ffff:192.0.2.7) by mx.example with SMTP",
    "from a (::ffff:192.0.2.7) by mx.example (2001:db8::9) with Microsoft SMTP Server id 15",
    "from a [IPv6:::ffff:192.0.2.7] by mx.example with ESMTP (SMTPD32-8.15) id A6",
)


@pytest.mark.parametrize("field", MAPPED)
def test_an_ipv4_address_in_ipv6_is_that_address(field: str) -> None:
    assert hop(field + STAMP).ip == ip_address("192.0.2.7")


# submitted on the recording host itself → that host
LOCAL: Final = {
    "postfix": ("by web.example (Postfix, from userid 33) id 77C2", "web.example"),
    "postfix by another name": ("by web.example (Mail Desk, from userid 1000) id 77C2", "web.example"),
    "postfix, recipient": (
        "by web.example (Postfix, from userid 0) id 7 for <bob@far.example>",
        "web.example",
    ),
    "exim": ("from www-data by web.example with local (Exim 4.96) id 1x-1", "web.example"),
    "exim, spoken to": ("from ann by web.example with local-esmtp (Exim 4.96) id 1x-1", "web.example"),
    "exim, no version": (
        "by f7.mail.example with local (envelope-from <ann@mail.example>) id 1f-7R",
        "f7.mail.example",
    ),
    "sendmail": ("(from joe@localhost) by host.example (8.17.1/8.17.1/Submit) id x1", "host.example"),
    "sendmail, its name": (
        "(from httpd@host.example) by host.example (8.17.1/8.17.1/Submit) id x1",
        "host.example",
    ),
    "sendmail, spoken to": (
        "from localhost (joe@localhost) by host.example (8.17/8.17) with ESMTP",
        "host.example",
    ),
    "qmail": ("(qmail 4321 invoked by uid 1001)", ""),
    "qmail, forwarding": ("(qmail 4321 invoked by alias)", ""),
    "indimail": ("indimail-mta queue 58880 by host mx.example (invoked by uid 0)", "mx.example"),
    "nullmailer": ("(nullmailer pid 4321 invoked by uid 33)", ""),
    "opensmtpd": (
        "from localhost (web.example [local]) by web.example (OpenSMTPD) with ESMTPA id 5b1",
        "web.example",
    ),
    "courier": ("from localhost (localhost [127.0.0.1]) (uid 1000) by web.example with local", "web.example"),
    "dragonfly": (
        "from root (uid 0) (envelope-from r@web.example) id e by web.example (DragonFly Mail Agent)",
        "web.example",
    ),
    "ssmtp": ("by web.example (sSMTP sendmail emulation)", "web.example"),
    "mini_sendmail": ("by web.example (mini_sendmail/1.3.9 16sep2009)", "web.example"),
    "masqmail": ("from ann by web.example with local (masqmail 0.2.27) id 1", "web.example"),
    "communigate": ("by mx.example (CommuniGate Pro PIPE 6.1) with PIPE id 33", "mx.example"),
    "exchange": (
        "from EX1.far.example ([fe80::1]) by EX1.far.example ([fe80::1%12]) with mapi id 15.01",
        "ex1.far.example",
    ),
    "exchange, older": (
        "from EX1.far.example ([192.0.2.9]) by EX1.far.example ([192.0.2.9]) with mapi id 14.3",
        "ex1.far.example",
    ),
    "exchange, no source": ("by EX1.far.example ([fe80::1%12]) with mapi", "ex1.far.example"),
    "windows smtp service": (
        "from mail pickup service by web8.example with Microsoft SMTPSVC",
        "web8.example",
    ),
    "web mail": ("by 2002:a05:1::1 with HTTP", "2002:a05:1::1"),
    "web mail behind its own proxy": (
        "from localhost (localhost [127.0.0.1]) by web.example with HTTP",
        "web.example",
    ),
    "squirrelmail": (
        "from 198.51.100.9 (SquirrelMail authenticated user ann) by web.example with HTTP",
        "web.example",
    ),
}


@pytest.mark.parametrize("name", LOCAL)
def test_knows_what_was_submitted_on_the_recording_host(name: str) -> None:
    field, by = LOCAL[name]
    read = hop(field + STAMP)
    assert read.local
    assert (read.helo, read.peer, read.ip, read.by) == ("", "", None, by)
    assert not read.is_helo_only


@pytest.mark.parametrize(
    "field",
    [
        # a peer that is named so
        "from local (gate.example [192.0.2.7]) by mx.example (Postfix) with ESMTP id 1",
        "from userid (unknown [192.0.2.7]) by mx.example (Postfix) with ESMTP id 1",
        # handed on within a host or a site, forwarded, or written by the server itself
        "from localhost (localhost [127.0.0.1]) by mx.example (Postfix) with ESMTP id 1",
        "from localhost (localhost) by mx.example (8.17.1/8.17.1) id 1",
        "from mx.example by mx.example with LMTP id 1",
        "from murder ([unix socket]) by imap.example (Cyrus 3.4) with LMTPA",
        "by mx.example (Postfix) id 77C2",
        "by 2002:a05:1::1 with SMTP id x9",
        "(qmail 4321 invoked from network)",
        "(qmail 4321 invoked by network)",
        "(Haraka outbound)",
        "from pop.example [192.0.2.7] by localhost with POP3 (fetchmail-6.4)",
        # web mail that says who was there
        "from [192.0.2.7] by web.example with HTTP",
        "from EX1.far.example (::1) by EX2.far.example with HTTPS",
        "from EX1.far.example ([192.0.2.9]) by EX2.far.example ([192.0.2.10]) with mapi id 14.3",
        # clauses and comments that stand in a HELO
        "from gate.example (HELO x) by mx.example with local) (192.0.2.7) by mx.example with SMTP",
        "from gate.example (HELO x) with mapi by gate.example (y) (192.0.2.7) by mx.example with SMTP",
        "from gate.example (HELO x) by mx.example (Postfix, from userid 33) (192.0.2.7) by mx.example with SMTP",
        "from x with local by y (gate.example [192.0.2.7]) by mx.example (Postfix) with SMTP id 1",
        "from gate.example ([192.0.2.7] helo=x) by mx.example with local",
        "from (qmail 1 invoked by uid 0) (gate.example [192.0.2.7]) by mx.example with SMTP",
        "from x (HELO uid 0) by mx.example with SMTP",
    ],
)
def test_what_another_machine_handed_over_is_not_local(field: str) -> None:
    assert not hop(field + STAMP).local


@pytest.mark.parametrize(
    ("field", "helo"),
    [
        ("from desk.example by mx.example with SMTP", "desk.example"),
        ("from desk.example by mx.example (Postfix) with ESMTP id 1 for <bob@far.example>", "desk.example"),
        ("from Desk.example. (unverified) by mx.example with ESMTP id 1", "desk.example"),
        ("from desk.example (actually gate.example) by mx.example with SMTP (PP)", "desk.example"),
        ("from desk.example", "desk.example"),
    ],
)
def test_a_peer_of_which_only_the_claim_is_recorded(field: str, helo: str) -> None:
    read = hop(field + STAMP)
    assert (read.helo, read.peer, read.ip, read.local) == (helo, "", None, False)
    assert read.is_helo_only


@pytest.mark.parametrize(
    "field",
    [
        "from desk.example (gate.example [192.0.2.7]) by mx.example with SMTP",
        "from desk.example [192.0.2.7] by mx.example with SMTP",
        "by mx.example with SMTP id 1",
        "from gate.example (HELO desk.example) by mx.example with SMTP",
        "from mx.example by store.example with LMTP id 1",
    ],
)
def test_a_peer_of_which_more_is_recorded_or_nothing(field: str) -> None:
    assert not hop(field + STAMP).is_helo_only


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


@pytest.mark.parametrize(
    "helo", ["[203.0.113.9]", "203.0.113.9", "helo=203.0.113.9", "x[203.0.113.9]", "x [203.0.113.9]"]
)
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


def test_a_mail_without_trace_was_taken_from_no_other_machine() -> None:
    """All of its header came back, and no server is in it; a trace that was taken out is another matter."""

    def back(mail: str) -> bool:
        body = f"Not delivered:\n\nbob@far.example\n550 5.1.1 no\n\n{mail}"
        return read("MAILER-DAEMON@mx.far.example", "Undelivered", body).returned.is_without_trace

    bare = SENT[SENT.index("Message-ID:") :].replace("MIME-Version", "X-Mailer: cron\nMIME-Version")
    assert back(bare)
    assert not back(SENT)
    for field in (
        "X-Received: by 10.2.3.4",
        "X-MS-Embedded-Report: ",
        "X-SES-Outgoing: 2026.11.02-192.0.2.1",
    ):
        assert not back(bare.replace("Subject:", f"{field}\nSubject:"))
    for field in ("Message-ID: <tide.1@harbor.example>\n", "Date: Mon, 2 Nov 2026 10:00:00 +0000\n"):
        assert not back(bare.replace(field, ""))
    assert not read(
        "MAILER-DAEMON@mx.far.example", "Undelivered", "bob@far.example 550 no"
    ).returned.is_without_trace
