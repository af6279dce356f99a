"""Lines of Postfix and Exim become mails: who, to whom, when, and under which ids."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from ipaddress import ip_address

import pytest

from cleaner.ledger import LoggedMail, Place, TransportLog
from cleaner.ledger import transport as module
from cleaner.ledger.times import Clock
from cleaner.ledger.transport import id_given

WRITTEN = datetime(2026, 11, 20, tzinfo=UTC)
ANN = "ann@harbor.example"
ID = "<a1@mail.harbor.example>"

POSTFIX = """\
{T} mx1 postfix/smtpd[7]: {Q}: client=desk.harbor.example[203.0.113.7], sasl_method=PLAIN, sasl_username=ann
{T} mx1 postfix/cleanup[8]: {Q}: message-id=<a1@mail.harbor.example>
{T} mx1 postfix/qmgr[9]: {Q}: from=<ann@harbor.example>, size=1234, nrcpt=2 (queue active)
{T} mx1 postfix/smtp[10]: {Q}: to=<bob@far.example>, relay=mx.far.example[198.51.100.9]:25, delay=1.2, \
delays=0.1/0.01/0.5/0.6, dsn=5.1.1, status=bounced (host mx.far.example[198.51.100.9] said: 550 5.1.1 \
<bob@far.example>: unknown user (in reply to RCPT TO command))
{T} mx1 postfix/smtp[11]: {Q}: to=<carla@quay.example>, orig_to=<team@harbor.example>, relay=none, delay=1, \
dsn=4.4.1, status=deferred (connect to mx.quay.example[198.51.100.10]:25: Connection timed out)
{T} mx1 postfix/bounce[12]: {Q}: sender non-delivery notification: 5A1A2B3C4D
{T} mx1 postfix/qmgr[9]: {Q}: removed
"""

EXIM = """\
2026-11-02 10:15:00 {Q} <= ann@harbor.example H=desk.harbor.example (desk) [203.0.113.7]:51234 P=esmtpsa \
X=TLS1.3:ECDHE:256 A=plain:ann S=1234 id=a1@mail.harbor.example T="Offer \\"new\\" id=evil@x" for bob@far.example \
carla@quay.example
2026-11-02 10:15:01 {Q} ** bob@far.example R=dnslookup T=remote_smtp H=mx.far.example [198.51.100.9]: SMTP error \
from remote mail server after RCPT TO:<bob@far.example>: 550 unknown
2026-11-02 10:15:02 {Q} => carla@new.example <carla@quay.example> R=dnslookup T=remote_smtp H=mx.new.example C="250 ok"
2026-11-02 10:15:02 {Q} -> /var/mail/dora <dora@harbor.example> R=local T=mail_spool
2026-11-02 10:15:03 {Q} Completed
"""
AMAZON = "0102018c1a2b3c4d-01234567-89ab-cdef-0123-456789abcdef-000000"
OLD_ID, NEW_ID = "1tAbcd-0001x2-3B", "1tAbcd-00000000x2a-3BcD"


def read(log: str | bytes | Iterable[bytes], wanted: Iterable[str] = (ANN,)) -> list[LoggedMail]:
    reader = TransportLog(frozenset(wanted).__contains__)
    return [*told(reader, log), *reader.unfinished()]


def told(reader: TransportLog, log: str | bytes | Iterable[bytes]) -> list[LoggedMail]:
    raw = log.encode() if isinstance(log, str) else log
    lines = raw.splitlines(keepends=True) if isinstance(raw, bytes) else raw
    clock = Clock(WRITTEN)
    found: list[LoggedMail] = []
    for number, line in enumerate(lines):
        found += reader.read(line, Place(0, number), clock)
    return found


# --- Postfix ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("queue", ["4F1A2B3C4D", "3ZrDXq6bXyzBcDf"], ids=["short", "long"])
@pytest.mark.parametrize(
    "stamp",
    ["Nov  2 10:15:00", "2026-11-02T10:15:00.123456+00:00", "2026-11-02T10:15:00Z", "<22>Nov  2 10:15:00"],
)
def test_the_lines_of_one_mail_are_put_together(queue: str, stamp: str) -> None:
    (mail,) = read(POSTFIX.format(T=stamp, Q=queue))
    assert mail.sender == ANN
    assert mail.message_ids == (ID,)
    assert mail.recipients == ("bob@far.example", "carla@quay.example", "team@harbor.example")
    assert mail.submitted
    assert mail.client == ip_address("203.0.113.7")
    assert abs((mail.time.astimezone() - datetime(2026, 11, 2, 10, 15, tzinfo=UTC)).total_seconds()) < 86_400


def test_mails_that_overlap_are_kept_apart_also_those_of_two_servers() -> None:
    one = POSTFIX.format(T="Nov  2 10:15:00", Q="AAAAAA").splitlines(keepends=True)
    two = [line.replace("a1@", "a2@").replace("bob@", "eve@").replace("AAAAAA", "BBBBBB") for line in one]
    other = [line.replace("a1@", "a3@").replace(" mx1 ", " mx2 ") for line in one]
    mixed = "".join(line for lines in zip(one, two, other, strict=True) for line in lines)
    mails = {mail.message_ids[0]: mail for mail in read(mixed)}
    assert set(mails) == {ID, "<a2@mail.harbor.example>", "<a3@mail.harbor.example>"}
    assert "eve@far.example" in mails["<a2@mail.harbor.example>"].recipients
    assert "eve@far.example" not in mails[ID].recipients


def test_a_queue_id_that_is_used_again_is_another_mail() -> None:
    lines = POSTFIX.format(T="Nov  2 10:15:00", Q="AAAAAA").splitlines(keepends=True)
    again = "".join(lines).replace("a1@", "a2@")
    assert len(read("".join(lines[:-1]) + again)) == 2


def test_only_mail_of_the_wanted_senders_is_told_of() -> None:
    log = POSTFIX.format(T="Nov  2 10:15:00", Q="AAAAAA")
    assert read(log, wanted=["ben@harbor.example"]) == []
    assert read(log.replace("from=<ann@harbor.example>", "from=<>")) == []


def test_who_brought_it_is_told_also_behind_a_filter() -> None:
    log = POSTFIX.format(T="Nov  2 10:15:00", Q="AAAAAA")
    stranger = log.replace(
        "desk.harbor.example[203.0.113.7], sasl_method=PLAIN, sasl_username=ann", "unknown[198.51.100.66]"
    )
    (mail,) = read(stranger)
    assert (mail.submitted, mail.client) == (False, ip_address("198.51.100.66"))
    filtered = stranger.replace(
        "client=unknown[198.51.100.66]",
        "client=localhost[127.0.0.1], orig_queue_id=99AA99, orig_client=unknown[198.51.100.66]",
    )
    assert read(filtered)[0].client == ip_address("198.51.100.66")


def test_mail_that_was_written_on_the_server_itself_is_submitted() -> None:
    lines = POSTFIX.format(T="Nov  2 10:15:00", Q="AAAAAA").splitlines(keepends=True)
    lines[0] = "Nov  2 10:15:00 mx1 postfix/pickup[3]: AAAAAA: uid=1000 from=<ann>\n"
    (mail,) = read("".join(lines))
    assert (mail.submitted, mail.client) == (True, None)


def test_a_subject_that_header_checks_log_is_known() -> None:
    lines = POSTFIX.format(T="Nov  2 10:15:00", Q="AAAAAA").splitlines(keepends=True)
    info = (
        "Nov  2 10:15:00 mx1 postfix/cleanup[8]: AAAAAA: info: header Subject: The quay; from=<x> offer from "
        "desk.harbor.example[203.0.113.7]; from=<ann@harbor.example> to=<bob@far.example> proto=ESMTP helo=<desk>\n"
    )
    (mail,) = read("".join([*lines[:2], info, *lines[2:]]))
    assert mail.subject == "The quay; from=<x> offer"


def test_what_is_not_finished_is_told_of_as_far_as_it_is_known() -> None:
    lines = POSTFIX.format(T="Nov  2 10:15:00", Q="AAAAAA").encode().splitlines(keepends=True)
    reader = TransportLog(frozenset((ANN,)).__contains__)
    assert told(reader, lines[:4]) == []
    (mail,) = reader.unfinished()
    assert mail.recipients == ("bob@far.example",)
    assert reader.open_from(0, 0) == 0
    assert reader.open_from(0, 1) is None
    assert reader.open_from(1, 0) is None
    assert len(told(reader, lines[4:])) == 1
    assert reader.open_from(0, 0) is None


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_OPEN", 10)
    lines = POSTFIX.splitlines(keepends=True)[:4]
    reader = TransportLog(frozenset((ANN,)).__contains__)
    mails = [
        mail
        for n in range(50)
        for mail in told(
            reader, "".join(lines).format(T="Nov  2 10:15:00", Q=f"AAAA{n:02}").replace("a1@", f"a{n}@")
        )
    ]
    assert len(mails) == 40
    assert len(list(reader.unfinished())) == 10


# --- Exim -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("queue", [OLD_ID, NEW_ID], ids=["before 4.97", "since 4.97"])
@pytest.mark.parametrize(
    "reshaped",
    [
        lambda log: log,
        lambda log: log.replace(" 1tAbcd", " +0000 1tAbcd"),
        lambda log: log.replace(" 1tAbcd", " [4711] 1tAbcd"),
        lambda log: "".join(f"Nov  2 10:15:00 mx1 exim[4711]: {line}\n" for line in log.splitlines()),
        lambda log: "".join(f"Nov  2 10:15:00 mx1 exim: {line[20:]}\n" for line in log.splitlines()),
    ],
    ids=["its own log", "with zone", "with process", "in syslog", "in syslog without its time"],
)
def test_exim_s_lines_are_put_together(queue: str, reshaped: Callable[[str], str]) -> None:
    (mail,) = read(reshaped(EXIM.format(Q=queue)))
    assert mail.sender == ANN
    assert mail.message_ids == (ID,), "never what the subject says"
    assert mail.subject == 'Offer "new" id=evil@x'
    assert set(mail.recipients) == {
        "bob@far.example",
        "carla@quay.example",
        "carla@new.example",
        "dora@harbor.example",
    }
    assert (mail.submitted, mail.client) == (True, ip_address("203.0.113.7"))


def test_exim_tells_who_brought_it() -> None:
    log = EXIM.format(Q=OLD_ID)
    stranger = log.replace("(desk) [203.0.113.7]", "([192.0.2.10]) [198.51.100.66]").replace(
        " A=plain:ann", ""
    )
    (mail,) = read(stranger)
    assert (mail.submitted, mail.client) == (False, ip_address("198.51.100.66"))
    unnamed = stranger.replace("H=desk.harbor.example ([192.0.2.10])", "H=(A=plain:ann)")
    assert read(unnamed)[0].client == ip_address("198.51.100.66")
    local = log.replace(
        "H=desk.harbor.example (desk) [203.0.113.7]:51234 P=esmtpsa X=TLS1.3:ECDHE:256 A=plain:ann",
        "U=ann P=local",
    )
    assert (read(local)[0].submitted, read(local)[0].client) == (True, None)


def test_a_stranger_cannot_pass_for_signed_in_by_what_he_calls_himself() -> None:
    log = EXIM.format(Q=OLD_ID).replace(" A=plain:ann", "")
    assert not read(log.replace("(desk)", "(x A=plain:ann)"))[0].submitted


def test_reports_have_no_sender_and_are_left_out() -> None:
    assert read(EXIM.format(Q=OLD_ID).replace("<= ann@harbor.example", "<= <>")) == []


# --- ids that other servers give --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "given"),
    [
        (
            f"relay=email-smtp.eu-west-1.amazonaws.com[203.0.113.80]:587, status=sent (250 Ok {AMAZON})",
            f"<{AMAZON}@eu-west-1.amazonses.com>",
        ),
        (
            f"relay=email-smtp.us-east-1.amazonaws.com[203.0.113.80]:587, status=sent (250 Ok {AMAZON})",
            f"<{AMAZON}@email.amazonses.com>",
        ),
        (
            "status=sent (250 2.6.0 <VI1PR0.abc@eurprd.example> [InternalId=123, Hostname=x] Queued mail for delivery)",
            "<VI1PR0.abc@eurprd.example>",
        ),
        ("status=sent (250 2.1.5 <bob@far.example> ok)", None),
        ("status=sent (250 2.0.0 Ok: queued as 4F1A2B3C4D)", None),
    ],
)
def test_an_answer_may_tell_the_id_that_the_mail_goes_by_from_there(answer: str, given: str | None) -> None:
    assert id_given(answer.encode()) == given
    log = POSTFIX.format(T="Nov  2 10:15:00", Q="AAAAAA").replace("relay=none, delay=1,", f"{answer},")
    (mail,) = read(log)
    assert mail.message_ids == ((ID, given) if given else (ID,))


# --- what is no such line ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\0" * 100,
        b"Nov  2 10:15:00 mx1 sshd[1]: AAAAAA: from=<ann@harbor.example>\n",
        b"Nov  2 10:15:00 mx1 postfix/smtpd[1]: connect from x[1.2.3.4]\n",
        b"Nov  2 10:15:00 mx1 postfix/smtpd[1]: NOQUEUE: reject: RCPT from x\n",
        b"Nov  2 10:15:00 mx1 postfix/qmgr[1]: AAAAAA: from=<ann@harbor.example>, size=1\n",
        b"2026-11-02 10:15:00 Start queue run: pid=1\n",
        b"2026-11-02 10:15:00 1tAbcd-0001x2-3B => bob@far.example R=x\n",
        b"Xyz 99 99:99:99 mx1 postfix/qmgr[1]: AAAAAA: removed\n",
        "Nov  2 10:15:00 mx1 postfix/cleanup[1]: AAAAAA: message-id=<\xff>\n".encode("latin-1"),
    ],
)
def test_lines_about_other_things_tell_of_nothing(line: bytes) -> None:
    assert read([line]) == []


def test_a_day_that_does_not_exist_is_counted_and_left_out() -> None:
    reader = TransportLog(frozenset((ANN,)).__contains__)
    assert told(reader, POSTFIX.format(T="Feb 30 10:15:00", Q="AAAAAA")) == []
    assert reader.bad == 6


def test_long_and_hostile_lines_take_no_time() -> None:
    for filler in (
        b"(" * 60_000,
        b" H=" * 20_000,
        b' T="' + b"\\" * 60_000,
        b"from=<" * 10_000,
        b"@" * 60_000,
    ):
        assert (
            read([b"2026-11-02 10:15:00 1tAbcd-0001x2-3B <= ann@harbor.example " + filler + b"\n"])
            is not None
        )
        assert (
            read([b"Nov  2 10:15:00 mx1 postfix/cleanup[1]: AAAAAA: info: header Subject: " + filler + b"\n"])
            == []
        )
