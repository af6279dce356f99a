"""Labels: said once they stand once, proposals wait, what is withdrawn has no effect, what is erased is gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cleaner.store import Store, training
from cleaner.store.keeping import OPEN_PROPOSALS
from cleaner.store.labelling import Became, LabelState, Origin, Unlearned
from cleaner.store.records import Consent, ConsentState, Training
from cleaner.values import Kind, Opinion
from tests.store.samples import ANN, BEN, KEY, NOW, proposal, specimen, statement, url

LATER = NOW + timedelta(days=1)


def trained_on(store: Store) -> list[int]:
    return [row.id for row in store.labels.training_rows("harbor")]


def propose(store: Store, *numbers: int, truth: Opinion = Opinion.GENUINE, mailbox: str = ANN) -> int:
    proposals = [proposal(number, truth) for number in numbers]
    return store.proposals(mailbox, "harbor").propose(proposals)


# --- said -------------------------------------------------------------------------------------------


def test_what_was_said_is_kept_as_it_was(store: Store) -> None:
    whole = specimen(probability=0.25, model="2026.11-1", score=1.5, proven=True)
    (kept,) = store.labels.add([(whole, statement(entry=17))])
    assert (kept.became, kept.against) == (Became.ADDED, ())
    (label,) = store.labels.find()
    assert (label.id, label.organisation, label.mailbox, label.fingerprint) == (
        kept.label,
        "harbor",
        ANN,
        "f1",
    )
    assert (label.truth, label.state, label.origin) == (
        Opinion.BACKSCATTER,
        LabelState.CONFIRMED,
        Origin.ADMINISTRATOR,
    )
    assert (label.by, label.at, label.why, label.entry) == ("root", NOW, "seen it", 17)
    assert (label.kind, label.opinion, label.probability) == (Kind.NDR, Opinion.UNSURE, 0.25)
    assert (label.model, label.score, label.proven, label.has_sample) == ("2026.11-1", 1.5, True, True)
    assert store.labels.features([label.id]) == {label.id: whole.features}


def test_said_twice_it_stands_once(store: Store) -> None:
    (first,) = store.labels.add([(specimen(), statement())])
    again, other = store.labels.add([(specimen(), statement(by="eve", at=LATER)), (specimen(2), statement())])
    assert (again.became, again.label) == (Became.KNOWN, first.label)
    assert other.became is Became.ADDED
    assert [label.by for label in store.labels.find()] == ["root", "root"]


def test_the_same_message_of_two_organisations_is_two(store: Store) -> None:
    kept = store.labels.add(
        [(specimen(), statement(mailbox=None)), (specimen(), statement(mailbox=None, organisation="quay"))]
    )
    assert [one.became for one in kept] == [Became.ADDED] * 2
    assert [label.organisation for label in store.labels.find()] == ["harbor", "quay"]
    assert trained_on(store) == [kept[0].label]


def test_the_contrary_is_kept_and_told(store: Store) -> None:
    (first,) = store.labels.add([(specimen(), statement(Opinion.BACKSCATTER))])
    (second,) = store.labels.add([(specimen(), statement(Opinion.GENUINE))])
    assert (second.became, second.against) == (Became.ADDED, (first.label,))
    assert len(store.labels.find()) == 2


def test_whose_mail_it_is_may_be_said_later(store: Store) -> None:
    store.labels.add([(specimen(), statement(mailbox=None))])
    store.labels.add([(specimen(), statement(mailbox=BEN))])
    assert [label.mailbox for label in store.labels.find()] == [BEN]


def test_they_are_found_by_everything_that_is_known_of_them(store: Store) -> None:
    store.labels.add(
        [
            (specimen(1), statement(Opinion.GENUINE)),
            (specimen(2), statement(mailbox=BEN, at=LATER)),
            (specimen(3), statement(mailbox=None, origin=Origin.IMPORT)),
            (specimen(4), statement(Opinion.NOT_A_BOUNCE, organisation="quay", mailbox=None)),
        ]
    )
    propose(store, 5)
    one, two, three, four, five = (label.id for label in store.labels.find())

    def found(**wanted: object) -> list[int]:
        return [label.id for label in store.labels.find(**wanted)]  # type: ignore[arg-type]

    assert found(mailbox="Ann@Harbor.example") == [one, five]
    assert found(organisation="quay") == [four]
    assert found(states=[LabelState.PROPOSED]) == [five]
    assert found(truths=[Opinion.BACKSCATTER]) == [two, three]
    assert found(origins=[Origin.IMPORT, Origin.OWNER]) == [three, five]
    assert found(since=LATER) == [two]
    assert found(limit=2) == [four, five]
    assert found(ids=[three, 4711, -1, 2**70]) == [three]
    assert found(ids=[]) == []
    assert found(mailbox=ANN, truths=[Opinion.BACKSCATTER]) == []


def test_many_are_kept_and_found_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than one statement or page takes."""
    monkeypatch.setattr(training, "PAGE", 100)
    store.labels.add([(specimen(number), statement()) for number in range(450)])
    ids = [label.id for label in store.labels.find(ids=range(1, 451))]
    assert len(ids) == 450
    assert trained_on(store) == ids
    assert len(store.labels.settle(ids, LabelState.WITHDRAWN, by="root", at=NOW)) == 450


