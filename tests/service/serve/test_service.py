"""The service in one process, over real Maildirs, with a clock that the test holds in its hand."""

from __future__ import annotations

import itertools
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cleaner.config import MailboxSettings
from cleaner.config.service import QuietHours
from cleaner.errors import ServerUnavailableError
from cleaner.ports import ChangeableMailbox
from cleaner.service import consent
from cleaner.service.context import Openers
from cleaner.service.serve import Service
from cleaner.service.serve.work import LOOK_THROUGH, Worked
from cleaner.store.records import Turn
from cleaner.values import ActionName, Entry
from tests.service.hands import ANN, BEN, Hands
from tests.service.test_retention import HeldOpenings

PATIENCE = 30.0
MIDDLE = 0.5


class Told:
    """Keeps what the service tells."""

    def __init__(self) -> None:
        self.turns: list[Worked] = []

    def began(self, server: str) -> None:
        pass

    def ended(self, server: str, organisation: str, worked: Worked, seconds: float) -> None:
        self.turns.append(worked)

    def of(self, address: str) -> list[Worked]:
        return [worked for worked in self.turns if worked.turn.address == address]


class Served:
    """A service that ticks only when it is told to."""

    def __init__(self, hands: Hands) -> None:
        self.hands = hands
        self.told = Told()
        self.service = Service(hands.app.context, (self.told,), tick=3600, chance=lambda: MIDDLE)

    def settle(self) -> None:
        """Until nothing is due and nobody at work."""
        until = time.monotonic() + PATIENCE
        while True:
            self.service.turn()
            backlog = self.service.backlog()
            if not (self.service.running or backlog.due or backlog.claimed):
                return
            assert time.monotonic() < until
            time.sleep(0.01)

    def follow(self, mailboxes: int) -> None:
        """Until as many are in the schedule: a turn leaves it to the first tick where that is just at it."""
        until = time.monotonic() + PATIENCE
        self.service.turn()
        while self.service.backlog().mailboxes < mailboxes:
            assert time.monotonic() < until
            time.sleep(0.01)

    def after(self, **span: float) -> None:
        self.hands.now += timedelta(**span)
        self.settle()

    def turn(self, address: str) -> Turn:
        return next(t for t in self.hands.app.context.store.schedule.all() if t.address == address)


@pytest.fixture
def served(hands: Hands) -> Iterator[Callable[[], Served]]:
    """Starts services; ends them when the test does."""
    started: list[Served] = []

    def start() -> Served:
        one = Served(hands)
        one.service.start()
        started.append(one)
        one.settle()
        return one

    yield start
    for one in started:
        assert one.service.stop()


class Openings:
    """The way into mailboxes, with something between that a test put there."""

    def __init__(self, real: Openers, inside: Callable[[MailboxSettings], None]) -> None:
        self.real = real
        self._inside = inside

    def reading(self, mailbox: MailboxSettings) -> Any:
        return self.real.reading(mailbox)

    @contextmanager
    def changing(self, mailbox: MailboxSettings) -> Iterator[ChangeableMailbox]:
        with self.real.changing(mailbox) as opened:
            self._inside(mailbox)
            yield opened

    def pulse(self, mailbox: MailboxSettings) -> str | None:
        return self.real.pulse(mailbox)

    def wait_for_mail(
        self, mailbox: MailboxSettings, stopping: Callable[[], bool], came: Callable[[], None]
    ) -> bool:
        return False


def put_between(hands: Hands, inside: Callable[[MailboxSettings], None]) -> None:
    context = hands.app.context
    real = context.mailboxes.real if isinstance(context.mailboxes, Openings) else context.mailboxes
    hands.app.context = replace(context, mailboxes=Openings(real, inside))


def test_all_who_agreed_are_cleaned_and_nobody_else(hands: Hands, served: Callable[[], Served]) -> None:
    hands.opt_in(ANN)
    one = served()
    assert [worked.turn.address for worked in one.told.turns] == [ANN]
    assert hands.folder(ANN, ".Backscatter")
    assert not hands.app.context.store.accesses.list(BEN)


