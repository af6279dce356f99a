"""
Which notices are alike: so that one look settles many, and so that none of them is counted as proof by itself.

Two notices of one kind about mails with the same subject are alike, whoever reports: one mailing to fifty
servers, or one forged campaign through five hundred, is one event, and to count its notices one by one
would promise more than was seen. Where nothing tells which mail it was about, the reporting site stands in: its
notices are written by one template. Numbers and addresses do not count, for tickets and dates change.

The text says only kind, site and subject; whoever keeps it keeps a keyed hash of it.
"""

from __future__ import annotations

from typing import Final

from cleaner.evidence.ours import registered_domain
from cleaner.values import Notice, subject_key

MAX_WORDS: Final = 40


def likeness(notice: Notice) -> str:
    """Equal for like notices."""
    mail = masked(notice.returned.subject or notice.quoted_subject or "")
    if any(map(str.isalpha, mail)):
        return f"{notice.kind.value}\nabout\n{mail}"
    host = notice.reporter.lower().rstrip(".")
    return f"{notice.kind.value}\nfrom\n{registered_domain(host) or host}\n{masked(notice.subject)}"


def masked(subject: str) -> str:
    """A subject in comparable form, without what changes from one mail to the next."""
    return " ".join(map(_masked_word, subject_key(subject).split()[:MAX_WORDS]))


def _masked_word(word: str) -> str:
    if "@" in word:
        return "@"
    return "0" if any(map(str.isdigit, word)) else word