# --- proposed ---------------------------------------------------------------------------------------


def test_a_proposal_trains_nothing_before_it_is_confirmed(store: Store) -> None:
    assert propose(store, 1, 2) == 2
    first, second = store.labels.find()
    assert (first.state, first.origin, first.by, first.entry) == (
        LabelState.PROPOSED,
        Origin.OWNER,
        ANN,
        7,
    )
    assert trained_on(store) == []
    (changed,) = store.labels.settle([first.id], LabelState.CONFIRMED, by="root", at=LATER, why="right")
    assert (changed.state, changed.origin) == (LabelState.CONFIRMED, Origin.OWNER)
    assert (changed.by, changed.settled_by, changed.settled_at, changed.settled_why) == (
        ANN,
        "root",
        LATER,
        "right",
    )
    assert trained_on(store) == [first.id]
    store.labels.settle([second.id], LabelState.WITHDRAWN, by="root", at=LATER)
    assert trained_on(store) == [first.id]


def test_what_was_refused_is_not_proposed_again(store: Store) -> None:
    propose(store, 1)
    store.labels.settle([1], LabelState.WITHDRAWN, by="root", at=NOW)
    assert propose(store, 1) == 0
    assert [label.state for label in store.labels.find()] == [LabelState.WITHDRAWN]
    (kept,) = store.labels.add([(specimen(), statement(Opinion.GENUINE))])
    assert kept.became is Became.RENEWED, "an administrator may say it all the same"


def test_proposed_twice_it_is_asked_once(store: Store) -> None:
    assert [propose(store, 1), propose(store, 1), propose(store, 1, mailbox=BEN)] == [1, 0, 0]


def test_moved_to_and_fro_the_last_move_counts(store: Store) -> None:
    propose(store, 1, truth=Opinion.GENUINE)
    assert propose(store, 1, truth=Opinion.BACKSCATTER) == 1
    standing = store.labels.find(states=[LabelState.PROPOSED])
    assert [label.truth for label in standing] == [Opinion.BACKSCATTER]
    assert propose(store, 1, truth=Opinion.GENUINE) == 1
    standing = store.labels.find(states=[LabelState.PROPOSED])
    assert [label.truth for label in standing] == [Opinion.GENUINE]
    assert len(store.labels.find()) == 2


def test_a_move_takes_back_nothing_that_an_administrator_said(store: Store) -> None:
    store.labels.add([(specimen(), statement(Opinion.BACKSCATTER))])
    propose(store, 1, truth=Opinion.GENUINE)
    assert {(label.truth, label.state) for label in store.labels.find()} == {
        (Opinion.BACKSCATTER, LabelState.CONFIRMED),
        (Opinion.GENUINE, LabelState.PROPOSED),
    }
    assert trained_on(store) == [1], "a proposal alone contradicts nothing"


def test_what_an_administrator_says_himself_is_his(store: Store) -> None:
    propose(store, 1, truth=Opinion.GENUINE)
    (kept,) = store.labels.add([(specimen(), statement(Opinion.GENUINE))])
    assert (kept.became, kept.label) == (Became.CONFIRMED, 1)
    (label,) = store.labels.find()
    assert (label.by, label.origin, label.state) == ("root", Origin.ADMINISTRATOR, LabelState.CONFIRMED)


