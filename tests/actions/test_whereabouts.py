"""Where a message is, and whether it was brought back, whatever the journal knows of the move."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from cleaner.actions import Whereabouts
from cleaner.notices import fingerprint
from cleaner.values import ActionName, Entry, EntryState, Heading
from tests.actions.desk import TARGET, Desk

NEW = "1799999999.M5P5.mx"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with closing(Desk(tmp_path)) as opened:
        yield opened


def brought_back(desk: Desk, entry: Entry, id: str = NEW) -> bool:
    (message,) = desk.mailbox.headings("INBOX", (id,))
    return Whereabouts(desk.mailbox, desk.journal, fingerprint).was_brought_back(entry, message)


def moved_to(desk: Desk, folder: str, target: str, name: str) -> None:
    (path,) = desk.files(folder)
    path.rename(desk.directory(target) / "cur" / name)


def second_copy(desk: Desk, id: str) -> None:
    (desk.root / "new" / NEW).write_bytes((desk.root / "new" / id).read_bytes())


@pytest.mark.parametrize("state", [EntryState.INTENDED, EntryState.FAILED])
def test_under_a_new_id_it_was_brought_back(desk: Desk, state: EntryState) -> None:
    (entry,) = desk.journal.intend(desk.entries(desk.deliver(1)))
    moved_to(desk, "INBOX", "INBOX", f"{NEW}:2,")
    assert brought_back(desk, replace(entry, state=state))


@pytest.mark.parametrize("state", [EntryState.INTENDED, EntryState.FAILED])
def test_where_it_was_and_beside_it_it_was_not(desk: Desk, state: EntryState) -> None:
    (entry,) = desk.journal.intend(desk.entries(desk.deliver(1)))
    second_copy(desk, entry.message)
    entry = replace(entry, state=state)
    assert not brought_back(desk, entry)
    assert not brought_back(desk, entry, entry.message)


def test_moved_and_not_journalled_the_other_one_is_a_second_copy(desk: Desk) -> None:
    (entry,) = desk.journal.intend(desk.entries(desk.deliver(1)))
    second_copy(desk, entry.message)
    (desk.root / "new" / entry.message).rename(desk.directory(TARGET) / "new" / "1800000000.M1P1.mx")
    assert not brought_back(desk, entry)


def test_done_it_was_brought_back_once_it_is_not_there(desk: Desk) -> None:
    id = desk.deliver(1)
    second = desk.root / "new" / NEW
    (done,) = desk.perform(desk.entries(id))
    second.write_bytes((desk.directory(TARGET) / "new" / id).read_bytes())
    assert not brought_back(desk, done)
    assert not brought_back(desk, replace(done, new_id=None))
    (desk.directory(TARGET) / "new" / id).unlink()
    assert brought_back(desk, done)
    assert brought_back(desk, replace(done, new_id=None))


def test_what_was_only_marked_as_deleted_where_it_was_copied_from_is_not_there(desk: Desk) -> None:
    """As many mail programs move. One that is in no other place was deleted, and can be taken back."""
    id = desk.deliver(1)
    (done,) = desk.perform(desk.entries(id))
    moved_to(desk, TARGET, TARGET, f"{id}:2,T")
    where = Whereabouts(desk.mailbox, desk.journal, fingerprint)
    assert where.in_target(done) is not None
    (path,) = desk.files(TARGET)
    (desk.root / "new" / NEW).write_bytes(path.read_bytes())
    assert where.in_target(done) is None
    assert where.in_targets((done,)) == {}
    assert brought_back(desk, done)
    (entry,) = desk.undo((done,))
    assert entry.state is EntryState.RETURNED
    assert len(desk.files("INBOX")) == 1


@pytest.mark.parametrize(
    ("state", "action", "is_back"),
    [
        (EntryState.UNDOING, ActionName.MOVE, True),
        (EntryState.UNDONE, ActionName.MOVE, True),
        (EntryState.RETURNED, ActionName.DELETE, True),
        (EntryState.GONE, ActionName.MOVE, True),
        (EntryState.GONE, ActionName.EXPIRE, False),
        (EntryState.FAILED, ActionName.EXPIRE, False),
        (EntryState.PURGED, ActionName.MOVE, False),
    ],
)
def test_what_is_over_is_over(desk: Desk, state: EntryState, action: ActionName, is_back: bool) -> None:
    (entry,) = desk.entries(desk.deliver(1))
    moved_to(desk, "INBOX", "INBOX", f"{NEW}:2,")
    assert brought_back(desk, replace(entry, state=state, action=action)) is is_back


def test_what_was_taken_is_not_found_again(desk: Desk) -> None:
    (entry,) = desk.entries(desk.deliver(1))
    where = Whereabouts(desk.mailbox, desk.journal, fingerprint)
    found = where.in_source(entry)
    assert isinstance(found, Heading)
    where.take(found)
    assert where.in_source(entry) is None
