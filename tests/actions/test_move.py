"""Moving: what is said to be done is done, what is refused stays, and undo after do restores."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from cleaner import actions
from cleaner.connectors.maildir import reading
from cleaner.errors import FolderMissingError
from cleaner.ports import Moved
from cleaner.values import EntryState
from tests.actions.desk import NOW, TARGET, Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with closing(Desk(tmp_path)) as opened:
        yield opened


# --- perform


def test_moves_and_journals(desk: Desk) -> None:
    ids = [desk.deliver(number) for number in range(120)]
    settled = desk.perform(desk.entries(*ids))
    assert [entry.message for entry in settled] == ids
    assert {entry.state for entry in settled} == {EntryState.DONE}
    assert desk.files("INBOX") == []
    assert desk.journalled() == settled
    desk.agrees()


def test_doing_it_twice_does_nothing(desk: Desk) -> None:
    entries = desk.entries(desk.deliver(1))
    (first,) = desk.perform(entries)
    (second,) = desk.perform(entries)
    assert second == first
    desk.agrees()


def test_one_that_is_gone_is_said_and_the_others_go_on(desk: Desk) -> None:
    ids = [desk.deliver(number) for number in range(3)]
    entries = desk.entries(*ids)
    (desk.root / "new" / ids[1]).unlink()
    states = [entry.state for entry in desk.perform(entries)]
    assert states == [EntryState.DONE, EntryState.GONE, EntryState.DONE]


def test_intent_is_durable_before_the_mailbox_is_touched(desk: Desk) -> None:
    entries = desk.entries(desk.deliver(1), desk.deliver(2))
    seen: list[int] = []

    class Watching(type(desk.mailbox)):  # type: ignore[misc]
        def move(self, folder: str, ids: Sequence[str], target: str) -> Iterator[Moved]:
            seen.append(len(desk.journal.open()))
            yield from super().move(folder, ids, target)

    mailbox = Watching(desk.mailbox.address, desk.root)
    tuple(actions.perform(mailbox, desk.journal, entries, lambda: True, NOW))
    assert seen == [2]


def test_stopped_before_the_next_message_nothing_stays_open(desk: Desk) -> None:
    entries = desk.entries(*[desk.deliver(number) for number in range(120)])
    answers = iter([True] * 4)
    settled = desk.perform(entries, lambda: next(answers, False))
    done = [entry for entry in settled if entry.state is EntryState.DONE]
    assert len(done) == len(desk.files(TARGET)) == 3
    assert all("stopped before" in (entry.error or "") for entry in settled if entry not in done)
    desk.agrees()
    assert len(desk.journalled()) < len(entries)
    rest = desk.perform([entry for entry in entries if entry.message not in {e.message for e in done}])
    assert {entry.state for entry in rest} == {EntryState.DONE}
    assert len(desk.journalled()) == len(entries)
    desk.agrees()


def test_whoever_stops_listening_leaves_nothing_open_that_was_moved(desk: Desk) -> None:
    entries = desk.entries(*[desk.deliver(number) for number in range(10)])
    moving = actions.perform(desk.mailbox, desk.journal, entries, lambda: True, NOW)
    next(moving)
    next(moving)
    del moving
    states = [entry.state for entry in desk.journalled()]
    assert states == [EntryState.DONE] * 2 + [EntryState.INTENDED] * 8
    desk.settle_open()
    desk.agrees()


def test_a_target_that_is_missing_leaves_everything_where_it_is(desk: Desk) -> None:
    entries = [replace(entry, target="Nowhere") for entry in desk.entries(desk.deliver(1))]
    moving = actions.perform(desk.mailbox, desk.journal, entries, lambda: True, NOW)
    assert next(moving).state is EntryState.FAILED
    with pytest.raises(FolderMissingError):
        next(moving)
    assert len(desk.files("INBOX")) == 1
    desk.agrees()


def test_an_interrupt_from_the_keyboard_is_settled_by_the_next_run(desk: Desk) -> None:
    entries = desk.entries(*[desk.deliver(number) for number in range(10)])
    asked = iter(range(5))

    def interrupted() -> bool:
        if next(asked, None) is None:
            raise KeyboardInterrupt
        return True

    with suppress(KeyboardInterrupt):
        desk.perform(entries, interrupted)
    assert len(desk.files(TARGET)) == 4
    desk.settle_open()
    desk.agrees()
    assert sum(entry.state is EntryState.DONE for entry in desk.journalled()) == 4


# --- undo


def test_undo_restores_names_flags_and_dates(desk: Desk) -> None:
    ids = [
        desk.deliver(1),
        desk.deliver(2, sub="cur", flags="FS"),
        desk.deliver(3, sub="cur", message_id=False),
    ]
    before = [(path, path.stat().st_mtime_ns) for path in desk.files("INBOX")]
    done = desk.perform(desk.entries(*ids))
    undone = desk.undo(done)
    assert {entry.state for entry in undone} == {EntryState.UNDONE}
    assert [(path, path.stat().st_mtime_ns) for path in desk.files("INBOX")] == before
    desk.agrees()


@pytest.mark.parametrize("flags", ["", "S"])
def test_folders_are_read_for_a_batch_not_for_each_message(
    desk: Desk, flags: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands taken back out of a full mailbox must not read the whole folder for each of them."""
    done = desk.perform(desk.entries(*[desk.deliver(number, sub="cur") for number in range(120)]))
    for path in desk.files(TARGET):
        path.rename(path.with_name(path.name + flags))
    scans: list[Path] = []
    scan = reading._scan

    def counted(directory: Path) -> dict[str, str]:
        scans.append(directory)
        return scan(directory)

    monkeypatch.setattr(reading, "_scan", counted)
    assert {entry.state for entry in desk.undo(done)} == {EntryState.UNDONE}
    assert len(scans) < 60
    assert all(name.endswith(":2,") for name in desk.names("INBOX"))


