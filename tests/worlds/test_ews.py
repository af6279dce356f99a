"""
Whole labelled mailboxes, cleaned over EWS, where every mail is rebuilt: as over Maildir, or with less certainty.

What the server drops makes a verdict less certain, never `backscatter`; and everything can be taken back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

from cleaner.app import App
from cleaner.connectors.ews.connecting import close_all
from cleaner.service.scan import MailboxScan, ScanRequest, scan
from cleaner.service.undo import UndoRequest, undo
from tests.servers.ews import EwsServer, Ways
from tests.service.hands import quiet
from tests.worlds import world as maildirs
from tests.worlds.ews_world import install
from tests.worlds.imap_world import clean, opt_in_all

nightly = pytest.mark.nightly

REMOVED_TOO = {Ways.EXCHANGE: 0.9, Ways.RECORDED: 0.4}
"""
The share of what is removed over Maildir. The recorded server drops the trace of every original that is returned
whole, more than half of these, and tells it nowhere: nothing then shows whether a mail without a copy was ours.
(docs/ews.md has the figures.)
"""

WORLDS = [
    pytest.param("harborline", 6, Ways.RECORDED, id="a part"),
    pytest.param("brunnwald", 6, Ways.EXCHANGE, id="a part, as Exchange is documented"),
    *(
        pytest.param(name, 1, ways, marks=nightly, id=f"{name} {ways.name.lower()}")
        for name in ("brunnwald", "harborline", "tresrios")
        for ways in Ways
    ),
]


@pytest.fixture(autouse=True)
def _no_shared_state() -> Iterator[None]:
    yield
    close_all()


def judged(
    results: Iterable[MailboxScan], names: Mapping[str, tuple[str, str]] | None = None
) -> dict[tuple[str, str], tuple[str, str]]:
    """(user, unique name) → kind and verdict."""
    found = {}
    for result in results:
        for line in result.lines:
            id = str(line["id"])
            found[names[id] if names else (result.address, id)] = (str(line["kind"]), str(line["verdict"]))
    return found


@pytest.mark.corpus
@pytest.mark.parametrize(("name", "every", "ways"), WORLDS)
def test_a_world_is_cleaned_over_ews_and_taken_back(
    corpus: Path, tmp_path: Path, name: str, every: int, ways: Ways
) -> None:
    source = corpus / "worlds" / name
    files = maildirs.install(source, tmp_path / "files", every=every)
    with App.open(files.configuration) as app:
        opt_in_all(app, files.users)
        expected = judged(clean(app))
    with EwsServer(ways=ways, renews=True) as server:
        world = install(source, tmp_path / "ews", server, every=every)
        before, contents = world.messages(), world.contents()
        with App.open(world.configuration) as app:
            opt_in_all(app, world.users)
            results = clean(app)
            assert [result.error for result in results] == [None] * len(world.users)
            found = judged(results, world.ids)

            changed = Counter(
                (*expected[message], *found[message])
                for message in expected.keys() & found.keys()
                if expected[message] != found[message]
            )
            assert found.keys() == expected.keys()
            assert all(kind == was for was, _, kind, _ in changed), changed
            assert all(verdict == "unsure" for _, _, _, verdict in changed), changed

            was_removed = [message for message, (_, verdict) in expected.items() if verdict == "backscatter"]
            removed = [message for message in was_removed if found[message][1] == "backscatter"]
            assert len(removed) >= REMOVED_TOO[ways] * len(was_removed) > 0, changed

            moved = Counter(label["truth"] for label in world.moved())
            assert (moved["genuine"], moved["not-a-bounce"]) == (0, 0)
            assert moved["backscatter"] == sum(result.moved for result in results) > 0
            assert world.contents() == contents
            world.journal_agrees(app)

            for box in server.boxes.values():
                box.invalidate_sync()
            again = tuple(scan(app.context, ScanRequest(), quiet, lambda: False))
            assert [(result.error, result.moved) for result in again] == [(None, 0)] * len(world.users)
            # All is listed once more, and known: what was settled is not judged again.
            open_still = {
                message for message, (_, verdict) in found.items() if verdict in ("unsure", "not-a-bounce")
            }
            assert judged(again, world.ids).keys() <= open_still

            (run,) = {result.run for result in results}
            tuple(undo(app.context, UndoRequest(run=run), quiet, lambda: False))
            assert world.messages() == before
            # What one mailbox's notices taught may decide about another's only now; what was put back stays.
            assert maildirs.moved_by(clean(app)).isdisjoint(maildirs.moved_by(results))
