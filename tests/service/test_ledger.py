"""Transport logs into the sent record: once, only of those who agreed, and only what was ours."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cleaner.errors import UsageError
from cleaner.ledger.files import HEAD
from cleaner.service import ledger as module
from cleaner.service.classify import classify
from cleaner.service.explain import judge_for
from cleaner.service.ledger import LogResult, import_logs
from cleaner.values import OutgoingMail, SentQuestion, SentRecordView
from tests.service.hands import ANN, BEN, NOW, Hands, quiet

LONG = 40
"""So many mails make a log that is known again."""


def mail(
    number: int,
    *,
    sender: str = ANN,
    to: str = "bob@far.example",
    day: int = 10,
    client: str = "desk[203.0.113.7]",
    done: bool = True,
) -> str:
    """The lines of one mail in a log of Postfix; `client` is who brought it."""
    start = f"2026-11-{day:02}T10:{number % 60:02}:00Z mx1 postfix"
    queue = f"{0xA0000 + number:X}"
    lines = (
        f"{start}/smtpd[1]: {queue}: client={client}",
        f"{start}/cleanup[1]: {queue}: message-id=<log{number}@mail.harbor.example>",
        f"{start}/qmgr[1]: {queue}: from=<{sender}>, size=1, nrcpt=1 (queue active)",
        f"{start}/smtp[1]: {queue}: to=<{to}>, relay=x, dsn=5.1.1, status=bounced (x)",
        f"{start}/qmgr[1]: {queue}: removed",
    )
    return "".join(f"{line}\n" for line in (lines if done else lines[:-2]))


def log(*mails: str) -> str:
    return "".join(mails)


def write(hands: Hands, text: str | bytes, name: str = "mail.log", written: datetime = NOW) -> Path:
    path = hands.root / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    os.utime(path, (written.timestamp(), written.timestamp()))
    return path


def bring_in(hands: Hands, *paths: Path, again: bool = False) -> list[LogResult]:
    return list(import_logs(hands.app.context, paths, quiet, lambda: hands.stop, again=again))


def record(hands: Hands, address: str = ANN, *numbers: int) -> SentRecordView:
    ids = frozenset(f"<log{number}@mail.harbor.example>" for number in numbers or range(LONG))
    question = SentQuestion(ids, frozenset(("bob@far.example", "carla@quay.example")))
    return hands.app.context.store.sent_record(address).ask(question)


@pytest.fixture
def agreed(hands: Hands) -> Hands:
    hands.opt_in(ANN)
    return hands


# --- what is kept -----------------------------------------------------------------------------------


def test_the_record_answers_what_the_log_told(agreed: Hands) -> None:
    (result,) = bring_in(agreed, write(agreed, log(mail(1), mail(2, to="carla@quay.example"))))
    assert (result.mails, result.new, result.lines, result.error) == (2, 2, 10, None)
    found = record(agreed).by_message_id
    assert found["<log1@mail.harbor.example>"].recipients == {"bob@far.example"}
    assert found["<log2@mail.harbor.example>"].recipients == {"carla@quay.example"}
    assert found["<log1@mail.harbor.example>"].time == datetime(2026, 11, 10, 10, 1, tzinfo=UTC)
    assert found["<log1@mail.harbor.example>"].logged


def test_a_report_about_mail_that_left_no_copy_is_proven_by_the_log(agreed: Hands) -> None:
    """`Offer for the new pier` is in the demo's Sent folder, which here nobody has read."""
    context = agreed.app.context
    judge = judge_for(context, context.settings.mailbox(ANN))

    def rules() -> set[str]:
        lines = classify(judge, [agreed.maildir(ANN)])
        offers = [line for line in lines if line["returned"]["subject"] == "Offer for the new pier"]
        return {f["rule"] for line in offers for f in line["evidence"] if f["side"] == "genuine"}

    assert "sent_record" not in rules()
    (line,) = [
        line
        for line in classify(judge, [agreed.maildir(ANN)])
        if line["returned"]["subject"] == "Offer for the new pier"
    ]
    text = mail(1, day=19).replace("<log1@mail.harbor.example>", line["returned"]["message_id"])
    bring_in(agreed, write(agreed, text))
    assert "sent_record" in rules()


