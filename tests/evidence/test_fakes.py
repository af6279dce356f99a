"""
Fakes are told by what they want and by who may send them; honest mail that looks like one is never removed.

The two collections stand in tests/samples. They were written for these tests, and looked at while the rule was made.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import pytest

from cleaner import classifier, evidence, notices
from cleaner.evidence import lures
from cleaner.evidence.rules import fake_report
from cleaner.notices import trace
from cleaner.pipeline import slim
from cleaner.values import (
    Arrival,
    HostsView,
    Kind,
    Known,
    Message,
    Notice,
    Opinion,
    OutsideSender,
    SenderPolicy,
)
from tests.evidence.letter import OUR_DOMAIN, TO, Host, Letter, Server, load, spread, to_somebody_else
from tests.evidence.scene import FULL, NOBODY, SENT_AT, Desk, proven_reports

QUIET: Final = replace(FULL, dns=None)
"""Nobody answers about hosts; the tests say what is answered."""
HONEST: Final = tuple(spread(load("lookalikes.toml")))
FAKES: Final = tuple(spread(load("fakes.toml")))
FILTER: Final = Host("gate4.sievegate.example", "198.51.100.140")
FLOOD: Final = tuple(Arrival(SENT_AT, "Undelivered Mail", f"mx{n}.far.example") for n in range(60))


def read(raw: bytes) -> Notice:
    return notices.read(Message("INBOX", "1", raw))


def hosts(letter: Letter, *, closed: bool) -> HostsView:
    """What name servers answer about the machine that handed a letter in."""
    host, author = letter.host, letter.author_domain
    sites = {} if author == OUR_DOMAIN else {(host.ip, author): "spf" if host.may_send_for(author) else ""}
    policies = {OUR_DOMAIN: SenderPolicy(OUR_DOMAIN, closed)}
    return HostsView(spf={(host.ip, OUR_DOMAIN): host.sends}, sites=sites, policies=policies)


def circumstances(letter: Letter, server: Server) -> Iterator[tuple[str, Notice, Known]]:
    """The letter with and without findings of our server, and with each answer of DNS or none."""
    for told in (True, False):
        notice = read(letter.raw(server, told=told))
        known = QUIET.known(notice)
        yield f"told: {told}, nobody answers", notice, known
        for closed in (False, True):
            answered = replace(known, hosts=hosts(letter, closed=closed))
            yield f"told: {told}, closed: {closed}", notice, answered
        complete = replace(known.organisation, senders_complete=True)
        answered = replace(known, organisation=complete, hosts=hosts(letter, closed=False))
        yield f"told: {told}, by the administrator's word", notice, answered


def opinion(notice: Notice, known: Known) -> Opinion:
    if not notice.kind.is_judged:
        return Opinion.NOT_A_BOUNCE
    return classifier.judge(notice, evidence.gather(notice, known)).opinion


def strengths(notice: Notice, known: Known) -> list[float]:
    return [found.strength for found in fake_report.check(notice, known)]


# --- the honest ----------------------------------------------------------------------------------


def test_the_collections_are_of_many_kinds_and_languages() -> None:
    assert len(HONEST) >= 120
    assert len(FAKES) >= 40
    for collection in (HONEST, FAKES):
        assert len({letter.language for letter, _ in collection}) >= 10
    assert len({letter.what for letter, _ in HONEST}) >= 15


@pytest.mark.parametrize(("letter", "server"), HONEST, ids=lambda one: str(one))
def test_honest_mail_is_never_removed(letter: Letter, server: Server) -> None:
    for what, notice, known in circumstances(letter, server):
        assert opinion(notice, known) is not Opinion.BACKSCATTER, what
        assert fake_report.SURE not in strengths(notice, known), what


@pytest.mark.parametrize(("letter", "server"), HONEST, ids=lambda one: str(one))
def test_nor_in_a_flood(letter: Letter, server: Server) -> None:
    notice = read(letter.raw(server, told=False))
    known = replace(QUIET, arrivals=FLOOD).known(notice)
    assert opinion(notice, known) is not Opinion.BACKSCATTER


@pytest.mark.parametrize(("letter", "server"), HONEST, ids=lambda one: str(one))
def test_nor_where_a_filtering_service_stands_before_us(letter: Letter, server: Server) -> None:
    """Every mail comes from its machine, which stands in no policy and has taken off what was found before."""
    raw = read(replace(letter, host=FILTER).raw(server, told=False))
    came = (
        f"from {letter.host.name} ({letter.host.name} [{letter.host.ip}]) by {FILTER.name} with ESMTPS id 9"
    )
    hops = (*(hop for hop in raw.hops if hop.by != FILTER.name), trace.hop(came))
    passed_on = replace(raw, hops=hops)
    assert opinion(passed_on, QUIET.known(passed_on)) is not Opinion.BACKSCATTER
    if raw.kind is Kind.NDR_PHISH:  # it says so by DNS alone, too
        exchanger = HostsView(sites={(FILTER.ip, OUR_DOMAIN): "mx"})
        assert opinion(raw, replace(QUIET.known(raw), hosts=exchanger)) is not Opinion.BACKSCATTER


# --- the fakes -----------------------------------------------------------------------------------


UNKNOWN: Final = ("vm-4410.cheaprack.example",)
"""Servers of which nothing is known where neither our server nor DNS says anything."""


@pytest.mark.parametrize(("letter", "server"), FAKES, ids=lambda one: str(one))
def test_a_fake_that_nobody_answers_for_goes(letter: Letter, server: Server) -> None:
    """Nobody: neither by signature nor by the policy of a domain that is its author's, or that its links lead to."""
    for what, notice, known in circumstances(letter, server):
        assert notice.kind is Kind.NDR_PHISH
        answers = letter.signed_by or letter.host.may_send_for(letter.author_domain)
        is_unknown = what == "told: False, nobody answers" and letter.host.name in UNKNOWN
        if not (answers or is_unknown):
            assert opinion(notice, known) is Opinion.BACKSCATTER, what


