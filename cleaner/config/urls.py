"""Addresses of the web, taken apart."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit


def parts_of(url: str) -> SplitResult:
    """Its parts; empty ones where `urlsplit` refuses it (`https://[::1`), since then it leads nowhere."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")
