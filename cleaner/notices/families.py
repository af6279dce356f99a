"""
Which mail system wrote a report, as its own words and header fields tell.

Names the `family` of a notice; nothing is decided by it.
"""

from __future__ import annotations

from typing import Final

from cleaner.notices.sheet import Sheet

_BY_FIELD: Final = (
    ("x-zonemta-queue-id", "zonemta"),
    ("x-powermta-virtualmta", "powermta"),
    ("x-postfix-queue-id", "postfix"),
    ("x-amz-sns-message-id", "amazon-ses"),
    ("x-ses-outgoing", "amazon-ses"),
    ("x-ms-exchange-message-is-ndr", "exchange"),
    ("x-ms-exchange-generated-message-source", "exchange"),
    ("x-exim-dsn-information", "exim"),
)
"""A field that the system writes into its notices, or into their delivery status."""

_BY_SENDER: Final = (
    ("microsoftexchange", "exchange"),
    ("mdaemon@", "mdaemon"),
    ("@googlemail.com", "gmail"),
    ("@google.com", "gmail"),
    ("@yahoo", "yahoo"),
    ("@aol.com", "aol"),
    ("@qq.com", "qq"),
    ("@163.com", "coremail"),
    ("@yandex", "yandex"),
    ("@mail.ru", "mail.ru"),
    ("@corp.mail.ru", "mail.ru"),
    ("@gmx.", "gmx"),
    ("@ezweb.ne.jp", "ezweb"),
    ("@docomo.ne.jp", "docomo"),
    ("@zoho", "zoho"),
    ("@mailgun.", "mailgun"),
    ("amazonses.com", "amazon-ses"),
    ("@sendgrid.", "sendgrid"),
    ("mail sieve subsystem", "cyrus"),
    ("courier mail server", "courier"),
)

_BY_TEXT: Final = (
    ("this is the mail system at host", "postfix"),
    ("this is the postfix program at host", "postfix"),
    ("dies ist das mailsystem", "postfix"),
    ("this message was created automatically by mail delivery software", "exim"),
    ("transcript of session follows", "sendmail"),
    ("had permanent fatal errors", "sendmail"),
    ("this is the qmail-send program", "qmail"),
    ("this is the nullmailer program", "nullmailer"),
    ("this is the mailer-daemon, please do not reply", "opensmtpd"),
    ("this is the dragonfly mail agent", "dma"),
    ("running the courier mail server", "courier"),
    ("not listed in domino directory", "domino"),
    ("the mts-id of the original message", "exchange"),
    ("sent by microsoft exchange", "exchange"),
    ("generating server:", "exchange"),
    ("communigate pro", "communigate"),
    ("message from interscan", "interscan"),
    ("this is an automatically generated delivery status notification", "microsoft-smtp"),
    ("hmailserver", "hmailserver"),
    ("mailenable", "mailenable"),
    ("coremail", "coremail"),
    ("barracuda", "barracuda"),
    ("mimecast", "mimecast"),
    ("proofpoint", "proofpoint"),
    ("messagelabs", "messagelabs"),
    ("haraka", "haraka"),
)


def family(sheet: Sheet) -> str:
    """The mail system's name, or empty."""
    report = sheet.part_of_type("message/delivery-status", "message/global-delivery-status")
    stated = report.payload[:4_000].lower() if report is not None else b""
    marked = next(
        (name for field, name in _BY_FIELD if field in sheet.headers or field.encode() + b":" in stated), ""
    )
    if marked:
        return marked
    speaker = f"{sheet.sender_name} {sheet.sender.lower()}"
    for told, table in ((speaker, _BY_SENDER), (sheet.folded, _BY_TEXT)):
        for phrase, name in table:
            if phrase in told:
                return name
    return ""
