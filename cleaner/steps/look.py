"""
Looking: from the watched folders to the messages that may be notices and are not settled yet.

Only header fields are fetched here (DESIGN.md, decision 11).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from cleaner import actions, notices
from cleaner.errors import SkipMessageError
from cleaner.ports import Mailbox
from cleaner.steps.observe import Candidates
from cleaner.steps.paging import pieces
from cleaner.steps.task import HEADINGS, Look, Sighting, Task, Watch
from cleaner.values import (
    ActionName,
    Arrival,
    Entry,
    EntryState,
    Folder,
    Heading,
    Kind,
    Message,
    Outcome,
    SeenNotice,
)

BURST_SPAN = timedelta(days=2)
"""Earlier notices that are still counted when bursts are looked for."""
HELD_AGAIN = timedelta(days=1)
"""What is held back is judged again so often, not at each look: it may be thousands, and it stays anyway."""
SOUGHT = 500
"""Of so many that are held back each look asks whether they are still there; of more only when they are judged again."""


def look(task: Task, there: Sequence[Folder], watch: Watch, *, keep_others: bool = False) -> Look:
    """Lists the watched folders and keeps the messages whose header makes a notice likely."""
    folders = {folder.name for folder in there}
    pending: dict[str, list[SeenNotice]] = {}
    known = task.memory.pending(task.knowledge)
    for notice in known:
        if is_due(task, notice):
            pending.setdefault(notice.folder, []).append(notice)
    missing = tuple(name for name in task.policy.folders if name not in folders)
    result = Look(missing=missing)
    for folder in task.policy.folders:
        if folder in folders and task.may_continue():
            found = look_through(task, folder, pending.get(folder, ()), watch, keep_others)
            result = merge(result, found)
    if task.changes is None:
        return result
    held = [notice for notice in known if notice.outcome is Outcome.HELD]
    if len(held) > SOUGHT:
        held = [notice for notice in held if is_due(task, notice)]
    return replace(result, gone=tuple(no_longer_there(task, folders, held, result.sightings)))


def no_longer_there(
    task: Task, folders: set[str], held: Sequence[SeenNotice], seen: Sequence[Sighting]
) -> Iterator[str]:
    """Of what is held back, what its owner deleted or moved away; or it is in no folder that is watched now."""
    found = {sighting.fingerprint for sighting in seen}
    by_folder: dict[str, list[SeenNotice]] = {}
    for notice in held:
        if notice.fingerprint not in found:
            by_folder.setdefault(notice.folder, []).append(notice)
    for folder, left in by_folder.items():
        ids = tuple(notice.id for notice in left)
        is_watched = folder in task.policy.folders and folder in folders
        there = task.mailbox.present(folder, ids) if is_watched else frozenset()
        yield from (notice.fingerprint for notice in left if notice.id not in there)


def is_due(task: Task, notice: SeenNotice) -> bool:
    """Whether looking at a pending notice again can change what is done with it."""
    policy = task.policy
    if notice.outcome is Outcome.HELD:
        is_stale = notice.knowledge != task.knowledge or notice.judged_at + HELD_AGAIN <= task.now
        return not task.awaits_answer or is_stale
    if policy.since and notice.received is not None and notice.received < task.now - policy.since:
        return False
    if notice.action is ActionName.WAIT and notice.received is not None:
        return notice.received + policy.grace <= task.now
    if notice.action is ActionName.REPORT:
        in_preview = task.preview_until is not None and task.now < task.preview_until
        return policy.action is not ActionName.REPORT and not in_preview
    return True


def look_through(
    task: Task, folder: str, pending: Sequence[SeenNotice], watch: Watch, keep_others: bool
) -> Look:
    """
    First few fields of all messages, then what tells them apart of the likely ones.

    Of a thousand messages ten are notices: what is not asked of the others is most of what a scan costs.
    """
    stage = f"looking through {folder}"
    likely: list[str] = []
    others: list[Heading] = []
    candidates = Candidates(task, folder)
    unreadable: list[Heading] = []
    looked_at = total = 0
    cursor = None
    since = None if task.looks_again else task.memory.cursor(folder)
    for piece in pieces(task.mailbox, folder, since, [notice.id for notice in pending]):
        watch(stage, piece.done, piece.expected)
        for heading in glance(task.mailbox, folder, piece.ids, keep_others):
            looked_at += 1
            if task.since is not None and heading.received is not None and heading.received < task.since:
                continue
            if heading.unreadable:
                unreadable.append(heading)
                continue
            candidates.consider(heading)
            if notices.is_likely(heading.headers):
                likely.append(heading.id)
            elif keep_others:
                others.append(heading)
        total, cursor = piece.total, piece.cursor
        if not task.may_continue():
            return Look((), tuple(others), tuple(unreadable), looked_at, total)
    watch(stage, looked_at, looked_at)
    found = tuple(seen_again(task, folder, likely))
    if task.is_answer:
        found += tuple(held_elsewhere(task, folder, likely))
    senders, outside = candidates.observed()
    waiting = frozenset(notice.fingerprint for notice in pending)
    # Who asks for what came since a time leaves the rest unseen: the next look begins where the last one ended.
    cursors = {} if cursor is None or task.since is not None else {folder: cursor}
    return Look(
        tuple(sighting for sighting in found if not is_settled(task, sighting, waiting)),
        tuple(others),
        tuple(unreadable),
        looked_at,
        total,
        cursors,
        taken_back=tuple(sighting for sighting in found if sighting.taken_back is not None),
        observed=senders,
        outside=outside,
    )


def held_elsewhere(task: Task, folder: str, seen: Sequence[str]) -> Iterator[Sighting]:
    """Further copies of what is held back: of all copies of a message one place is remembered."""
    there = frozenset(seen)
    for piece in pieces(task.mailbox, folder, None):
        headings = glance(task.mailbox, folder, piece.ids, keep_others=False)
        likely = [h.id for h in headings if not h.unreadable and notices.is_likely(h.headers)]
        others = [id for id in likely if id not in there]
        yield from (sighting for sighting in seen_again(task, folder, others) if sighting.held)
        if not task.may_continue():
            return


def glance(mailbox: Mailbox, folder: str, ids: Sequence[str], keep_others: bool) -> Iterator[Heading]:
    """What the shortlist needs; of messages that will be told about, what a line tells, too."""
    if keep_others:
        return mailbox.headings(folder, ids, notices.SHORTLIST_FIELDS | notices.FINGERPRINT_FIELDS)
    return mailbox.skim(folder, ids, notices.SHORTLIST_FIELDS)


def seen_again(task: Task, folder: str, likely: Sequence[str]) -> Iterator[Sighting]:
    """The likely ones with what is known of them already."""
    for start in range(0, len(likely), HEADINGS):
        part = likely[start : start + HEADINGS]
        headings = [
            heading
            for heading in task.mailbox.headings(folder, part, notices.FINGERPRINT_FIELDS)
            if not heading.unreadable and not came_before(heading, task.since)
        ]
        yield from sighted(task, headings)


def came_before(heading: Heading, since: datetime | None) -> bool:
    """Whether a message is older than what was asked for; one without any date is not."""
    arrived = notices.arrived(heading.headers, heading.received) if since is not None else None
    return arrived is not None and since is not None and arrived < since


def merge(left: Look, right: Look) -> Look:
    return Look(
        left.sightings + right.sightings,
        left.others + right.others,
        left.unreadable + right.unreadable,
        left.looked_at + right.looked_at,
        left.total + right.total,
        left.cursors | right.cursors,
        left.missing + right.missing,
        left.taken_back + right.taken_back,
        left.gone + right.gone,
        left.observed + right.observed,
        left.outside + right.outside,
    )


def sighted(task: Task, headings: Sequence[Heading]) -> Iterator[Sighting]:
    """What is known of the messages, and what somebody put back (DESIGN.md, decision 14)."""
    by_print = [(notices.fingerprint(heading.headers), heading) for heading in headings]
    prints = [fingerprint for fingerprint, _ in by_print]
    known = task.memory.known(prints)
    history = task.journal.for_fingerprints(prints)
    where = actions.Whereabouts(task.mailbox, task.journal, notices.fingerprint)
    for fingerprint, heading in by_print:
        entries = history.get(fingerprint, ())
        put_back, taken_back = was_put_back(task, where, entries, heading)
        before = known.get(fingerprint)
        if before is not None and before.kind is Kind.NOT_A_BOUNCE:
            continue  # A digest of ours: nothing else of that kind is remembered.
        settled = before is not None and before.is_settled
        held = before is not None and before.outcome is Outcome.HELD
        stayed = before is not None and (before.folder, before.id) == (heading.folder, heading.id)
        yield Sighting(heading, fingerprint, entries, put_back, taken_back, settled, held, stayed)


def is_settled(task: Task, sighting: Sighting, pending: frozenset[str]) -> bool:
    """Whether it was judged, for good or until somebody answers, and nobody asks to look again."""
    again = task.looks_again or sighting.fingerprint in pending
    if task.awaits_answer and sighting.held and sighting.stayed:
        return not again
    moved = any(entry.state is EntryState.DONE for entry in sighting.history) and not sighting.put_back
    return sighting.settled and not again and not moved


def was_put_back(
    task: Task, where: actions.Whereabouts, entries: Iterable[Entry], heading: Heading
) -> tuple[bool, Entry | None]:
    """
    Whether the message was restored by undo or brought back by its owner; the owner's is the entry told.

    What the owner brought back is journalled as RETURNED. A message that is still where we moved it
    has a second copy here.
    """
    put_back = False
    taken_back: Entry | None = None
    for entry in entries:
        if not where.was_brought_back(entry, heading):
            continue
        put_back = True
        if entry.state not in (EntryState.UNDOING, EntryState.UNDONE):
            taken_back = entry
            if task.changes is not None and entry.state is not EntryState.RETURNED:
                task.journal.settle((actions.returned(entry, task.now),))
    return put_back, taken_back


def arrivals_of(task: Task, sightings: Sequence[Sighting]) -> tuple[Arrival, ...]:
    """When likely notices arrived, in this look and shortly before it."""
    fresh = [
        Arrival(time, sighting.heading.headers.text("subject"))
        for sighting in sightings
        if (time := notices.arrived(sighting.heading.headers, sighting.heading.received))
    ]
    earliest = min((arrival.time for arrival in fresh), default=task.now)
    return tuple(sorted((*earlier_arrivals(task, earliest), *fresh), key=lambda arrival: arrival.time))


def earlier_arrivals(task: Task, earliest: datetime) -> tuple[Arrival, ...]:
    """Those remembered. Who looks again at messages sees them himself; they must not count twice."""
    if not task.looks_again:
        return task.memory.arrivals(earliest - BURST_SPAN)
    since = task.since
    if since is None:
        return ()
    return tuple(arrival for arrival in task.memory.arrivals(since - BURST_SPAN) if arrival.time < since)


def fetch(
    mailbox: Mailbox, headings: Sequence[Heading]
) -> Iterator[tuple[Heading, Message | SkipMessageError]]:
    """
    The whole messages, or why one cannot be had; those gone meanwhile are left out.

    One that cannot be read never takes others with it: then the rest is asked for one by one.
    """
    by_folder: dict[str, dict[str, Heading]] = {}
    for heading in headings:
        by_folder.setdefault(heading.folder, {})[heading.id] = heading
    for folder, wanted in by_folder.items():
        left = dict(wanted)
        try:
            for message in mailbox.fetch(folder, tuple(wanted)):
                yield left.pop(message.id), message
        except SkipMessageError:
            for heading in left.values():
                yield from fetch_one(mailbox, heading)


def fetch_one(mailbox: Mailbox, heading: Heading) -> Iterator[tuple[Heading, Message | SkipMessageError]]:
    try:
        for message in mailbox.fetch(heading.folder, (heading.id,)):
            yield heading, message
    except SkipMessageError as error:
        yield heading, error
