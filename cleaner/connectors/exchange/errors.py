"""What Exchange's protocols have in common where something goes wrong."""

from __future__ import annotations

from typing import Final

from cleaner.errors import ServerUnavailableError

MAX_WORDS: Final = 200
"""Characters of a server's own words that are passed on."""


class ThrottledError(ServerUnavailableError):
    """Whoever asks is to leave the server alone for a while; `told`: so many seconds, None where it does not say."""

    def __init__(self, place: str, seconds: float | None) -> None:
        self.told = seconds
        why = (
            "it wants to be asked less"
            if seconds is None
            else f"it wants to be left alone for {seconds:.0f} s"
        )
        super().__init__(place, why, seconds)


class AwayError(ServerUnavailableError):
    """This mailbox is not to be had now; asking again at once is of no use."""


def shown(text: str) -> str:
    """A server's own words, on one line."""
    plain = "".join(c if c.isprintable() else " " for c in text[: 10 * MAX_WORDS])
    short = " ".join(plain.split())
    return short if len(short) <= MAX_WORDS else f"{short[: MAX_WORDS - 1]}…"
