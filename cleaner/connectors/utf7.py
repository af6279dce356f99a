"""
Folder names that are not ASCII, in modified UTF-7 (RFC 3501 section 5.1.3): over IMAP, and in Maildir++ on disk.
"""

from __future__ import annotations

import base64


def encoded(text: str) -> str:
    """Modified UTF-7; a slash inside cannot come out, since base64 here writes a comma for it."""
    out: list[str] = []
    foreign: list[str] = []

    def flush() -> None:
        if foreign:
            packed = base64.b64encode("".join(foreign).encode("utf-16-be")).decode("ascii")
            out.append(f"&{packed.rstrip('=').replace('/', ',')}-")
            foreign.clear()

    for character in text:
        if " " <= character <= "~":
            flush()
            out.append("&-" if character == "&" else character)
        else:
            foreign.append(character)
    flush()
    return "".join(out)


def decoded(text: str) -> str:
    """Undoes `encoded`; what is not valid modified UTF-7 (a name in plain UTF-8) is taken as it stands."""
    out: list[str] = []
    rest = text
    while rest:
        plain, ampersand, rest = rest.partition("&")
        out.append(plain)
        if not ampersand:
            break
        packed, minus, rest = rest.partition("-")
        if not minus:
            return text
        if not packed:
            out.append("&")
            continue
        try:
            padded = packed.replace(",", "/") + "=" * (-len(packed) % 4)
            out.append(base64.b64decode(padded, validate=True).decode("utf-16-be"))
        except ValueError:
            return text
    return "".join(out)