def test_who_agrees_later_is_next(hands: Hands, served: Callable[[], Served]) -> None:
    hands.opt_in(ANN)
    one = served()
    hands.opt_in(BEN)
    one.settle()
    assert len(one.told.of(BEN)) == 1


def test_whose_preview_is_ended_is_cleaned_at_once(hands: Hands, served: Callable[[], Served]) -> None:
    hands.opt_in(ANN, preview=timedelta(days=7))
    hands.opt_in(BEN)
    one = served()
    assert not hands.folder(ANN, ".Backscatter")
    bens = len(one.told.of(BEN))
    hands.opt_in(ANN)
    until = time.monotonic() + PATIENCE
    while len(one.told.of(ANN)) < 2:
        assert time.monotonic() < until
        one.settle()
    assert hands.folder(ANN, ".Backscatter")
    assert len(one.told.of(BEN)) == bens


def test_each_is_looked_at_after_its_own_interval(hands: Hands, served: Callable[[], Served]) -> None:
    hands.opt_in(ANN, BEN)
    ben = hands.app.context.settings.mailbox(BEN)
    hands.change_mailbox(BEN, policy=replace(ben.policy, interval=timedelta(hours=2)))
    one = served()
    one.after(minutes=4)
    assert (len(one.told.of(ANN)), len(one.told.of(BEN))) == (1, 1)
    one.after(minutes=1)
    assert (len(one.told.of(ANN)), len(one.told.of(BEN))) == (2, 1)
    one.after(hours=2)
    assert len(one.told.of(BEN)) == 2


def test_where_nothing_came_it_is_not_scanned_and_where_something_came_it_is(
    hands: Hands, served: Callable[[], Served]
) -> None:
    hands.opt_in(ANN, BEN)
    settle_stamps(hands)
    one = served()
    moved = next(iter(hands.folder(ANN, ".Backscatter")))
    settle_stamps(hands)
    one.after(minutes=5)
    settle_stamps(hands)
    one.after(minutes=5)
    assert one.told.of(ANN)[-1].only_looked
    assert one.told.of(BEN)[-1].only_looked
    # Its owner takes one back: it came into the inbox.
    moved.rename(hands.maildir(ANN) / "cur" / moved.name)
    settle_stamps(hands)
    one.after(minutes=5)
    assert not one.told.of(ANN)[-1].only_looked
    assert one.told.of(BEN)[-1].only_looked


def test_it_is_looked_through_at_times_though_nothing_came(
    hands: Hands, served: Callable[[], Served]
) -> None:
    hands.opt_in(BEN)
    one = served()
    settle_stamps(hands)
    one.after(minutes=5)
    one.after(minutes=5)
    assert one.told.turns[-1].only_looked
    one.after(seconds=LOOK_THROUGH.total_seconds())
    assert not one.told.turns[-1].only_looked


def test_a_failing_mailbox_is_tried_less_and_less_and_the_others_go_on(
    hands: Hands, served: Callable[[], Served]
) -> None:
    hands.opt_in(ANN, BEN)

    def inside(mailbox: MailboxSettings) -> None:
        if mailbox.address == ANN:
            raise ServerUnavailableError("mailboxes", "a test")

    put_between(hands, inside)
    one = served()
    assert one.turn(ANN).due - hands.now == timedelta(minutes=10)
    assert one.turn(BEN).due - hands.now == timedelta(minutes=5)
    one.after(minutes=10)
    assert one.turn(ANN).due - hands.now == timedelta(minutes=20)
    assert one.turn(ANN).failures == 2
    assert "cannot be reached now (a test)" in (one.turn(ANN).error or "")
    assert one.told.of(BEN)[-1].turn.state == "done"
    put_between(hands, lambda _: None)
    one.service.use(hands.app.context)
    one.after(minutes=20)
    assert (one.turn(ANN).failures, one.turn(ANN).error) == (0, None)


