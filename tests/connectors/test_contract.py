"""What every connector promises to the pipeline, the same suite for each (see `places.py`)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cleaner import actions, connectors
from cleaner.config import MailboxSettings, Server
from cleaner.errors import ChangeRefusedError, CleanerError, FolderMissingError, MessageGoneError
from cleaner.notices import fingerprint
from cleaner.ports import ChangeableMailbox, Mailbox
from cleaner.store import Store
from cleaner.values import ActionName, Entry, EntryState, FolderRole, Heading, Policy
from tests.connectors.places import ADDRESS, NIGHTLY, PLACES, Place, mail

WHEN = datetime(2026, 11, 2, 10, 15, tzinfo=UTC)


@pytest.fixture(
    params=[pytest.param(name, marks=[pytest.mark.nightly] * (name in NIGHTLY)) for name in PLACES]
)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with PLACES[request.param](request, tmp_path) as place:
        yield place


@pytest.fixture
def mailbox(place: Place) -> Iterator[ChangeableMailbox]:
    opened = place.changing()
    yield opened
    opened.close()


@pytest.fixture
def reading(place: Place) -> Iterator[Mailbox]:
    opened = place.reading()
    yield opened
    opened.close()


# --- folders


def test_the_inbox_comes_first_and_roles_are_known(place: Place) -> None:
    for name in ("Archive", "Gesendete Objekte", "Papierkorb", "Projects"):
        place.make(name)
    with closing(place.reading()) as reading:
        folders = reading.folders()
    assert (folders[0].name, folders[0].role) == ("INBOX", FolderRole.INBOX)
    roles = {folder.name: folder.role for folder in folders[1:]}
    assert roles["Gesendete Objekte"] is FolderRole.SENT
    assert roles["Papierkorb"] is FolderRole.TRASH
    assert roles["Archive"] is FolderRole.ARCHIVE
    assert roles["Projects"] is FolderRole.NONE


@pytest.mark.parametrize(
    "name", ["Backscatter", "Rückläufer", "迷惑/配信不能", "R&D", "A/B/C", "שגויים", "📫"]
)
def test_a_folder_is_made_and_found_under_its_name(
    place: Place, mailbox: ChangeableMailbox, name: str
) -> None:
    if max(name) > place.widest:
        with pytest.raises(ChangeRefusedError, match="cannot be made"):
            mailbox.create(name)
        return
    mailbox.create(name)
    mailbox.create(name)
    names = [folder.name for folder in mailbox.folders()]
    assert names.count(name) == 1
    assert mailbox.list(name).ids == ()


def test_the_parents_of_a_new_folder_are_made(mailbox: ChangeableMailbox) -> None:
    mailbox.create("A/B")
    assert {"A", "A/B"} <= {folder.name for folder in mailbox.folders()}


def test_creating_the_inbox_does_nothing(place: Place, mailbox: ChangeableMailbox) -> None:
    before = place.snapshot()
    mailbox.create("INBOX")
    assert place.snapshot() == before


@pytest.mark.parametrize("name", ["", "A//B", "/A"])
def test_an_impossible_folder_is_refused_in_words(mailbox: ChangeableMailbox, name: str) -> None:
    with pytest.raises(ChangeRefusedError, match="cannot be made"):
        mailbox.create(name)


def test_a_missing_folder(place: Place, mailbox: ChangeableMailbox) -> None:
    id = place.deliver("INBOX", mail(1))
    with pytest.raises(FolderMissingError, match="Nowhere"):
        mailbox.list("Nowhere")
    with pytest.raises(FolderMissingError, match="Nowhere"):
        tuple(mailbox.move("INBOX", (id,), "Nowhere"))
    assert mailbox.present("INBOX", (id,)) == {id}
    assert mailbox.present("Nowhere", (id,)) == frozenset()
    assert mailbox.find("Nowhere", "<1@far.example>") == ()


# --- listing


def test_all_messages_oldest_first(place: Place, reading: Mailbox) -> None:
    late = place.deliver("INBOX", mail(1), WHEN + timedelta(hours=1))
    early = place.deliver("INBOX", mail(2), WHEN)
    listing = reading.list("INBOX")
    assert (listing.ids, listing.total) == ((late, early) if place.counts_arrivals else (early, late), 2)


def test_a_cursor_never_leaves_out_what_came_after_it(place: Place, mailbox: ChangeableMailbox) -> None:
    """Also mail with an old date, and what was moved in from another folder, keeping its date."""
    place.make("Other")
    moved = place.deliver("Other", mail(1), WHEN - timedelta(days=900))
    place.deliver("INBOX", mail(2))
    cursor = mailbox.list("INBOX").cursor
    old = place.deliver("INBOX", mail(3), WHEN - timedelta(days=2000))
    assert {old} <= set(mailbox.list("INBOX", cursor).ids)
    (result,) = mailbox.move("Other", (moved,), "INBOX")
    listing = mailbox.list("INBOX", cursor)
    assert {old, result.new_id} <= set(listing.ids)
    assert listing.total == 3


@pytest.mark.parametrize("cursor", ["", "nonsense", "1:2", "9" * 400, "-1:-1:x:y", "ü:1:2:3"])
def test_an_unusable_cursor_lists_all(place: Place, reading: Mailbox, cursor: str) -> None:
    id = place.deliver("INBOX", mail(1), WHEN)
    assert reading.list("INBOX", cursor).ids == (id,)


def test_present_follows_what_happens(place: Place, reading: Mailbox) -> None:
    here, gone = place.deliver("INBOX", mail(1)), place.deliver("INBOX", mail(2))
    assert reading.present("INBOX", (here, gone, "none")) == {here, gone}
    place.delete("INBOX", gone)
    place.mark_read("INBOX", here)
    assert reading.present("INBOX", (here, gone)) == {here}


# --- reading


def test_headings_and_messages_in_the_order_asked(place: Place, reading: Mailbox) -> None:
    ids = [place.deliver("INBOX", mail(number), WHEN) for number in range(5)]
    asked = (ids[3], ids[0], ids[4])
    headings = tuple(reading.headings("INBOX", asked))
    messages = tuple(reading.fetch("INBOX", asked))
    assert tuple(heading.id for heading in headings) == asked
    assert tuple(message.id for message in messages) == asked
    assert [heading.headers.text("message-id") for heading in headings] == [
        "<3@far.example>",
        "<0@far.example>",
        "<4@far.example>",
    ]
    assert {heading.folder for heading in headings} == {"INBOX"}
    assert {heading.received for heading in headings} == {WHEN}
    assert {message.received for message in messages} == {WHEN}
    assert headings[0].size == place.size(mail(3))


@pytest.mark.parametrize(
    "raw",
    [
        mail(1),
        mail(1).replace(b"\r\n", b"\n"),
        b"",
        b"\n",
        b"\r\n\r\nonly a body",
        b"no header at all",
        b"Subject: \xff\xfe raw\n\n\x00\x01\xff",
        b"X: y\n" * 3000,
    ],
)
def test_bytes_come_as_they_are(place: Place, reading: Mailbox, raw: bytes) -> None:
    id = place.deliver("INBOX", raw)
    (message,) = reading.fetch("INBOX", (id,))
    (heading,) = reading.headings("INBOX", (id,))
    assert message.raw.replace(b"\r\n", b"\n") == place.kept(raw).replace(b"\r\n", b"\n")
    assert heading.unreadable == ""


def test_a_mail_with_an_endless_header_is_read_within_bounds(place: Place, reading: Mailbox) -> None:
    id = place.deliver("INBOX", b"Subject: long\n" + b"X-Pad: " + b"a" * 3_000_000 + b"\n\nbody")
    (heading,) = reading.headings("INBOX", (id,))
    assert heading.headers.text("subject") == "long"
    assert sum(len(value) for _, value in heading.headers) < 600_000


def test_messages_gone_meanwhile_are_left_out(place: Place, reading: Mailbox) -> None:
    first, second, third = (place.deliver("INBOX", mail(number)) for number in range(3))
    reading.list("INBOX")
    place.delete("INBOX", second)
    assert [h.id for h in reading.headings("INBOX", (first, second, third))] == [first, third]
    place.delete("INBOX", first)
    assert [m.id for m in reading.fetch("INBOX", (first, second, third))] == [third]


def test_messages_that_a_mail_program_reads_meanwhile_are_still_found(place: Place, reading: Mailbox) -> None:
    ids = [place.deliver("INBOX", mail(number)) for number in range(3)]
    reading.list("INBOX")
    headings = reading.headings("INBOX", ids)
    seen = [next(headings).id]
    for id in ids:
        place.mark_read("INBOX", id)
    seen += [heading.id for heading in headings]
    assert seen == ids
    assert [message.id for message in reading.fetch("INBOX", ids)] == ids


def test_find_by_message_id(place: Place, reading: Mailbox) -> None:
    one, _ = place.deliver("INBOX", mail(1)), place.deliver("INBOX", mail(2))
    again = place.deliver("INBOX", mail(1, body="A copy.\r\n"))
    place.deliver("INBOX", mail(3, message_id=False))
    assert set(reading.find("INBOX", "<1@far.example>")) == {one, again}
    assert reading.find("INBOX", "<11@far.example>") == ()
    place.delete("INBOX", one)
    late = place.deliver("INBOX", mail(4))
    assert reading.find("INBOX", "<1@far.example>") == (again,)
    assert reading.find("INBOX", "<4@far.example>") == (late,)


def test_reading_changes_nothing(place: Place) -> None:
    place.make("Sent")
    ids = [place.deliver("INBOX", mail(number), WHEN) for number in range(3)]
    place.mark_read("INBOX", ids[0])
    before = place.snapshot()
    mailbox = place.reading()
    mailbox.folders()
    cursor = mailbox.list("INBOX").cursor
    mailbox.list("INBOX", cursor)
    tuple(mailbox.headings("INBOX", ids))
    tuple(mailbox.fetch("INBOX", ids))
    mailbox.find("INBOX", "<1@far.example>")
    mailbox.obstacles()
    mailbox.close()
    assert place.snapshot() == before
    assert not hasattr(mailbox, "move")


# --- changing


def test_moving_keeps_bytes_flags_and_date(place: Place, mailbox: ChangeableMailbox) -> None:
    read, fresh = place.deliver("INBOX", mail(1), WHEN), place.deliver("INBOX", mail(2), WHEN)
    place.mark_read("INBOX", read)
    before = {message.raw: message for message in mailbox.fetch("INBOX", (read, fresh))}
    mailbox.create("Backscatter")
    moved = tuple(mailbox.move("INBOX", (read, fresh), "Backscatter"))
    assert [m.id for m in moved] == [read, fresh]
    assert all(m.error is None and not m.gone and m.new_id for m in moved)
    after = {m.raw: m for m in mailbox.fetch("Backscatter", [m.new_id or "" for m in moved])}
    assert after.keys() == before.keys()
    for raw, message in after.items():
        assert (message.flags, message.received) == (before[raw].flags, before[raw].received)
    assert mailbox.list("INBOX").total == 0
    assert "\\Seen" in after[place.kept(mail(1))].flags
    assert "\\Seen" not in after[place.kept(mail(2))].flags


def test_moving_there_and_back_restores_everything(place: Place, mailbox: ChangeableMailbox) -> None:
    mailbox.create("Backscatter")
    ids = [place.deliver("INBOX", mail(number), WHEN) for number in range(4)]
    place.mark_read("INBOX", ids[1])
    before = {(m.raw, m.flags, m.received) for m in mailbox.fetch("INBOX", ids)}
    there = [m.new_id or "" for m in mailbox.move("INBOX", ids, "Backscatter")]
    back = [m.new_id or "" for m in mailbox.move("Backscatter", there, "INBOX")]
    assert {(m.raw, m.flags, m.received) for m in mailbox.fetch("INBOX", back)} == before


def test_each_result_is_told_as_soon_as_it_is_certain(place: Place, mailbox: ChangeableMailbox) -> None:
    mailbox.create("Backscatter")
    ids = [place.deliver("INBOX", mail(number)) for number in range(3)]
    moves = mailbox.move("INBOX", ids, "Backscatter")
    assert next(moves).id == ids[0]
    with closing(place.reading()) as other:
        assert other.present("INBOX", ids) == set(ids[1:])
        assert other.list("Backscatter").total == 1


def test_a_message_gone_meanwhile_does_not_stop_the_others(place: Place, mailbox: ChangeableMailbox) -> None:
    mailbox.create("Backscatter")
    ids = [place.deliver("INBOX", mail(number)) for number in range(3)]
    mailbox.list("INBOX")
    place.delete("INBOX", ids[1])
    place.mark_read("INBOX", ids[2])
    moved = tuple(mailbox.move("INBOX", ids, "Backscatter"))
    assert [m.gone for m in moved] == [False, True, False]
    assert mailbox.list("Backscatter").total == 2


def test_what_was_moved_unknown_to_the_journal_and_brought_back_is_returned(
    place: Place, mailbox: ChangeableMailbox, tmp_path: Path
) -> None:
    """As far as ids tell it: where a message keeps its id in every folder, it looks as if it had never been moved."""
    mailbox.create("Backscatter")
    place.deliver("INBOX", mail(2), WHEN)
    id = place.deliver("INBOX", mail(1), WHEN)
    (heading,) = mailbox.headings("INBOX", (id,))
    with closing(Store.open(f"sqlite:///{tmp_path / 'journal.db'}", key=b"k" * 32)) as store:
        journal = store.journal(ADDRESS)
        journal.intend((intent(heading),))
        (there,) = mailbox.move("INBOX", (id,), "Backscatter")
        assert there.new_id is not None
        (back,) = mailbox.move("Backscatter", (there.new_id,), "INBOX")
        (entry,) = actions.settle_open(mailbox, journal, journal.open(), fingerprint, WHEN)
        assert journal.open() == ()
    assert entry.state is (EntryState.FAILED if back.new_id == id else EntryState.RETURNED)
    assert len(mailbox.list("INBOX").ids) == 2
    assert mailbox.list("Backscatter").ids == ()


def intent(heading: Heading) -> Entry:
    return Entry(
        0,
        "run-1",
        ADDRESS,
        fingerprint(heading.headers),
        0,
        ActionName.MOVE,
        heading.folder,
        heading.id,
        "Backscatter",
        flags=heading.flags,
        received=heading.received,
        message_id=heading.headers.text("message-id") or None,
        intended_at=WHEN,
    )


def test_moving_from_a_folder_that_is_gone(place: Place, mailbox: ChangeableMailbox) -> None:
    mailbox.create("Backscatter")
    place.make("Old")
    id = place.deliver("Old", mail(1))
    mailbox.list("Old")
    place.drop("Old")
    (moved,) = mailbox.move("Old", (id,), "Backscatter")
    assert moved.gone


@pytest.mark.parametrize("flags", [(), ("\\Seen",), ("\\Answered", "\\Flagged", "\\Seen")])
def test_flags_are_set_exactly(place: Place, mailbox: ChangeableMailbox, flags: tuple[str, ...]) -> None:
    id = place.deliver("INBOX", mail(1), WHEN)
    place.mark_read("INBOX", id)
    assert mailbox.set_flags("INBOX", id, flags) == id
    (heading,) = mailbox.headings("INBOX", (id,))
    assert (set(heading.flags), heading.received) == (set(flags), WHEN)


def test_flags_of_a_message_that_is_gone(place: Place, mailbox: ChangeableMailbox) -> None:
    id = place.deliver("INBOX", mail(1))
    place.delete("INBOX", id)
    with pytest.raises(MessageGoneError):
        mailbox.set_flags("INBOX", id, ("\\Seen",))


def test_appending(place: Place, mailbox: ChangeableMailbox) -> None:
    id = mailbox.append("INBOX", mail(7), ("\\Seen",), WHEN)
    (message,) = mailbox.fetch("INBOX", (id,))
    assert (message.raw, message.flags, message.received) == (place.kept(mail(7)), ("\\Seen",), WHEN)


def test_nothing_stands_in_the_way_of_a_healthy_mailbox(reading: Mailbox) -> None:
    assert reading.obstacles() == ()
    assert reading.address == ADDRESS


@pytest.mark.parametrize("connector", ["imap", "ews", "graph"])
def test_what_this_release_does_not_have_is_said(connector: str) -> None:
    """Only while they are missing: their names then go into the suite above."""
    if connector in connectors.CONNECTORS:
        pytest.skip("this release has it")
    settings = MailboxSettings(ADDRESS, "there", "harbor", Policy())
    for opening in (connectors.open_reading, connectors.open_changing):
        with pytest.raises(CleanerError, match=f"cannot open {connector} mailboxes"):
            opening(Server("there", connector), settings)
