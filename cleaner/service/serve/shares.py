"""
Which due mailboxes get the free workers.

Each server has its limit; beyond that a free worker goes to the server that has the fewest, so that
one with many mailboxes, or one that is slow, does not keep the others waiting. Pure.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

from cleaner.store.records import Turn


def allot(
    due: Mapping[str, Sequence[Turn]], running: Mapping[str, int], limits: Mapping[str, int], free: int
) -> tuple[Turn, ...]:
    """Of each server's due mailboxes, the longest due first, as many as may begin now."""
    waiting = {server: deque(turns) for server, turns in due.items()}
    at_work = {server: running.get(server, 0) for server in waiting}
    chosen: list[Turn] = []
    while len(chosen) < free:
        able = [s for s, turns in waiting.items() if turns and at_work[s] < limits.get(s, 1)]
        if not able:
            break
        server = min(able, key=lambda name: (at_work[name], waiting[name][0].due))
        chosen.append(waiting[server].popleft())
        at_work[server] += 1
    return tuple(chosen)