def test_aliases_tags_and_details_are_the_owner_s_and_others_are_not(agreed: Hands) -> None:
    senders = ("a.smith@harbor.example", "ANN@Harbor.example", "ann+news@harbor.example")
    tagged = "prvs=3001D1B2C3=ann@harbor.example"
    others = ("zoe@atoll.example", "anne@harbor.example", "")
    text = log(*(mail(n, sender=sender) for n, sender in enumerate((*senders, tagged, *others))))
    (result,) = bring_in(agreed, write(agreed, text))
    assert result.mails == 4
    assert len(record(agreed).by_message_id) == 4


def test_of_who_did_not_agree_nothing_is_kept(hands: Hands) -> None:
    path = write(hands, log(mail(1), mail(2, sender=BEN)))
    with pytest.raises(UsageError, match="optin add"):
        bring_in(hands, path)
    hands.opt_in(ANN)
    bring_in(hands, path)
    assert hands.app.context.store.sent_record(ANN).mails() == 1
    assert hands.app.context.store.sent_record(BEN).mails() == 0


def test_mail_that_a_stranger_brought_under_our_name_is_not_ours(agreed: Hands) -> None:
    """An inbound server logs it with our sender address, too."""
    forged = mail(1, client="unknown[198.51.100.66]")
    signed_in = mail(2, client="unknown[198.51.100.66], sasl_method=PLAIN, sasl_username=ann")
    (result,) = bring_in(agreed, write(agreed, log(forged, signed_in, mail(3))))
    assert (result.mails, result.strangers) == (2, 1)
    assert set(record(agreed).by_message_id) == {f"<log{n}@mail.harbor.example>" for n in (2, 3)}


@pytest.mark.parametrize("filter_first", [False, True])
def test_neither_is_it_when_a_filter_hands_it_back(agreed: Hands, filter_first: bool) -> None:
    forged = mail(1, client="unknown[198.51.100.66]")
    back = mail(2, client="localhost[127.0.0.1]").replace("<log2@", "<log1@")
    text = log(back, forged) if filter_first else log(forged, back)
    bring_in(agreed, write(agreed, text))
    assert record(agreed).by_message_id == {}


def test_an_id_that_a_server_gave_on_the_way_is_known_too(agreed: Hands) -> None:
    given = "0102018c1a2b3c4d-01234567-89ab-cdef-0123-456789abcdef-000000"
    text = mail(1).replace("relay=x", "relay=email-smtp.eu-west-1.amazonaws.com[203.0.113.80]:587")
    bring_in(agreed, write(agreed, text.replace("status=bounced (x)", f"status=sent (250 Ok {given})")))
    asked = f"<{given}@eu-west-1.amazonses.com>"
    found = agreed.app.context.store.sent_record(ANN).ask(
        SentQuestion(frozenset((asked,)), frozenset(("bob@far.example",)))
    )
    assert found.by_message_id[asked].recipients == {"bob@far.example"}


# --- where the record begins ------------------------------------------------------------------------


def copies(hands: Hands, *days: int) -> None:
    mails = [
        OutgoingMail(
            f"<copy{day}@mail.harbor.example>", datetime(2026, 11, day, tzinfo=UTC), ("x@y.example",), "x"
        )
        for day in days
    ]
    hands.app.context.store.sent_record(ANN).add("Sent", mails, None)


def test_a_log_does_not_make_the_record_look_complete_since_its_day(agreed: Hands) -> None:
    copies(agreed, 12, 14)
    bring_in(agreed, write(agreed, log(mail(1, day=2), mail(2, day=15))))
    found = record(agreed)
    assert found.begins == datetime(2026, 11, 12, tzinfo=UTC)
    assert found.ends == datetime(2026, 11, 15, 10, 2, tzinfo=UTC)


def test_where_there_are_no_copies_the_log_is_the_record(agreed: Hands) -> None:
    bring_in(agreed, write(agreed, log(mail(1, day=2), mail(2, day=15))))
    assert record(agreed).begins == datetime(2026, 11, 2, 10, 1, tzinfo=UTC)


