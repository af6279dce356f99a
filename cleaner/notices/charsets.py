"""
Bytes to text, whatever the label says.

Notices lie about their charset: UTF-8 under `us-ascii`, unlabelled ISO-2022-JP, Shift_JIS, KOI8-R and
GB2312 are all sighted. The label is tried first, then UTF-8, then what charset-normalizer
finds in a small piece. Never fails; what cannot be decoded becomes U+FFFD.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache
from typing import Final

_GUESSED: Final = 2_048
"""Bytes that charset-normalizer looks at: it takes milliseconds for each ten kilobytes."""

_HIGH: Final = re.compile(rb"[\x80-\xff]")
_HIGH_TWICE: Final = re.compile(rb"[\x80-\xff]{2}")
_FEW: Final = 40
"""
Single bytes outside ASCII, here and there, that are of a Western European language, or of nothing.

There charset-normalizer guesses at random (`señor` in Urdu), and it costs a millisecond.
"""

_NO_CHARSET: Final = frozenset(
    {"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"}
)
"""Python codecs that are no charset of mail, and slow or failing on foreign bytes."""

_ALIASES: Final = {
    "ansi-x3.110-1983": "latin-1",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "iso-8859-1": "cp1252",
    "ks-c-5601-1987": "cp949",
    "euc-kr": "cp949",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "unicode-1-1-utf-7": "utf-7",
    "windows-874": "cp874",
    "iso-8859-8-i": "iso-8859-8",
    "utf8": "utf-8",
    "utf-8": "utf-8",
    "us-ascii": "ascii",
    "ascii": "ascii",
}


@lru_cache(maxsize=256)
def _codec(label: str) -> str | None:
    name = label.strip().strip("\"'").lower().replace("_", "-")[:60]
    name = _ALIASES.get(name, name)
    if not name or name in _NO_CHARSET:
        return None
    try:
        info = codecs.lookup(name)
    except (LookupError, ValueError):
        return None
    return info.name if info._is_text_encoding else None


def decode(raw: bytes, label: str = "") -> str:
    """The text of those bytes."""
    if raw.isascii() and b"\x1b" not in raw and "7" not in label:
        return raw.decode("ascii")
    codec = _codec(label) if label else None
    if b"\x1b$" in raw or b"\x1b(" in raw:
        codec = codec if codec and codec.startswith("iso2022") else "iso2022_jp_ext"
    for name in (codec, "utf-8"):
        if name:
            try:
                return raw.decode(name)
            except (UnicodeError, ValueError):
                continue
    if codec and codec != "ascii" and not codec.startswith("utf"):
        text = raw.decode(codec, "replace")
        if text.count("\ufffd") * 50 <= len(text):
            return text
    return raw.decode(_guess(raw), "replace")


def _guess(raw: bytes) -> str:
    sample = raw[:_GUESSED]
    if sample.isascii():
        first = _HIGH.search(raw)
        start = first.start() if first else 0
        sample = raw[max(0, start - 512) : start + _GUESSED - 512]
    if len(_HIGH.findall(sample)) <= _FEW and not _HIGH_TWICE.search(sample):
        return "cp1252"
    from charset_normalizer import from_bytes  # imported late: 30 ms, and few notices need it

    best = from_bytes(sample, steps=2, chunk_size=512, preemptive_behaviour=False).best()
    return best.encoding if best is not None else "cp1252"
