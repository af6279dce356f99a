"""
exchangelib, imported late and made silent.

At DEBUG it writes the Authorization header of every request, requests-oauthlib the client's secret, and at ERROR
exchangelib writes the XML of a request: mail and credentials belong in no log. What is worth saying about a request
we say ourselves.
"""

from __future__ import annotations

import logging
from importlib import import_module
from typing import Final

from cleaner.errors import AskPersonError

SILENT: Final = ("exchangelib", "requests_oauthlib", "oauthlib", "requests_ntlm", "spnego", "cached_property")
"""Packages that log what they send."""


class Nothing(logging.Filter):
    """Lets no record pass, whatever level somebody sets."""

    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002
        return False


_NOTHING: Final = Nothing()


def require(address: str) -> None:
    """Raises AskPersonError where exchangelib is not installed."""
    try:
        import_module("exchangelib")
    except ModuleNotFoundError as error:
        raise AskPersonError(
            f"{address}: for Exchange the package {error.name} is missing; run: "
            "pip install 'bounce-cleaner[ews]'"
        ) from None
    silence()


def silence() -> None:
    """A filter hangs on a logger alone, not on those below it: each module's own gets one."""
    for name in (*SILENT, *logging.root.manager.loggerDict):
        if name.partition(".")[0] in SILENT:
            logger = logging.getLogger(name)
            if _NOTHING not in logger.filters:
                logger.addFilter(_NOTHING)
