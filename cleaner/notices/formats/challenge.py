"""
Challenges: the sender is asked to prove that he is a person before his mail is delivered.

Sighted: TMDA, BoxTrapper, Spamarrest and filters of providers. Automatic answers (RFC 3834) in form; what tells
them apart is that they say the mail is held, and ask for a confirmation.
"""

from __future__ import annotations

from typing import Final

from cleaner.notices import words
from cleaner.notices.sheet import Finding, Sheet
from cleaner.values import Kind

FAMILY: Final = "challenge"
_PROGRAMS: Final = {"x-boxtrapper": "boxtrapper", "x-tmda-fingerprint": "tmda", "x-spamarrest": "spamarrest"}
_HELD: Final = (
    "being held",
    "has been held",
    "is held",
    "waiting in",
    "is waiting",
    "holding queue",
    "guest list",
    "approved sender",
    "has not been verified",
    "until you confirm",
    "zurückgehalten",
    "retenu",
    "en attente",
    "retenido",
    "in attesa",
    "aguarda",
    "задержано",
    "保留",
)


def read(sheet: Sheet) -> Finding | None:
    if sheet.part_of_type("message/delivery-status") is not None or sheet.is_of_a_list:
        return None
    for name, family in _PROGRAMS.items():
        if name in sheet.headers:
            return Finding(Kind.CHALLENGE, family)
    answering = sheet.is_automatic and (bool(sheet.answers) or sheet.auto_submitted == "auto-replied")
    answering = answering or (sheet.has_null_sender and sheet.auto_submitted != "auto-generated")
    titled = words.said(words.CHALLENGE, sheet.title)
    held = words.said(_HELD, sheet.folded)
    asked = words.said(words.CHALLENGE, sheet.folded)
    if answering and not sheet.has_daemon_sender and held and (titled or asked):
        return Finding(
            Kind.CHALLENGE, "tmda" if "tmda" in sheet.headers.text("x-delivery-agent").lower() else FAMILY
        )
    return None
