"""Whatever is put into a column comes out of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from cleaner.store import Store
from cleaner.values import EntryState
from tests.store.samples import ANN, NOW, entry


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "",
        "Ärger \N{PILE OF POO} 日本",
        "a\0b",
        "name\udcff",
        "\x1amark",
        '\x1a"json"',
        "\x1a",
        "back\\slash\\u0000",
        "x" * 100_000,
    ],
)
def test_texts_of_any_characters_are_kept_unaltered(store: Store, text: str) -> None:
    """Folders, ids and Message-IDs are made by others: file names without an encoding, hostile mail."""
    written = entry(folder=text, message=text, target=text, message_id=text, new_id=text, error=text)
    (kept,) = store.journal(ANN).intend([written])
    (found,) = store.journal(ANN).open()
    assert found == kept
    assert (found.folder, found.message, found.target, found.message_id, found.new_id, found.error) == (
        text,
    ) * 6


def test_a_folder_of_any_name_is_found_again(store: Store) -> None:
    store.seen(ANN).record((), {"odd\udcff": "7", "odd?": "8"})
    assert store.seen(ANN).cursor("odd\udcff") == "7"


def test_times_come_back_in_utc_whatever_their_zone(store: Store) -> None:
    there = datetime(2026, 3, 1, 0, 30, tzinfo=timezone(timedelta(hours=9, minutes=30)))
    store.journal(ANN).intend([entry(received=there, settled_at=None)])
    (found,) = store.journal(ANN).open()
    assert found.received == there
    assert found.received.tzinfo is UTC
    assert (found.settled_at, found.intended_at, found.state) == (None, NOW, EntryState.INTENDED)
