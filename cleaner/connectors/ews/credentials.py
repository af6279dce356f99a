"""Who signs in, as the library wants it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from exchangelib import Credentials, OAuth2Credentials

from cleaner.config import Server


class TokenCredentials(OAuth2Credentials):  # type: ignore[misc]
    """Client credentials of an authority of one's own (AD FS), or of Microsoft's."""

    def __init__(self, token_url: str, scope: str, **given: Any) -> None:
        self._token_url = token_url
        self._scope = scope
        super().__init__(**given)

    @property
    def token_url(self) -> str:
        return self._token_url

    @property
    def scope(self) -> list[str]:
        return self._scope.split()


def credentials(server: Server, url: str, user: str, secret: str) -> Any:
    if server.auth != "oauth2":
        return Credentials(user, secret)
    parts = urlsplit(url)
    scope = server.scope or f"{parts.scheme}://{parts.netloc}/.default"
    return TokenCredentials(
        server.token_url or "", scope, client_id=user, client_secret=secret, tenant_id=None
    )
