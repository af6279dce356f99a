"""
How much of a message is looked at: every cap of the reader, in one place.

Mail is hostile input. Each cap bounds time or memory for any sequence of bytes; they are far above
what real notices need. A message beyond a cap that says DOUBT is left alone, with the reason in
`Notice.doubt`; beyond the others the rest is simply not read.

The caps on a header block (`MAX_HEADER_BYTES`, `MAX_HEADER_FIELDS`) stand in `cleaner.values.fields`, where
`Headers.parse` applies them.
"""

from __future__ import annotations

from typing import Final

MAX_READ: Final = 2 * 1024 * 1024
"""Bytes of a message; a report stands before the mail that it returns, so the rest is not needed."""

MAX_PARTS: Final = 200
"""MIME parts. DOUBT."""

MAX_DEPTH: Final = 20
"""Levels of MIME parts in each other. DOUBT."""

MAX_TEXT: Final = 64 * 1024
"""Characters of decoded text of a notice, or of a returned original."""

MAX_PART_TEXT: Final = 256 * 1024
"""Bytes of one text part that are decoded and searched for a returned original."""

MAX_HTML: Final = 256 * 1024
"""Bytes of HTML turned into text."""

MAX_LINES: Final = 4_000
"""Lines of a text part in which a returned original or recipients are looked for."""

MAX_FIELD: Final = 32 * 1024
"""Characters of one header field that are parsed for addresses or ids."""

MAX_ENCODED: Final = 4_096
"""Characters of one header field in which encoded words (RFC 2047) are decoded."""

MAX_ADDRESSES: Final = 500
"""Addresses taken from one header field, and recipients of one notice."""

MAX_IDS: Final = 50
"""Message-IDs that one notice says it answers."""

MAX_HOPS: Final = 50
"""Received fields of one mail that are read, counted from the top."""

MAX_RECEIVED: Final = 2_000
"""Characters of one Received field."""

MAX_LINKS: Final = 50
"""Links kept of one notice."""

MAX_ATTACHMENTS: Final = 20
"""Names of attachments kept of one notice."""

MAX_DIAGNOSTIC: Final = 1_000
"""Characters kept of one diagnostic text."""
