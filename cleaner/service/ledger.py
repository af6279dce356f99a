"""
Transport logs into the sent record: the use case behind `ledger import`.

Only mail of mailboxes that opted in is kept, and of it what a copy in Sent would tell. A log that was read
before is read on from where it ended, also when it was rotated and compressed meanwhile; reading it twice adds nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from cleaner.config import MailboxSettings
from cleaner.errors import CleanerError, UsageError
from cleaner.evidence import is_inside, untagged
from cleaner.ledger import ExchangeLog, LogFile, LoggedMail, Place, TransportLog, UnreadableLogError
from cleaner.ledger.times import Clock
from cleaner.service.context import Context
from cleaner.steps.task import Watch
from cleaner.store.ledger import ReadLog
from cleaner.store.records import ConsentState
from cleaner.values import Organisation, OutgoingMail, address_key, domain_of

TOGETHER: Final = 2_000
"""Mails written at a time."""
LINES: Final = 100_000
"""After so many lines it is noted how far a log was read, whatever was found."""
BACK: Final = 64 * 1024 * 1024
"""Bytes that are read again at most because a mail before them was not finished."""
REMEMBERED: Final = 100_000
"""Mails of strangers that are remembered: what a content filter hands back looks as if it came from here."""


@dataclass(frozen=True, slots=True)
class LogResult:
    """What came of one file."""

    path: Path
    lines: int = 0
    resumed: bool = False
    bad: int = 0
    """Lines about a mail that could not be read; they were left out."""
    mails: int = 0
    """Of mailboxes that opted in, as often as the log tells of them."""
    new: int = 0
    strangers: int = 0
    """Mails with a sender address of ours that a stranger brought."""
    error: CleanerError | None = None
    interrupted: bool = False

    def to_json(self) -> dict[str, object]:
        return {
            "file": str(self.path),
            "lines": self.lines,
            "resumed": self.resumed,
            "bad": self.bad,
            "mails": self.mails,
            "new": self.new,
            "strangers": self.strangers,
            "error": str(self.error) if self.error is not None else None,
        }


def import_logs(
    context: Context,
    paths: Sequence[Path],
    watch: Watch,
    stopping: Callable[[], bool],
    *,
    again: bool = False,
) -> Iterator[LogResult]:
    """
    Reads logs, the oldest first, yielding each result as it is known.

    `again` reads also what was read before, for addresses that were added to mailboxes since. Raises UsageError.
    """
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise UsageError(f"{missing[0]}: there is no such file")
    reading = Reading(context, watch, stopping, again)
    for number, path in enumerate(sorted(paths, key=lambda path: path.stat().st_mtime)):
        if stopping():
            return
        yield reading.file(number, path)


@dataclass(slots=True)
class _Tally:
    """What is counted while a file is read."""

    lines: int = 0
    mails: int = 0
    new: int = 0
    strangers: int = 0


@dataclass(slots=True)
class _Spot:
    """How far a file was read in this run, and all that is needed to note it."""

    head: bytes
    since: datetime
    start: int
    end: int


@dataclass(slots=True)
class Reading:
    """One run: the mailboxes, the mails that are not finished yet, and the files so far."""

    context: Context
    watch: Watch
    stopping: Callable[[], bool]
    again: bool
    _owners: dict[str, tuple[MailboxSettings, ...]] = field(init=False)
    _domains: frozenset[str] = field(init=False)
    _agreed: datetime = field(init=False)
    _transport: TransportLog = field(init=False)
    _found: list[LoggedMail] = field(default_factory=list)
    _strangers: OrderedDict[str, None] = field(default_factory=OrderedDict)
    _spots: dict[int, _Spot] = field(default_factory=dict)
    _tally: _Tally = field(default_factory=_Tally)

    def __post_init__(self) -> None:
        self._owners, self._agreed = owners(self.context)
        self._domains = frozenset(map(domain_of, self._owners))
        self._transport = TransportLog(self._is_wanted)

    def _is_wanted(self, sender: str) -> bool:
        return bool(self._owners_of(sender))

    def _owners_of(self, sender: str) -> tuple[MailboxSettings, ...]:
        # Most mail of a log is other people's: that is seen at once.
        if domain_of(sender) not in self._domains:
            return ()
        bare = address_key(untagged(sender))
        local, _, domain = bare.rpartition("@")
        return self._owners.get(bare) or self._owners.get(f"{local.partition('+')[0]}@{domain}") or ()

    def file(self, number: int, path: Path) -> LogResult:
        """One file, with every failure of it turned into a part of the result."""
        self._tally = _Tally()
        result = LogResult(path)
        csv: ExchangeLog | None = None
        recognised, bad = self._transport.recognised, self._transport.bad
        overlong = 0
        try:
            log = LogFile(path)
            head = log.head()
            spot = self._spot(head)
            self._spots[number] = spot
            result = replace(result, resumed=spot.start > 0)
            csv = ExchangeLog(self._is_wanted) if ExchangeLog.is_one(head or _beginning(log)) else None
            if csv is not None and spot.start:
                _read_columns(log, csv)
            clock = Clock(log.written)
            for offset, line in self._lines(log, spot):
                if csv is not None:
                    self._take(csv.read(line))
                else:
                    self._take(self._transport.read(line, Place(number, offset), clock))
            overlong = log.overlong
        except UnreadableLogError as error:
            result = replace(result, error=error)
        self._take(self._transport.unfinished())
        self._note()
        if csv is not None:
            recognised, bad = csv.recognised, csv.bad
        else:
            recognised, bad = self._transport.recognised - recognised, self._transport.bad - bad
        if result.error is None and self._tally.lines and not recognised:
            result = replace(
                result,
                error=UnreadableLogError(
                    f"{path}: no line in it is of Postfix, of Exim, or of Exchange's message tracking"
                ),
            )
        return replace(
            result,
            lines=self._tally.lines,
            bad=bad + overlong,
            mails=self._tally.mails,
            new=self._tally.new,
            strangers=self._tally.strangers,
            interrupted=self.stopping(),
        )

    def _spot(self, head: bytes) -> _Spot:
        """Where reading begins: where it ended, unless somebody agreed since who has nothing of what was before."""
        now = self.context.clock()
        known = self.context.store.ledger.get(head) if head and not self.again else None
        if known is None or self._agreed > known.since:
            return _Spot(head, now, 0, 0)
        return _Spot(head, known.since, known.offset, known.offset)

    def _lines(self, log: LogFile, spot: _Spot) -> Iterator[tuple[int, bytes]]:
        for offset, line in log.lines(spot.start):
            yield offset, line
            spot.end = offset + len(line)
            self._tally.lines += 1
            if self._tally.lines % 1_000 == 0:
                self.watch(f"reading {log.path.name}", log.progress(), log.size)
                if self.stopping():
                    return
            if self._tally.lines % LINES == 0:
                self._note()

    def _take(self, mails: Iterator[LoggedMail]) -> None:
        for mail in mails:
            if not self._is_ours(mail):
                self._remember_stranger(mail)
                continue
            self._found.append(mail)
            if len(self._found) >= TOGETHER:
                self._write()

    def _is_ours(self, mail: LoggedMail) -> bool:
        """Whether one of us handed the mail in, and not a stranger under our name."""
        if mail.submitted:
            return True
        if any(id in self._strangers for id in mail.message_ids):
            return False
        organisation = self.context.settings.organisation(self._owners_of(mail.sender)[0].organisation)
        return is_from_inside(mail, organisation)

    def _remember_stranger(self, mail: LoggedMail) -> None:
        self._tally.strangers += 1
        self._strangers.update(dict.fromkeys(mail.message_ids))
        while len(self._strangers) > REMEMBERED:
            self._strangers.popitem(last=False)

    def _write(self) -> None:
        by_mailbox: dict[str, list[OutgoingMail]] = {}
        for mail in self._found:
            # Asked again: what a filter handed back may have gone before the stranger's own was finished.
            if self._is_ours(mail):
                self._tally.mails += 1
                for mailbox in self._owners_of(mail.sender):
                    by_mailbox.setdefault(mailbox.address, []).extend(outgoing(mail))
        self._found.clear()
        for address, mails in by_mailbox.items():
            record = self.context.store.sent_record(address, self.context.record_begins())
            self._tally.new += record.add_logged(mails)

    def _note(self) -> None:
        """Writes what was found, and only then how far the logs were read."""
        self._write()
        for number, spot in self._spots.items():
            if spot.head:
                back = self._transport.open_from(number, max(spot.start, spot.end - BACK))
                offset = spot.end if back is None else back
                self.context.store.ledger.note(spot.head, ReadLog(offset, spot.since))


def owners(context: Context) -> tuple[dict[str, tuple[MailboxSettings, ...]], datetime]:
    """The mailboxes that opted in, by every address of theirs, and when the last of them did."""
    found: dict[str, tuple[MailboxSettings, ...]] = {}
    agreed: list[datetime] = []
    for mailbox in context.settings.mailboxes:
        consent = context.store.consent.current(mailbox.address)
        if consent is None or consent.state is not ConsentState.OPTED_IN:
            continue
        agreed.append(consent.at)
        for address in mailbox.owner().addresses:
            found[address] = (*found.get(address, ()), mailbox)
    if not agreed:
        raise UsageError(
            "no mailbox has opted in yet, so nothing of its mail may be kept. When an owner agrees: "
            "bounce-cleaner optin add ADDRESS"
        )
    return found, max(agreed)


def is_from_inside(mail: LoggedMail, organisation: Organisation) -> bool:
    """Brought by a host or from a network of ours; where the log does not tell by whom, it is believed."""
    return mail.client is None or is_inside(mail.client, organisation)


def outgoing(mail: LoggedMail) -> Iterator[OutgoingMail]:
    """The mail under each id that it went by."""
    for id in mail.message_ids or (None,):
        yield OutgoingMail(id, mail.time, mail.recipients, mail.subject)


def _beginning(log: LogFile) -> bytes:
    return b"".join(line for _, (_, line) in zip(range(5), log.lines(), strict=False))


def _read_columns(log: LogFile, csv: ExchangeLog) -> None:
    """Which column is which is told only at the beginning."""
    for _, line in log.lines():
        if not line.startswith((b"#", b"\xef\xbb\xbf#")):
            return
        tuple(csv.read(line))