def test_no_owner_floods_the_administrator(store: Store) -> None:
    assert propose(store, *range(OPEN_PROPOSALS + 50)) == OPEN_PROPOSALS
    assert propose(store, 1_000) == 0
    assert propose(store, 1_000, mailbox=BEN) == 1
    store.labels.settle([1], LabelState.WITHDRAWN, by="root", at=NOW)
    assert propose(store, 1_001, 1_002) == 1


# --- withdrawn --------------------------------------------------------------------------------------


def test_what_is_withdrawn_has_no_effect_any_more(store: Store) -> None:
    store.labels.add([(specimen(1), statement()), (specimen(2), statement())])
    (changed,) = store.labels.settle([1, 4711], LabelState.WITHDRAWN, by="eve", at=LATER, why="a mistake")
    assert (changed.state, changed.settled_by, changed.settled_why) == (
        LabelState.WITHDRAWN,
        "eve",
        "a mistake",
    )
    assert trained_on(store) == [2]
    assert store.labels.features([1]) == {1: {}}
    assert (store.labels.sample(1), store.labels.about([1])) == (None, {})
    assert store.labels.sample(2) is not None
    assert store.labels.settle([1], LabelState.WITHDRAWN, by="eve", at=LATER) == ()
    assert store.labels.settle([1, 2], LabelState.CONFIRMED, by="eve", at=LATER) == ()


def test_said_anew_it_counts_again(store: Store) -> None:
    store.labels.add([(specimen(), statement())])
    store.labels.settle([1], LabelState.WITHDRAWN, by="eve", at=LATER)
    (kept,) = store.labels.add([(specimen(), statement(by="zoe", mailbox=None))])
    assert (kept.became, kept.label) == (Became.RENEWED, 1)
    (label,) = store.labels.find()
    assert (label.state, label.by, label.settled_by, label.mailbox) == (
        LabelState.CONFIRMED,
        "zoe",
        None,
        ANN,
    )
    assert trained_on(store) == [1]
    assert store.labels.sample(1) is not None


def test_what_no_model_has_learned_yet_is_counted(store: Store) -> None:
    store.labels.add([(specimen(1), statement()), (specimen(2), statement(at=LATER))])
    propose(store, 3)
    assert store.labels.unlearned("harbor", None) == Unlearned(2, NOW)
    assert store.labels.unlearned("harbor", trained(NOW, 2)) == Unlearned(1, LATER)
    store.labels.settle([1, 3], LabelState.WITHDRAWN, by="root", at=LATER)
    assert store.labels.unlearned("harbor", trained(NOW, 2)).count == 3
    assert store.labels.unlearned("quay", None) == Unlearned(0, None)


def test_one_that_was_given_long_before_it_was_imported_is_new(store: Store) -> None:
    store.labels.add([(specimen(1), statement())])
    assert store.labels.latest() == 1
    store.labels.add([(specimen(2), statement(at=NOW - timedelta(300)))])
    assert store.labels.unlearned("harbor", trained(LATER, 1)).count == 1
    assert store.labels.unlearned("harbor", trained(LATER, 2)).count == 0


def trained(at: datetime, last: int) -> Training:
    return Training("harbor", at, "root", "m1", 1, True, "", last)


# --- samples ----------------------------------------------------------------------------------------


def test_the_raw_mail_is_kept_sealed(tmp_path: Path) -> None:
    with Store.open(url(tmp_path), KEY) as store:
        store.labels.add([(specimen(rebuilt=True), statement())])
        sample = store.labels.sample(1)
        assert sample is not None
        assert (sample.raw, sample.rebuilt) == (specimen().raw, True)
        assert store.labels.about([1])[1]["subject"] == "A word to 1"
        written = b"".join(path.read_bytes() for path in tmp_path.glob("state.db*") if path.is_file())
    assert b"seen it" in written
    assert b"A word to" not in written


