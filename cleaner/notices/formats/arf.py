"""
Feedback reports: somebody complained about a mail, or it failed DMARC.

Source: RFC 5965 (ARF), RFC 6591 (authentication failure). Recognised so that they are left alone.
"""

from __future__ import annotations

from typing import Final

from cleaner.notices.sheet import Finding, Sheet
from cleaner.values import Headers, Kind

FAMILY: Final = "arf"
_JMRP: Final = "complaint about message from"
"""Microsoft's Junk Mail Reporting Program sends the complained-about mail under this subject."""


def read(sheet: Sheet) -> Finding | None:
    part = sheet.part_of_type("message/feedback-report")
    if part is None and sheet.title.startswith(_JMRP) and sheet.part_of_type("message/rfc822") is not None:
        return Finding(Kind.ARF, "jmrp")
    if part is None and sheet.report_type != "feedback-report":
        return None
    reporter = Headers.parse(part.payload).text("reporting-mta").rpartition(";")[2] if part else ""
    return Finding(Kind.ARF, FAMILY, reporter=reporter.strip())
