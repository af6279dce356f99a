"""
A small organisation, its mail and notices about it, as the tests of judging handle them.

Harbor sends by `mx1.harbor.example` [192.0.2.10], its people work from 203.0.113.0/24, and its mail leaves
signed. Bob at `far.example` is somebody else, and so is whoever sits at 198.51.100.66.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_network

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from cleaner import classifier, evidence, notices
from cleaner.lookups import KnownHosts, RecordedDns
from cleaner.lookups.recorded import Records
from cleaner.pipeline import look_up
from cleaner.ports import Sources, Teachings
from cleaner.store import Store
from cleaner.values import (
    Arrival,
    DkimKey,
    Known,
    Message,
    Notice,
    Organisation,
    OutgoingMail,
    OutsideSender,
    Owner,
    Verdict,
)

ANN = "ann@harbor.example"
BOB = "bob@far.example"
SENT_AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
OWN_ID = "<a1.20261102@mail.harbor.example>"

_PRIVATE = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = _PRIVATE.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
)
_PUBLIC = base64.b64encode(
    _PRIVATE.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
).decode()

HARBOR = Organisation(
    name="harbor",
    domains=frozenset({"harbor.example"}),
    relay_names=frozenset({"mx1.harbor.example"}),
    relay_networks=(ip_network("192.0.2.10/32"),),
    client_networks=(ip_network("203.0.113.0/24"),),
    authserv_ids=frozenset({"mx1.harbor.example"}),
    dkim_keys=(DkimKey("harbor.example", "s1", f"v=DKIM1; k=rsa; p={_PUBLIC}"),),
)
NOBODY = Organisation("nobody", domains=frozenset({"harbor.example"}))
"""An organisation of which nothing but its domain is configured."""

# --- trace lines ---------------------------------------------------------------------------------

_STAMP = format_datetime(SENT_AT + timedelta(minutes=1))
BY_RELAY = (
    "from desk.harbor.example (desk.harbor.example [203.0.113.7]) by mx1.harbor.example (Postfix) "
    f"with ESMTPSA id 11AA for <{BOB}>; {_STAMP}"
)
"""What our relay wrote when Ann handed her mail in."""


def taken_in(
    peer: str, ip: str, *, helo: str | None = None, by: str = "mx.far.example", to: str = BOB
) -> str:
    """What a server writes that takes a mail in; `peer` is the looked-up name, `unknown` if there is none."""
    return f"from {helo or peer} ({peer} [{ip}]) by {by} (Postfix) with ESMTP id 22BB for <{to}>; {_STAMP}"


FROM_RELAY = taken_in("mx1.harbor.example", "192.0.2.10")
FROM_STRANGER = taken_in("unknown", "198.51.100.66", helo="pc-66.example")
FROM_STRANGE_SERVER = taken_in("mail.elsewhere.example", "198.51.100.66")


# --- mail ----------------------------------------------------------------------------------------


def mail(
    *received: str,
    message_id: str = OWN_ID,
    to: str = BOB,
    author: str = ANN,
    subject: str = "Offer for the quay",
    date: datetime = SENT_AT,
    fields: Sequence[str] = (),
) -> bytes:
    """A mail with its trace, the latest line first."""
    lines = [
        *(f"Received: {line}" for line in received),
        *fields,
        f"From: Ann <{author}>",
        f"To: {to}",
        f"Subject: {subject}",
        f"Date: {format_datetime(date)}",
        f"Message-ID: {message_id}",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "",
        "Dear Bob, the offer is attached.",
        "",
    ]
    return "\r\n".join(lines).encode()


def signed(original: bytes) -> bytes:
    """The mail with our signature over From, To, Subject, Date and Message-ID."""
    names = [b"from", b"to", b"subject", b"date", b"message-id"]
    field: bytes = dkim.sign(
        original,
        b"s1",
        b"harbor.example",
        PEM,
        canonicalize=(b"relaxed", b"relaxed"),
        include_headers=names,
    )
    return field + original


def proven_reports(
    *,
    machine: tuple[str, str] = ("mx1.harbor.example", "192.0.2.10"),
    count: int = 24,
    sites: int = 4,
    days: int = 12,
) -> tuple[Notice, ...]:
    """Reports of several sites about signed mails of Ann's, all handed over by one machine, over some days."""
    found = []
    for number in range(count):
        host = f"mx.site{number % sites}.example"
        to = f"p{number}@site{number % sites}.example"
        when = SENT_AT - timedelta(days=1 + number % days)
        line = taken_in(*machine, by=host, to=to)
        original = signed(mail(message_id=f"<p{number}@mail.harbor.example>", to=to, date=when))
        trace = f"Received: {line}\r\n".encode()
        found.append(report(trace + original, failed=to, reporter=host, received=when + timedelta(minutes=5)))
    return tuple(found)


