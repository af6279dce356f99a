"""What is particular to Maildirs: names, cursors, odd files, owners and rights, and other programs at work."""

from __future__ import annotations

import os
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cleaner.connectors.maildir import ChangingMaildir, ReadingMaildir
from cleaner.connectors.maildir.cursor import MAX_DRIFT, SLACK, Cursor
from cleaner.connectors.maildir.files import MAX_MESSAGE, header_block
from cleaner.connectors.maildir.names import directory_of, flags_of, folder_of, id_of, name_with, unique_from
from cleaner.connectors.utf7 import decoded, encoded
from cleaner.errors import AskPersonError, ChangeRefusedError, UnreadableMessageError
from cleaner.ports import Moved
from tests.connectors.places import ADDRESS, MaildirPlace, mail

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
NOBODY = 65534


@pytest.fixture
def place(tmp_path: Path) -> MaildirPlace:
    return MaildirPlace(tmp_path)


@pytest.fixture
def mailbox(place: MaildirPlace) -> Iterator[ChangingMaildir]:
    opened = ChangingMaildir(ADDRESS, place.root)
    yield opened
    opened.close()


# --- names


@pytest.mark.parametrize(
    ("folder", "directory"),
    [
        ("INBOX", ""),
        ("Sent", ".Sent"),
        ("A/B/C", ".A.B.C"),
        ("Entwürfe", ".Entw&APw-rfe"),
        ("R&D", ".R&-D"),
        ("台北", ".&U,BTFw-"),
        ("📫", ".&2D3c6w-"),
        ("Sent Items", ".Sent Items"),
    ],
)
def test_folder_names_as_rfc_3501_and_maildir_write_them(folder: str, directory: str) -> None:
    assert directory_of(folder) == directory
    if directory:
        assert folder_of(directory) == folder


@pytest.mark.parametrize("name", ["", "/", "A//B", "A.B", ".A", "A/", "nul\0", "A/.B", "x" * 255, "ü" * 99])
def test_names_that_a_maildir_cannot_hold(name: str) -> None:
    assert directory_of(name) is None


@pytest.mark.parametrize("broken", ["&", "a&b", "&AP", "&====-", "&2D0-", "&ÄÖ-"])
def test_broken_utf7_is_taken_as_it_stands(broken: str) -> None:
    assert decoded(broken) == broken
    assert decoded(encoded(broken)) == broken


def test_flags_are_kept_whatever_they_are() -> None:
    assert flags_of("1.M1.mx:2,FSab", in_new=False) == ("\\Flagged", "\\Seen", "a", "b")
    assert flags_of("1.M1.mx", in_new=True) == ("\\Recent",)
    assert name_with("1.M1.mx", ("b", "\\Seen", "\\Recent", "\\Flagged")) == "1.M1.mx:2,FSb"


def test_folders_in_utf8_and_in_no_encoding_at_all(place: MaildirPlace, mailbox: ChangingMaildir) -> None:
    for raw in (".Rückläufer".encode(), b".\xff\xfe", b".loose", b".A..B"):
        for sub in ("cur", "new"):
            (place.root / os.fsdecode(raw) / sub).mkdir(parents=True)
    (place.root / ".courierimapkeywords").write_text("")
    names = [folder.name for folder in mailbox.folders()]
    assert "Rückläufer" in names
    assert ".courierimapkeywords" not in names
    for folder in names:
        assert mailbox.list(folder).total == 0
        folder.encode()


def test_a_sub_folder_called_inbox_is_not_taken_for_it(place: MaildirPlace, mailbox: ChangingMaildir) -> None:
    for sub in ("cur", "new"):
        (place.root / ".INBOX" / sub).mkdir(parents=True)
    assert [folder.name for folder in mailbox.folders()] == ["INBOX"]
    id = place.deliver("INBOX", mail(1))
    assert mailbox.list("INBOX").ids == (id,)


# --- opening


@pytest.mark.parametrize("spoil", ["none", "file", "no cur"])
def test_where_there_is_no_maildir_the_path_is_said(tmp_path: Path, spoil: str) -> None:
    root = tmp_path / "Maildir"
    if spoil == "file":
        root.write_text("")
    if spoil == "no cur":
        (root / "new").mkdir(parents=True)
    with pytest.raises(AskPersonError, match=str(root)):
        ReadingMaildir(ADDRESS, root)


# --- cursors


def moment(**changes: int | str) -> Cursor:
    values: dict[str, int | str] = {"wall": 10**18, "uptime": 10**15, "boot": "b", "place": "p"}
    values |= changes
    return Cursor(**values)  # type: ignore[arg-type]


