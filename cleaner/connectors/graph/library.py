"""
The HTTP library and Microsoft's for signing in, imported late and made silent.

At DEBUG the one writes the header fields of every answer, and the address of every request with the mailbox and the
state of its folders in it; the other writes what it sends to sign in.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

from cleaner.connectors import silence as quiet
from cleaner.errors import AskPersonError

NEEDED: Final = ("httpx2", "msal")
SILENT: Final = ("httpx2", "httpcore2", "msal", "urllib3", "requests")


def require(address: str) -> None:
    """Raises AskPersonError where one of the libraries is not installed."""
    for name in NEEDED:
        try:
            import_module(name)
        except ModuleNotFoundError as error:
            raise AskPersonError(
                f"{address}: for Microsoft 365 the package {error.name} is missing; run: "
                "pip install 'bounce-cleaner[graph]'"
            ) from None
    silence()


def silence() -> None:
    quiet.silence(SILENT)
