"""
Actions: carrying plans out, and taking them back.

Whether a notice goes to the quarantine, the trash or the review queue, the action is a move; `move.py`
holds it and its inverse, and what completes either after an interruption.
"""

from cleaner.actions.move import perform, settle_open, undo

__all__ = ["perform", "settle_open", "undo"]
