"""Labels given by an administrator: bound to the owner's mailbox, with the findings of the day, by consent."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cleaner.classifier.features import Features
from cleaner.errors import MessageGoneError, NotOptedInError, UsageError
from cleaner.service import consent
from cleaner.service.label import adding
from cleaner.service.label.adding import Answer, Said, add_entry, add_files, add_message
from cleaner.store.labelling import Became, Origin
from cleaner.values import Kind, LabelPolicy, Opinion, Organisation
from tests.service.hands import ANN, BEN, Hands

GENUINE = Said(Opinion.GENUINE, why="she sent it")
BACKSCATTER = Said(Opinion.BACKSCATTER)


def file_about(hands: Hands, subject: str, address: str = ANN) -> Path:
    return next(p for p in hands.folder(address, ".") if subject.encode() in p.read_bytes())


def add(hands: Hands, said: Said, *paths: Path) -> list[Answer]:
    return list(add_files(hands.app.context, paths, said))


def purposes(hands: Hands, address: str) -> list[str]:
    return [access.purpose for access in hands.app.context.store.accesses.list(address)]


# --- files ----------------------------------------------------------------------------------------


def test_a_file_is_labelled_with_what_was_found_and_bound_to_whom_it_was_sent_to(hands: Hands) -> None:
    path = file_about(hands, "Cheap watches")
    (answer,) = add(hands, replace(BACKSCATTER, why="a flood", by="root"), path)
    assert (answer.source, answer.kind, answer.mailbox, answer.error) == (str(path), Kind.NDR, ANN, "")
    store = hands.app.context.store
    (label,) = store.labels.find()
    assert answer.kept is not None
    assert (answer.kept.became, answer.kept.label) == (Became.ADDED, label.id)
    assert (label.mailbox, label.organisation, label.origin) == (ANN, "harbor", Origin.ADMINISTRATOR)
    assert (label.by, label.why, label.at, label.truth) == ("root", "a flood", hands.now, Opinion.BACKSCATTER)
    features = Features.from_json(store.labels.features([label.id])[label.id])
    assert features.facts["handed_over:backscatter"] > 0
    assert features.words
    (row,) = store.labels.training_rows("harbor")
    assert Features.from_json(row.features) == features
    sample = store.labels.sample(label.id)
    assert sample is not None
    assert sample.raw == path.read_bytes()


def test_a_proof_is_noted_so_that_training_leaves_it_out(hands: Hands) -> None:
    hands.opt_in(ANN)
    hands.scan()
    add(hands, GENUINE, file_about(hands, "Offer for the new pier"), file_about(hands, "Delivery failure"))
    assert [row.proven for row in hands.app.context.store.labels.training_rows("harbor")] == [True, False]


def test_folders_and_several_files_are_taken_in_their_order(hands: Hands) -> None:
    folder = hands.maildir(BEN) / "cur"
    answers = add(hands, GENUINE, folder, file_about(hands, "Delivery failure"))
    assert [answer.source for answer in answers] == [
        *map(str, sorted(folder.iterdir())),
        str(file_about(hands, "Delivery failure")),
    ]
    again = add(hands, GENUINE, folder)
    assert {answer.kept.became for answer in again if answer.kept} == {Became.KNOWN}


def test_mail_to_nobody_here_belongs_to_no_mailbox(hands: Hands, tmp_path: Path) -> None:
    path = tmp_path / "a.eml"
    raw = file_about(hands, "Cheap watches").read_bytes()
    path.write_bytes(raw.replace(b"ann@harbor.example", b"zoe@harbor.example"))
    (answer,) = add(hands, BACKSCATTER, path)
    assert answer.mailbox is None
    assert hands.app.context.store.labels.find()[0].organisation == "harbor"
    (answer,) = add(hands, replace(BACKSCATTER, mailbox=BEN), path)
    assert answer.mailbox == BEN
    assert [label.mailbox for label in hands.app.context.store.labels.find()] == [BEN]


def test_an_alias_is_its_owners(hands: Hands, tmp_path: Path) -> None:
    path = tmp_path / "a.eml"
    raw = file_about(hands, "Cheap watches").read_bytes()
    path.write_bytes(raw.replace(b"ann@harbor.example", b"a.smith@harbor.example"))
    assert add(hands, BACKSCATTER, path)[0].mailbox == ANN


def test_of_several_organisations_it_must_be_known_which(hands: Hands, tmp_path: Path) -> None:
    settings = hands.app.context.settings
    quay = Organisation("quay", frozenset(["quay.example"]))
    hands.put(replace(settings, organisations=(*settings.organisations, quay)))
    path = tmp_path / "a.eml"
    raw = file_about(hands, "Cheap watches").read_bytes()
    path.write_bytes(raw.replace(b"ann@harbor.example", b"zoe@elsewhere.example"))
    (answer,) = add(hands, BACKSCATTER, path)
    assert "--organisation NAME (harbor, quay)" in answer.error
    assert hands.app.context.store.labels.find() == ()
    add(hands, replace(BACKSCATTER, organisation="quay"), path)
    assert [label.organisation for label in hands.app.context.store.labels.find()] == ["quay"]
    with pytest.raises(UsageError, match="no organisation 'key'"):
        add(hands, replace(BACKSCATTER, organisation="key"), path)


@pytest.mark.parametrize("content", [b"", b"\r\n\r\nno header", b"\0\xff" * 100])
def test_what_is_no_message_is_told_and_not_kept(hands: Hands, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.eml"
    path.write_bytes(content)
    answers = add(hands, GENUINE, path, file_about(hands, "Cheap watches"))
    assert [bool(answer.error) for answer in answers] == [True, False]
    assert len(hands.app.context.store.labels.find()) == 1


def test_ordinary_mail_may_be_labelled_but_trains_nothing(hands: Hands) -> None:
    (answer,) = add(hands, Said(Opinion.NOT_A_BOUNCE), file_about(hands, "Lunch on Thursday?"))
    assert (answer.kind, answer.mailbox) == (Kind.NOT_A_BOUNCE, ANN)
    assert list(hands.app.context.store.labels.training_rows("harbor")) == []


def test_what_does_not_exist_is_named(hands: Hands, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        add(hands, GENUINE, tmp_path / "none.eml")
    with pytest.raises(UsageError, match="no mailbox zoe"):
        add(hands, replace(GENUINE, mailbox="zoe@harbor.example"), tmp_path)


def test_the_contrary_is_told_at_once(hands: Hands) -> None:
    path = file_about(hands, "Cheap watches")
    (first,) = add(hands, BACKSCATTER, path)
    (second,) = add(hands, GENUINE, path)
    assert first.kept is not None
    assert second.kept is not None
    assert second.kept.against == (first.kept.label,)
    assert list(hands.app.context.store.labels.training_rows("harbor")) == []


def test_like_notices_labelled_otherwise_are_told_at_once(hands: Hands) -> None:
    one, two, *_ = (p for p in hands.folder(ANN, ".") if b"Cheap watches" in p.read_bytes())
    first = add(hands, BACKSCATTER, one)
    assert adding.disputed(hands.app.context, first) == ()
    second = add(hands, GENUINE, two)
    assert second[0].kept is not None
    assert adding.disputed(hands.app.context, second) == (second[0].kept.label,)


def test_nothing_is_kept_of_somebody_who_opted_out(hands: Hands) -> None:
    hands.opt_in(ANN)
    consent.opt_out(hands.app.context, ANN)
    (answer,) = add(hands, BACKSCATTER, file_about(hands, "Cheap watches"))
    assert answer.kept is not None
    assert answer.kept.became is Became.NOT_KEPT
    assert hands.app.context.store.labels.find() == ()


def test_without_samples_the_findings_alone_are_kept(hands: Hands) -> None:
    hands.put(replace(hands.app.context.settings, labels=LabelPolicy(timedelta(0))))
    add(hands, BACKSCATTER, file_about(hands, "Cheap watches"))
    assert hands.app.context.store.labels.samples() == ()
    assert len(list(hands.app.context.store.labels.training_rows("harbor"))) == 1


# --- mailboxes and journal ------------------------------------------------------------------------


def test_a_message_of_a_mailbox_needs_its_owners_consent_and_the_access_is_recorded(hands: Hands) -> None:
    id = file_about(hands, "Cheap watches").name.partition(":")[0]
    with pytest.raises(NotOptedInError):
        add_message(hands.app.context, ANN, "INBOX", id, BACKSCATTER)
    assert purposes(hands, ANN) == []
    hands.opt_in(ANN)
    answer = add_message(hands.app.context, ANN, "INBOX", id, BACKSCATTER)
    assert (answer.mailbox, answer.kind) == (ANN, Kind.NDR)
    assert purposes(hands, ANN) == ["label"]
    consent.pause(hands.app.context, ANN)
    with pytest.raises(NotOptedInError, match="paused"):
        add_message(hands.app.context, ANN, "INBOX", id, BACKSCATTER)
    hands.opt_in(ANN)
    with pytest.raises(MessageGoneError):
        add_message(hands.app.context, ANN, "INBOX", "nothing", BACKSCATTER)


def test_a_journal_entry_is_found_where_it_was_moved_to_or_is_back(hands: Hands) -> None:
    hands.opt_in(BEN)
    hands.scan()
    (entry,) = hands.app.context.store.entries(mailbox=BEN)
    answer = add_entry(hands.app.context, entry.id, GENUINE)
    (label,) = hands.app.context.store.labels.find()
    assert (label.entry, label.mailbox, label.truth) == (entry.id, BEN, Opinion.GENUINE)
    assert (label.opinion, label.fingerprint) == (Opinion.BACKSCATTER, entry.fingerprint)
    assert answer.kept is not None
    assert answer.kept.became is Became.ADDED
    moved = hands.folder(BEN, ".Backscatter")[0]
    moved.rename(hands.maildir(BEN) / "cur" / moved.name)
    again = add_entry(hands.app.context, entry.id, GENUINE)
    assert again.kept is not None
    assert again.kept.became is Became.KNOWN
    with pytest.raises(UsageError, match="no entry 4711"):
        add_entry(hands.app.context, 4711, GENUINE)
    consent.opt_out(hands.app.context, BEN)
    with pytest.raises(NotOptedInError):
        add_entry(hands.app.context, entry.id, GENUINE)
