"""Host names as lookups compare them: whose they are, by the public suffix list."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from publicsuffixlist import PublicSuffixList

MAX_NAME: Final = 253
"""RFC 1035 section 2.3.4, as written without the last dot."""

_suffixes: PublicSuffixList | None = None


def host_key(name: str) -> str:
    """The form under which two spellings of one name are equal."""
    return name.lower().rstrip(".")


@lru_cache(maxsize=4096)
def registered_domain(host: str) -> str:
    """The domain that somebody registered; empty for a bare word, an address, or a public suffix itself."""
    global _suffixes
    if _suffixes is None:
        _suffixes = PublicSuffixList()
    host = host_key(host)
    if "." not in host or host.startswith("[") or ":" in host or host.replace(".", "").isdigit():
        return ""
    return _suffixes.privatesuffix(host) or ""


def is_same_site(host: str, other: str) -> bool:
    """Whether two hosts are one, or belong to one registered domain."""
    if not host or not other:
        return False
    return host_key(host) == host_key(other) or (registered_domain(host) == registered_domain(other) != "")