HOUR = 3600 * 10**9


def test_a_cursor_counts_from_a_little_earlier() -> None:
    later = moment(wall=10**18 + HOUR, uptime=10**15 + HOUR)
    assert later.changed_since(str(moment())) == 10**18 - SLACK


@pytest.mark.parametrize(
    "later",
    [
        pytest.param(moment(wall=10**18 - 1, uptime=10**15 + 1), id="the clock was put back"),
        pytest.param(moment(wall=10**18 + HOUR, uptime=10**15 + 2 * HOUR), id="put back, and time went on"),
        pytest.param(moment(wall=10**18 + 3 * HOUR, uptime=10**15 + HOUR), id="put forward"),
        pytest.param(moment(wall=10**18 + HOUR, uptime=10**15 + HOUR, boot="c"), id="rebooted"),
        pytest.param(moment(wall=10**18 + HOUR, uptime=10**15 + HOUR, place="q"), id="another folder"),
    ],
)
def test_where_times_cannot_be_compared_all_is_listed(later: Cursor) -> None:
    assert later.changed_since(str(moment())) == 0


def test_a_slewed_clock_is_no_step() -> None:
    later = moment(wall=10**18 + HOUR + MAX_DRIFT, uptime=10**15 + HOUR)
    assert later.changed_since(str(moment())) > 0


