"""
A day and a night of the service with a clock that runs fast: everything that is due happens when it is due.

Fifty Maildirs get mail all day. The clock is put back at night (or forward), and the service is ended and started
again in between.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from cleaner.app import App
from cleaner.config.service import QuietHours
from cleaner.connectors.maildir import ChangingMaildir
from cleaner.service.serve import Service
from cleaner.service.serve.timing import end_of_quiet
from cleaner.service.serve.work import Worked
from tests.servers.owner import digest_of
from tests.worlds.harbor import Harbor

BERLIN = ZoneInfo("Europe/Berlin")
INTERVAL = timedelta(minutes=30)
SLACK = 30.0
"""
Seconds of ours between a turn's being due and its end: when the night is over all are due at once, and the machine
may be busy. When turns are due does not depend on that.
"""
MOMENT = 1.0
"""Seconds of ours between the end of a turn and its next place in the schedule."""
MAILS_A_DAY = 40
"""To each."""
SERVER = ('name = "harbor"', 'connector = "maildir"', 'path = "mail/{address}"')
POLICY = 'interval = "30m"\ndigest = "daily"\nretention = "6h"'
SERVICE = (
    'listen = "off"\nquiet_hours = ["22:00-06:00"]\ntime_zone = "Europe/Berlin"\n'
    'digest_at = "08:00"\njitter = 0.1\nworkers = 4'
)


@dataclass
class FastClock:
    """So many times as fast as ours, from a moment on."""

    start: datetime
    pace: float
    began: float = field(default_factory=time.monotonic)

    def __call__(self) -> datetime:
        return self.start + timedelta(seconds=(time.monotonic() - self.began) * self.pace)


@dataclass
class Disk:
    """Delivers as a mail server on this machine does, with the clock's dates."""

    root: Path
    boxes: dict[str, ChangingMaildir] = field(default_factory=dict)

    def deliver(self, user: str, folder: str, raw: bytes, received: datetime) -> None:
        if user not in self.boxes:
            for sub in ("cur", "new", "tmp"):
                (self.root / "mail" / user / sub).mkdir(parents=True, exist_ok=True)
            self.boxes[user] = ChangingMaildir(user, self.root / "mail" / user)
        self.boxes[user].create(folder)
        self.boxes[user].append(folder, raw, (), received)

    def digests(self, user: str, folder: str) -> Counter[str]:
        box = ChangingMaildir(user, self.root / "mail" / user)
        if folder not in {one.name for one in box.folders()}:
            return Counter()
        return Counter(digest_of(m.raw) for m in box.fetch(folder, box.list(folder).ids))


@dataclass
class Diary:
    """What happened when, by the fast clock."""

    clock: FastClock
    turns: dict[str, list[tuple[datetime, datetime]]] = field(default_factory=dict)
    """User → when each turn was due, and when it ended."""
    digests: dict[str, list[datetime]] = field(default_factory=dict)
    expired: int = 0
    failed: list[Worked] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def began(self, server: str) -> None:
        pass

    def ended(self, server: str, organisation: str, worked: Worked, seconds: float) -> None:
        now = self.clock()
        with self.lock:
            self.turns.setdefault(worked.turn.address, []).append((worked.turn.due, now))
            self.expired += worked.expired
            if worked.has_digest:
                self.digests.setdefault(worked.turn.address, []).append(now)
            if worked.error is not None:
                self.failed.append(worked)


