"""Consent: given, imported, paused, withdrawn; each step recorded, and withdrawal erases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cleaner.app import App
from cleaner.errors import CleanerError, UsageError
from cleaner.service import consent
from cleaner.service.consent import NewMailbox
from cleaner.service.roster import opt_in_many
from tests.service.hands import ANN, BEN, Hands


def test_the_preview_starts_with_the_consent(hands: Hands) -> None:
    row = consent.opt_in(hands.app.context, NewMailbox(ANN, preview=timedelta(days=3)))
    assert (row.state, row.basis) == ("opted-in", "owner")
    assert row.preview_until == hands.now + timedelta(days=3)


def test_agreeing_twice_does_not_begin_the_preview_again(hands: Hands) -> None:
    context = hands.app.context
    first = consent.opt_in(context, NewMailbox(ANN, preview=timedelta(days=3)))
    hands.now += timedelta(days=2)
    assert consent.opt_in(context, NewMailbox(ANN)) == first
    assert len(context.store.consent.history(ANN)) == 1
    noted = consent.opt_in(context, NewMailbox(ANN, note="asked again"))
    assert noted.preview_until == first.preview_until
    assert len(context.store.consent.history(ANN)) == 2
    anew = consent.opt_in(context, NewMailbox(ANN, preview=timedelta(days=3)))
    assert anew.preview_until == hands.now + timedelta(days=3)


def test_after_a_pause_only_what_was_left_of_the_preview_follows(hands: Hands) -> None:
    context = hands.app.context
    consent.opt_in(context, NewMailbox(ANN, preview=timedelta(days=3)))
    hands.now += timedelta(days=1)
    consent.pause(context, ANN)
    hands.now += timedelta(days=10)
    assert consent.opt_in(context, NewMailbox(ANN)).preview_until == hands.now + timedelta(days=2)
    hands.now += timedelta(days=5)
    consent.pause(context, ANN)
    assert consent.opt_in(context, NewMailbox(ANN)).preview_until == hands.now
    consent.opt_out(context, ANN)
    ann = context.settings.mailbox(ANN)
    week = replace(ann, policy=replace(ann.policy, preview=timedelta(days=7)))
    hands.put(replace(context.settings, mailboxes=(week,)))
    assert consent.opt_in(hands.app.context, NewMailbox(ANN)).preview_until == hands.now + timedelta(days=7)


def test_a_mailbox_that_the_file_lacks_is_kept_in_the_store(hands: Hands) -> None:
    consent.opt_in(hands.app.context, NewMailbox("carl@harbor.example", aliases=("c@harbor.example",)))
    with App.open(hands.root / "cleaner.toml") as later:
        mailbox = later.context.settings.mailbox("CARL@harbor.example")
    assert (mailbox.stored, mailbox.server) == (True, "mailboxes")
    assert "c@harbor.example" in mailbox.owner().addresses


def test_a_mailbox_of_a_foreign_domain_is_refused_with_the_remedy(hands: Hands) -> None:
    with pytest.raises(
        UsageError, match=r"elsewhere\.example is no organisation's domain; correct the address"
    ):
        consent.opt_in(hands.app.context, NewMailbox("x@elsewhere.example"))
    assert hands.app.context.store.mailboxes.all() == ()


@pytest.mark.parametrize("typed", ["ann", "ann@@harbor.example", "a@n@harbor.example", "@harbor.example"])
def test_what_is_no_address_is_refused(hands: Hands, typed: str) -> None:
    with pytest.raises(UsageError, match="is not an address"):
        consent.opt_in(hands.app.context, NewMailbox(typed))
    assert hands.app.context.store.mailboxes.all() == ()


def test_a_quoted_address_may_hold_a_further_at_sign(hands: Hands) -> None:
    assert consent.opt_in(hands.app.context, NewMailbox('"a@n"@harbor.example')).state == "opted-in"


def test_a_mistyped_address_on_a_server_of_one_folder_is_refused(hands: Hands) -> None:
    settings = hands.app.context.settings
    (server,) = settings.servers
    hands.put(replace(settings, servers=(replace(server, path=str(hands.maildir(ANN))),)))
    with pytest.raises(UsageError, match="same folder as ann@"):
        consent.opt_in(hands.app.context, NewMailbox("an@harbor.example"))
    assert hands.app.context.store.mailboxes.all() == ()
    assert consent.opt_in(hands.app.context, NewMailbox(ANN)).state == "opted-in"


def test_a_password_in_the_clear_is_refused(hands: Hands) -> None:
    with pytest.raises(UsageError, match="env:") as refused:
        consent.opt_in(hands.app.context, NewMailbox("carl@harbor.example", password="hunter2-hunter2"))
    assert "hunter2" not in str(refused.value)


def test_an_import_takes_all_or_nothing(hands: Hands, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text(
        "address,aliases,basis\n"
        "carl@harbor.example,c@harbor.example cc@harbor.example,works agreement 7\n"
        "x@elsewhere.example,,\n"
        "not an address,,\n"
    )
    with pytest.raises(UsageError) as refused:
        opt_in_many(hands.app.context, str(path), "owner", None)
    assert "line 3" in str(refused.value)
    assert "line 4" in str(refused.value)
    assert hands.app.context.store.mailboxes.all() == ()
    path.write_text("\n".join(path.read_text().splitlines()[:2]))
    (row,) = opt_in_many(hands.app.context, str(path), "owner", None).rows
    assert (row.state, row.basis) == ("opted-in", "works agreement 7")


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (b"address,note\neve@harbor.example,B\xfcro\n", "not UTF-8 text at byte 33; save it"),
        (b"address,note\neve@harbor.example,a,b\n", "line 2 has more fields"),
        (b"address,note\neve@harbor.example," + b"x" * 140_000, "line 2 is no CSV"),
        (
            b"address\neve@harbor.example\nEVE@harbor.example\n",
            "line 3: EVE@harbor.example stands in it twice",
        ),
        (b'note,address\n"two\nlines",eve@harbor.example\nshort\n', "line 4: .*address: is missing"),
        (None, "cannot be read \\(No such file"),
    ],
)
def test_what_is_wrong_with_a_file_to_import_is_told_with_the_line(
    hands: Hands, tmp_path: Path, written: bytes | None, told: str
) -> None:
    path = tmp_path / "new.csv"
    if written is not None:
        path.write_bytes(written)
    with pytest.raises(UsageError, match=f"new.csv.*(\n.*)?{told}"):
        opt_in_many(hands.app.context, str(path), "owner", None)
    assert "eve@harbor.example" not in [row.address for row in consent.consents(hands.app.context)]


def test_a_file_as_spreadsheets_write_it_is_imported(hands: Hands, tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    path.write_text(
        '\ufeffAddress; Aliases;Note;\r\neve@harbor.example; e@harbor.example;"a, b;\nc";\r\n;;;\r\n'
    )
    (row,) = opt_in_many(hands.app.context, str(path), "owner", None).rows
    assert row.address == "eve@harbor.example"
    (step,) = consent.record_of(hands.app.context.with_stored(), row.address).steps
    assert step.note == "a, b;\nc"


def test_unknown_columns_are_named(hands: Hands, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("address,pasword\nann@harbor.example,x\n")
    with pytest.raises(UsageError, match="unknown: pasword"):
        opt_in_many(hands.app.context, str(path), "owner", None)


def test_pausing_keeps_what_is_known_and_opting_out_erases_it(hands: Hands) -> None:
    hands.opt_in(BEN)
    hands.scan()
    store = hands.app.context.store
    consent.pause(hands.app.context, BEN)
    assert store.sent_record(BEN).mails() == 1
    with pytest.raises(CleanerError, match="consent: paused"):
        hands.app.context.require_consent(hands.app.context.settings.mailbox(BEN))
    hands.opt_in(BEN)
    consent.opt_out(hands.app.context, BEN, note="left the company")
    assert store.sent_record(BEN).mails() == 0
    assert len(store.entries(mailbox=BEN)) == 1
    states = [step.state.value for step in consent.record_of(hands.app.context, BEN).steps]
    assert sorted(states) == sorted(["opted-in", "paused", "opted-in", "opted-out"])


def test_nothing_to_withdraw_is_said(hands: Hands) -> None:
    with pytest.raises(UsageError, match="nothing to withdraw"):
        consent.opt_out(hands.app.context, ANN)


def test_every_opening_is_on_the_owners_list(hands: Hands) -> None:
    hands.opt_in(ANN)
    hands.scan()
    hands.scan()
    purposes = [access.purpose for access in consent.record_of(hands.app.context, ANN).accesses]
    assert purposes == ["scan", "scan"]