def report(
    original: bytes,
    *,
    failed: str = BOB,
    originally: str | None = None,
    reporter: str = "mx.far.example",
    handed_in: str = "",
    received: datetime = SENT_AT + timedelta(minutes=5),
    whole: bool = True,
    rebuilt: bool = False,
    fields: Sequence[str] = (),
    to: str = ANN,
) -> Notice:
    """A delivery report (RFC 3464) that returns this mail, read."""
    returned = original if whole else original.partition(b"\r\n\r\n")[0] + b"\r\n"
    before = f"Original-Recipient: rfc822; {originally}\r\n" if originally else ""
    stamp = format_datetime(received)
    source = handed_in or f"{reporter} ({reporter} [198.51.100.9])"
    head = "\r\n".join(
        (
            "Return-Path: <>",
            f"Received: from {source} by mx1.harbor.example (Postfix) with ESMTP id 33CC for <{ANN}>; {stamp}",
            *fields,
            f"From: Mail Delivery System <MAILER-DAEMON@{reporter}>",
            f"To: {to}",
            "Subject: Undelivered Mail Returned to Sender",
            f"Date: {stamp}",
            f"Message-ID: <report.1@{reporter}>",
            "Auto-Submitted: auto-replied",
            "MIME-Version: 1.0",
            'Content-Type: multipart/report; report-type=delivery-status; boundary="==b=="',
        )
    )
    status = (
        f"Reporting-MTA: dns; {reporter}\r\n\r\n{before}Final-Recipient: rfc822; {failed}\r\n"
        "Action: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 unknown user\r\n"
    )
    parts = (
        ("text/plain; charset=us-ascii", f"<{failed}>: unknown user\r\n".encode()),
        ("message/delivery-status", status.encode()),
        ("message/rfc822" if whole else "text/rfc822-headers", returned),
    )
    body = b"".join(
        f"--==b==\r\nContent-Type: {kind}\r\n\r\n".encode() + content + b"\r\n" for kind, content in parts
    )
    raw = head.encode() + b"\r\n\r\n" + body + b"--==b==--\r\n"
    return notices.read(Message("INBOX", "1", raw, rebuilt=rebuilt))


# --- what is known -------------------------------------------------------------------------------


CLOSED: Records = {
    "harbor.example": ["v=spf1 ip4:192.0.2.10 ip4:203.0.113.0/24 -all"],
    "_dmarc.harbor.example": ["v=DMARC1; p=reject"],
}
"""What Harbor publishes: nobody else may send for it."""
OPEN: Records = {"harbor.example": ["v=spf1 ip4:192.0.2.10 ip4:203.0.113.0/24 ~all"]}
"""A policy that asks nobody for anything."""


@dataclass(frozen=True)
class Desk:
    """What Ann's organisation and her Sent folder know."""

    organisation: Organisation = HARBOR
    sent: tuple[OutgoingMail, ...] = ()
    arrivals: tuple[Arrival, ...] = ()
    among: tuple[Notice, ...] = ()
    """Other notices in her mailbox: those that are proven teach how her mail leaves."""
    dns: Records | None = field(default_factory=lambda: CLOSED)
    """What name servers answer; None: nobody answers."""
    may_ask: bool = True
    """Whether the configuration lets them be asked."""
    outside: tuple[OutsideSender, ...] = ()
    teachings: Teachings | None = None

    def known(self, notice: Notice) -> Known:
        mailbox = (*self.among, notice)
        with Store.open("sqlite://", b"k" * 32) as store:
            record = store.sent_record(ANN)
            record.add("Sent", self.sent, None)
            owner = Owner(ANN, frozenset({ANN}))
            dns = RecordedDns(self.dns) if self.may_ask else None
            hosts = KnownHosts(dns, strangers=dns, may_ask=self.may_ask)
            sources = Sources(hosts=hosts, teachings=self.teachings)
            known = look_up(
                mailbox,
                self.organisation,
                owner,
                record,
                self.arrivals,
                notice.received or SENT_AT,
                replace(sources, outside_senders=self.outside),
            )
        lessons = (evidence.lesson(one, known, evidence.gather_first(one, known)) for one in mailbox)
        return replace(known, habits=evidence.learn(lessons))

    def judge(self, notice: Notice) -> Verdict:
        return classifier.judge(notice, evidence.gather(notice, self.known(notice)))

    def rules(self, notice: Notice) -> frozenset[str]:
        return frozenset(found.rule for found in self.judge(notice).evidence)


def sent_mail(
    number: int = 0,
    *,
    message_id: str | None = None,
    to: Sequence[str] = (BOB,),
    time: datetime = SENT_AT,
    subject: str = "Offer for the quay",
) -> OutgoingMail:
    return OutgoingMail(message_id or f"<{number}@mail.harbor.example>", time, tuple(to), subject)


OTHER_MAIL = tuple(
    sent_mail(
        number,
        to=(f"friend{number % 5}@near.example",),
        time=SENT_AT - timedelta(days=20) + timedelta(hours=12 * number),
        subject=f"News {number}",
    )
    for number in range(60)
)
"""A record that reaches from three weeks before to a week after, without the mail to Bob."""

EMPTY = Desk()
FULL = Desk(sent=OTHER_MAIL)
WITH_IT = Desk(sent=(*OTHER_MAIL, sent_mail(message_id=OWN_ID)))
