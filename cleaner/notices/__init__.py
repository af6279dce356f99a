"""
Reading notices: from a message to what it says (Message → Notice).

Pure: no network, no database, no clock. `read` never raises, whatever the bytes; what is no notice,
or cannot be read within the limits of `limits.py`, is NOT_A_BOUNCE.
"""

from __future__ import annotations

from cleaner.notices.aggregate import AggregateReport, attached_report, may_be_aggregate
from cleaner.notices.fields import addresses_in
from cleaner.notices.formats import FORMATS, Format
from cleaner.notices.identity import FIELDS as FINGERPRINT_FIELDS
from cleaner.notices.identity import fingerprint
from cleaner.notices.reading import read
from cleaner.notices.sent import FIELDS as SENT_FIELDS
from cleaner.notices.sent import arrived, lacks_date, outgoing
from cleaner.notices.shortlist import FIELDS as SHORTLIST_FIELDS
from cleaner.notices.shortlist import is_likely
from cleaner.notices.trace import hops

__all__ = [
    "FINGERPRINT_FIELDS",
    "FORMATS",
    "SENT_FIELDS",
    "SHORTLIST_FIELDS",
    "AggregateReport",
    "Format",
    "addresses_in",
    "arrived",
    "attached_report",
    "fingerprint",
    "hops",
    "is_likely",
    "lacks_date",
    "may_be_aggregate",
    "outgoing",
    "read",
]
