"""`explain` tells of a message in a mailbox what was done with it, who took it back, and what comes next."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cleaner.errors import MessageGoneError, UsageError
from cleaner.service.explain import Explanation, explain_entry, explain_message
from cleaner.service.undo import UndoRequest, undo
from cleaner.values import EntryState
from tests.service.hands import ANN, Hands, quiet


def moved(hands: Hands, **policy: Any) -> dict[str, Any]:
    """Ann's mailbox cleaned; the line of the first message that was moved."""
    hands.opt_in(ANN)
    hands.set_policy(**policy)
    (ann,) = hands.scan()
    return next(line for line in ann.lines if line["outcome"] == "done")


def whats(explained: Explanation) -> list[str]:
    return [step.what for step in explained.history]


def take_back(hands: Hands, entry: int) -> None:
    assert [one.failed for one in undo(hands.app.context, UndoRequest((entry,)), quiet, lambda: False)] == [0]


def test_where_it_was_moved_to_the_line_is_that_of_the_scan(hands: Hands) -> None:
    line = moved(hands)
    told = explain_entry(hands.app.context, line["entry"])
    same = ("folder", "id", "new_id", "entry", "plan", "outcome", "verdict", "fingerprint")
    assert {key: told.line[key] for key in same} == {key: line[key] for key in same}
    assert told.to_json()["put_back"] is False
    [judged, went] = whats(told)
    assert judged.startswith("judged backscatter: ")
    assert went == f"moved from INBOX to Backscatter in run {told.past.entries[0].run}"
    assert told.stops == ""  # it is moved already: no limit holds it back


def test_what_undo_put_back_stays_and_its_story_is_told_also_after_the_next_scan(hands: Hands) -> None:
    line = moved(hands)
    take_back(hands, line["entry"])
    hands.now += timedelta(hours=1)
    hands.scan()
    for told in (
        explain_entry(hands.app.context, line["entry"]),
        explain_message(hands.app.context, ANN, "INBOX", line["id"]),
    ):
        assert (told.line["plan"], told.line["plan_reason"]) == (
            "none",
            "It was put back before, so it stays.",
        )
        assert (told.line["folder"], told.line["outcome"], told.line["new_id"]) == ("INBOX", "none", None)
        assert told.to_json()["judged_then"] == "backscatter"
        judged, went, back = whats(told)
        assert (judged.split()[0], went.split()[0]) == ("judged", "moved")
        assert back == "put back to INBOX with 'undo'"


@pytest.mark.parametrize("is_noticed", [False, True])
def test_what_its_owner_moved_back_stays(hands: Hands, is_noticed: bool) -> None:
    line = moved(hands)
    [there] = [p for p in hands.folder(ANN, ".Backscatter") if p.name.startswith(line["new_id"])]
    there.rename(hands.maildir(ANN) / "cur" / there.name)
    if is_noticed:
        hands.now += timedelta(hours=1)
        hands.scan()
    told = explain_message(hands.app.context, ANN, "INBOX", line["new_id"])
    assert told.line["plan"] == "none"
    assert "by the owner of the mailbox" in whats(told)[-1]


def test_a_second_copy_of_what_was_moved_is_not_put_back(hands: Hands) -> None:
    line = moved(hands)
    [there] = [p for p in hands.folder(ANN, ".Backscatter") if p.name.startswith(line["new_id"])]
    (hands.maildir(ANN) / "cur" / "1.copy:2,").write_bytes(there.read_bytes())
    told = explain_message(hands.app.context, ANN, "INBOX", "1.copy")
    assert (told.line["plan"], told.line["outcome"]) == ("move", "none")


def test_a_message_that_never_was_touched_has_no_history(hands: Hands) -> None:
    hands.opt_in(ANN)
    path = next(p for p in hands.folder(ANN, ".") if b"Cheap watches" in p.read_bytes())
    told = explain_message(hands.app.context, ANN, "INBOX", path.name.partition(":")[0])
    assert told.history == ()
    assert told.line["plan"] == "move"
    assert "1,000 messages" in told.stops
    assert "50%" in told.stops


def test_what_holds_a_mailbox_back_holds_here_too(hands: Hands) -> None:
    """The plan is what `scan` would do, not what it would do with a file."""
    hands.opt_in(ANN, preview=timedelta(days=7))
    path = next(p for p in hands.folder(ANN, ".") if b"Cheap watches" in p.read_bytes())
    told = explain_message(hands.app.context, ANN, "INBOX", path.name.partition(":")[0])
    assert told.line["plan"] == "report"
    assert "only reported on until" in told.line["plan_reason"]


def test_a_message_that_is_gone_is_explained_from_what_was_kept(hands: Hands) -> None:
    line = moved(hands)
    for path in hands.folder(ANN, ".Backscatter"):
        path.unlink()
    told = explain_entry(hands.app.context, line["entry"])
    assert told.is_gone
    assert told.verdict.opinion.value == "backscatter"
    assert [e.rule for e in told.verdict.evidence] == [e["rule"] for e in line["evidence"]]
    assert told.to_json()["gone"] is True
    assert whats(told)[-1].startswith("moved from INBOX")


def test_of_one_that_nothing_was_kept_of_it_is_said(hands: Hands) -> None:
    line = moved(hands)
    for path in hands.folder(ANN, ".Backscatter"):
        path.unlink()
    [entry] = hands.app.context.store.entries(id=line["entry"])
    assert entry.state is EntryState.DONE
    forgotten = hands.app.context.store.seen(ANN).known((entry.fingerprint,))[entry.fingerprint]
    hands.app.context.store.seen(ANN).record(
        [replace(forgotten, report={**(forgotten.report or {}), "entry": 0})], {}
    )
    with pytest.raises(MessageGoneError):
        explain_entry(hands.app.context, line["entry"])


@pytest.mark.parametrize(
    ("folder", "id", "told"),
    [
        ("Inbx", "1", "did you mean 'INBOX'?"),
        ("zzz", "1", "it has: INBOX"),
        ("INBOX", "4711", "there is no message '4711' in the folder 'INBOX'"),
    ],
)
def test_a_wrong_folder_or_id_is_wrong_usage(hands: Hands, folder: str, id: str, told: str) -> None:
    hands.opt_in(ANN)
    with pytest.raises(UsageError, match=re.escape(told)):
        explain_message(hands.app.context, ANN, folder, id)