def test_the_latest_goes_back_first(desk: Desk) -> None:
    done = desk.perform(desk.entries(*[desk.deliver(number) for number in range(5)]))
    assert [entry.id for entry in desk.undo(done)] == sorted((entry.id for entry in done), reverse=True)


def test_what_was_read_in_the_quarantine_comes_back_as_it_went(desk: Desk) -> None:
    id = desk.deliver(1)
    done = desk.perform(desk.entries(id))
    (path,) = desk.files(TARGET)
    path.rename(desk.directory(TARGET) / "cur" / f"{id}:2,ST")
    desk.undo(done)
    assert desk.names("INBOX") == [f"new/{id}"]


def test_a_source_folder_that_was_deleted_is_made_again(desk: Desk) -> None:
    desk.mailbox.create("Old/Mail")
    id = desk.deliver(1)
    (desk.root / "new" / id).rename(desk.directory("Old/Mail") / "new" / id)
    done = desk.perform(desk.entries(id, folder="Old/Mail"))
    for path in sorted(desk.directory("Old/Mail").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    desk.directory("Old/Mail").rmdir()
    (undone,) = desk.undo(done)
    assert undone.state is EntryState.UNDONE
    assert desk.names("Old/Mail") == [f"new/{id}"]


@pytest.mark.parametrize("message_id", [True, False])
def test_what_its_owner_moved_back_is_returned(desk: Desk, message_id: bool) -> None:
    """Under a new name too, as an IMAP server gives one."""
    done = desk.perform(desk.entries(desk.deliver(1, message_id=message_id)))
    (path,) = desk.files(TARGET)
    path.rename(desk.root / "cur" / "1799999999.M5P5.mx:2,S")
    (entry,) = desk.undo(done)
    assert entry.state is EntryState.RETURNED
    assert desk.names("INBOX") == ["cur/1799999999.M5P5.mx:2,S"]


@pytest.mark.parametrize("message_id", [True, False])
def test_renamed_within_the_quarantine_it_is_still_found(desk: Desk, message_id: bool) -> None:
    done = desk.perform(desk.entries(desk.deliver(1, message_id=message_id)))
    (path,) = desk.files(TARGET)
    path.rename(path.with_name("1799999999.M5P5.mx"))
    (entry,) = desk.undo(done)
    assert entry.state is EntryState.UNDONE
    assert len(desk.files("INBOX")) == 1


def test_what_is_nowhere_is_gone_and_found_when_it_is_back(desk: Desk) -> None:
    done = desk.perform(desk.entries(desk.deliver(1)))
    (path,) = desk.files(TARGET)
    kept = path.read_bytes()
    path.unlink()
    (entry,) = desk.undo(done)
    assert (entry.state, entry.was_moved) == (EntryState.GONE, True)
    assert "no longer in Backscatter" in (entry.error or "")
    path.write_bytes(kept)
    (again,) = desk.undo([entry])
    assert (again.state, again.error) == (EntryState.UNDONE, None)


def test_of_two_copies_each_entry_takes_its_own_back(desk: Desk) -> None:
    """The copy that its owner deleted is not taken for the one that is still there."""
    first = desk.deliver(1)
    second = "1799999999.M5P5.mx"
    (desk.root / "new" / second).write_bytes((desk.root / "new" / first).read_bytes())
    one = desk.perform(desk.entries(first))
    two = desk.perform(desk.entries(second, occurrence=1))
    (desk.directory(TARGET) / "new" / second).unlink()
    (lost, back) = desk.undo((*one, *two))
    assert (lost.message, lost.state) == (second, EntryState.GONE)
    assert (back.message, back.state) == (first, EntryState.UNDONE)
    assert desk.names("INBOX") == [f"new/{first}"]


def test_stopped_undo_leaves_the_rest_done(desk: Desk) -> None:
    done = desk.perform(desk.entries(*[desk.deliver(number) for number in range(10)]))
    answers = iter([False] * 4)
    undone = desk.undo(done, lambda: next(answers, True))
    assert [entry.state for entry in undone] == [EntryState.UNDONE] * 3
    assert len(desk.files(TARGET)) == 7
    desk.agrees()
    desk.undo([entry for entry in desk.journalled() if entry.state is EntryState.DONE])
    assert desk.files(TARGET) == []
    desk.agrees()


def test_a_source_that_cannot_be_made_again_is_said(desk: Desk) -> None:
    desk.mailbox.create("Old")
    id = desk.deliver(1)
    (desk.root / "new" / id).rename(desk.directory("Old") / "new" / id)
    done = desk.perform(desk.entries(id, folder="Old"))
    os.rename(desk.directory("Old"), desk.root.parent / "away")  # noqa: PTH104
    desk.directory("Old").write_text("in the way")
    (entry,) = desk.undo(done)
    assert entry.state is EntryState.DONE
    assert "'Old'" in (entry.error or "")
    assert len(desk.files(TARGET)) == 1
