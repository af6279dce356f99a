"""The exit codes of the contract (DESIGN.md, Commands)."""

from __future__ import annotations

from typing import Final

FAILED: Final = 1
WRONG: Final = 2
"""Wrong usage or configuration."""
PARTLY: Final = 3
"""Partly done, or stopped by the safety limit."""
INTERRUPTED: Final = 130
"""After Ctrl-C, as shells have it: 128 and the signal's number."""
