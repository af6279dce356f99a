"""
exchangelib, imported late and made silent.

At DEBUG it writes the Authorization header of every request, requests-oauthlib the client's secret, and at ERROR
exchangelib writes the XML of a request: mail and credentials belong in no log. What is worth saying about a request
we say ourselves.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

from cleaner.connectors import silence as quiet
from cleaner.errors import AskPersonError

SILENT: Final = ("exchangelib", "requests_oauthlib", "oauthlib", "requests_ntlm", "spnego", "cached_property")
"""Packages that log what they send."""


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
    quiet.silence(SILENT)
