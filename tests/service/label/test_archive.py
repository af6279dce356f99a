"""Labels travel: folders and archives come in, and hostile ones are refused within bounds."""

from __future__ import annotations

import gzip
import io
import json
import stat
import tarfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cleaner.errors import UsageError
from cleaner.service import consent
from cleaner.service.label import bounded
from cleaner.service.label.adding import Answer, Said, add_files
from cleaner.service.label.exporting import export
from cleaner.service.label.importing import Source, import_
from cleaner.store.labelling import Became, LabelState, Origin
from cleaner.values import Kind, Opinion, Proposal
from tests.service.hands import ANN, BEN, Hands, quiet
from tests.service.label.test_adding import BACKSCATTER, GENUINE, file_about, purposes


def take(hands: Hands, path: Path, **source: Any) -> list[Answer]:
    return list(import_(hands.app.context, Source(path, **source), quiet))


def pack(hands: Hands, path: Path, **wanted: Any) -> Path:
    export(hands.app.context, path, quiet, **wanted)
    return path


def label_some(hands: Hands) -> None:
    spurious = [file_about(hands, "Cheap watches"), file_about(hands, "You have won", BEN)]
    list(add_files(hands.app.context, spurious, replace(BACKSCATTER, why="a flood", by="eve")))
    list(add_files(hands.app.context, [file_about(hands, "Offer for the new pier")], GENUINE))


def empty(hands: Hands) -> None:
    """As if these labels had never been here."""
    with hands.app.context.store._database.write() as connection:
        connection.exec_driver_sql("DELETE FROM label")


# --- folders --------------------------------------------------------------------------------------


def test_folders_tell_by_their_names_what_their_mail_is(hands: Hands, tmp_path: Path) -> None:
    for truth, subject in (("genuine", "Offer for"), ("backscatter", "Cheap"), ("not-a-bounce", "Lunch")):
        (tmp_path / "kept" / truth).mkdir(parents=True)
        raw = file_about(hands, subject).read_bytes()
        (tmp_path / "kept" / truth / "a.eml").write_bytes(raw)
    (tmp_path / "kept" / "other").mkdir()
    (tmp_path / "kept" / "other" / "b.eml").write_bytes(raw)
    answers = take(hands, tmp_path / "kept", by="eve")
    assert [answer.kept.became for answer in answers if answer.kept] == [Became.ADDED] * 3
    labels = hands.app.context.store.labels.find()
    assert [label.truth.value for label in labels] == ["genuine", "backscatter", "not-a-bounce"]
    assert {(label.origin, label.by, label.why) for label in labels} == {
        (Origin.IMPORT, "eve", "imported from kept")
    }
    again = take(hands, tmp_path / "kept" / "genuine")
    assert [answer.kept.became for answer in again if answer.kept] == [Became.KNOWN]


def test_folders_that_tell_nothing_are_refused(hands: Hands, tmp_path: Path) -> None:
    (tmp_path / "Genuine mail").mkdir()
    with pytest.raises(UsageError, match="nothing tells what its mail is"):
        take(hands, tmp_path)


# --- archives -------------------------------------------------------------------------------------


def test_what_was_exported_comes_in_with_the_evidence_of_its_day(hands: Hands, tmp_path: Path) -> None:
    label_some(hands)
    store = hands.app.context.store
    before = store.labels.find()
    features = store.labels.features(label.id for label in before)
    samples = [store.labels.sample(label.id) for label in before]
    path = pack(hands, tmp_path / "labels.tar.gz")
    empty(hands)
    hands.now += timedelta(days=30)
    answers = take(hands, path, by="zoe")
    assert [answer.kept.became for answer in answers if answer.kept] == [Became.ADDED] * 3
    after = store.labels.find()
    for old, new in zip(before, after, strict=True):
        assert new.id > old.id
        assert (new.fingerprint, new.truth, new.kind, new.at) == (
            old.fingerprint,
            old.truth,
            old.kind,
            old.at,
        )
        assert (new.cluster, new.mailbox, new.proven) == (old.cluster, old.mailbox, old.proven)
        assert (new.opinion, new.score, new.probability) == (old.opinion, old.score, old.probability)
        assert (new.origin, new.by) == (Origin.IMPORT, "zoe")
        assert f"said by {old.by}" in new.why
        assert store.labels.features([new.id])[new.id] == features[old.id]
    raws = [sample.raw for label in after if (sample := store.labels.sample(label.id))]
    assert raws == [sample.raw for sample in samples if sample]
    told = store.labels.about([after[0].id])[after[0].id]
    assert told["returned_subject"] == "Cheap watches, today only"
    again = take(hands, path)
    assert {answer.kept.became for answer in again if answer.kept} == {Became.KNOWN}


