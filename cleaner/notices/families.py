"""
Which mail system wrote a report, as its own words and header fields tell.

Names the `family` of a notice; nothing is decided by it.
"""

from __future__ import annotations

from typing import Final

from cleaner.notices.sheet import Sheet

_BY_TEXT: Final = (
    ("this is the mail system at host", "postfix"),
    ("this is the postfix program at host", "postfix"),
    ("dies ist das mailsystem", "postfix"),
    ("this message was created automatically by mail delivery software", "exim"),
    ("transcript of session follows", "sendmail"),
    ("this is the qmail-send program", "qmail"),
    ("this is the mailer-daemon, please do not reply", "opensmtpd"),
    ("this is the dragonfly mail agent", "dma"),
    ("haraka", "haraka"),
)


def family(sheet: Sheet) -> str:
    """The mail system's name, or empty."""
    return next((name for phrase, name in _BY_TEXT if phrase in sheet.folded), "")
