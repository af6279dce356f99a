"""What a person must be told at once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Alert:
    """
    Something that somebody should look at now.

    Two with the same kind, address and occasion are one: it is told once, and again only after a while.
    """

    kind: str
    """A word for programs: `compromised-account` …"""
    about: str
    """The mailbox or server it is about."""
    text: str
    """A sentence for a person: what was seen. No subject, no body, no secret."""
    occasion: str = ""
    """What tells it from others of its kind: a day, a run."""

    @property
    def key(self) -> str:
        return "\n".join((self.kind, self.about, self.occasion))
