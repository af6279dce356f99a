"""What must be installed for signing in: extras, by provider."""

from __future__ import annotations

from importlib.util import find_spec

from cleaner.config import Server
from cleaner.config.oauth import SERVICE_ACCOUNT
from cleaner.errors import AskPersonError


def require(server: Server) -> None:
    """Raises AskPersonError where the provider's library is not installed."""
    packages, extra = _needed(server)
    lacking = next((package for package in packages if find_spec(package) is None), None)
    if lacking is not None:
        raise AskPersonError(
            f"{server.name}: for signing in the package {lacking} is missing; run: "
            f"pip install 'bounce-cleaner[{extra}]'"
        )


def _needed(server: Server) -> tuple[tuple[str, ...], str]:
    sign_in = server.oauth
    match sign_in.provider if sign_in is not None else "":
        case "microsoft":
            return ("requests", "msal"), "graph" if server.connector == "graph" else "microsoft"
        case "google" if sign_in is not None and sign_in.grant == SERVICE_ACCOUNT:
            # A part of the namespace `google`, which others install, too.
            return ("requests", *(("google",) if find_spec("google") is None else ("google.auth",))), "google"
        case "google":
            return ("requests", "oauthlib"), "google"
        case _:
            return ("requests", "oauthlib"), "oauth"