@pytest.mark.parametrize(
    ("closed", "found"), [(None, fake_report.BY_FORM), (True, fake_report.SURE), (False, 1.0)]
)
def test_an_office_of_ours_that_a_server_sent_for_is_a_fake_if_our_policy_says_so(
    closed: bool | None, found: float
) -> None:
    """Services that nobody listed write in our name, too."""
    notice = replace(read(FAKE.raw(told=False)), sender=f"it@{OUR_DOMAIN}", sender_name="it support")
    view = hosts(FAKE, closed=closed) if closed is not None else HostsView()
    assert strengths(notice, replace(QUIET.known(notice), hosts=view)) == [found]


def test_how_many_go() -> None:
    by_circumstance: dict[str, int] = {}
    for letter, server in FAKES:
        for what, notice, known in circumstances(letter, server):
            gone = opinion(notice, known) is Opinion.BACKSCATTER
            by_circumstance[what] = by_circumstance.get(what, 0) + gone
    least_known = by_circumstance.pop("told: False, nobody answers")
    assert min(by_circumstance.values()) >= 0.8 * len(FAKES)
    assert least_known >= 0.75 * len(FAKES)


@pytest.mark.parametrize(("letter", "server"), FAKES, ids=lambda one: str(one))
def test_none_goes_where_nothing_is_known(letter: Letter, server: Server) -> None:
    """Neither relays nor policies: form and wording alone never suffice."""
    notice = read(letter.raw(server))
    assert opinion(notice, Desk(NOBODY, dns=None).known(notice)) is not Opinion.BACKSCATTER


@pytest.mark.parametrize(("letter", "server"), FAKES, ids=lambda one: str(one))
def test_none_goes_that_a_second_account_handed_on(letter: Letter, server: Server) -> None:
    """Who sends for us says nothing about mail that was written to somebody else."""
    notice = read(to_somebody_else(letter).raw(server))
    assert strengths(notice, QUIET.known(notice)) == []


def test_what_is_known_after_the_first_look_suffices() -> None:
    for letter, server in (*FAKES, *HONEST):
        notice = read(letter.raw(server))
        known = QUIET.known(notice)
        assert strengths(slim(notice), known) == strengths(notice, known)


# --- near misses beside a hit --------------------------------------------------------------------

STRANGER: Final = Host("mail.pedlar.example", "198.18.50.7")
LURE: Final = "https://inbox.pedlar-portal.example/r"
FAKE: Final = Letter(
    "fake",
    "en",
    STRANGER,
    f"Mail Delivery System <MAILER-DAEMON@{OUR_DOMAIN}>",
    "5 incoming messages on hold",
    f"Your mailbox {TO} is full.\n[Release them|{LURE}?u={TO}]",
)


def strength(letter: Letter, known: Known | None = None, *, server: Server = Server.RSPAMD) -> float:
    notice = read(letter.raw(server))
    return max(strengths(notice, known or QUIET.known(notice)), default=0.0)


