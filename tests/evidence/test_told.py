"""Where the mail came from as notices tell it otherwise than by a trace: virus filters, and fakes by their sender."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cleaner import notices
from cleaner.evidence import trail
from cleaner.values import Message, Notice, Opinion
from tests.evidence.scene import ANN, BOB, FULL, HARBOR, OWN_ID, proven_reports

LEARNED = replace(FULL, among=proven_reports())


def filtered(upstream: str, *, before: str = "") -> Notice:
    """amavisd-new's notice to the sender."""
    return read(
        "Received: from mx.far.example (mx.far.example [198.51.100.9]) by mx1.harbor.example (Postfix) "
        f"with ESMTP id 1 for <{ANN}>; Mon, 02 Nov 2026 09:05:00 +0000",
        "From: Content-filter at mx.far.example <postmaster@mx.far.example>",
        "Subject: VIRUS (Worm.Test) in mail FROM YOU",
        "Auto-Submitted: auto-replied",
        "",
        f"{before}Our content checker found",
        "    virus: Worm.Test",
        f"in email presumably from you ({ANN}), to the following recipient:",
        f"-> {BOB}",
        "",
        f"First upstream SMTP client IP address: {upstream}",
        "",
        "Message-ID: <b9.20261102@mail.harbor.example>",
        "Subject: Offer for the quay",
        "",
        "Delivery of the email was stopped!",
    )


def read(*lines: str) -> Notice:
    head = ("Return-Path: <>", f"To: {ANN}", "Date: Mon, 02 Nov 2026 09:05:00 +0000")
    return notices.read(Message("INBOX", "1", "\r\n".join((*head, *lines)).encode()))


def handed_in(ip: str, name: str, *, author: str, link: str) -> Notice:
    """A fake report on held mail, as our own server took it in."""
    return read(
        f"Received: from {name} ({name} [{ip}]) by mx1.harbor.example (Postfix) with ESMTP id 1 for <{ANN}>; "
        "Mon, 02 Nov 2026 09:05:00 +0000",
        f"From: Mail Delivery Subsystem <{author}>",
        "Subject: 6 undelivered messages are on hold",
        "Content-Type: text/html; charset=utf-8",
        "",
        f'<p>6 messages are held.</p><p><a href="{link}?u={ANN}">Release messages</a></p>',
    )


FAKE = handed_in(
    "198.51.100.66", "out9.mailers.example", author="noreply@reef.example", link="http://portal.reef.example/"
)


@pytest.mark.parametrize(
    ("upstream", "opinion"),
    [
        ("[192.0.2.10] mx1.harbor.example", Opinion.GENUINE),
        ("[203.0.113.7]", Opinion.GENUINE),
        ("[198.51.100.66] host-66.dyn.isp.example", Opinion.BACKSCATTER),
        ("[198.51.100.66]", Opinion.BACKSCATTER),
        ("[192.0.2.11] mx2.harbor.example", Opinion.UNSURE),
        ("[10.0.0.7]", Opinion.UNSURE),
        ("[999.1.1.1]", Opinion.UNSURE),
        ("unknown", Opinion.UNSURE),
    ],
)
def test_a_virus_filter_says_in_words_who_handed_the_mail_over(upstream: str, opinion: Opinion) -> None:
    notice = filtered(upstream)
    assert notice.kind.value == "av-notice"
    assert LEARNED.judge(notice).opinion is opinion


def test_a_server_may_have_forwarded_what_a_filter_saw() -> None:
    """The filter shows no recipients of the mail, so who knows whom it went to first."""
    verdict = LEARNED.judge(filtered("[198.51.100.30] mail.old.example"))
    assert verdict.opinion is Opinion.UNSURE


def test_only_the_words_of_a_virus_notice_are_believed() -> None:
    away = replace(filtered("[198.51.100.66]"), kind=notices.read(Message("INBOX", "1", b"")).kind)
    assert trail.sender_of(away, HARBOR) is None


def by_sendmail(peer: str, *, rebuilt: bool = True) -> Notice:
    """A report whose returned mail has lost its trace; in words Sendmail still says who handed it over."""
    lines = (
        "Return-Path: <>",
        f"To: {ANN}",
        "Date: Mon, 02 Nov 2026 09:05:00 +0000",
        "From: Mail Delivery Subsystem <MAILER-DAEMON@mail.far.example>",
        "Subject: Returned mail: see transcript for details",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
        "",
        "--b",
        "",
        "The original message was received at Mon, 2 Nov 2026 09:04:59 GMT",
        f"from {peer}",
        "",
        "   ----- The following addresses had permanent fatal errors -----",
        f"<{BOB}>",
        "    (reason: 550 5.1.1 User unknown)",
        "",
        "--b",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns; mail.far.example",
        "",
        f"Final-Recipient: RFC822; {BOB}",
        "Action: failed",
        "Status: 5.1.1",
        "",
        "--b",
        "Content-Type: message/rfc822",
        "",
        f"From: {ANN}",
        f"To: {BOB}",
        "Subject: Tide tables",
        "Date: Mon, 02 Nov 2026 09:04:00 +0000",
        "Message-ID: <tides.20261102@phone.example>",
        "",
        "See you.",
        "--b--",
    )
    raw = "\r\n".join(lines).encode()
    return notices.read(Message("INBOX", "1", raw, rebuilt=rebuilt, header=raw.partition(b"\r\n\r\n")[0]))


