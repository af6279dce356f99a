"""What arrives is counted once, by day and model; where a candidate differs is kept with the notice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cleaner.store import Store, watching
from cleaner.store.records import Consent, ConsentState
from cleaner.store.seen import SeenBook
from cleaner.values import ActionName, Advice, Opinion, SeenNotice
from tests.store.samples import ANN, NOW, notice

HARBOR = "harbor"
TODAY = NOW.date()


def seen(store: Store, organisation: str = HARBOR) -> SeenBook:
    return store.seen(ANN, counts_for=organisation)


def asked(**changes: object) -> SeenNotice:
    values: dict[str, object] = {
        "under": "m1",
        "probability": 0.97,
        "findings": ("kind:ndr",),
        "is_strange": False,
    }
    return notice(**{**values, **changes})


def days(store: Store, model: str = "m1") -> dict[str, int]:
    found = store.watching.days(HARBOR, model, TODAY - timedelta(days=30))
    return dict(found.get(TODAY, {}))


def test_a_notice_is_counted_once_however_often_it_is_judged(store: Store) -> None:
    seen(store).record([asked()], {})
    seen(store).record([asked(opinion=Opinion.UNSURE), asked(fingerprint="f2", is_strange=True)], {})
    assert days(store) == {
        "judged": 2,
        "backscatter": 2,
        "asked": 2,
        "p9": 2,
        "placed": 2,
        "strange": 1,
        "has:kind:ndr": 2,
    }


def test_what_waits_is_counted_when_it_waits_no_more(store: Store) -> None:
    seen(store).record([asked(action=ActionName.WAIT, opinion=Opinion.UNSURE)], {})
    assert days(store) == {}
    seen(store).record([asked(opinion=Opinion.GENUINE, probability=None, findings=())], {})
    assert days(store) == {"judged": 1, "genuine": 1}


def test_a_backlog_is_counted_on_the_days_on_which_it_came(store: Store) -> None:
    old = [asked(fingerprint=f"f{n}", received=NOW - timedelta(days=n)) for n in range(3)]
    forged = asked(fingerprint="later", received=NOW + timedelta(days=400))
    seen(store).record([*old, forged], {})
    found = store.watching.days(HARBOR, "m1", TODAY - timedelta(days=30))
    assert {day: counts["judged"] for day, counts in found.items()} == {
        TODAY: 2,
        TODAY - timedelta(days=1): 1,
        TODAY - timedelta(days=2): 1,
    }


def test_each_organisation_and_model_has_its_own_counts(store: Store) -> None:
    seen(store).record([asked()], {})
    seen(store, "other").record([asked(fingerprint="f2")], {})
    seen(store).record([asked(fingerprint="f3", under="m2")], {})
    assert (days(store)["judged"], days(store, "m2")["judged"]) == (1, 1)


def test_counts_of_long_ago_go(store: Store) -> None:
    seen(store).record([asked()], {})
    late = NOW + watching.KEPT + timedelta(days=1)
    seen(store).record([asked(fingerprint="f2", received=late, judged_at=late)], {})
    found = store.watching.days(HARBOR, "m1", TODAY - timedelta(days=30))
    assert list(found) == [late.date()]


def test_where_nobody_is_named_nothing_is_counted(store: Store) -> None:
    store.seen(ANN).record([asked()], {})
    assert days(store) == {}


# --- candidates -------------------------------------------------------------------------------------


def along(opinion: Opinion, **changes: object) -> SeenNotice:
    return asked(opinion=Opinion.UNSURE, shadow=Advice("m2", opinion, 0.99), **changes)


def test_where_a_candidate_differs_the_notice_is_kept(store: Store) -> None:
    same = along(Opinion.UNSURE, fingerprint="f2")
    seen(store).record([along(Opinion.BACKSCATTER), same], {})
    (found,) = store.watching.differences(HARBOR, "m2")
    assert (found.mailbox, found.fingerprint, found.folder, found.id) == (ANN, "f1", "INBOX", "m1")
    assert found.active == Advice("m1", Opinion.UNSURE, 0.97)
    assert found.candidate == Advice("m2", Opinion.BACKSCATTER, 0.99)
    counts = days(store, "m2")
    assert counts == {"along": 2, "differs": 1, "unsure>backscatter": 1}


def test_beyond_so_many_differences_are_only_counted(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "MOST", 3)
    seen(store).record([along(Opinion.BACKSCATTER, fingerprint=f"f{n}") for n in range(5)], {})
    assert len(store.watching.differences(HARBOR, "m2")) == 3
    assert days(store, "m2")["differs"] == 5


def test_who_opts_out_takes_his_differences_along(store: Store) -> None:
    seen(store).record([along(Opinion.BACKSCATTER)], {})
    store.consent.record(Consent(ANN, NOW, ConsentState.OPTED_OUT, "root", ""))
    store.erase(ANN)
    assert store.watching.differences(HARBOR, "m2") == ()
    seen(store).record([along(Opinion.BACKSCATTER, fingerprint="f3")], {})
    assert store.watching.differences(HARBOR, "m2") == ()
    assert days(store, "m2")["along"] == 1


def test_one_candidate_at_a_time_judges_along(store: Store) -> None:
    assert store.watching.shadow(HARBOR) is None
    store.watching.judge_along(HARBOR, "m2", NOW)
    store.watching.judge_along(HARBOR, "m3", NOW)
    found = store.watching.shadow(HARBOR)
    assert found is not None
    assert (found.model, found.since) == ("m3", NOW)
    store.watching.judge_along(HARBOR, None, NOW)
    assert store.watching.shadow(HARBOR) is None
