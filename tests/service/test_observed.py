"""
A service that nobody listed is no stranger once mail of ours was seen coming from it.

Harbor's CRM writes to customers in Ann's name: unsigned, and no copy of it stands in Sent. What it tells the office
comes in through the same machine.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from email.message import EmailMessage
from email.utils import format_datetime

import pytest

from cleaner.lookups import Dns
from cleaner.service.check import check
from cleaner.service.demo.letters import arrival
from cleaner.service.demo.reports import postfix
from cleaner.service.scan import MailboxScan, ScanRequest
from cleaner.steps.observe import MOST_ROWS
from cleaner.values import Outcome, SeenBy
from tests.lookups.nameserver import NameServer, serving
from tests.notices.test_aggregate import record, report
from tests.service.hands import ANN, BEN, NOW, Hands

DOMAIN = "harbor.example"
CRM = ("out1.crm.example", "198.51.100.177")
BESIDE = ("out2.crm.example", "198.51.100.178")
CUSTOMER = "paula@atoll.example"
STRICT: dict[str, tuple[str, ...] | str | None] = {
    DOMAIN: ("v=spf1 ip4:192.0.2.10 ip4:203.0.113.0/24 -all",),
    f"_dmarc.{DOMAIN}": ("v=DMARC1; p=reject",),
}
LAX = {**STRICT, f"_dmarc.{DOMAIN}": ("v=DMARC1; p=none",)}
BY_DMARC = f"dmarc=pass header.from={DOMAIN}"
BY_SIGNATURE = f"spf=pass smtp.mailfrom=b@crm.example; dkim=pass header.d={DOMAIN}; {BY_DMARC}"


@pytest.fixture
def zone(hands: Hands) -> Iterator[NameServer]:
    with serving(dict(STRICT)) as server:
        hands.app.context = replace(hands.app.context, dns=Dns(timedelta(seconds=5), [server.address]))
        yield server


def put(hands: Hands, address: str, name: str, raw: bytes) -> None:
    (hands.maildir(address) / "new" / f"1.{name}.observed").write_bytes(raw)


def returned(hands: Hands, machine: tuple[str, str] = CRM, name: str = "bounce") -> None:
    """A report to Ann about what the CRM wrote to a customer."""
    time = NOW - timedelta(hours=3)
    host, ip = machine
    stamp = format_datetime(time)
    mail = (
        f"Received: from {host} ({host} [{ip}])\n\tby mx.atoll.example (Postfix) with ESMTPS id 1\n"
        f"\tfor <{CUSTOMER}>; {stamp}\n"
        f"From: {ANN}\nTo: {CUSTOMER}\nSubject: Your case {name}\nDate: {stamp}\nMessage-ID: <{name}@crm.example>\n\n"
        "Dear Paula\n"
    )
    put(hands, ANN, name, postfix(time, ANN, CUSTOMER, mail.encode()))


def told(
    hands: Hands, results: str, *, to: str = ANN, server: str = "mx1.harbor.example", below: str = ""
) -> None:
    """What the CRM writes to a colleague, as it arrives."""
    time = NOW - timedelta(days=1)
    top = arrival(time, *CRM, to, "b@crm.example")
    field = f"Authentication-Results: {server}; {results}\n"
    put(
        hands,
        to,
        "told",
        f"{top}{below}{field}From: {ANN}\nTo: {to}\nSubject: New case\nDate: {format_datetime(time)}\n"
        "Message-ID: <told@crm.example>\n\nA customer wrote.\n".encode(),
    )


def became(result: MailboxScan) -> str:
    """What became of the report about the CRM's mail."""
    [line] = [line for line in result.lines if [one["address"] for one in line["recipients"]] == [CUSTOMER]]
    return str(line["outcome"])


def scanned(hands: Hands, request: ScanRequest | None = None) -> MailboxScan:
    hands.opt_in(ANN)
    [result] = hands.scan(request)
    assert result.error is None
    return result


def flood(result: MailboxScan) -> int:
    """How many of the forged mails were removed because a stranger sent them."""
    found = [(line["outcome"], one["seen"]) for line in result.lines for one in line["evidence"]]
    return len(
        {seen for outcome, seen in found if outcome == "done" and seen.startswith("unknown [198.51.100.2")}
    )


# --- our own mail as it arrives ------------------------------------------------------------------


def close(hands: Hands, zone: NameServer, by: str) -> None:
    """Closes who sends for Harbor: by its published policy, as it is anyway, or by the administrator's word."""
    if by == "word":
        zone.zone = dict(LAX)
        settings = hands.app.context.settings
        found = tuple(replace(one, senders_complete=True) for one in settings.organisations)
        hands.put(replace(settings, organisations=found))