@pytest.mark.parametrize(
    ("peer", "rebuilt", "machine"),
    [
        ("mx1.harbor.example [192.0.2.10]", True, "192.0.2.10"),
        ("mx1.harbor.example [IPv6:2001:db8::10] (may be forged)", True, "2001:db8::10"),
        ("host-66.dyn.isp.example [198.51.100.66] (may be forged)", True, "198.51.100.66"),
        ("localhost [127.0.0.1]", True, None),
        ("root@localhost", True, None),
        ("mx1.harbor.example [999.0.2.10]", True, None),
        ("mx1.harbor.example [192.0.2.10]", False, None),
    ],
)
def test_sendmail_says_in_words_who_handed_over_what_lost_its_trace(
    peer: str, rebuilt: bool, machine: str | None
) -> None:
    """Where nothing is lost, a mail without trace has none."""
    notice = by_sendmail(peer, rebuilt=rebuilt)
    assert notice.family == "sendmail"
    found = trail.sender_of(notice, HARBOR)
    assert (str(found.ip) if found is not None else None) == machine


def test_those_words_speak_for_us_and_never_against_us() -> None:
    """The lines below, which would show a forwarder or a filtering service, are lost."""
    ours = LEARNED.judge(by_sendmail("mx1.harbor.example [192.0.2.10]"))
    assert ours.opinion is Opinion.GENUINE
    assert ours.evidence[0].rule == "handed_over"
    stranger = LEARNED.judge(by_sendmail("host-66.dyn.isp.example [198.51.100.66]"))
    assert stranger.opinion is Opinion.UNSURE
    assert not {"handed_over", "strange_way"} & {one.rule for one in stranger.evidence}


def test_a_fake_from_a_machine_of_nobody_whom_it_names_goes() -> None:
    assert FAKE.kind.value == "ndr-phish"
    verdict = LEARNED.judge(FAKE)
    assert verdict.opinion is Opinion.BACKSCATTER
    assert verdict.evidence[0].rule == "fake_report"


@pytest.mark.parametrize(
    ("ip", "name"),
    [
        ("198.51.100.66", "out.reef.example"),  # the digest of a service that we do use
        ("192.0.2.12", "filter.harbor.example"),  # a machine of ours that nobody listed
        ("192.0.2.10", "mx1.harbor.example"),
    ],
)
def test_a_digest_of_a_service_s_own_machine_stays(ip: str, name: str) -> None:
    digest = handed_in(ip, name, author="noreply@reef.example", link="http://portal.reef.example/")
    assert LEARNED.judge(digest).opinion is not Opinion.BACKSCATTER


def test_a_report_in_our_own_name_from_a_stranger_goes_and_from_our_server_stays() -> None:
    ours = f"postmaster@{ANN.partition('@')[2]}"
    link = "http://portal.reef.example/"
    stranger = handed_in("198.51.100.66", "out9.mailers.example", author=ours, link=link)
    own = handed_in("192.0.2.10", "mx1.harbor.example", author=ours, link=link)
    assert FULL.judge(stranger).opinion is Opinion.BACKSCATTER
    assert FULL.judge(own).opinion is not Opinion.BACKSCATTER


def test_a_link_that_cannot_be_read_is_nobody_s() -> None:
    broken = replace(FAKE, links=(f"http://[broken/?u={ANN}", "https://"))
    assert LEARNED.judge(broken).opinion is Opinion.BACKSCATTER


def test_exchange_online_s_report_with_links_stays() -> None:
    """A genuine report that carries links: who reports is no stranger who pretends to be us."""
    exchange = read(
        "Received: from out.protection.cloud.example (out.protection.cloud.example [198.51.100.88]) by "
        f"mx1.harbor.example (Postfix) with ESMTPS id 1 for <{ANN}>; Mon, 02 Nov 2026 09:05:00 +0000",
        "From: postmaster@far.example",
        "Subject: Undeliverable: Offer for the quay",
        f"In-Reply-To: {OWN_ID}",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
        "",
        "--b",
        "Content-Type: text/html; charset=utf-8",
        "",
        f'<p>Your message to {BOB} bounced. <a href="https://go.cloud.example/?id=526">Learn more</a></p>',
        "--b",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns;out.protection.cloud.example",
        "",
        f"Final-Recipient: rfc822;{BOB}",
        "Action: failed",
        "Status: 5.1.10",
        "",
        "--b--",
    )
    assert exchange.kind.value == "ndr"
    assert LEARNED.judge(exchange).opinion is not Opinion.BACKSCATTER
