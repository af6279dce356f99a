"""
Enhanced status codes (RFC 3463), and which of several says most.
"""

from __future__ import annotations

import re
from typing import Final

_ENHANCED: Final = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?!\d|\.\d)")
_REPLY: Final = re.compile(r"(?<![\d.])([45]\d\d)(?=[\s\-<:;,]|$)(?!\d)")


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
    """
    The stated code, unless it is missing or generic and a text names one of its class.

    A system that only passes an error on often states 5.0.0 and quotes the true code.
    """
    own = code_in(stated)
    if own is not None and not is_generic(own):
        return own
    for text in texts:
        found = code_in(text)
        if found is not None and (own is None or (found[0] == own[0] and not is_generic(found))):
            return found
    return own
