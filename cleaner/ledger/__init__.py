"""
The ledger: transport logs, read for the mail that they tell of.

For mail that leaves no copy in a Sent folder. A room beside the connectors: it reads what other programs write, from
files, and knows neither mailboxes nor the store. Read as a stream, in bounded memory; nothing of a log is kept.
"""

from __future__ import annotations

from cleaner.ledger.exchange import ExchangeLog
from cleaner.ledger.files import LogFile, UnreadableLogError
from cleaner.ledger.mail import LoggedMail, Place
from cleaner.ledger.transport import TransportLog

__all__ = ["ExchangeLog", "LogFile", "LoggedMail", "Place", "TransportLog", "UnreadableLogError"]
