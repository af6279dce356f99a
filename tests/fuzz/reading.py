"""
Coverage-guided fuzzing of reading: no bytes make it raise, hang, grow or say what cannot be.

`.ci/nightly` runs it for ten minutes. By hand, with what `pip install --group fuzz` brings:

    python tests/fuzz/reading.py FOUND tests/samples -max_len=20000 -timeout=5 -rss_limit_mb=600 -max_total_time=1800

FOUND is a folder of one's own: what reaches new code is collected there. A crash leaves the message in a
file `crash-…`; it becomes a row in `tests/notices/test_hostile.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
with atheris.instrument_imports(include=["cleaner"]):
    from cleaner import notices
    from cleaner.notices import limits
    from cleaner.values import Completeness, Kind, Message, Notice


def check(notice: Notice) -> None:
    """What holds for every notice."""
    assert notice.kind is Kind.NOT_A_BOUNCE or notices.is_likely(notice.headers)
    assert len(notice.recipients) <= limits.MAX_ADDRESSES
    assert len(notice.text) <= limits.MAX_TEXT + limits.MAX_PARTS
    assert (notice.returned.completeness is Completeness.NONE) == (not notice.returned.raw)
    assert not any("\n" in found.address for found in notice.recipients)


def one_message(raw: bytes) -> None:
    for rebuilt in (False, True):
        check(notices.read(Message("INBOX", "1", raw, rebuilt=rebuilt)))


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_message)
    atheris.Fuzz()