def test_a_fault_of_the_program_fails_one_mailbox_alone(hands: Hands, served: Callable[[], Served]) -> None:
    hands.opt_in(ANN, BEN)

    def inside(mailbox: MailboxSettings) -> None:
        if mailbox.address == ANN:
            raise ZeroDivisionError

    put_between(hands, inside)
    one = served()
    assert one.turn(ANN).state == "failed"
    assert one.turn(BEN).state == "done"


def test_one_mailbox_is_in_the_hands_of_one_service(hands: Hands, served: Callable[[], Served]) -> None:
    """While one is at work the other finds nothing to do, though the mailbox is due."""
    hands.opt_in(ANN)
    inside, go_on = threading.Event(), threading.Event()
    at_work: list[int] = []

    def wait(_mailbox: MailboxSettings) -> None:
        at_work.append(1)
        assert len(at_work) == 1
        inside.set()
        assert go_on.wait(PATIENCE)
        at_work.pop()

    put_between(hands, wait)
    first = Served(hands)
    first.service.start()
    first.service.turn()
    assert inside.wait(PATIENCE)
    second = Served(hands)
    second.service.turn()
    assert second.service.running == 0
    go_on.set()
    first.settle()
    assert len(first.told.turns) == 1
    assert first.service.stop()


def test_opting_out_stops_a_scan_at_the_next_message(hands: Hands, served: Callable[[], Served]) -> None:
    hands.opt_in(ANN)
    put_between(hands, lambda mailbox: opt_out(hands, mailbox.address))
    one = served()
    assert not hands.folder(ANN, ".Backscatter")
    store = hands.app.context.store
    assert (store.sent_record(ANN).mails(), store.seen(ANN).counts(), store.entries()) == (0, {}, ())
    one.after(minutes=5)
    assert len(one.told.turns) == 1
    assert store.schedule.all() == ()


def test_nothing_is_opened_in_quiet_hours_though_it_is_due(hands: Hands) -> None:
    """It was started in them, and an owner agreed in them."""
    hands.opt_in(ANN)
    settings = hands.app.context.settings
    quiet = (QuietHours(hands.now.time(), (hands.now + timedelta(hours=1)).time()),)
    service = replace(settings.service, quiet_hours=quiet, time_zone="UTC")
    hands.put(replace(settings, service=service))
    one = Served(hands)
    one.service.start()
    hands.opt_in(BEN)
    one.follow(2)
    one.service.wake(ANN)
    assert (one.service.running, one.told.turns) == (0, [])
    assert one.service.backlog().due == 2
    one.after(hours=1)
    assert {worked.turn.address for worked in one.told.turns} == {ANN, BEN}
    assert one.service.stop()


def test_what_is_told_of_while_it_is_worked_on_is_looked_at_next(
    hands: Hands, served: Callable[[], Served]
) -> None:
    hands.opt_in(ANN, BEN)
    services: list[Service] = []

    def inside(mailbox: MailboxSettings) -> None:
        if mailbox.address == ANN and services:
            services.pop().wake(ANN)

    put_between(hands, inside)
    one = served()
    assert (len(one.told.of(ANN)), len(one.told.of(BEN))) == (1, 1)
    services.append(one.service)
    hands.now += timedelta(minutes=5)
    one.settle()
    assert (len(one.told.of(ANN)), len(one.told.of(BEN))) == (3, 2)