def test_a_log_with_mail_of_others_changes_nothing_for_anybody_else(agreed: Hands) -> None:
    agreed.opt_in(BEN)
    before = record(agreed)
    bring_in(agreed, write(agreed, log(*(mail(n, sender=BEN, day=1) for n in range(LONG)))))
    assert record(agreed) == before
    assert record(agreed, BEN).mails == LONG


def test_a_copy_that_comes_to_light_later_counts_as_one_and_brings_its_subject(agreed: Hands) -> None:
    bring_in(agreed, write(agreed, log(mail(1, day=12), mail(2, day=3))))
    copy = OutgoingMail("<log1@mail.harbor.example>", NOW, ("carla@quay.example",), "Offer")
    assert agreed.app.context.store.sent_record(ANN).add("Sent", [copy], None) == 0
    found = agreed.app.context.store.sent_record(ANN).ask(
        SentQuestion(
            frozenset(("<log1@mail.harbor.example>",)), frozenset(("bob@far.example",)), frozenset(("Offer",))
        )
    )
    one = found.by_message_id["<log1@mail.harbor.example>"]
    assert (one.logged, one.subject, one.recipient_count, found.mails) == (False, "offer", 2, 2)
    assert found.begins == one.time


# --- once -------------------------------------------------------------------------------------------


