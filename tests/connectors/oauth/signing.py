"""Servers of the configuration that are signed in to at the tests' provider, and people who do."""

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cleaner.config import MailboxSettings, Secret, Server
from cleaner.config.oauth import SignIn
from cleaner.ports import Invitation
from cleaner.values import Policy
from tests.servers.signin import MAIL, SECRET, SignInServer

ANN = MailboxSettings("ann@harbor.example", "cloud", "harbor", Policy())
BEN = MailboxSettings("ben@harbor.example", "cloud", "harbor", Policy())


def server_of(provider: SignInServer, folder: Path, name: str, grant: str, **changes: Any) -> Server:
    """`name` is the provider's in the configuration."""
    (folder / "secret").write_text(changes.pop("secret", SECRET))
    settings: dict[str, Any] = {
        "scope": MAIL,
        "client_id": "cleaner",
        "client_secret": Secret("file:secret", folder),
        "ca_file": provider.ca_file,
    }
    if name == "microsoft":
        settings["authority"] = provider.tenant_url
        if grant == "device":
            settings["client_secret"] = None
    else:
        settings["token_url"] = f"{provider.url}/token"
        settings["device_url"] = f"{provider.url}/device"
        settings["authorize_url"] = f"{provider.url}/authorize"
    return Server("cloud", "imap", oauth=SignIn(name, grant, **{**settings, **changes}))


def person(provider: SignInServer, user: str = ANN.address) -> Callable[[Invitation], None]:
    """Somebody who does what he is asked to, at a browser of his own."""

    def at_browser(invitation: Invitation) -> None:
        if invitation.code:
            provider.allow(invitation.code, user)
        else:
            visit(provider.agree(invitation.url, user))

    return at_browser


def visit(url: str) -> None:
    """The browser comes back while the program waits for it."""
    threading.Thread(target=_open, args=(url,), daemon=True).start()


def _open(url: str) -> None:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:  # noqa: S310 - our own, on this machine
            answer.read()
    except OSError:
        pass
