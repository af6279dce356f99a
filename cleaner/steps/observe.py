"""
Observing: which machines mail of ours comes from, by ordinary mail of ours in the watched folders.

Looking through a folder shows the authors of all messages anyway. Of those at our domains some are chosen, and of
these alone a few more header fields are fetched; never a body, except of DMARC aggregate reports in the one mailbox
that is named for them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from cleaner import notices
from cleaner.errors import SkipMessageError
from cleaner.evidence import observed
from cleaner.evidence.observed import Observation, ReceivedMail
from cleaner.steps.task import Look, Task
from cleaner.values import Heading, ObservedSender, OutsideSender, address_key

MOST_AUTHORS: Final = 100
PER_AUTHOR: Final = 3
"""Of each author the latest so many: a form on the web site writes less than the colleagues, and from elsewhere."""
MOST_REPORTS: Final = 100
"""Of a folder and run, the latest; each comes from one receiver, once a day."""
MOST_ROWS: Final = 50
"""Machines of one report, those with most mail: whoever writes a report chooses what stands in it."""
INBOX: Final = "INBOX"


class Candidates:
    """The messages of one folder from which it may be seen who sends for us; chosen while it is looked through."""

    def __init__(self, task: Task, folder: str) -> None:
        organisation = task.organisation
        self._task = task
        self._folder = folder
        self._is_on = bool(organisation.authserv_ids) and not organisation.shared
        self._domains = tuple(domain.encode() for domain in organisation.domains) if self._is_on else ()
        self._by_author: dict[bytes, deque[str]] = {}
        reads_reports = address_key(organisation.dmarc_reports) == address_key(task.owner.address)
        self._reads_reports = self._is_on and folder == INBOX and reads_reports
        self._reports: deque[str] = deque(maxlen=MOST_REPORTS)

    def consider(self, heading: Heading) -> None:
        """Takes a message that was looked at into account; what a form or a CRM sends may look like a notice."""
        if not self._is_on or heading.unreadable:
            return
        if self._reads_reports and notices.may_be_aggregate(heading.headers):
            self._reports.append(heading.id)
        else:
            self._consider_author(heading)

    def _consider_author(self, heading: Heading) -> None:
        author = b"".join(heading.headers.raw("from")).lower()
        if not any(domain in author for domain in self._domains):
            return
        ids = self._by_author.get(author)
        if ids is None:
            if len(self._by_author) >= MOST_AUTHORS:
                return
            ids = self._by_author[author] = deque(maxlen=PER_AUTHOR)
        ids.append(heading.id)

    def observed(self) -> tuple[tuple[ObservedSender, ...], tuple[OutsideSender, ...]]:
        """The machines that our mail came from; and those of them that our domains' policies do not name."""
        seen = tuple(self._seen())
        senders = observed.together((*(one.sender for one in seen), *self._reported()))
        return senders, tuple(dict.fromkeys(self._outside(seen)))

    def _seen(self) -> Iterator[Observation]:
        ids = tuple(id for chosen in self._by_author.values() for id in chosen)
        for _, mail in self._received(ids):
            found = observed.observe(mail, self._task.organisation)
            if found is not None:
                yield found

    def _received(self, ids: Sequence[str]) -> Iterator[tuple[Heading, ReceivedMail]]:
        if not ids or not self._task.may_continue():
            return
        # Not `headings`: where a system keeps no header of colleagues' mail, that would fetch the mail itself.
        for heading in self._task.mailbox.skim(self._folder, ids, observed.FIELDS):
            if not heading.unreadable:
                yield heading, self._read(heading)

    def _read(self, heading: Heading) -> ReceivedMail:
        headers = heading.headers
        arrived = notices.arrived(headers, heading.received)
        today = self._task.now.date()
        return ReceivedMail(
            headers,
            notices.hops(headers),
            notices.addresses_in(headers, ("from",)),
            notices.addresses_in(headers, ("to", "cc")),
            min(arrived.date(), today) if arrived is not None else today,
        )

    def _outside(self, seen: Sequence[Observation]) -> Iterator[OutsideSender]:
        sources = self._task.sources
        known = {(one.ip, one.domain) for one in sources.outside_senders}
        fresh = [one for one in seen if one.is_proof and (one.sender.ip, one.sender.domain) not in known]
        if fresh and sources.hosts is not None:
            yield from observed.contradicting(fresh, sources.hosts.find(observed.wanted(fresh)))

    # --- what others report ----------------------------------------------------------------------

    def _reported(self) -> Iterator[ObservedSender]:
        organisation = self._task.organisation
        authentic = [
            (heading.id, mail.day)
            for heading, mail in self._received(tuple(self._reports))
            if observed.is_authentic(mail, organisation)
        ]
        for id, day in authentic:
            if not self._task.may_continue():
                return
            yield from self._rows(id, day)

    def _rows(self, id: str, day: date) -> Iterator[ObservedSender]:
        try:
            reports = [
                notices.attached_report(message) for message in self._task.mailbox.fetch(self._folder, (id,))
            ]
        except SkipMessageError:
            return
        for report in reports:
            rows = [row for row in report.rows if row.dkim_aligned or row.spf_aligned] if report else []
            for row in sorted(rows, key=lambda row: -row.count)[:MOST_ROWS]:
                found = observed.as_reported(row.header_from, row.source_ip, day, self._task.organisation)
                if found is not None:
                    yield found


def with_observed(task: Task, seen: Look) -> Task:
    """The task with what this look observed beside what is remembered."""
    if not (seen.observed or seen.outside):
        return task
    sources = replace(
        task.sources,
        observed=(*task.sources.observed, *seen.observed),
        outside_senders=(*task.sources.outside_senders, *seen.outside),
    )
    return replace(task, sources=sources)
