"""
The service: what `serve` runs.

The tick asks the store's schedule which mailboxes are due and claims them; their turns flow to the workers,
each does the work of one mailbox, and what came of it flows back into the schedule as the next turn.

    timing.py    when a mailbox's next turn is
    shares.py    which due mailboxes get the free workers
    work.py      one mailbox's turn: looking for new mail, scanning, retention, digest
    waking.py    waiting where new mail is told of
    alarming.py  what people are alarmed of
    service.py   the tick, the workers, beginning and end
    notify.py    what systemd is told
"""

from __future__ import annotations

from cleaner.service.serve.service import Health, Observer, Service

__all__ = ["Health", "Observer", "Service"]
