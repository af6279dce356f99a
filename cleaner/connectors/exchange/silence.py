"""Libraries that log what they send: mail and credentials belong in no log, whatever level somebody sets."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Final


class Nothing(logging.Filter):
    """Lets no record pass."""

    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002
        return False


_NOTHING: Final = Nothing()


def silence(packages: Collection[str]) -> None:
    """A filter hangs on a logger alone, not on those below it: each module's own gets one."""
    for name in (*packages, *logging.root.manager.loggerDict):
        if name.partition(".")[0] in packages:
            logger = logging.getLogger(name)
            if _NOTHING not in logger.filters:
                logger.addFilter(_NOTHING)