def test_reading_it_twice_adds_nothing(agreed: Hands) -> None:
    path = write(agreed, log(*(mail(n) for n in range(LONG))))
    (first,) = bring_in(agreed, path)
    assert first.new == LONG
    (second,) = bring_in(agreed, path)
    assert (second.resumed, second.lines, second.new) == (True, 0, 0)
    (again,) = bring_in(agreed, path, again=True)
    assert (again.resumed, again.lines, again.new) == (False, 5 * LONG, 0)
    assert record(agreed).mails == LONG


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": lambda raw: raw,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_log_is_read_on_after_it_was_rotated_and_compressed(agreed: Hands, suffix: str) -> None:
    half = log(*(mail(n) for n in range(LONG // 2)))
    assert len(half) > HEAD
    bring_in(agreed, write(agreed, half))
    whole = half + log(*(mail(n) for n in range(LONG // 2, LONG)))
    (agreed.root / "mail.log").unlink()
    (result,) = bring_in(agreed, write(agreed, PACKERS[suffix](whole.encode()), f"mail.log.1{suffix}"))
    assert (result.resumed, result.new) == (True, LONG // 2)
    assert len(record(agreed).by_message_id) == LONG


@pytest.mark.parametrize("cut", range(1, 5))
def test_a_mail_whose_lines_are_in_two_parts_of_a_log_is_whole_in_the_end(agreed: Hands, cut: int) -> None:
    before = log(*(mail(n) for n in range(LONG)))
    lines = mail(LONG, to="carla@quay.example").splitlines(keepends=True)
    bring_in(agreed, write(agreed, before + "".join(lines[:cut])))
    (result,) = bring_in(agreed, write(agreed, before + "".join(lines)))
    assert result.resumed
    assert result.lines <= 5
    (found,) = record(agreed, ANN, LONG).by_message_id.values()
    assert found.recipients == {"carla@quay.example"}
    (third,) = bring_in(agreed, write(agreed, before + "".join(lines)))
    assert third.lines == 0


def test_lines_of_one_mail_may_stand_in_two_files_of_a_rotation(agreed: Hands) -> None:
    lines = mail(1, to="carla@quay.example").splitlines(keepends=True)
    older = write(
        agreed, log(*(mail(n) for n in range(2, LONG)), *lines[:3]), "mail.log.1", NOW - timedelta(days=1)
    )
    newer = write(agreed, log(*lines[3:], mail(LONG)), "mail.log", NOW)
    results = bring_in(agreed, newer, older)
    assert [result.path for result in results] == [older, newer], "the older first, however they are named"
    (found,) = record(agreed, ANN, 1).by_message_id.values()
    assert found.recipients == {"carla@quay.example"}


def test_who_agreed_later_gets_what_was_read_before(agreed: Hands) -> None:
    path = write(agreed, log(*(mail(n, sender=BEN if n % 2 else ANN) for n in range(LONG))))
    bring_in(agreed, path)
    agreed.now += timedelta(days=1)
    agreed.opt_in(BEN)
    agreed.now += timedelta(hours=1)
    (result,) = bring_in(agreed, path)
    assert (result.resumed, result.new) == (False, LONG // 2)
    (result,) = bring_in(agreed, path)
    assert (result.resumed, result.lines) == (True, 0)


def test_who_opted_out_gets_nothing_more(agreed: Hands) -> None:
    from cleaner.service import consent

    agreed.opt_in(BEN)
    path = write(agreed, log(*(mail(n) for n in range(LONG))))
    bring_in(agreed, path)
    consent.opt_out(agreed.app.context, ANN)
    bring_in(agreed, path, again=True)
    assert agreed.app.context.store.sent_record(ANN).mails() == 0


def test_what_was_interrupted_is_read_on(agreed: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TOGETHER", 100)
    text = log(*(mail(n) for n in range(600)))
    path = write(agreed, text)
    asked = 0

    def stopping() -> bool:
        nonlocal asked
        asked += 1
        return asked > 2

    (first,) = import_logs(agreed.app.context, [path], quiet, stopping)
    assert first.interrupted
    assert 0 < first.lines < 3_000
    (second,) = bring_in(agreed, path)
    assert second.resumed
    assert first.new + second.new == 600


def test_a_killed_run_loses_nothing(agreed: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TOGETHER", 100)
    path = write(agreed, log(*(mail(n) for n in range(600))))

    class PowerCutError(Exception):
        pass

    def watch(stage: str, done: int, total: int | None) -> None:
        raise PowerCutError

    with pytest.raises(PowerCutError):
        list(import_logs(agreed.app.context, [path], watch, lambda: False))
    bring_in(agreed, path)
    assert agreed.app.context.store.sent_record(ANN).mails() == 600


# --- other logs, broken ones ------------------------------------------------------------------------


def test_exchange_s_tracking_is_read_and_read_on(agreed: Hands) -> None:
    head = (
        "#Software: Microsoft Exchange Server\r\n#Version: 15.02.1544.000\r\n#Log-type: Message Tracking Log\r\n"
        "#Date: 2026-11-10T00:00:00.000Z\r\n"
        "#Fields: date-time,source,event-id,message-id,recipient-address,message-subject,sender-address\r\n"
    )
    lines = [
        f"2026-11-10T10:{n:02}:00Z,SMTP,SEND,<log{n}@mail.harbor.example>,bob@far.example,Offer {n},{ANN}\r\n"
        for n in range(LONG)
    ]
    bring_in(agreed, write(agreed, head + "".join(lines[:30]), "MSGTRK.LOG"))
    (result,) = bring_in(agreed, write(agreed, head + "".join(lines), "MSGTRK.LOG"))
    assert (result.resumed, result.lines, result.new) == (True, LONG - 30, LONG - 30)
    asked = SentQuestion(addresses=frozenset(("bob@far.example",)), subjects=frozenset(("Offer 35",)))
    (found,) = agreed.app.context.store.sent_record(ANN).ask(asked).by_subject["offer 35"]
    assert found.recipients == {"bob@far.example"}


def test_one_broken_file_does_not_keep_the_others(agreed: Hands) -> None:
    packed = gzip.compress(log(*(mail(n) for n in range(600))).encode())
    broken = write(agreed, packed[:-500], "a.gz", NOW - timedelta(days=2))
    other = write(agreed, "these are\nnot the lines\nof a mail log\n", "b.txt", NOW - timedelta(days=1))
    good = write(agreed, log(mail(1), "\0\xff\n", mail(2)))
    results = {result.path: result for result in bring_in(agreed, broken, other, good)}
    assert "damaged" in str(results[broken].error)
    assert "Postfix, of Exim" in str(results[other].error)
    assert results[good].error is None
    assert results[good].mails == 2
    assert results[broken].mails > 0
    with pytest.raises(UsageError, match="no such file"):
        bring_in(agreed, agreed.root / "nowhere.log")


def test_an_empty_log_is_no_fault(agreed: Hands) -> None:
    (result,) = bring_in(agreed, write(agreed, b""))
    assert (result.lines, result.error) == (0, None)