def test_samples_are_listed_expire_and_are_erased_by_mailbox(store: Store) -> None:
    store.labels.add(
        [
            (specimen(1), statement()),
            (specimen(2), statement(mailbox=BEN, at=LATER)),
            (specimen(3), statement(mailbox=None, at=LATER)),
        ]
    )
    assert [(note.label, note.mailbox, note.size) for note in store.labels.samples()] == [
        (1, ANN, len(specimen(1).raw)),
        (2, BEN, len(specimen(2).raw)),
        (3, None, len(specimen(3).raw)),
    ]
    assert [note.label for note in store.labels.samples(BEN)] == [2]
    assert store.labels.expire_samples(NOW) == 0
    assert store.labels.expire_samples(LATER) == 1
    assert [note.label for note in store.labels.samples()] == [2, 3]
    assert store.labels.erase_samples("Ben@harbor.example") == 1
    assert store.labels.erase_samples("nobody@harbor.example") == 0
    assert [note.label for note in store.labels.samples()] == [3]
    assert [label.has_sample for label in store.labels.find()] == [False, False, True]
    assert trained_on(store) == [1, 2, 3], "what was learned from them needs no raw mail"


def test_where_none_are_to_be_kept_none_are(store: Store) -> None:
    store.labels.add([(specimen(1), statement())], keep_samples=False)
    store.proposals(ANN, "harbor", keep_samples=False).propose([proposal(2)])
    assert store.labels.samples() == ()
    assert len(store.labels.find()) == 2


def test_of_a_huge_message_the_beginning_is_kept(store: Store) -> None:
    store.labels.add([(specimen(raw=b"x" * 5_000_000), statement())])
    sample = store.labels.sample(1)
    assert sample is not None
    assert len(sample.raw) == 2 * 1024 * 1024


# --- the owner opts out -----------------------------------------------------------------------------


def opt_out(store: Store, address: str = ANN) -> None:
    store.consent.record(Consent(address, NOW, ConsentState.OPTED_OUT, "root", ""))
    store.erase(address)


def test_opting_out_leaves_nothing_by_which_person_or_message_could_be_found(store: Store) -> None:
    store.labels.add([(specimen(1), statement(entry=3)), (specimen(2), statement(mailbox=BEN))])
    store.labels.add([(specimen(4), statement(by="Ann@harbor.example"))])
    propose(store, 3)
    store.labels.settle([4], LabelState.CONFIRMED, by="root", at=NOW)
    opt_out(store)
    one, two, three = store.labels.find()
    assert (one.mailbox, one.entry, one.why, one.has_sample) == (None, None, "", False)
    assert one.fingerprint not in ("f1", three.fingerprint)
    assert (one.by, three.by) == ("root", "")
    assert store.labels.features([1]) == {1: {**specimen(1).features, "words": []}}
    assert store.labels.find(mailbox=ANN) == ()
    assert (two.mailbox, two.why, two.has_sample) == (BEN, "seen it", True)
    assert trained_on(store) == [1, 2, 3], "her own proposal is gone, though it was confirmed"
    assert {row.mailbox == "" for row in store.labels.training_rows("harbor")} == {True, False}


def test_after_opting_out_nothing_is_kept_any_more(store: Store) -> None:
    store.consent.record(Consent(ANN, NOW, ConsentState.OPTED_IN, "root", "owner"))
    propose(store, 1)
    opt_out(store)
    (kept,) = store.labels.add([(specimen(2), statement())])
    assert kept.became is Became.NOT_KEPT
    assert propose(store, 3) == 0
    assert store.labels.find() == ()
    assert store.labels.samples() == ()


def test_opting_out_twice_does_no_harm(store: Store) -> None:
    store.labels.add([(specimen(1), statement()), (specimen(2), statement())])
    store.labels.settle([2], LabelState.WITHDRAWN, by="root", at=NOW, why="to ann")
    opt_out(store)
    opt_out(store)
    assert [label.settled_why for label in store.labels.find()] == [None, None]
    assert trained_on(store) == [1]


@pytest.mark.parametrize("text", ["Ärger 日本", "a\0b", "name\udcff"])
def test_texts_of_any_characters_are_kept(store: Store, text: str) -> None:
    whole = replace(specimen(), about={"subject": text}, cluster=text)
    store.labels.add([(whole, statement(by=text, why=text))])
    (label,) = store.labels.find()
    assert (label.by, label.why) == (text, text)
    assert store.labels.about([label.id])[label.id]["subject"] == text
