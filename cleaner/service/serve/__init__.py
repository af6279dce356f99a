"""
The service: what `serve` runs.

The tick asks the store's schedule which mailboxes are due and claims them; their turns flow to the workers,
each does the work of one mailbox, and what came of it flows back into the schedule as the next turn.

    following.py  who is in the schedule: it follows consents and settings
    timing.py     when a mailbox's next turn is
    shares.py     which due mailboxes get the free workers
    service.py    the tick, the workers, beginning and end

    at_work.py    which mailboxes a process is at work on, and who is told of them
    carrying.py   one mailbox's turn carried out, in whatever process, and its next place
    work.py       what a turn is: looking for new mail, scanning, retention, digest
    waking.py     waiting where new mail is told of

    upkeep.py     jobs for the installation as a whole
    alarming.py   what people are alarmed of
    telling.py    telling them
    notify.py     what systemd is told
"""

from __future__ import annotations

from cleaner.service.serve.at_work import Observer
from cleaner.service.serve.service import Health, Service
from cleaner.service.serve.serving import Serving

__all__ = ["Health", "Observer", "Service", "Serving"]
