"""
The service on many machines, over one PostgreSQL: what `serve` and `worker` run there.

    scheduler.py  one process of all: puts what is due into the queue (procrastinate)
    sweeping.py   jobs of workers that are no more, and what came of their turns
    worker.py     takes jobs out of the queue and carries the turns out, as `serve` does on one machine
    batching.py   what its threads ask of the store, asked together
    together.py   a process, which is a scheduler, a worker or both

What a turn is, and when the next one comes, is told in `cleaner.service.serve`; what is written down, in
`cleaner.store.fleet`.
"""

from __future__ import annotations

from cleaner.service.fleet.together import Fleet

__all__ = ["Fleet"]