def test_it_is_for_its_owners_eyes_and_overwrites_nothing(hands: Hands, tmp_path: Path) -> None:
    label_some(hands)
    path = pack(hands, tmp_path / "labels.tar.gz")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    first = path.read_bytes()
    with pytest.raises(UsageError, match="is there already"):
        pack(hands, path)
    assert path.read_bytes() == first
    assert pack(hands, tmp_path / "again.tar.gz").read_bytes() == first, "the same labels, the same bytes"
    assert purposes(hands, BEN) == ["label export"] * 2
    with pytest.raises(UsageError, match="cannot be made"):
        pack(hands, tmp_path / "none" / "x.tar.gz")


def test_only_what_is_asked_for_and_confirmed_is_exported(hands: Hands, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no label to export"):
        pack(hands, tmp_path / "none.tar.gz")
    label_some(hands)
    hands.app.context.store.labels.settle([1], LabelState.WITHDRAWN, by="root", at=hands.now)
    path = pack(hands, tmp_path / "ben.tar.gz", mailbox=BEN)
    assert [line["mailbox"] for line in lines(path)] == [BEN]
    assert [line["truth"] for line in lines(pack(hands, tmp_path / "all.tar.gz"))] == [
        "backscatter",
        "genuine",
    ]


def test_a_label_whose_mail_is_gone_travels_with_its_findings(hands: Hands, tmp_path: Path) -> None:
    label_some(hands)
    list(add_files(hands.app.context, [more_of_the_flood(hands)], BACKSCATTER))
    hands.app.context.store.labels.erase_samples(ANN)
    path = pack(hands, tmp_path / "labels.tar.gz")
    rows = [(row.features, row.truth) for row in hands.app.context.store.labels.training_rows("harbor")]
    clusters = [label.cluster for label in hands.app.context.store.labels.find()]
    empty(hands)
    take(hands, path)
    store = hands.app.context.store
    found = [(row.features, row.truth) for row in store.labels.training_rows("harbor")]
    assert sorted(map(str, found)) == sorted(map(str, rows))
    now = [label.cluster for label in store.labels.find(mailbox=ANN)]
    assert clusters.count(clusters[0]) == 2
    assert now.count(now[0]) == 2, "like notices stay alike"


def more_of_the_flood(hands: Hands) -> Path:
    return [p for p in hands.folder(ANN, ".") if b"Cheap watches" in p.read_bytes()][1]


def test_an_owners_word_weighs_no_more_for_having_travelled(hands: Hands, tmp_path: Path) -> None:
    label_some(hands)
    store = hands.app.context.store
    from tests.store.samples import specimen

    proposal = Proposal(specimen(7, raw=b"", about={}), Opinion.GENUINE, hands.now, "moved")
    store.proposals(ANN, "harbor").propose([proposal])
    store.labels.settle([4], LabelState.CONFIRMED, by="root", at=hands.now)
    path = pack(hands, tmp_path / "labels.tar.gz")
    empty(hands)
    take(hands, path)
    assert sum(label.origin is Origin.OWNER for label in store.labels.find()) == 1


def test_carried_over_mail_gets_no_younger(hands: Hands, tmp_path: Path) -> None:
    label_some(hands)
    path = pack(hands, tmp_path / "labels.tar.gz")
    empty(hands)
    hands.now += timedelta(days=300)
    take(hands, path)
    assert len(hands.app.context.store.labels.samples()) == 3
    hands.now += timedelta(days=100)
    hands.app.context.expire_samples()
    assert hands.app.context.store.labels.samples() == ()


def test_nothing_comes_in_of_somebody_who_opted_out(hands: Hands, tmp_path: Path) -> None:
    label_some(hands)
    path = pack(hands, tmp_path / "labels.tar.gz")
    hands.opt_in(BEN)
    consent.opt_out(hands.app.context, BEN)
    empty(hands)
    answers = take(hands, path)
    assert sorted(answer.kept.became.value for answer in answers if answer.kept) == [
        "added",
        "added",
        "not kept",
    ]
    assert hands.app.context.store.labels.find(mailbox=BEN) == ()


# --- hostile archives -----------------------------------------------------------------------------


def lines(path: Path) -> list[dict[str, Any]]:
    with tarfile.open(path) as archive:
        manifest = archive.extractfile("manifest.jsonl")
        assert manifest is not None
        return [json.loads(line) for line in manifest.read().splitlines()[1:]]


def files(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        return {m.name: f.read() for m in archive if (f := archive.extractfile(m)) is not None}


def repack(path: Path, contents: dict[str, bytes], *others: tarfile.TarInfo) -> Path:
    path.unlink(missing_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for name, content in contents.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for other in others:
            archive.addfile(other)
    return path


@pytest.fixture
def packed(hands: Hands, tmp_path: Path) -> Path:
    label_some(hands)
    path = pack(hands, tmp_path / "labels.tar.gz")
    empty(hands)
    return path


def with_manifest(path: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """The archive with each line of its manifest changed."""
    contents = files(path)
    first, *rest = contents["manifest.jsonl"].splitlines()
    changed = []
    for line in rest:
        fields = json.loads(line)
        change(fields)
        changed.append(json.dumps(fields).encode())
    return repack(path, {**contents, "manifest.jsonl": b"\n".join([first, *changed])})


def test_names_in_it_lead_nowhere(hands: Hands, packed: Path, tmp_path: Path) -> None:
    """Nothing is unpacked, so a path out of the folder is just a name; links and devices are passed over."""
    before = {p for p in tmp_path.rglob("*") if "state.db" not in p.name}
    contents = files(packed)
    first, *rest = contents.pop("manifest.jsonl").splitlines()
    moved = {f"../../{name}": content for name, content in contents.items()}
    manifest = [{**json.loads(line), "path": "../../" + json.loads(line)["path"]} for line in rest]
    head = b"\n".join([first, *(json.dumps(line).encode() for line in manifest)])
    link = tarfile.TarInfo("link")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    device = tarfile.TarInfo("/dev/x")
    device.type = tarfile.CHRTYPE
    repack(packed, {"manifest.jsonl": head, **moved, "/etc/cron.d/evil": b"x"}, link, device)
    answers = take(hands, packed)
    assert [answer.error for answer in answers] == [""] * 3
    assert {p for p in tmp_path.rglob("*") if "state.db" not in p.name} == before


def test_a_link_in_place_of_a_message_is_not_followed(hands: Hands, packed: Path) -> None:
    contents = files(packed)
    name = next(name for name in contents if name != "manifest.jsonl")
    link = tarfile.TarInfo(name)
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    del contents[name]
    repack(packed, contents, link)
    answers = {answer.source: answer.error for answer in take(hands, packed)}
    assert "missing in the archive" in answers[name]
    assert sum(map(bool, answers.values())) == 1


def test_a_message_that_was_changed_is_not_the_one_that_was_labelled(hands: Hands, packed: Path) -> None:
    contents = files(packed)
    name = next(name for name in contents if name != "manifest.jsonl")
    contents[name] = contents[name].replace(b"Message-ID: <", b"Message-ID: <x", 1)
    repack(packed, contents)
    assert "it was changed" in {a.source: a.error for a in take(hands, packed)}[name]
    assert len(hands.app.context.store.labels.find()) == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("truth", "unsure"),
        ("truth", "spam"),
        ("truth", None),
        ("kind", []),
        ("at", "yesterday"),
        ("at", "2026-11-20T10:00:00"),
        ("at", 5),
        ("features", {}),
        ("features", None),
        ("features", {"facts": {"x": "y"}, "words": []}),
        ("features", {"facts": {"x": float("nan")}, "words": []}),
        ("features", {"facts": {"x": 1e400}, "words": []}),
        ("features", {"facts": {f"x{n}": 1 for n in range(1_000)}, "words": []}),
        ("features", {"facts": {}, "words": list(range(5_000))}),
        ("features", {"facts": {"x" * 200: 1}, "words": []}),
        ("probability", float("inf")),
        ("score", None),
        ("fingerprint", "f" * 65),
        ("by", "x" * 3_000),
        ("path", 7),
        ("mailbox", {}),
        ("origin", "heaven"),
        ("score", 10**400),
        ("features", {"facts": {"x": 1}, "words": ["y"]}),
        ("features", {"facts": [], "words": []}),
    ],
)
def test_a_line_that_is_not_as_it_must_be_is_told_and_left_out(
    hands: Hands, packed: Path, field: str, value: object
) -> None:
    with_manifest(packed, lambda fields: fields.update({field: value}))
    answers = take(hands, packed)
    assert [bool(answer.error) for answer in answers] == [True] * 3
    assert answers[0].source == "manifest.jsonl line 2"
    raw_words = ("is not a valid", "convert", "has no attribute", "isoformat", "literal", "unhashable")
    assert not any(words in answers[0].error for words in raw_words), answers[0].error
    assert hands.app.context.store.labels.find() == ()


def test_a_line_without_a_field_is_told(hands: Hands, packed: Path) -> None:
    with_manifest(packed, lambda fields: fields.pop("truth"))
    assert all("truth" in answer.error for answer in take(hands, packed))


def test_a_time_that_has_not_come_yet_keeps_no_sample_longer(hands: Hands, packed: Path) -> None:
    with_manifest(packed, lambda fields: fields.update(at="2999-01-01T00:00:00+00:00"))
    take(hands, packed)
    assert {label.at for label in hands.app.context.store.labels.find()} == {hands.now}


def test_of_two_lines_with_one_path_the_second_is_told(hands: Hands, packed: Path) -> None:
    with_manifest(packed, lambda fields: fields.update(path="same.eml"))
    errors = [answer.error for answer in take(hands, packed)]
    assert sum("named twice" in error for error in errors) == 2
    assert sum("missing" in error for error in errors) == 1


def bomb(path: Path, size: int, name: str = "manifest.jsonl", kind: bytes = tarfile.REGTYPE) -> Path:
    """An archive of one huge file of zeros, written without having it in memory."""
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    with gzip.open(path, "wb", compresslevel=9) as file:
        file.write(info.tobuf(tarfile.GNU_FORMAT))
        for _ in range(size // 2**20):
            file.write(bytes(2**20))
    return path


def test_a_line_without_end_is_refused(hands: Hands, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not of a form that is known here"):
        take(hands, bomb(tmp_path / "x.tar.gz", 64 * 2**20))


def test_what_unfolds_without_end_is_refused(
    hands: Hands, packed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = files(packed)
    repack(packed, {**contents, "filler": bytes(3 * 2**20)})
    assert len(take(hands, packed)) == 3
    monkeypatch.setattr(bounded, "IN_ALL", 2 * 2**20)
    with pytest.raises(UsageError, match="refused: it unfolds to more than"):
        take(hands, packed)


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE])
def test_a_header_that_claims_to_be_huge_is_refused_before_it_is_read(
    hands: Hands, tmp_path: Path, kind: bytes
) -> None:
    with pytest.raises(UsageError, match="one piece of it claims to be huge"):
        take(hands, bomb(tmp_path / "x.tar.gz", 16 * 2**20, "x", kind))


def test_an_offset_that_leads_back_is_refused(hands: Hands, packed: Path) -> None:
    """The endless loop of CVE-2025-8194: a size below zero."""
    info = tarfile.TarInfo("back")
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"\xff" * 10 + b"\xf0\x00"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    with gzip.open(packed, "rb") as file:
        whole = file.read()
    body = whole[: len(whole.rstrip(b"\0")) // 512 * 512 + 512]
    with gzip.open(packed, "wb") as file:
        file.write(body + bytes(header) + bytes(1024))
    with pytest.raises(UsageError, match="leads back"):
        take(hands, packed)


def test_more_files_than_an_archive_can_hold_are_refused(
    hands: Hands, packed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "MEMBERS", 3)
    with pytest.raises(UsageError, match="more than 3 files"):
        take(hands, packed)


@pytest.mark.parametrize("keep", [0, 1, 10, 100, 0.5, 0.9])
def test_cut_anywhere_it_is_damaged_and_what_came_before_is_no_harm(
    hands: Hands, packed: Path, keep: float
) -> None:
    whole = packed.read_bytes()
    packed.write_bytes(whole[: keep if isinstance(keep, int) else int(len(whole) * keep)])
    with pytest.raises(UsageError, match=r"damaged|first file must be"):
        take(hands, packed)
    packed.write_bytes(whole)
    take(hands, packed)
    assert len(hands.app.context.store.labels.find()) == 3


@pytest.mark.parametrize(
    ("contents", "told"),
    [
        ({"x": b"y"}, "first file must be manifest.jsonl"),
        ({"manifest.jsonl": b""}, "not of a form"),
        ({"manifest.jsonl": b"[1]\n"}, "not of a form"),
        ({"manifest.jsonl": b"[" * 100_000}, "not of a form"),
        ({"manifest.jsonl": b'{"format": "bounce-cleaner labels", "version": 2}\n'}, "not of a form"),
        ({}, "first file must be"),
    ],
)
def test_what_is_another_archive_is_told_apart(
    hands: Hands, tmp_path: Path, contents: dict[str, bytes], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        take(hands, repack(tmp_path / "x.tar.gz", contents))


def test_a_zip_or_a_text_is_no_archive_of_labels(hands: Hands, tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(UsageError, match="no archive of labels"):
        take(hands, tmp_path / "x.zip")
    with pytest.raises(UsageError, match="no such file"):
        take(hands, tmp_path / "none")


def test_ordinary_mail_travels_too(hands: Hands, tmp_path: Path) -> None:
    list(add_files(hands.app.context, [file_about(hands, "Lunch")], Said(Opinion.NOT_A_BOUNCE)))
    path = pack(hands, tmp_path / "x.tar.gz")
    empty(hands)
    (answer,) = take(hands, path)
    assert (answer.kind, answer.mailbox, answer.error) == (Kind.NOT_A_BOUNCE, ANN, "")
