"""The nouns: a token, and until when it is good."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cleaner.config import Server
from cleaner.config.oauth import SignIn
from cleaner.connectors.oauth.errors import host_of
from cleaner.errors import ServerUnavailableError

USUAL_LIFE: Final = 3600
"""Seconds that a token is good for where nobody says (RFC 6749 section 5.1 only recommends to say it)."""

LONGEST_LIFE: Final = 86_400

EARLY: Final = 300
"""Seconds before its end that a token is renewed, and no more than a fifth of its life."""

LONGEST: Final = 64 * 1024
"""Characters of a token; Microsoft's have a few thousand."""


@dataclass(frozen=True, slots=True)
class Token:
    """An access token."""

    text: str = field(repr=False)
    renew_at: float
    """In seconds since 1970."""
    refresh_token: str = field(default="", repr=False)

    def is_fresh(self) -> bool:
        return time.time() < self.renew_at


def token_of(server: Server, sign_in: SignIn, answer: Mapping[str, Any]) -> Token:
    """The token that an answer holds. Raises ServerUnavailableError for one that cannot be used."""
    text, refresh = str(answer.get("access_token") or ""), str(answer.get("refresh_token") or "")
    if not _is_sound(text) or (refresh and not _is_sound(refresh)):
        where = host_of(sign_in.authority or sign_in.token_url)
        raise ServerUnavailableError(
            f"{server.name}: the sign-in endpoint {where}", "it gives no usable token"
        )
    life = number_in(answer.get("expires_in"), USUAL_LIFE, LONGEST_LIFE)
    return Token(text, time.time() + life - min(EARLY, life / 5), refresh)


def _is_sound(text: str) -> bool:
    """Tokens are visible ASCII (RFC 6749 appendix A.12), and stand in header fields and commands as they are."""
    return 0 < len(text) <= LONGEST and all("!" <= c <= "~" for c in text)


def number_in(value: object, usual: float, most: float) -> float:
    """A number of an answer, some write it as a text; what is none counts as the usual one."""
    try:
        found = float(str(value)[:20])
    except ValueError:
        return usual
    return min(max(found, 0.0), most) if math.isfinite(found) else usual


def client_of(sign_in: SignIn) -> str:
    """Provider and application, whom a grant was made to."""
    return f"{sign_in.authority or sign_in.token_url} {sign_in.client_id}"
