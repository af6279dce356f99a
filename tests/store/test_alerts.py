"""Alarms that are still to be told: sealed, told of once, and gone with the mailbox that they speak of."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import update

from cleaner.store import Store, tables
from cleaner.store.sealing import Seals
from cleaner.values import Alert
from tests.store.samples import ANN, KEY, NOW

OF_ANN = Alert("flood", ANN, "much came")
OF_A_SERVER = Alert("mailboxes-failing", "imap", "ben@harbor.example failed")


def test_one_that_was_sealed_with_another_key_is_passed_over_and_goes_with_the_next_mailbox(
    tmp_path: Path,
) -> None:
    with Store.open(f"sqlite:///{tmp_path / 'state.db'}", KEY) as store:
        store.alerts.post((OF_ANN, OF_A_SERVER), NOW)
        table = tables.alert_due
        foreign = Seals(b"another key that is long enough!").seal(b"{}")
        of_ann = store.alerts._hash(OF_ANN)
        with store._database.write() as connection:
            connection.execute(update(table).where(table.c.key == of_ann).values(sealed=foreign))
        assert list(store.alerts.due()) == [OF_A_SERVER]
        store.erase(ANN)
        assert of_ann not in [row.key for row in store.alerts._rows()]
        assert list(store.alerts.due()) == [OF_A_SERVER]