@pytest.mark.parametrize("by", ["policy", "word"])
def test_without_an_observation_it_is_removed_where_the_senders_are_closed(
    hands: Hands, zone: NameServer, by: str
) -> None:
    close(hands, zone, by)
    returned(hands)
    result = scanned(hands)
    assert became(result) == Outcome.DONE.value
    assert flood(result) == 5


@pytest.mark.parametrize("by", ["policy", "word"])
@pytest.mark.parametrize("machine", [CRM, BESIDE], ids=["itself", "beside it"])
def test_seen_coming_in_it_is_no_stranger_and_the_others_still_are(
    hands: Hands, zone: NameServer, machine: tuple[str, str], by: str
) -> None:
    close(hands, zone, by)
    returned(hands, machine)
    told(hands, BY_DMARC)
    result = scanned(hands)
    assert became(result) == Outcome.NONE.value
    assert flood(result) == 5
    [seen] = hands.app.context.store.observed.of("harbor")
    day = (NOW - timedelta(days=1)).date()
    assert (seen.ip, seen.name, seen.first_day, seen.days, seen.by) == (
        CRM[1],
        CRM[0],
        day,
        1,
        SeenBy.ARRIVAL,
    )
    assert hands.app.context.store.outside.of("harbor") == ()


@pytest.mark.parametrize(
    "brought",
    [
        {
            "results": BY_DMARC,
            "below": "Received: from a (a [198.51.100.9]) by out1.crm.example with SMTP id 9\n",
        },
        {"results": BY_DMARC, "server": "mx.crm.example"},
        {"results": "dkim=pass header.d=crm.example; spf=pass smtp.mailfrom=b@crm.example"},
        {"results": f"dmarc=fail header.from={DOMAIN}"},
    ],
    ids=["below an outside hop", "another server's", "passes of others", "fails"],
)
def test_what_a_mail_says_of_itself_protects_nothing(
    hands: Hands, zone: NameServer, brought: dict[str, str]
) -> None:
    returned(hands)
    told(hands, **brought)
    assert became(scanned(hands)) == Outcome.DONE.value
    assert hands.app.context.store.observed.of("harbor") == ()


def test_an_open_policy_removes_neither(hands: Hands, zone: NameServer) -> None:
    zone.zone = dict(LAX)
    returned(hands)
    told(hands, BY_DMARC)
    result = scanned(hands)
    assert became(result) == Outcome.NONE.value
    assert len(hands.app.context.store.observed.of("harbor")) == 1


def test_what_was_seen_in_a_colleagues_mailbox_and_earlier_counts(hands: Hands, zone: NameServer) -> None:
    told(hands, BY_DMARC, to=BEN)
    hands.opt_in(BEN)
    hands.scan()
    returned(hands)
    assert became(scanned(hands, ScanRequest(mailboxes=(ANN,)))) == Outcome.NONE.value


def test_who_only_looks_counts_it_and_remembers_nothing(hands: Hands, zone: NameServer) -> None:
    returned(hands)
    told(hands, BY_DMARC)
    assert became(scanned(hands, ScanRequest(dry_run=True))) == Outcome.NONE.value
    assert hands.app.context.store.observed.of("harbor") == ()


def test_signed_mail_from_a_machine_that_the_policy_refuses_ends_that_the_senders_are_closed(
    hands: Hands, zone: NameServer
) -> None:
    returned(hands)
    told(hands, BY_SIGNATURE)
    result = scanned(hands)
    assert became(result) == Outcome.NONE.value
    assert flood(result) == 0, "nothing is removed any more because a stranger sent it"
    assert [one.ip for one in hands.app.context.store.outside.of("harbor")] == [CRM[1]]
    assert any(one.ip == CRM[1] for one in hands.app.context.store.observed.of("harbor"))


def test_a_machine_that_the_policy_names_ends_nothing(hands: Hands, zone: NameServer) -> None:
    zone.zone[DOMAIN] = (f"v=spf1 ip4:192.0.2.10 ip4:203.0.113.0/24 ip4:{CRM[1]} -all",)
    told(hands, BY_SIGNATURE)
    assert flood(scanned(hands)) == 5
    assert hands.app.context.store.outside.of("harbor") == ()


# --- what others report --------------------------------------------------------------------------

AUTHENTIC = "dmarc=pass header.from=far.example"


def put_report(
    hands: Hands, *rows: str, results: str = AUTHENTIC, name: str = "report", to: str = BEN
) -> None:
    """A DMARC aggregate report of far.example, as it arrives."""
    time = NOW - timedelta(hours=5)
    message = EmailMessage()
    message["From"] = "DMARC <noreply-dmarc@far.example>"
    message["To"] = f"dmarc@{DOMAIN}"
    message["Subject"] = f"Report Domain: {DOMAIN} Submitter: far.example Report-ID: <17>"
    message["Date"] = format_datetime(time)
    message["Message-ID"] = f"<{name}@far.example>"
    message.set_content("This is an aggregate report.")
    message.add_attachment(
        gzip.compress(report(*rows)),
        maintype="application",
        subtype="gzip",
        filename=f"far.example!{DOMAIN}!1793664000!1793750399.xml.gz",
    )
    top = arrival(time, "mail.far.example", "198.51.100.190", to, "noreply-dmarc@far.example")
    field = f"Authentication-Results: mx1.harbor.example; {results}\n"
    put(hands, to, name, f"{top}{field}".encode() + message.as_bytes())