def test_a_watcher_that_fails_keeps_no_mailbox_claimed(
    hands: Hands, served: Callable[[], Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    hands.opt_in(ANN)
    one = served()

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(one.told, "ended", fail)
    one.after(minutes=5)
    assert one.turn(ANN).claimed_by is None
    monkeypatch.undo()
    one.after(minutes=5)
    assert one.told.of(ANN)[-1].turn.state == "done"


def test_what_an_interrupted_run_left_is_completed_first(hands: Hands) -> None:
    hands.opt_in(ANN, BEN)
    settings = hands.app.context.settings
    hands.put(replace(settings, service=replace(settings.service, workers=1)))
    store = hands.app.context.store
    store.schedule.plan({ANN: "mailboxes", BEN: "mailboxes"}, hands.now)
    path = hands.folder(BEN, ".")[0]
    left = Entry(
        0,
        "r",
        BEN,
        "f",
        0,
        ActionName.MOVE,
        "INBOX",
        path.name.partition(":")[0],
        "Backscatter",
        flags=("S",),
    )
    store.journal(BEN).intend((replace(left, intended_at=hands.now),))
    one = Served(hands)
    one.service.start()
    one.settle()
    assert [worked.turn.address for worked in one.told.turns] == [BEN, ANN]
    assert store.journal(BEN).open() == ()
    assert one.service.stop()


def test_draining_lets_what_is_begun_come_to_its_end(hands: Hands) -> None:
    hands.opt_in(ANN)
    inside, go_on = threading.Event(), threading.Event()

    def wait(_mailbox: MailboxSettings) -> None:
        inside.set()
        assert go_on.wait(PATIENCE)

    put_between(hands, wait)
    one = Served(hands)
    one.service.start()
    assert inside.wait(PATIENCE)
    ending = threading.Thread(target=one.service.stop)
    ending.start()
    while one.service.health.is_ready:
        time.sleep(0.01)
    go_on.set()
    ending.join(PATIENCE)
    assert one.told.turns[-1].turn.state == "done"
    assert hands.folder(ANN, ".Backscatter")
    assert one.turn(ANN).claimed_by is None


def test_what_does_not_end_in_time_stops_at_the_next_message_and_is_first_at_the_next_start(
    hands: Hands, served: Callable[[], Served]
) -> None:
    hands.opt_in(ANN)
    settings = hands.app.context.settings
    hands.put(replace(settings, service=replace(settings.service, drain=timedelta(0))))
    inside, go_on = threading.Event(), threading.Event()

    def wait(_mailbox: MailboxSettings) -> None:
        inside.set()
        assert go_on.wait(PATIENCE)

    put_between(hands, wait)
    one = Served(hands)
    one.service.start()
    assert inside.wait(PATIENCE)
    ending = threading.Thread(target=one.service.stop)
    ending.start()
    while one.service.health.is_ready:
        time.sleep(0.01)
    while not one.service._halts:
        time.sleep(0.01)
    go_on.set()
    ending.join(PATIENCE)
    assert one.told.turns[-1].turn.state == "interrupted"
    assert not hands.folder(ANN, ".Backscatter")
    assert all(not entry.state.is_open for entry in hands.app.context.store.entries())
    put_between(hands, lambda _: None)
    again = served()
    assert again.told.turns[0].turn.state == "done"
    assert hands.folder(ANN, ".Backscatter")


def opt_out(hands: Hands, address: str) -> None:
    consent.opt_out(hands.app.context, address)


STAMPS = itertools.count(1)


def settle_stamps(hands: Hands) -> None:
    """Makes all directories' times of change old enough to be trusted; each change still has its own."""
    old = time.time() - 10_000
    for path in (hands.root / "mail").rglob("*"):
        if path.is_dir() and path.stat().st_mtime > old + 5_000:
            os.utime(path, (old, old + next(STAMPS)))


def test_under_a_hold_the_quarantine_stays_as_it_is_however_old(
    hands: Hands, served: Callable[[], Served], caplog: pytest.LogCaptureFixture
) -> None:
    """Retention within the service, until the hold is lifted."""
    hands.opt_in(ANN)
    hands.set_policy(retention=timedelta(days=30))
    hands.scan()
    quarantined = len(hands.folder(ANN, ".Backscatter"))
    assert quarantined
    context = hands.app.context
    hands.app.context = replace(context, mailboxes=HeldOpenings(context.mailboxes, hands))
    with caplog.at_level(logging.INFO):
        one = served()
        one.after(days=31)
    assert one.told.of(ANN)[-1].expired == 0
    assert "nothing is put away: the mailbox is on litigation hold" in caplog.text
    assert len(hands.folder(ANN, ".Backscatter")) == quarantined
    hands.app.context = replace(hands.app.context, mailboxes=context.mailboxes)
    one.service.use(hands.app.context)
    one.after(days=2)
    assert sum(worked.expired for worked in one.told.of(ANN)) == quarantined
    assert hands.folder(ANN, ".Backscatter") == []
