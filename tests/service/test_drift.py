"""Whether the model still fits what arrives: told in plain words with the remedy, and never of a few notices."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cleaner.classifier import files
from cleaner.classifier.model import Model
from cleaner.classifier.reference import Reference, Share, pattern
from cleaner.classifier.shelf import Shelf
from cleaner.config import ModelSettings
from cleaner.service.check import Level, check
from cleaner.service.drift import DRIFT, Drift, alerts, drift
from cleaner.service.serve.upkeep import alarm_of_drift
from cleaner.service.status import status
from cleaner.values import (
    ActionName,
    Entry,
    EntryState,
    Kind,
    Opinion,
    Outcome,
    SeenNotice,
)
from tests.service.hands import ANN, NOW, Hands

HARBOR = "harbor"
NAME = "2026.11-1"
TOLD = ("handed_over:backscatter", "kind:ndr")
TRAINED = Reference(
    {"full": Share(2000, {"kind:ndr": 1.0, "handed_over:backscatter": 0.6})},
    frozenset({pattern(TOLD), pattern(["kind:ndr"])}),
    strange=0.06,
    between=0.1,
)


@pytest.fixture
def ready(hands: Hands, tmp_path: Path) -> Hands:
    model = Model(NAME, 0.0, {}, remove=0.97, reference=TRAINED)
    files.save(tmp_path / "released" / NAME, model, {files.CARD: b"# Card\n"}, {})
    context = hands.app.context
    settings = replace(context.settings, models=ModelSettings(path=tmp_path / "own"))
    hands.app.context = replace(context, settings=settings, shelf=Shelf(released=tmp_path / "released"))
    return hands


def arrive(hands: Hands, days: Iterable[int], count: int = 20, **how: object) -> None:
    """So many notices on each day, counted back from today; of five two carry the telling finding no more."""
    seen = []
    for day in days:
        for number in range(count):
            at = NOW - timedelta(days=day, minutes=number)
            found = TOLD if number % 5 < 3 else ("kind:ndr",)
            values: dict[str, object] = {
                "fingerprint": f"{how.get('mark', 'f')} {day} {number}",
                "folder": "INBOX",
                "id": "1",
                "kind": Kind.NDR,
                "opinion": Opinion.UNSURE if number % 5 == 0 else Opinion.BACKSCATTER,
                "action": ActionName.NONE,
                "outcome": Outcome.NONE,
                "judged_at": at,
                "received": at,
                "under": NAME,
                "probability": 0.97 if found == TOLD else 0.02,
                "findings": found,
                "is_strange": TRAINED.is_strange(found),
            }
            changes = {key: value for key, value in how.items() if key != "mark"}
            if "findings" in changes:
                changes["is_strange"] = TRAINED.is_strange(changes["findings"])  # type: ignore[arg-type]
            seen.append(SeenNotice(**{**values, **changes}))  # type: ignore[arg-type]
    context = hands.app.context
    context.memory(context.settings.mailboxes[0]).record(seen, {})


WEEK, MONTH = range(7), range(7, 35)


def found(hands: Hands) -> Drift:
    return drift(hands.app.context, HARBOR)


def names(hands: Hands) -> set[str]:
    return {measure.name for measure in found(hands).warnings}


def test_five_weeks_alike_warn_of_nothing(ready: Hands) -> None:
    arrive(ready, (*WEEK, *MONTH))
    assert found(ready).notices == 140
    assert names(ready) == set()
    ok = [f for f in check(ready.app.context) if "fits the 140 notices" in f.text]
    assert [f.level for f in ok] == [Level.OK]


def test_many_more_unsure_ones_are_told_with_the_remedy(ready: Hands) -> None:
    arrive(ready, MONTH)
    arrive(ready, WEEK, opinion=Opinion.UNSURE)
    assert names(ready) == {"unsure"}
    (measure,) = found(ready).warnings
    assert "100% of the 140 notices of the last week could not be decided, 20% in the weeks before" in (
        measure.warning
    )
    assert "label review --unsure" in measure.remedy


def test_probabilities_that_move_to_the_middle_are_told(ready: Hands) -> None:
    arrive(ready, MONTH)
    arrive(ready, WEEK, probability=0.5)
    assert names(ready) == {"undecided"}


def test_a_flood_of_what_is_plainly_backscatter_alarms_nobody(ready: Hands) -> None:
    """It changes what arrives, and the model fits it no less."""
    arrive(ready, MONTH)
    arrive(ready, WEEK, count=400, opinion=Opinion.BACKSCATTER, probability=0.999, findings=TOLD)
    assert names(ready) <= {"unlike"}
    assert list(alerts([found(ready)])) == []


def test_findings_that_never_came_together_in_training_are_told(ready: Hands) -> None:
    arrive(ready, MONTH)
    arrive(ready, WEEK, findings=("kind:ndr", "provider_mark:backscatter"))
    assert names(ready) == {"strange", "unlike"}
    strange, unlike = found(ready).warnings
    assert "100% of the 140 notices" in strange.warning
    assert "provider_mark:backscatter" in unlike.warning
    (alert,) = alerts([found(ready)])
    assert (alert.kind, alert.about, alert.occasion) == (DRIFT, HARBOR, "strange")
    assert "What to do: " in alert.text


@pytest.mark.parametrize(
    ("days", "count"), [(range(7), 5), (range(2), 200)], ids=["a few notices", "two days"]
)
def test_little_tells_nothing(ready: Hands, days: range, count: int) -> None:
    arrive(ready, MONTH)
    arrive(ready, days, count, opinion=Opinion.UNSURE, probability=0.5, findings=("kind:ndr", "new:genuine"))
    assert names(ready) == set()


def test_another_model_begins_anew(ready: Hands, tmp_path: Path) -> None:
    """What was counted under the one before says nothing about it."""
    arrive(ready, MONTH)
    arrive(ready, WEEK, opinion=Opinion.UNSURE)
    model = Model("2026.12-1", 0.0, {}, remove=0.97, reference=TRAINED)
    files.save(tmp_path / "released" / model.name, model, {files.CARD: b"# Card\n"}, {})
    assert found(ready).model == model.name
    assert (found(ready).notices, names(ready)) == (0, set())


def test_a_model_that_does_not_tell_what_it_was_trained_on_is_followed_all_the_same(
    ready: Hands, tmp_path: Path
) -> None:
    files.save(tmp_path / "released" / "2026.12-1", Model("2026.12-1", 0.0, {}), {files.CARD: b"#\n"}, {})
    assert {m.name for m in found(ready).measures} == {"unsure", "undecided", "taken-back"}


def moved(hands: Hands, back: int, stays: int) -> None:
    journal = hands.app.context.store.journal(ANN)
    entries = journal.intend(
        [
            Entry(0, "r", ANN, f"m{n}", 0, ActionName.MOVE, "INBOX", f"i{n}", "Backscatter", intended_at=NOW)
            for n in range(back + stays)
        ]
    )
    journal.settle(
        [
            replace(entry, state=EntryState.RETURNED if number < back else EntryState.DONE, settled_at=NOW)
            for number, entry in enumerate(entries)
        ]
    )


def test_what_owners_take_back_is_told_beyond_what_was_promised(ready: Hands) -> None:
    moved(ready, back=6, stays=44)
    (measure,) = found(ready).warnings
    assert measure.name == "taken-back"
    assert "owners took back 6 of the 50 messages" in measure.warning
    assert "models rollback" in measure.remedy


def test_one_taken_back_is_no_alarm(ready: Hands) -> None:
    moved(ready, back=1, stays=2)
    assert names(ready) == set()


def test_it_stands_in_status_and_check(ready: Hands) -> None:
    moved(ready, back=6, stays=44)
    (shown,) = [one for one in status(ready.app.context).drift if one.warnings]
    assert shown.as_json()["organisation"] == HARBOR
    notes = [f for f in check(ready.app.context) if "took back 6" in f.text]
    assert [(f.level, f.subject) for f in notes] == [(Level.NOTE, "model")]
    assert "models rollback" in notes[0].remedy


def test_the_service_and_a_scan_tell_of_it_as_an_alarm(ready: Hands) -> None:
    moved(ready, back=6, stays=44)
    alarm_of_drift(ready.app.context, lambda: False)
    (alert,) = ready.app.context.store.alerts.due()
    assert (alert.kind, alert.about, alert.occasion) == (DRIFT, HARBOR, "taken-back")