def linking(link: str, *, author: str = FAKE.author, host: Host = STRANGER) -> Letter:
    return replace(FAKE, author=author, host=host, text=f"Your mailbox {TO} is full.\n[Release them|{link}]")


@pytest.mark.parametrize("server", Server)
def test_the_fake_itself_is_sure(server: Server) -> None:
    assert strength(FAKE, server=server) == fake_report.SURE


@pytest.mark.parametrize(
    "link",
    [
        f"https://www.harbor.example/quota?u={TO}",  # home to us
        f"https://my.pedlar.example/q?u={TO}",  # to the site of the machine that handed it in
        f"https://links.rewriter.example/v2?url=https%3A%2F%2Fmail.harbor.example%2F&u={TO}",
        f"https://links.rewriter.example/v2/https://mail.harbor.example/?u={TO}",
    ],
)
def test_what_leads_home_is_none(link: str) -> None:
    assert strength(linking(link)) == 0.0


@pytest.mark.parametrize(
    "link",
    [
        f"https://harbor.example.pedlar-portal.example/?u={TO}",
        f"https://harbor.example@pedlar-portal.example/?u={TO}",
        f"https://pedlar-portal.example/harbor.example?u={TO}",
        f"https://pedlar-portal.example/?u={TO}&next=harbor.example",
        f"https://harbor-example.example/?u={TO}",
        "https://pedlar-portal.example/#YW5uQGhhcmJvci5leGFtcGxl",
        "https://pedlar-portal.example/?e=ann%2540harbor.example",
    ],
)
def test_what_only_looks_like_home_is_one(link: str) -> None:
    assert strength(linking(link)) == fake_report.SURE


def test_the_site_of_a_machine_is_known_by_its_looked_up_name_alone() -> None:
    link = f"https://my.pedlar.example/q?u={TO}"
    assert strength(linking(link, host=replace(STRANGER, named=False))) == fake_report.SURE


@pytest.mark.parametrize(
    ("signed_by", "author", "found"),
    [
        ((OUR_DOMAIN,), FAKE.author, 0.0),
        (("mail.harbor.example",), FAKE.author, 0.0),
        (("pedlar-portal.example",), FAKE.author, 0.0),  # its link leads to who signed
        (("harbor.example.pedlar.example",), FAKE.author, fake_report.SURE),
        (("grid.example",), FAKE.author, fake_report.SURE),
        (("reef.example",), "harbor.example Support <x@reef.example>", fake_report.BY_FORM),
        (("grid.example",), "harbor.example Support <x@reef.example>", fake_report.SURE),
    ],
)
def test_a_signature_shields_whom_it_names(signed_by: tuple[str, ...], author: str, found: float) -> None:
    assert strength(replace(FAKE, signed_by=signed_by, author=author)) == found


@pytest.mark.parametrize(
    ("answer", "found"),
    [("pass", 0.0), ("provider", 0.0), ("fail", fake_report.SURE), ("", fake_report.SURE)],
)
def test_our_policy_tells_who_may_speak_for_us(answer: str, found: float) -> None:
    notice = read(FAKE.raw())
    view = HostsView(spf={(STRANGER.ip, OUR_DOMAIN): answer} if answer else {})
    assert strength(FAKE, replace(QUIET.known(notice), hosts=view)) == found


@pytest.mark.parametrize(("closed", "found"), [(True, fake_report.SURE), (False, 0.0)])
def test_a_closed_policy_is_enough_to_know_a_stranger_by(closed: bool, found: float) -> None:
    """Where neither relays nor the ways of proven mail are known."""
    notice = read(FAKE.raw())
    view = HostsView(
        {}, {(STRANGER.ip, OUR_DOMAIN): "fail"}, {}, {OUR_DOMAIN: SenderPolicy(OUR_DOMAIN, closed)}
    )
    assert strength(FAKE, replace(Desk(NOBODY, dns=None).known(notice), hosts=view)) == found


@pytest.mark.parametrize(("contradicted", "found"), [(False, fake_report.SURE), (True, fake_report.BY_FORM)])
@pytest.mark.parametrize("by_word", [False, True])
def test_a_claim_counts_until_a_proof_contradicts_it(by_word: bool, contradicted: bool, found: float) -> None:
    notice = replace(read(FAKE.raw(told=False)), sender=f"it@{OUR_DOMAIN}", sender_name="it support")
    known = replace(QUIET.known(notice), hosts=hosts(FAKE, closed=not by_word))
    known = replace(known, organisation=replace(known.organisation, senders_complete=by_word))
    shop = OutsideSender(OUR_DOMAIN, "198.18.77.7")
    assert strengths(notice, replace(known, outside_senders=(shop,) if contradicted else ())) == [found]


