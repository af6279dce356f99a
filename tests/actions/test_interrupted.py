"""Killed at any moment and run again: every message exists exactly once, and the journal agrees."""

from __future__ import annotations

import multiprocessing
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest

from cleaner.values import Entry, EntryState
from tests.actions.desk import TARGET, Desk, take_all_back, work

MESSAGES = 200

FEW = [pytest.param(5, id="five"), pytest.param(50, id="fifty", marks=pytest.mark.nightly)]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with closing(Desk(tmp_path)) as opened:
        yield opened


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A directory on another file system than the mailbox."""
    memory = Path("/dev/shm")  # noqa: S108
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system here")
    with tempfile.TemporaryDirectory(dir=memory) as directory:
        yield Path(directory)


def link_target(base: Path, elsewhere: Path) -> None:
    """Puts the quarantine of the mailbox to be on another file system."""
    for sub in ("cur", "new", "tmp"):
        (elsewhere / sub).mkdir()
    (base / "Maildir").mkdir()
    (base / "Maildir" / f".{TARGET}").symlink_to(elsewhere)


@pytest.fixture
def far_desk(tmp_path: Path, elsewhere: Path) -> Iterator[Desk]:
    """A desk whose quarantine lies on another file system."""
    link_target(tmp_path, elsewhere)
    with closing(Desk(tmp_path)) as opened:
        yield opened


def intended(desk: Desk, *ids: str) -> tuple[Entry, ...]:
    return desk.journal.intend(desk.entries(*ids))


def undoing(desk: Desk, *ids: str) -> tuple[Entry, ...]:
    done = desk.perform(desk.entries(*ids))
    entries = tuple(replace(entry, state=EntryState.UNDOING) for entry in done)
    desk.journal.settle(entries)
    return entries


def moved_by_hand(desk: Desk, folder: str, target: str) -> Path:
    (path,) = desk.files(folder)
    return path.rename(desk.directory(target) / path.parent.name / path.name)


# --- a move


def test_not_yet_moved_is_left_to_the_next_judging(desk: Desk) -> None:
    intended(desk, desk.deliver(1))
    (entry,) = desk.settle_open()
    assert entry.state is EntryState.FAILED
    assert "interrupted before" in (entry.error or "")
    desk.agrees()
    (again,) = desk.perform(desk.entries(entry.message))
    assert (again.id, again.state) == (entry.id, EntryState.DONE)


@pytest.mark.parametrize("message_id", [True, False])
def test_moved_but_not_journalled_is_done(desk: Desk, message_id: bool) -> None:
    intended(desk, desk.deliver(1, message_id=message_id))
    moved_by_hand(desk, "INBOX", TARGET)
    (entry,) = desk.settle_open()
    assert entry.state is EntryState.DONE
    desk.agrees()


@pytest.mark.parametrize("message_id", [True, False])
def test_moved_under_a_new_id_is_found(desk: Desk, message_id: bool) -> None:
    intended(desk, desk.deliver(1, message_id=message_id))
    path = moved_by_hand(desk, "INBOX", TARGET)
    path.rename(path.with_name("1799999999.M5P5.mx"))
    (entry,) = desk.settle_open()
    assert (entry.state, entry.new_id) == (EntryState.DONE, "1799999999.M5P5.mx")
    desk.agrees()


@pytest.mark.parametrize("message_id", [True, False])
def test_moved_and_brought_back_is_returned(desk: Desk, message_id: bool) -> None:
    """Nobody had told the journal yet that it was moved."""
    intended(desk, desk.deliver(1, message_id=message_id))
    moved_by_hand(desk, "INBOX", TARGET)
    path = moved_by_hand(desk, TARGET, "INBOX")
    path.rename(path.with_name("1799999999.M5P5.mx"))
    (entry,) = desk.settle_open()
    assert (entry.state, entry.new_id) == (EntryState.RETURNED, None)
    assert desk.names("INBOX") == ["new/1799999999.M5P5.mx"]


def test_of_two_alike_that_were_moved_the_one_that_was_brought_back_is_returned(desk: Desk) -> None:
    first, second = desk.deliver(1), "1799999999.M5P5.mx"
    (desk.root / "new" / second).write_bytes((desk.root / "new" / first).read_bytes())
    desk.journal.intend((*desk.entries(first), *desk.entries(second, occurrence=1)))
    for name, target in (
        (first, desk.directory(TARGET) / "new" / "1800000000.M1P1.mx"),
        (second, desk.root / "new" / "1800000000.M2P2.mx"),
    ):
        (desk.root / "new" / name).rename(target)
    states = [entry.state for entry in desk.settle_open()]
    assert sorted(states, key=str) == [EntryState.DONE, EntryState.RETURNED]


def test_deleted_meanwhile_is_gone_though_a_copy_lies_in_the_quarantine(desk: Desk) -> None:
    first, second = desk.deliver(1), "1799999999.M5P5.mx"
    (desk.root / "new" / second).write_bytes((desk.root / "new" / first).read_bytes())
    desk.perform(desk.entries(first))
    desk.journal.intend(desk.entries(second, occurrence=1))
    (desk.root / "new" / second).unlink()
    (entry,) = desk.settle_open()
    assert entry.state is EntryState.GONE


def test_half_copied_to_another_file_system_becomes_one(far_desk: Desk) -> None:
    id = far_desk.deliver(1)
    intended(far_desk, id)
    shutil.copy2(far_desk.root / "new" / id, far_desk.directory(TARGET) / "new" / id)
    (entry,) = far_desk.settle_open()
    assert entry.state is EntryState.DONE
    assert (len(far_desk.files("INBOX")), len(far_desk.files(TARGET))) == (0, 1)
    far_desk.agrees()


def test_a_copy_that_its_owner_made_stays(desk: Desk) -> None:
    """On one file system a move leaves no copies, so this one is not ours to remove."""
    id = desk.deliver(1)
    intended(desk, id)
    shutil.copy2(desk.root / "new" / id, desk.directory(TARGET) / "new" / id)
    desk.settle_open()
    desk.perform(desk.entries(*desk.mailbox.list("INBOX").ids))
    assert len(desk.contents()) == 2
    desk.agrees()


# --- an undo


def test_an_undo_that_was_begun_is_completed(desk: Desk) -> None:
    id = desk.deliver(1, sub="cur", flags="S")
    undoing(desk, id)
    (entry,) = desk.settle_open()
    assert entry.state is EntryState.UNDONE
    assert desk.names("INBOX") == [f"cur/{id}:2,S"]
    desk.agrees()


def test_moved_back_but_not_journalled_is_undone_and_gets_its_flags(desk: Desk) -> None:
    id = desk.deliver(1, sub="cur", flags="S")
    undoing(desk, id)
    path = moved_by_hand(desk, TARGET, "INBOX")
    path.rename(path.with_name(f"{id}:2,ST"))
    (entry,) = desk.settle_open()
    assert entry.state is EntryState.UNDONE
    assert desk.names("INBOX") == [f"cur/{id}:2,S"]


def test_half_copied_back_becomes_one(far_desk: Desk) -> None:
    id = far_desk.deliver(1)
    undoing(far_desk, id)
    shutil.copy2(far_desk.directory(TARGET) / "new" / id, far_desk.root / "new" / id)
    (entry,) = far_desk.settle_open()
    assert entry.state is EntryState.UNDONE
    assert (len(far_desk.files("INBOX")), len(far_desk.files(TARGET))) == (1, 0)


def test_an_undo_whose_message_is_nowhere_is_settled_as_gone(desk: Desk) -> None:
    undoing(desk, desk.deliver(1))
    (path,) = desk.files(TARGET)
    path.unlink()
    (entry,) = desk.settle_open()
    assert entry.state is EntryState.GONE
    assert entry.error
    assert desk.journal.open() == ()


# --- killed for real


class Work(Protocol):
    def __call__(self, base: Path, ready: Callable[[], object] = ...) -> None: ...


def check_one_of_each(base: Path) -> None:
    """Looked at without the program: not one message is lost or doubled, killed or not."""
    names = [path.name.partition(":")[0] for sub in ("cur", "new") for path in base.rglob(f"{sub}/*")]
    assert len(names) == len(set(names)) == MESSAGES


def kill_again_and_again(
    base: Path, doing: Work, kills: int, check: Callable[[Path], object] = check_one_of_each
) -> int:
    """
    Starts the work and kills it at random moments, then lets it finish.

    Returns how often it was killed with something open: that is where it can hurt.
    """
    chance = random.Random(kills)
    fork = multiprocessing.get_context("fork")
    hurt = 0
    for _ in range(kills):
        begun = fork.Semaphore(0)
        process = fork.Process(target=doing, args=(base, begun.release))
        process.start()
        for _ in range(chance.randint(2, 2 * MESSAGES // kills)):
            while process.is_alive() and not begun.acquire(timeout=0.01):
                pass
        time.sleep(chance.uniform(0, 0.001))
        process.kill()
        process.join()
        process.close()
        check(base)
        with closing(Desk(base)) as desk:
            hurt += bool(desk.journal.open())
    doing(base)
    return hurt


def filled(base: Path) -> list[bytes]:
    with closing(Desk(base)) as desk:
        for number in range(MESSAGES):
            desk.deliver(number, sub="cur" if number % 2 else "new", flags="S", message_id=number % 3 != 0)
        return desk.contents()


@pytest.mark.parametrize("kills", FEW)
def test_killed_while_moving(tmp_path: Path, kills: int) -> None:
    before = filled(tmp_path)
    assert kill_again_and_again(tmp_path, work, kills) > 0
    with closing(Desk(tmp_path)) as desk:
        desk.agrees()
        assert desk.contents() == before
        assert len(desk.files(TARGET)) == MESSAGES
        assert {entry.state for entry in desk.journalled()} == {EntryState.DONE}
        assert len(desk.journalled()) == MESSAGES


@pytest.mark.parametrize("kills", FEW)
def test_killed_while_taking_back(tmp_path: Path, kills: int) -> None:
    before = filled(tmp_path)
    with closing(Desk(tmp_path)) as desk:
        names = desk.names("INBOX")
    work(tmp_path)
    assert kill_again_and_again(tmp_path, take_all_back, kills) > 0
    with closing(Desk(tmp_path)) as desk:
        desk.agrees()
        assert desk.contents() == before
        assert desk.names("INBOX") == names
        assert {entry.state for entry in desk.journalled()} == {EntryState.UNDONE}


@pytest.mark.parametrize("kills", FEW)
def test_killed_between_file_systems(tmp_path: Path, elsewhere: Path, kills: int) -> None:
    """Here a message is copied and then removed: killed in between there are two, in the end one."""
    link_target(tmp_path, elsewhere)
    before = filled(tmp_path)
    assert kill_again_and_again(tmp_path, work, kills, check=bool) > 0
    with closing(Desk(tmp_path)) as desk:
        desk.agrees()
        assert desk.contents() == before
        assert len(desk.files(TARGET)) == MESSAGES
    assert kill_again_and_again(tmp_path, take_all_back, kills, check=bool) > 0
    with closing(Desk(tmp_path)) as desk:
        desk.agrees()
        assert desk.contents() == before
        assert desk.files(TARGET) == []
