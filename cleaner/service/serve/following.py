"""
The schedule follows the consents and the settings: who agreed, who withdrew, which mailboxes were added or taken out.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from cleaner.errors import ConfigurationError
from cleaner.service.context import Context
from cleaner.service.scan import remember_keys
from cleaner.service.serve.carrying import FIRST
from cleaner.service.serve.timing import next_turn
from cleaner.values import EntryState, address_key

log = logging.getLogger(__name__)

NEVER: Final = -1


class Following:
    """Knows up to which step of consent the schedule is made."""

    def __init__(self) -> None:
        self._steps = NEVER

    def again(self) -> None:
        """Something beside the consents changed."""
        self._steps = NEVER

    def is_behind(self, context: Context) -> bool:
        return self._steps != context.store.consent.steps()

    def follow(self, context: Context, now: datetime) -> tuple[Context, frozenset[str]]:
        """Makes the schedule of who agreed; returns the mailboxes that there are now, and which are waited at."""
        store = context.store
        steps = store.consent.steps()
        try:
            context = context.with_stored()
        except ConfigurationError as error:
            log.error("the mailboxes that were added cannot be used: %s", error)
        settings = context.settings
        wanted = {a: settings.mailbox(a).server for a in store.consent.opted_in() if a in settings}
        is_complete = store.schedule.plan(wanted, now)
        if self._steps != NEVER and (agreed := store.consent.agreed_after(self._steps)):
            # Who has agreed to other terms (an end of the preview) does not wait for the next time, either.
            store.schedule.hasten(agreed, now)
        self._steps = steps if is_complete else NEVER
        return context, waited_at(context, wanted)


def waited_at(context: Context, planned: Iterable[str]) -> frozenset[str]:
    """Of each server that tells of new mail, as many mailboxes as are to be waited at, in the order of the file."""
    settings = context.settings
    wanted = {address_key(address) for address in planned}
    left = {server.name: server.idle for server in settings.servers}
    chosen = []
    for mailbox in settings.mailboxes:
        if address_key(mailbox.address) in wanted and left[mailbox.server] > 0:
            left[mailbox.server] -= 1
            chosen.append(mailbox.address)
    return frozenset(chosen)


def pull_in(context: Context, now: datetime) -> None:
    """Those whose interval is shorter by new settings do not wait for the old one to be over."""
    settings = context.settings
    sooner: dict[datetime, list[str]] = {}
    for turn in context.store.schedule.all():
        if turn.address in settings and not turn.failures:
            interval = settings.mailbox(turn.address).policy.interval
            latest = next_turn(now, interval, 0, settings.service, 1)
            if turn.due > latest:
                sooner.setdefault(latest, []).append(turn.address)
    for at, addresses in sooner.items():
        context.store.schedule.hasten(addresses, at)


def take_up(context: Context) -> None:
    """Goes by new settings: what counts as changed may be another thing, intervals shorter, keys new."""
    context.store.schedule.forget_pulses()
    pull_in(context, context.clock())
    remember_keys(context)


def hasten_interrupted(context: Context) -> None:
    """Mailboxes in which a run was interrupted while it changed something come first."""
    open_states = [state for state in EntryState if state.is_open]
    if left := {entry.mailbox for entry in context.store.entries(states=open_states)}:
        log.info("%d mailboxes have changes that were interrupted; they come first", len(left))
        context.store.schedule.hasten(left, FIRST)