@pytest.mark.parametrize(
    ("evening", "mailboxes", "minutes"),
    [
        pytest.param("2026-10-24", 4, 0.5, id="briefly in autumn"),
        pytest.param("2026-03-28", 4, 0.5, id="briefly in spring", marks=pytest.mark.nightly),
        pytest.param("2026-10-24", 50, 10, id="ten minutes", marks=pytest.mark.nightly),
    ],
)
def test_a_day_over_a_change_of_the_clock(
    tmp_path: Path, evening: str, mailboxes: int, minutes: float
) -> None:
    start = datetime.fromisoformat(f"{evening}T16:00").replace(tzinfo=BERLIN).astimezone(UTC)
    clock = FastClock(start, pace=timedelta(hours=24).total_seconds() / (minutes * 60))
    users = [f"user{number}@harbor.example" for number in range(mailboxes)]
    harbor = Harbor.install(tmp_path, users, SERVER, now=start, policy=POLICY, service=SERVICE)
    disk, diary = Disk(tmp_path), Diary(clock)
    harbor.begin(disk, start)
    with App.open(harbor.configuration, clock=lambda: start) as app:
        harbor.opt_in_all(app)
    clock.began = time.monotonic()
    pause = serve(
        harbor, disk, clock, diary, until=start + timedelta(hours=20), mail_until=start + timedelta(hours=19)
    )
    serve(
        harbor, disk, clock, diary, until=start + timedelta(hours=24), mail_until=start + timedelta(hours=21)
    )
    assert diary.failed == []
    kept_to_the_times(diary, users, start, pause)
    everything_is_where_it_belongs(harbor, disk, users)
    for user in users:
        # One digest, the morning after, to each who had something to be told.
        assert len(diary.digests.get(user, ())) == bool(harbor.of(harbor.spurious, user)), user
    morning = datetime.fromisoformat(evening).replace(hour=8, tzinfo=BERLIN).astimezone(UTC) + timedelta(
        days=1
    )
    for at in (at for times in diary.digests.values() for at in times):
        wall = at.astimezone(BERLIN)
        assert (wall.date() - morning.astimezone(BERLIN).date()).days in (0, 1)
        assert wall.hour * 60 + wall.minute >= 8 * 60
    assert diary.expired > 0


def serve(
    harbor: Harbor, disk: Disk, clock: FastClock, diary: Diary, *, until: datetime, mail_until: datetime
) -> datetime:
    """One process's life; returns when it ended."""
    with App.open(harbor.configuration, clock=clock) as app:
        service = Service(app.context, (diary,), tick=0.05)
        service.start()
        while (now := clock()) < until:
            if now < mail_until:
                harbor.write_to(harbor.chance.choice(harbor.users), disk, now)
            time.sleep(86_400 / clock.pace / (MAILS_A_DAY * len(harbor.users)))
        assert service.stop()
    return clock()


def kept_to_the_times(diary: Diary, users: list[str], start: datetime, pause: datetime) -> None:
    """Nobody is due in quiet hours, and outside of them everybody in time."""
    hours = (QuietHours(*(datetime.fromisoformat(f"2026-01-01T{t}").time() for t in ("22:00", "06:00"))),)
    late, moment = (timedelta(seconds=seconds * diary.clock.pace) for seconds in (SLACK, MOMENT))
    for user in users:
        assert diary.turns[user][0][1] - start < late
        for (_, before), (due, end) in pairwise(diary.turns[user]):
            assert end_of_quiet(due, hours, BERLIN) is None, (user, due)
            earliest, latest = before + INTERVAL * 0.9, before + INTERVAL * 1.1 + moment
            if (morning := end_of_quiet(latest, hours, BERLIN)) is not None:
                latest = morning + INTERVAL * 0.1
            assert earliest <= due <= latest, (user, before, due)
            waited = end - max(due, pause) if before < pause < end else end - due
            assert waited < late, (user, due, end)


def everything_is_where_it_belongs(harbor: Harbor, disk: Disk, users: list[str]) -> None:
    for user in users:
        inbox = disk.digests(user, "INBOX")
        away = disk.digests(user, "Backscatter") + disk.digests(user, "Trash")
        assert away == Counter(harbor.of(harbor.spurious, user))
        genuine = Counter(harbor.of(harbor.genuine, user))
        assert genuine <= inbox
        # Beside them only digests of ours.
        assert (inbox - genuine).total() <= 1
