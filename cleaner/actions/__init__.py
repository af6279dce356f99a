"""
Actions: carrying plans out, and taking them back.

Whether a notice goes to the quarantine, the trash or the review queue, the action is a move: `move.py` holds
it and its inverse, `interrupted.py` what completes either, `expire.py` what ends the time in the quarantine.
"""

from cleaner.actions.expire import expiries, expiring, follow
from cleaner.actions.interrupted import settle_open
from cleaner.actions.move import perform, returned, undo
from cleaner.actions.whereabouts import Whereabouts

__all__ = [
    "Whereabouts",
    "expiries",
    "expiring",
    "follow",
    "perform",
    "returned",
    "settle_open",
    "undo",
]
