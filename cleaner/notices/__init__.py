"""
Reading notices: from a message to what it says (Message → Notice).

Pure: no network, no database, no clock. `read` never raises, whatever the bytes; what is no notice,
or cannot be read within the limits of `limits.py`, is NOT_A_BOUNCE.
"""

from __future__ import annotations

from cleaner.notices.formats import FORMATS, Format
from cleaner.notices.identity import fingerprint
from cleaner.notices.reading import read
from cleaner.notices.sent import arrived, outgoing
from cleaner.notices.shortlist import is_likely

__all__ = ["FORMATS", "Format", "arrived", "fingerprint", "is_likely", "outgoing", "read"]
