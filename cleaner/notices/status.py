"""
Enhanced status codes (RFC 3463), and which of several says most.
"""

from __future__ import annotations

import re
from typing import Final

_ENHANCED: Final = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?!\d|\.\d)")
_REPLY: Final = re.compile(
    r"(?<![\w.])(?:4[2357]|5[02357])\d(?=[\s\-<:;,]{1,3}[^\W\d]|[\s\-<:;,]{0,3}$|[ -][245]\.|[<:])"
)
"""A reply code with words behind it: numbers of rooms and telephones stand otherwise."""


def code_in(text: str) -> str | None:
    """The first enhanced code of a text; a specific one before a generic `5.0.0`."""
    found = _ENHANCED.findall(text)
    return next((code for code in found if not is_generic(code)), found[0] if found else None)


def has_code(text: str) -> bool:
    """Whether a text names an enhanced code or an SMTP reply of failure."""
    return bool(_ENHANCED.search(text) or _REPLY.search(text))


def is_generic(code: str) -> bool:
    """`5.0.0` only says that it failed."""
    return code.endswith(".0.0")


def best(stated: str, *texts: str) -> str | None:
    """The code of the field that states it, or else of the first text that names one."""
    return next((found for text in (stated, *texts) if (found := code_in(text)) is not None), None)