def test_a_quiet_folder_lists_nothing_and_counts_all(
    place: MaildirPlace, mailbox: ChangingMaildir, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        place.deliver("INBOX", mail(number))
    now = Cursor.now(place.root)
    an_hour = {"wall": now.wall + HOUR, "uptime": now.uptime + HOUR}
    cursor = Cursor(boot=now.boot, place=now.place, **an_hour)
    later = Cursor(now.wall + 2 * HOUR, now.uptime + 2 * HOUR, now.boot, now.place)
    monkeypatch.setattr(Cursor, "now", lambda _: later)
    listing = mailbox.list("INBOX", str(cursor))
    assert (listing.ids, listing.total) == ((), 3)


def test_an_exchanged_folder_is_listed_whole(place: MaildirPlace, mailbox: ChangingMaildir) -> None:
    """As an administrator does who puts back what he had moved aside."""
    place.make("Old")
    id = place.deliver("Old", mail(1))
    aside = place.directory("Old").rename(place.root.parent / "aside")
    place.make("Old")
    cursor = mailbox.list("Old").cursor
    place.drop("Old")
    aside.rename(place.directory("Old"))
    assert mailbox.list("Old", cursor).ids == (id,)


# --- odd files


def odd_files(place: MaildirPlace) -> dict[str, str]:
    cur = place.root / "cur"
    (cur / "1.dangling:2,").symlink_to(place.root / "nowhere")
    (cur / "2.link:2,S").symlink_to(place.file("INBOX", place.deliver("INBOX", mail(90))))
    os.mkfifo(cur / "3.pipe:2,")
    with (cur / "4.huge:2,").open("wb") as file:
        file.write(b"Subject: huge\n\nx")
        file.truncate(MAX_MESSAGE + 1)
    return {"1.dangling": "link", "2.link": "link", "3.pipe": "ordinary", "4.huge": "larger than"}


def test_odd_files_are_said_and_stop_nobody(place: MaildirPlace, mailbox: ChangingMaildir) -> None:
    """Links and pipes could make a service that runs as root read or wait for anything."""
    odd = odd_files(place)
    good = [place.deliver("INBOX", mail(number)) for number in range(2)]
    ids = [good[0], *odd, good[1]]
    assert set(ids) <= set(mailbox.list("INBOX").ids)
    headings = {heading.id: heading for heading in mailbox.headings("INBOX", ids)}
    assert list(headings) == ids
    for id, why in odd.items():
        if id != "4.huge":
            assert why in headings[id].unreadable
        with pytest.raises(UnreadableMessageError, match=why):
            tuple(mailbox.fetch("INBOX", (id,)))
    messages = mailbox.fetch("INBOX", ids)
    assert [next(messages).id, next(messages).id] == good
    with pytest.raises(UnreadableMessageError, match=r"1\.dangling"):
        next(messages)


def test_directories_and_hidden_files_are_no_messages(place: MaildirPlace, mailbox: ChangingMaildir) -> None:
    (place.root / "cur" / "folder").mkdir()
    (place.root / "cur" / ".nfs0001").write_bytes(mail(1))
    assert mailbox.list("INBOX").total == 0


@pytest.mark.parametrize(
    ("unique", "id"),
    [
        (b"1.M1.mx", "1.M1.mx"),
        ("1.M1.büro".encode(), "1.M1.büro"),
        (b"1.M1.b\xfcro", "1.M1.b/fcro"),
        (b"1.M1.b\xfcro,S=12", "1.M1.b/fcro,S=12"),
        (b"\xed\xa0\x80f", "/ed/a0/80f"),
    ],
)
def test_an_id_can_be_written_down_whatever_the_file_is_called(unique: bytes, id: str) -> None:
    assert id_of(os.fsdecode(unique)) == id
    assert os.fsencode(unique_from(id)) == unique


@pytest.mark.parametrize("name", [b"1.b\xfcro.mx", "1.büro.mx".encode()])
def test_a_file_name_in_no_encoding_is_a_message_like_any_other(
    place: MaildirPlace, mailbox: ChangingMaildir, name: bytes
) -> None:
    raw = mail(1)
    file = place.root / "new" / os.fsdecode(name)
    file.write_bytes(raw)
    (id,) = mailbox.list("INBOX").ids
    id.encode()
    assert [message.raw for message in mailbox.fetch("INBOX", [id])] == [raw]
    assert mailbox.find("INBOX", "<1@far.example>") == (id,)
    mailbox.create("Away")
    (there,) = mailbox.move("INBOX", [id], "Away")
    assert there.new_id == id
    assert mailbox.set_flags("Away", id, ("\\Seen",)) == id
    assert [os.fsencode(path.name) for path in (place.root / ".Away" / "cur").iterdir()] == [name + b":2,S"]
    mailbox.set_flags("Away", id, ("\\Recent",))
    assert list(mailbox.move("Away", [id], "INBOX")) == [Moved(id, id)]
    assert file.read_bytes() == raw


def test_a_name_in_no_encoding_that_is_taken_is_never_overwritten(
    place: MaildirPlace, mailbox: ChangingMaildir
) -> None:
    name = os.fsdecode(b"1.b\xfcro,S=9")
    mailbox.create("Away")
    (place.root / "new" / name).write_bytes(mail(1))
    (place.root / ".Away" / "new" / name).write_bytes(mail(2))
    (moved,) = mailbox.move("INBOX", mailbox.list("INBOX").ids, "Away")
    assert moved.new_id is not None
    assert moved.new_id.endswith(",S=9")
    ids = [moved.new_id, id_of(name)]
    assert [message.raw for message in mailbox.fetch("Away", ids)] == [mail(1), mail(2)]


@pytest.mark.parametrize(
    ("raw", "block"),
    [
        (b"A: 1\nB: 2\n\nbody", b"A: 1\nB: 2\n"),
        (b"A: 1\r\nB: 2\r\n\r\nbody", b"A: 1\r\nB: 2\r\n"),
        (b"\nbody: no field", b""),
        (b"\r\nbody: no field", b""),
        (b"A: 1", b"A: 1"),
        (b"", b""),
        (b"A: " + b"x" * (16 * 1024 - 4) + b"\n\nbody", b"A: " + b"x" * (16 * 1024 - 4) + b"\n"),
    ],
)
def test_the_header_block_ends_at_the_first_empty_line(tmp_path: Path, raw: bytes, block: bytes) -> None:
    path = tmp_path / "mail"
    path.write_bytes(raw)
    with path.open("rb") as file:
        assert header_block(file).rstrip(b"\r\n") == block.rstrip(b"\r\n")


# --- moving


def test_what_is_taken_is_never_overwritten(place: MaildirPlace, mailbox: ChangingMaildir) -> None:
    place.make("Backscatter")
    id = place.deliver("INBOX", mail(1))
    there = place.directory("Backscatter") / "cur" / f"{id}:2,S"
    there.write_bytes(mail(2))
    (moved,) = mailbox.move("INBOX", (id,), "Backscatter")
    assert moved.new_id not in (None, id)
    assert there.read_bytes() == mail(2)
    assert [m.raw for m in mailbox.fetch("Backscatter", (moved.new_id or "",))] == [mail(1)]


def test_a_new_name_keeps_the_size_that_quotas_count(place: MaildirPlace, mailbox: ChangingMaildir) -> None:
    place.make("Backscatter")
    id = "1795000001.M1P1.mx,S=123,W=130"
    for folder, number in (("INBOX", 1), ("Backscatter", 2)):
        (place.directory(folder) / "cur" / f"{id}:2,Sab").write_bytes(mail(number))
    (moved,) = mailbox.move("INBOX", (id,), "Backscatter")
    assert (moved.new_id or "").endswith(",S=123,W=130")
    assert place.file("Backscatter", moved.new_id or "").name.endswith(":2,Sab")


def test_new_stays_new_and_cur_stays_cur(place: MaildirPlace, mailbox: ChangingMaildir) -> None:
    place.make("Backscatter")
    fresh, old = place.deliver("INBOX", mail(1)), place.deliver("INBOX", mail(2))
    place.mark_read("INBOX", old)
    tuple(mailbox.move("INBOX", (fresh, old), "Backscatter"))
    assert place.file("Backscatter", fresh).parent.name == "new"
    assert place.file("Backscatter", old).parent.name == "cur"
    assert mailbox.set_flags("Backscatter", old, ("\\Recent",)) == old
    assert place.file("Backscatter", old) == place.directory("Backscatter") / "new" / old


def test_moving_within_a_folder_does_nothing(place: MaildirPlace, mailbox: ChangingMaildir) -> None:
    id = place.deliver("INBOX", mail(1))
    before = place.snapshot()
    assert [m.new_id for m in mailbox.move("INBOX", (id,), "INBOX")] == [id]
    assert place.snapshot() == before


# --- making folders, and rights


def test_a_folder_is_made_like_its_maildir(place: MaildirPlace, mailbox: ChangingMaildir) -> None:
    place.root.chmod(0o2770)
    mailbox.create("Backscatter")
    made = place.directory("Backscatter")
    for path in (made, made / "cur", made / "new", made / "tmp"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o2770
    assert (made / "maildirfolder").is_file()
    assert stat.S_IMODE((made / "maildirfolder").stat().st_mode) == 0o660


@as_root
def test_what_root_makes_belongs_to_the_owner(place: MaildirPlace, mailbox: ChangingMaildir) -> None:
    os.chown(place.root, 4321, 8765)
    mailbox.create("A/B")
    id = mailbox.append("A/B", mail(1), (), datetime(2026, 11, 2, tzinfo=UTC))
    made = place.directory("A/B")
    for path in (place.directory("A"), made, made / "cur", made / "maildirfolder", place.file("A/B", id)):
        assert (path.stat().st_uid, path.stat().st_gid) == (4321, 8765)


def test_a_file_in_the_way_is_said(place: MaildirPlace, mailbox: ChangingMaildir) -> None:
    (place.root / ".Backscatter").write_text("")
    with pytest.raises(ChangeRefusedError, match=r"'Backscatter'.*in the way"):
        mailbox.create("Backscatter")


def test_nothing_is_made_behind_a_link(place: MaildirPlace, mailbox: ChangingMaildir, tmp_path: Path) -> None:
    """Run as root, completing it would change directories that are not the owner's."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (place.root / ".Backscatter").symlink_to(outside)
    with pytest.raises(ChangeRefusedError, match="link"):
        mailbox.create("Backscatter")
    assert list(outside.iterdir()) == []


@pytest.fixture
def unprivileged() -> Iterator[MaildirPlace]:
    """A mailbox whose owner, not root, runs the program."""
    with tempfile.TemporaryDirectory() as directory:
        if os.geteuid() == 0:
            os.chown(directory, NOBODY, NOBODY)
            os.seteuid(NOBODY)
        try:
            yield MaildirPlace(Path(directory))
        finally:
            os.seteuid(os.getuid())


@pytest.mark.parametrize("sub", ["new", ".Backscatter/new"])
def test_without_the_right_to_write_it_is_said(unprivileged: MaildirPlace, sub: str) -> None:
    unprivileged.make("Backscatter")
    id = unprivileged.deliver("INBOX", mail(1))
    (unprivileged.root / sub).chmod(0o500)
    mailbox = unprivileged.changing()
    with pytest.raises(ChangeRefusedError, match=rf"'INBOX'.*'Backscatter'.*no right to write in .*/{sub};"):
        tuple(mailbox.move("INBOX", (id,), "Backscatter"))
    assert any(sub in obstacle.what for obstacle in mailbox.obstacles())
    assert mailbox.present("INBOX", (id,)) == {id}


def test_a_message_that_may_not_be_read_is_said(unprivileged: MaildirPlace) -> None:
    ids = [unprivileged.deliver("INBOX", mail(number)) for number in range(3)]
    unprivileged.file("INBOX", ids[1]).chmod(0)
    mailbox = unprivileged.reading()
    headings = tuple(mailbox.headings("INBOX", ids))
    assert [bool(heading.unreadable) for heading in headings] == [False, True, False]
    with pytest.raises(UnreadableMessageError, match="no right"):
        tuple(mailbox.fetch("INBOX", ids))


def test_a_mailbox_that_may_not_be_opened_is_said(unprivileged: MaildirPlace) -> None:
    unprivileged.root.chmod(0)
    try:
        with pytest.raises(AskPersonError, match="no right"):
            unprivileged.reading()
    finally:
        unprivileged.root.chmod(0o700)


def test_a_folder_that_may_not_be_entered_is_said(unprivileged: MaildirPlace) -> None:
    """Not taken for one that is missing: without its Sent folder a mailbox would be judged wrongly."""
    unprivileged.make("Sent")
    unprivileged.directory("Sent").chmod(0)
    mailbox = unprivileged.changing()
    for ask in (mailbox.folders, lambda: mailbox.list("Sent"), lambda: mailbox.create("Sent")):
        with pytest.raises(AskPersonError, match=r"\.Sent.* cannot be read .*no right"):
            ask()
    unprivileged.directory("Sent").chmod(0o700)


def test_a_folder_that_may_not_be_listed_is_said(unprivileged: MaildirPlace) -> None:
    mailbox = unprivileged.reading()
    (unprivileged.root / "cur").chmod(0)
    with pytest.raises(AskPersonError, match="cur cannot be read"):
        mailbox.list("INBOX")


# --- others at work


def busy(work: Callable[[], object], done: threading.Event) -> threading.Thread:
    def loop() -> None:
        while not done.is_set():
            work()
            time.sleep(0.0002)

    return threading.Thread(target=loop)


def test_a_mail_program_that_keeps_changing_flags_hides_nothing(
    place: MaildirPlace, mailbox: ChangingMaildir
) -> None:
    ids = [place.deliver("INBOX", mail(number)) for number in range(60)]
    paths = {id: place.root / "new" / id for id in ids}
    turn = iter(range(10**9))

    def flag_one() -> None:
        number = next(turn)
        id = ids[number % len(ids)]
        paths[id] = paths[id].rename(place.root / "cur" / f"{id}:2,{'FS'[: number % 3]}")

    done = threading.Event()
    other = busy(flag_one, done)
    other.start()
    try:
        for _ in range(20):
            assert set(mailbox.list("INBOX").ids) == set(ids)
            assert mailbox.present("INBOX", ids) == set(ids)
            assert [heading.id for heading in mailbox.headings("INBOX", ids)] == ids
            assert [message.id for message in mailbox.fetch("INBOX", ids)] == ids
    finally:
        done.set()
        other.join()


def test_flags_of_one_that_is_being_renamed_are_set_all_the_same(
    place: MaildirPlace, mailbox: ChangingMaildir
) -> None:
    id = place.deliver("INBOX", mail(1))
    mailbox.list("INBOX")
    place.mark_read("INBOX", id)
    mailbox.set_flags("INBOX", id, ("\\Flagged", "\\Seen"))
    assert place.file("INBOX", id).name == f"{id}:2,FS"


@pytest.fixture
def coarse(place: MaildirPlace) -> Callable[[int], None]:
    """A file system on which all changes fall into the second that is so far from now."""

    def set_times(seconds: int) -> None:
        second = time.time_ns() // 10**9 + seconds
        for sub in ("new", "cur"):
            os.utime(place.root / sub, (second, second))

    return set_times


def test_two_changes_in_one_coarse_tick_hide_no_message(
    place: MaildirPlace, mailbox: ChangingMaildir, coarse: Callable[[int], None]
) -> None:
    """The directories then look as if nothing had happened; a file that is not where it was tells."""
    id = place.deliver("INBOX", mail(1))
    coarse(-3600)
    assert mailbox.present("INBOX", (id,)) == {id}
    place.mark_read("INBOX", id)
    coarse(-3600)
    assert [heading.id for heading in mailbox.headings("INBOX", (id,))] == [id]


def test_a_coarse_time_stamp_is_trusted_only_when_its_tick_is_over(
    place: MaildirPlace, mailbox: ChangingMaildir, coarse: Callable[[int], None]
) -> None:
    id = place.deliver("INBOX", mail(1))
    coarse(0)
    assert mailbox.present("INBOX", (id,)) == {id}
    place.delete("INBOX", id)
    coarse(0)
    assert mailbox.present("INBOX", (id,)) == frozenset()