def named_for_reports(hands: Hands, address: str) -> None:
    settings = hands.app.context.settings
    found = tuple(replace(one, dmarc_reports=address) for one in settings.organisations)
    hands.put(replace(settings, organisations=found))


def by_reports(hands: Hands, *, opted_in: tuple[str, ...] = (BEN,)) -> set[str]:
    hands.opt_in(*opted_in)
    hands.scan()
    return {one.ip for one in hands.app.context.store.observed.of("harbor") if one.by is SeenBy.DMARC}


def test_a_report_shows_who_sends_for_us_and_stays_where_it_is(hands: Hands, zone: NameServer) -> None:
    named_for_reports(hands, BEN.upper())
    put_report(
        hands,
        record(CRM[1], dkim="pass", spf="fail"),
        record("198.51.100.60", dkim="fail", spf="pass"),
        record("198.51.100.61", dkim="fail", spf="fail"),
        record("198.51.100.62", domain="far.example"),
        record("192.0.2.10"),
    )
    assert by_reports(hands) == {CRM[1], "198.51.100.60"}
    assert len([path for path in hands.folder(BEN, ".") if "report" in path.name]) == 1
    assert hands.app.context.store.outside.of("harbor") == (), "anybody can write a report"
    [one] = [one for one in hands.app.context.store.observed.of("harbor") if one.ip == CRM[1]]
    assert one.first_day == date(2026, 11, 20)
    returned(hands)
    assert became(scanned(hands, ScanRequest(mailboxes=(ANN,)))) == Outcome.NONE.value


@pytest.mark.parametrize(
    "results",
    [
        "dmarc=fail header.from=far.example",
        "dmarc=pass header.from=near.example",
        "dkim=pass header.d=far.example",
    ],
)
def test_a_report_whose_origin_is_not_authentic_shows_nothing(
    hands: Hands, zone: NameServer, results: str
) -> None:
    named_for_reports(hands, BEN)
    put_report(hands, record(CRM[1]), results=results)
    assert by_reports(hands) == set()


@pytest.mark.parametrize(("named", "opted_in"), [("", (ANN, BEN)), (ANN, (ANN, BEN)), (BEN, (ANN,))])
def test_reports_are_read_in_the_mailbox_that_is_named_and_opted_in_alone(
    hands: Hands, zone: NameServer, named: str, opted_in: tuple[str, ...]
) -> None:
    named_for_reports(hands, named)
    put_report(hands, record(CRM[1]))
    assert by_reports(hands, opted_in=opted_in) == set()


def test_a_broken_report_keeps_nothing_from_being_read(hands: Hands, zone: NameServer) -> None:
    named_for_reports(hands, BEN)
    put_report(hands, record(CRM[1]), name="first")
    put_report(hands, record("198.51.100.60"), name="second")
    path = hands.maildir(BEN) / "new" / "1.first.observed"
    path.write_bytes(path.read_bytes().replace(b"H4sI", b"H4sJ"))
    assert by_reports(hands) == {"198.51.100.60"}


def test_of_one_report_so_many_machines_count(hands: Hands, zone: NameServer) -> None:
    named_for_reports(hands, BEN)
    rows = (record(f"100.24.{number // 200}.{number % 200}", count=str(number + 1)) for number in range(300))
    put_report(hands, *rows)
    found = by_reports(hands)
    assert len(found) == MOST_ROWS
    assert "100.24.1.99" in found, "those with most mail"


# --- what is told --------------------------------------------------------------------------------


def lines(hands: Hands) -> str:
    return "\n".join(f"{one.level.value} {one.text} {one.remedy}" for one in check(hands.app.context))


def test_check_tells_what_was_seen_and_whether_reports_are_read(hands: Hands, zone: NameServer) -> None:
    assert "DMARC reports" not in lines(hands)
    named_for_reports(hands, f"dmarc@{DOMAIN}")
    assert f"note DMARC reports are not read, since there is no mailbox dmarc@{DOMAIN}" in lines(hands)
    named_for_reports(hands, BEN)
    assert f"note DMARC reports are not read, since {BEN} has not opted in" in lines(hands)
    hands.opt_in(BEN)
    assert f"ok DMARC reports are read from {BEN}" in lines(hands)
    told(hands, BY_DMARC)
    scanned(hands, ScanRequest(mailboxes=(ANN,)))
    assert f"ok mail of yours was seen coming from {CRM[0]} [{CRM[1]}]; they are no strangers" in lines(hands)
