"""
Whole labelled mailboxes, cleaned over Graph, where every mail is rebuilt: as over Maildir, or with less certainty.

What the server drops makes a verdict less certain, never `backscatter`; and everything can be taken back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from cleaner.app import App
from cleaner.connectors.graph.connecting import close_all
from cleaner.connectors.oauth.tokens import forget_all
from cleaner.service.undo import UndoRequest, undo
from tests.servers.certificates import Authority
from tests.servers.graph import GraphServer
from tests.service.hands import quiet
from tests.worlds import world as maildirs
from tests.worlds.graph_world import install
from tests.worlds.imap_world import clean, opt_in_all
from tests.worlds.test_ews import judged

nightly = pytest.mark.nightly

REMOVED_TOO = {True: 0.9, False: 0.35}
"""
The share of what is removed over Maildir: where an attached message tells the header that it arrived with, as over
EWS on Exchange, and where it does not. Which of them holds for Graph is documented nowhere.
"""

WORLDS = [
    pytest.param("brunnwald", 6, True, id="a part"),
    pytest.param("harborline", 6, False, id="a part, without the header of what was returned"),
    *(
        pytest.param(name, 1, tells, marks=nightly, id=f"{name} {'told' if tells else 'dropped'}")
        for name in ("brunnwald", "harborline", "tresrios")
        for tells in (True, False)
    ),
]


@pytest.fixture(autouse=True)
def _no_shared_state() -> Iterator[None]:
    yield
    close_all()
    forget_all()


@pytest.mark.corpus
@pytest.mark.parametrize(("name", "every", "tells"), WORLDS)
def test_a_world_is_cleaned_over_graph_and_taken_back(
    corpus: Path, authority: Authority, tmp_path: Path, name: str, every: int, tells: bool
) -> None:
    source = corpus / "worlds" / name
    files = maildirs.install(source, tmp_path / "files", every=every)
    with App.open(files.configuration) as app:
        opt_in_all(app, files.users)
        expected = judged(clean(app))
    with GraphServer(authority.good(), tells_returned=tells) as server:
        world = install(source, tmp_path / "graph", server, authority.ca_file, every=every)
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
            assert all(verdict != "backscatter" for _, _, _, verdict in changed), changed

            was_removed = [message for message, (_, verdict) in expected.items() if verdict == "backscatter"]
            removed = [message for message in was_removed if found[message][1] == "backscatter"]
            assert len(removed) >= REMOVED_TOO[tells] * len(was_removed) > 0, changed

            moved = Counter(label["truth"] for label in world.moved())
            assert (moved["genuine"], moved["not-a-bounce"]) == (0, 0)
            assert moved["backscatter"] == sum(result.moved for result in results) > 0
            assert world.contents() == contents
            world.journal_agrees(app)

            (run,) = {result.run for result in results}
            tuple(undo(app.context, UndoRequest(run=run), quiet, lambda: False))
            assert world.messages() == before
            # What one mailbox's notices taught may decide about another's only now; what was put back stays.
            assert maildirs.moved_by(clean(app)).isdisjoint(maildirs.moved_by(results))
