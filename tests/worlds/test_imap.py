"""Whole labelled mailboxes, cleaned over IMAP: as over Maildir, and everything can be taken back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from cleaner.app import App
from cleaner.service.scan import MailboxScan
from cleaner.service.undo import UndoRequest, undo
from tests.servers.dovecot import running
from tests.servers.proxy import NEEDED, between
from tests.service.hands import quiet
from tests.worlds import world as maildirs
from tests.worlds.imap_world import ImapWorld, clean, install, opt_in_all

nightly = pytest.mark.nightly

WORLDS = [
    pytest.param("harborline", 12, (), id="a part"),
    *(pytest.param(name, 1, (), marks=nightly) for name in ("brunnwald", "harborline", "tresrios")),
    pytest.param("tresrios", 3, ("MOVE",), id="without MOVE", marks=nightly),
    pytest.param(
        "brunnwald", 3, tuple(NEEDED.keys() - {"UIDPLUS"}), id="with next to nothing", marks=nightly
    ),
]


def judged(results: Iterable[MailboxScan]) -> Counter[tuple[object, ...]]:
    """What was found, thought and planned of each message, whatever its id."""
    return Counter(
        (
            result.address,
            line["fingerprint"],
            line["kind"],
            line["verdict"],
            line["probability"],
            line["plan"],
            *(found["rule"] for found in line["evidence"]),
        )
        for result in results
        for line in result.lines
    )


def mark_some_deleted(world: ImapWorld) -> int:
    """As owners do who empty their mailbox later; of every kind of message some."""
    marked = 0
    for user in world.users:
        with world.owner(user) as owner:
            uids = [item.uid for item in owner.items("INBOX")][::5]
            owner.mark("INBOX", ",".join(uids), "\\Deleted")
            marked += len(uids)
    return marked


@pytest.mark.corpus
@pytest.mark.parametrize(("name", "every", "without"), WORLDS)
def test_a_world_is_cleaned_over_imap_and_taken_back(
    corpus: Path, tmp_path: Path, name: str, every: int, without: tuple[str, ...]
) -> None:
    source = corpus / "worlds" / name
    files = maildirs.install(source, tmp_path / "files", every=every)
    with App.open(files.configuration) as app:
        opt_in_all(app, files.users)
        expected = judged(clean(app))
    with running() as server, between(server.port, without=without) as proxy:
        world = install(source, tmp_path / "imap", server, door=proxy, every=every)
        deleted = mark_some_deleted(world)
        before, contents = world.messages(), world.contents()
        with App.open(world.configuration) as app:
            opt_in_all(app, world.users)
            results = clean(app)
            assert [result.error for result in results] == [None] * len(world.users)
            assert judged(results) == expected

            moved = Counter(label["truth"] for label in world.moved())
            assert moved["genuine"] == 0
            assert moved["not-a-bounce"] == 0
            assert moved["backscatter"] == sum(result.moved for result in results) > 0
            assert world.contents() == contents
            assert (
                sum("\\Deleted" in item.flags for items in world.items().values() for item in items)
                == deleted
            )
            world.journal_agrees(app)

            (run,) = {result.run for result in results}
            tuple(undo(app.context, UndoRequest(run=run), quiet, lambda: False))
            assert world.messages() == before
            # What one mailbox's notices taught may decide about another's only now; what was put back stays.
            assert maildirs.moved_by(clean(app)).isdisjoint(maildirs.moved_by(results))
