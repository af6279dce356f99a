"""What was judged and moved, counted over all mailboxes."""

from __future__ import annotations

from datetime import date, timedelta

from cleaner.store import Store
from cleaner.store.report import Changed, Judged
from cleaner.values import ActionName, EntryState, Opinion
from tests.store.samples import ANN, BEN, NOW, entry, notice


def test_by_mailbox_day_and_verdict_since_a_time(store: Store) -> None:
    old = notice(fingerprint="f0", judged_at=NOW - timedelta(days=9))
    store.seen(ANN).record((old, notice(judged_at=NOW), notice(fingerprint="f2", judged_at=NOW)), {})
    later = notice(fingerprint="f3", judged_at=NOW + timedelta(days=1), opinion=Opinion.GENUINE)
    store.seen(BEN).record((later,), {})
    assert store.report.judged(NOW - timedelta(days=1)) == (
        Judged(ANN, date(2026, 11, 20), Opinion.BACKSCATTER, 2),
        Judged(BEN, date(2026, 11, 21), Opinion.GENUINE, 1),
    )


def test_changes_by_mailbox_action_and_state(store: Store) -> None:
    store.journal(ANN).intend([entry(1), entry(2), entry(3, intended_at=NOW - timedelta(days=9))])
    assert store.report.changed(NOW) == (Changed(ANN, ActionName.MOVE, EntryState.INTENDED, 2),)
