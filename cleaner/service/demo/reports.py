"""The notices of the demo, in the manner of several mail systems, and a fake one."""

from __future__ import annotations

from datetime import datetime
from email.utils import format_datetime

from cleaner.service.demo.letters import DOMAIN, arrival


def report(
    time: datetime, to: str, failed: str, subject: str, text: str, fields: str, original: bytes
) -> bytes:
    domain = failed.rpartition("@")[2]
    host = f"mx.{domain}"
    head = (
        f"{arrival(time, host, '198.51.100.99', to)}"
        f"From: Mail Delivery System <MAILER-DAEMON@{domain}>\n"
        f"To: {to}\n"
        f"Subject: {subject}\n"
        f"Date: {format_datetime(time)}\n"
        f"Message-ID: <notice.{failed.partition('@')[0]}.{int(time.timestamp())}@{host}>\n"
        "Auto-Submitted: auto-replied\n"
        "MIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="next"\n'
        "\n"
        "--next\n"
        "Content-Type: text/plain; charset=us-ascii\n"
        "\n"
        f"{text}\n"
        "--next\n"
        "Content-Type: message/delivery-status\n"
        "\n"
        f"Reporting-MTA: dns; {host}\n"
        "\n"
        f"Final-Recipient: rfc822; {failed}\n"
        f"{fields}"
        "\n"
        "--next\n"
        "Content-Type: message/rfc822\n"
        "\n"
    )
    return head.encode() + original + b"\n--next--\n"


def postfix(time: datetime, to: str, failed: str, original: bytes) -> bytes:
    text = (
        f"This is the mail system at host mx.{failed.rpartition('@')[2]}.\n\n"
        "Your message could not be delivered to one or more recipients.\n\n"
        f"<{failed}>: host mailstore said: 550 5.1.1 User unknown (in reply to RCPT TO command)\n"
    )
    fields = "Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 User unknown\n"
    return report(time, to, failed, "Undelivered Mail Returned to Sender", text, fields, original)


def delayed(time: datetime, to: str, failed: str, original: bytes) -> bytes:
    text = f"Your message to <{failed}> has not been delivered yet. You need not send it again.\n"
    fields = "Action: delayed\nStatus: 4.4.1\nDiagnostic-Code: smtp; 450 4.4.1 Connection timed out\n"
    return report(time, to, failed, "Delayed Mail (still being retried)", text, fields, original)


def exim(time: datetime, to: str, failed: str, original: bytes) -> bytes:
    text = (
        "This message was created automatically by mail delivery software.\n\n"
        "A message that you sent could not be delivered to one of its recipients:\n\n"
        f"  {failed}\n    Unrouteable address\n"
    )
    fields = "Action: failed\nStatus: 5.0.0\n"
    subject = "Mail delivery failed: returning message to sender"
    return report(time, to, failed, subject, text, fields, original)


def away(time: datetime, to: str, who: str, subject: str, answers: str) -> bytes:
    return (
        f"{arrival(time, 'mail.quay.example', '198.51.100.200', to)}"
        f"From: {who}\n"
        f"To: {to}\n"
        f"Subject: Out of office: {subject}\n"
        f"Date: {format_datetime(time)}\n"
        f"Message-ID: <away.{int(time.timestamp())}@quay.example>\n"
        f"In-Reply-To: {answers}\n"
        "Auto-Submitted: auto-replied (vacation)\n"
        "\n"
        "I am at sea until Friday.\n"
    ).encode()


def bare(time: datetime, to: str) -> bytes:
    """A report that returned nothing: nobody can tell whose mail it was."""
    return (
        f"{arrival(time, 'gate.sound.example', '198.51.100.98', to)}"
        "From: postmaster@sound.example\n"
        f"To: {to}\n"
        "Subject: Delivery failure\n"
        f"Date: {format_datetime(time)}\n"
        f"Message-ID: <bare.{int(time.timestamp())}@gate.sound.example>\n"
        "\n"
        "Your message could not be delivered to:\n\n"
        "<karl@sound.example>: 550 5.1.1 unknown user\n"
    ).encode()


def phish(time: datetime, to: str) -> bytes:
    """A fake: it claims to be our own mail system and wants a link clicked."""
    return (
        f"{arrival(time, 'host9.dialup.example', '198.51.100.9', to, 'it@dialup.example')}"
        f"From: Mail Delivery System <MAILER-DAEMON@{DOMAIN}>\n"
        f"To: {to}\n"
        "Subject: 6 undelivered messages are on hold\n"
        f"Date: {format_datetime(time)}\n"
        f"Message-ID: <hold.{int(time.timestamp())}@dialup.example>\n"
        "Content-Type: text/html; charset=utf-8\n"
        "\n"
        "<html><body><p>6 messages to your mailbox could not be delivered because your quota is used up.</p>"
        '<p><a href="http://login.reef-portal.example/?u=ann">Release messages</a></p></body></html>\n'
    ).encode()
