"""
Reports of systems that nobody listed, read from their structure alone.

A mail system (empty envelope sender, daemon as author) that sends back a mail of the addressee, or
names addresses and reply codes, reports a failure, in whatever language. Recipients are the
addresses that the report names beside those of the correspondence itself; those that the returned
original was addressed to come first.
"""

from __future__ import annotations

from typing import Final

from cleaner.notices.sheet import Finding, Sheet
from cleaner.values import Recipient

FAMILY: Final = ""


def read(sheet: Sheet) -> Finding | None:
    return None


def recipients(sheet: Sheet) -> tuple[Recipient, ...]:
    return ()