@pytest.mark.parametrize("ip", ["192.0.2.10", "192.0.2.99", "203.0.113.9"])
def test_a_machine_of_ours_or_beside_one_is_no_stranger(ip: str) -> None:
    assert strength(replace(FAKE, host=replace(STRANGER, ip=ip))) == 0.0


def test_nor_is_one_that_proven_mail_came_by() -> None:
    notice = read(FAKE.raw())
    desk = replace(FULL, among=proven_reports(machine=(STRANGER.name, STRANGER.ip)))
    assert strength(FAKE, desk.known(notice)) == 0.0


@pytest.mark.parametrize(
    ("author", "found"),
    [
        ("Mail Delivery Subsystem <x@reef.example>", fake_report.SURE),
        ("IT Help Desk <x@reef.example>", fake_report.SURE),
        ("Webmail Admin <x@reef.example>", fake_report.SURE),
        (f"{TO} <x@reef.example>", fake_report.SURE),
        ("harbor.example <x@reef.example>", fake_report.SURE),
        # these say whose they are
        ("Reefmail IT Support <x@reefmail.example>", fake_report.BY_FORM),
        ("Reefpost Post Office <x@reefpost.example>", fake_report.BY_FORM),
        ("Carol <x@reef.example>", fake_report.BY_FORM),
    ],
)
def test_who_poses_as_a_mail_system_or_as_our_office_is_sure(author: str, found: float) -> None:
    notice = replace(read(FAKE.raw()), kind=Kind.NDR_PHISH)
    told = read(replace(FAKE, author=author).raw())
    notice = replace(notice, sender=told.sender, sender_name=told.sender_name)
    if not notice.sender_name:  # ordinary mail is not read so far
        notice = replace(notice, sender_name=author.partition(" <")[0].casefold(), sender="x@reef.example")
    assert max(strengths(notice, QUIET.known(notice)), default=0.0) == found


@pytest.mark.parametrize(
    ("author", "found"),
    [
        ("mail delivery subsystem <noreply@reef.example>", fake_report.SURE),
        ("it support <x@reef.example>", fake_report.SURE),
        ("webmail <x@reef.example>", fake_report.SURE),
        # a small service, its own mail system, one that works for us
        ("support <x@reef.example>", fake_report.BY_FORM),
        ("mail delivery system <mailer-daemon@reef.example>", fake_report.BY_FORM),
        ("mailserver <postmaster@reef.example>", fake_report.BY_FORM),
        ("harbor.example support <x@reef.example>", fake_report.BY_FORM),
        ("quarantine <x@reef.example>", fake_report.BY_FORM),
    ],
)
def test_who_leads_to_his_own_site_may_be_a_service(author: str, found: float) -> None:
    name, _, sender = author.strip(">").partition(" <")
    link = f"https://my.reef.example/q?u={TO}"
    notice = replace(read(FAKE.raw()), sender=sender, sender_name=name, links=(link,))
    known = QUIET.known(notice)
    for answer, told in (("", [found]), ("spf", []), ("mx", [])):
        answered = replace(known, hosts=HostsView(sites={(STRANGER.ip, "reef.example"): answer}))
        assert strengths(notice, answered) == told
    assert strengths(notice, known) == [fake_report.BY_FORM]
    from_a_line = read(replace(FAKE, host=replace(STRANGER, named=False)).raw())
    from_a_line = replace(from_a_line, sender=sender, sender_name=name, links=(link,))
    sure = fake_report.BY_FORM if name == "quarantine" else fake_report.SURE
    assert strengths(from_a_line, QUIET.known(from_a_line)) == [sure]


def test_a_machine_of_the_author_s_name_is_the_author_s() -> None:
    notice = replace(read(FAKE.raw()), sender="x@pedlar.example", sender_name="it support")
    assert strengths(notice, QUIET.known(notice)) == [fake_report.BY_FORM]
    notice = replace(notice, sender="x@pedlar-portal.example")
    known = QUIET.known(notice)
    none_of_his = HostsView(sites={(STRANGER.ip, "pedlar-portal.example"): ""})
    assert strengths(notice, replace(known, hosts=none_of_his)) == [fake_report.SURE]
    assert strengths(notice, known) == [fake_report.BY_FORM]


