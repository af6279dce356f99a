"""An alarm is noted by the scan that saw it and shown by `status`; nothing is removed on it."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cleaner.config import AlarmSettings
from cleaner.service.demo.letters import Office, letter, via
from cleaner.service.demo.reports import postfix
from cleaner.service.scan import ScanRequest
from cleaner.service.status import status
from cleaner.values import ActionName, DkimKey, Kind, Lesson, Opinion, Outcome, SeenNotice
from tests.servers import smtp
from tests.service.hands import ANN, NOW, Hands


def usual(hands: Hands) -> None:
    """Two weeks in which Ann's mail came back now and then, all of it kept in Sent."""
    hands.app.context.store.seen(ANN).record(
        [
            SeenNotice(
                f"f{n}",
                "INBOX",
                str(n),
                Kind.NDR,
                Opinion.GENUINE,
                ActionName.NONE,
                Outcome.NONE,
                NOW,
                lesson=Lesson(
                    (NOW - timedelta(days=2 + n)).date(),
                    f"<{n}@harbor.example>",
                    by_mark=True,
                    in_record=True,
                ),
            )
            for n in range(12)
        ],
        {},
    )


def stolen(hands: Hands, count: int) -> None:
    """Somebody who has Ann's password sent mail through our relay, and it comes back."""
    office = Office.new(NOW)
    settings = hands.app.context.settings
    organisation = settings.organisations[0]
    keys = (*organisation.dkim_keys, DkimKey("harbor.example", "demo", office.public_record))
    hands.put(replace(settings, organisations=(replace(organisation, dkim_keys=keys[-1:]),)))
    inbox: Path = hands.maildir(ANN) / "new"
    for n in range(count):
        to = f"p{n}@far.example"
        mail = via(
            office.signed(letter(NOW - timedelta(hours=2), ANN, to, "Invoice", f"x{n}")),
            NOW,
            "mx.far.example",
        )
        (inbox / f"1.{n}.alarm").write_bytes(postfix(NOW - timedelta(hours=1), ANN, to, mail))


def test_a_flood_of_signed_mail_raises_it(hands: Hands, caplog: pytest.LogCaptureFixture) -> None:
    hands.opt_in(ANN)
    usual(hands)
    stolen(hands, 25)
    with caplog.at_level(logging.WARNING):
        (result,) = hands.scan()
    (note,) = (note for note in result.notes if note.startswith("ALARM"))
    assert "password" in note
    assert ANN in caplog.text
    assert (
        len(list((hands.maildir(ANN) / "new").glob("*.alarm*")))
        + len(list((hands.maildir(ANN) / "cur").glob("*.alarm*")))
        == 25
    )
    (shown,) = (mailbox for mailbox in status(hands.app.context).mailboxes if mailbox.address == ANN)
    assert [alarm.mails for alarm in shown.alarms] == [25]
    (again,) = hands.scan()
    assert not any(note.startswith("ALARM") for note in again.notes)


def test_a_few_do_not(hands: Hands) -> None:
    hands.opt_in(ANN)
    usual(hands)
    stolen(hands, 15)
    (result,) = hands.scan()
    assert not any(note.startswith("ALARM") for note in result.notes)


def test_it_goes_out_by_mail_once_and_not_from_a_dry_run(hands: Hands) -> None:
    hands.opt_in(ANN)
    usual(hands)
    stolen(hands, 25)
    with smtp.serving() as server:
        way = AlarmSettings(
            mail=("admin@harbor.example",),
            sender="cleaner@harbor.example",
            smtp_host="127.0.0.1",
            smtp_port=server.port,
            smtp_tls="none",
        )
        hands.put(replace(hands.app.context.settings, alarms=way))
        hands.scan(ScanRequest(dry_run=True))
        assert server.taken == []
        hands.scan()
        hands.scan()
    [taken] = server.taken
    assert b"25 mails came back" in taken.data
    assert b"Invoice" not in taken.data


def test_a_way_out_that_is_closed_does_not_keep_the_cleaning(hands: Hands) -> None:
    hands.opt_in(ANN)
    usual(hands)
    stolen(hands, 25)
    with smtp.serving() as server:
        port = server.port
    way = AlarmSettings(
        webhook="https://localhost:9/hook", smtp_host="127.0.0.1", smtp_port=port, smtp_tls="none"
    )
    hands.put(replace(hands.app.context.settings, alarms=way))
    (result,) = hands.scan()
    assert result.error is None
    assert any(note.startswith("ALARM") for note in result.notes)
