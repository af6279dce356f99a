"""
Libraries made silent: at DEBUG they write what they send, and mail and credentials belong in no log.

What is worth saying about a request we say ourselves.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Final


class Nothing(logging.Filter):
    """Lets no record pass, whatever level somebody sets."""

    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002
        return False


_NOTHING: Final = Nothing()


def silence(packages: Collection[str]) -> None:
    """A filter hangs on a logger alone, not on those below it: each module's own gets one."""
    for name in (*packages, *logging.root.manager.loggerDict):
        if any(name == package or name.startswith(f"{package}.") for package in packages):
            logger = logging.getLogger(name)
            if _NOTHING not in logger.filters:
                logger.addFilter(_NOTHING)