def test_where_one_may_unsubscribe_is_no_lure() -> None:
    leave = replace(FAKE, fields=(f"List-Unsubscribe: <mailto:x@a.example>, <{LURE}/leave>",))
    notice = replace(read(leave.raw()), kind=Kind.NDR_PHISH, links=(f"{LURE}?u={TO}",))
    assert strengths(replace(read(FAKE.raw()), headers=notice.headers), QUIET.known(notice)) == []


@pytest.mark.parametrize(("links", "found"), [(3, fake_report.SURE), (4, fake_report.BY_FORM)])
def test_a_list_of_held_mails_is_no_lure(links: int, found: float) -> None:
    rows = "\n".join(f"[Release|{LURE}{n}?u={TO}]" for n in range(links))
    assert strength(replace(FAKE, text=f"Held for {TO}:\n{rows}")) == found


def test_a_link_without_the_address_is_weaker() -> None:
    office = replace(read(FAKE.raw()), sender=f"postmaster@{OUR_DOMAIN}", sender_name="postmaster")
    notice = replace(office, links=(LURE,))
    known = QUIET.known(notice)
    assert strengths(notice, known) == [fake_report.BY_FORM]
    line = read(replace(FAKE, host=replace(STRANGER, named=False)).raw(told=False))
    assert strengths(replace(line, links=(LURE,)), QUIET.known(line)) == [fake_report.SURE]
    office_on_a_line = replace(line, links=(LURE,), sender=office.sender, sender_name="postmaster")
    assert strengths(office_on_a_line, QUIET.known(line)) == [fake_report.BY_FORM]
    refused = HostsView(
        {}, {(STRANGER.ip, OUR_DOMAIN): "fail"}, {}, {OUR_DOMAIN: SenderPolicy(OUR_DOMAIN, True)}
    )
    assert strengths(notice, replace(known, hosts=refused)) == [fake_report.SURE]
    beside = replace(notice, links=(*notice.links, "https://www.harbor.example/help"))
    assert strengths(beside, known) == []


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("Messages.htm", "Open it.", fake_report.SURE),
        ("m.pdf.scr", "Open it.", fake_report.SURE),
        ("m.zip", "Open it.", fake_report.SURE),
        ("scan.png", "Scan the QR code.", fake_report.SURE),
        ("scan.png", "Scannen Sie den QR-Code.", fake_report.SURE),
        ("m.pdf", "Open it.", 0.0),
        ("m.txt", "Open it.", 0.0),
        ("logo.png", "Three messages wait.", 0.0),
        ("logo.png", "Ask the equerry.", 0.0),
    ],
)
def test_a_file_is_one_that_runs_or_opens_a_form(name: str, text: str, found: float) -> None:
    assert strength(replace(FAKE, text=text, files=((name, "application/octet-stream"),))) == found


def test_only_a_notice_that_returns_nothing_is_one() -> None:
    report = proven_reports(count=1)[0]
    assert (
        strengths(replace(report, kind=Kind.NDR_PHISH, links=(f"{LURE}?u={TO}",)), QUIET.known(report)) == []
    )


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.NDR_PHISH])
def test_no_other_kind_is_one(kind: Kind) -> None:
    notice = replace(read(FAKE.raw()), kind=kind)
    assert strengths(notice, QUIET.known(notice)) == []


def test_what_the_outside_is_asked_about_a_fake() -> None:
    named_us = replace(FAKE, author="harbor.example Support <x@reef.example>", path="x@reef.example")
    notice = read(named_us.raw())
    known = QUIET.known(notice)
    asked = evidence.wanted_hosts((notice,), known)
    assert asked.senders == {(STRANGER.ip, OUR_DOMAIN)}
    assert set(asked.sites) == {(STRANGER.ip, OUR_DOMAIN), (STRANGER.ip, "reef.example")}
    assert evidence.wanted_hosts((replace(notice, kind=Kind.AUTOREPLY),), known).sites == ()


@pytest.mark.parametrize(
    ("link", "host"),
    [
        ("https://a.example/x", "a.example"),
        ("HTTPS://A.example:8443", "a.example"),
        ("http://user:pw@a.example./", "a.example"),
        ("http://b.example@a.example/", "a.example"),
        ("http:\\\\a.example", ""),
        ("https://[::1", "["),
        ("https://", ""),
        ("mailto:x@a.example", ""),
    ],
)
def test_where_a_link_leads(link: str, host: str) -> None:
    assert lures.host_of(link) == host
