"""Blocklists and sender policies over a real name server; what it does not tell is unknown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from ipaddress import ip_address
from types import MappingProxyType
from typing import Any

import pytest

from cleaner.lookups import Dns, KnownHosts, RecordedDns
from cleaner.lookups.hosts import MAX_DOMAINS, MAX_SENDERS, MAX_SITES, reversed_name
from cleaner.store import Store
from cleaner.values import HostQuestion, HostsView
from tests.lookups.nameserver import NameServer, serving
from tests.store.samples import KEY, NOW

LIST = "bl.lists.example"
SPAMMER = "198.51.100.66"


def dns_of(server: NameServer) -> Dns:
    return Dns(timedelta(seconds=5), [server.address])


# --- blocklists ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "listed"),
    [
        (("127.0.0.2",), True),
        (("127.0.0.10", "127.0.0.4"), True),
        (("127.255.255.254",), False),
        (("127.0.0.1",), False),
        (("192.0.2.1",), False),
        ("NXDOMAIN", False),
        ("SERVFAIL", False),
    ],
)
def test_only_an_answer_that_says_so_is_a_listing(answers: tuple[str, ...] | str, listed: bool) -> None:
    with serving({f"66.100.51.198.{LIST} A": answers}) as server:
        found = KnownHosts(dns_of(server), [LIST]).find(HostQuestion(frozenset([SPAMMER])))
    assert found.listed == ({SPAMMER: (LIST,)} if listed else {})


def test_every_list_is_asked_once_for_a_host() -> None:
    with serving({f"66.100.51.198.{LIST} A": ("127.0.0.2",)}) as server:
        hosts = KnownHosts(dns_of(server), [LIST, "other.lists.example"])
        for _ in range(3):
            assert hosts.find(HostQuestion(frozenset([SPAMMER]))).listed == {SPAMMER: (LIST,)}
        assert sorted(server.asked) == [f"66.100.51.198.{LIST}", "66.100.51.198.other.lists.example"]


def test_without_lists_nobody_is_asked() -> None:
    question = HostQuestion(frozenset([SPAMMER]), frozenset([(SPAMMER, "harbor.example")]))
    with serving({}) as server:
        assert KnownHosts(dns_of(server), spf=False).find(question) == HostsView()
        assert server.asked == []


def test_hosts_of_the_new_protocol_have_a_name_too() -> None:
    assert reversed_name(ip_address("2001:db8::1")) == "1." + "0." * 23 + "8.b.d.0.1.0.0.2"


# --- our domains ---------------------------------------------------------------------------------

DOMAIN = "harbor.example"
OWN, RENTED, STRANGER = "192.0.2.10", "203.0.113.10", SPAMMER
ZONE: dict[str, Any] = {
    DOMAIN: ["v=spf1 ip4:192.0.2.0/28 include:spf.protection.provider.example -all"],
    f"_dmarc.{DOMAIN}": ["v=DMARC1; p=reject"],
    "spf.protection.provider.example": ["v=spf1 ip4:203.0.113.0/25 ~all"],
    "mail-7.outbound.protection.provider.example": {"A": ["198.51.100.7"]},
}


def senders(*ips: str, of: Mapping[str, str] = MappingProxyType({})) -> HostQuestion:
    """May these send for us? `of`: their names."""
    return HostQuestion(senders=frozenset((ip, DOMAIN) for ip in ips), domains=frozenset((DOMAIN,)), names=of)


def spf_of(zone: dict[str, Any], question: HostQuestion) -> dict[str, str]:
    found = KnownHosts(RecordedDns(zone)).find(question)
    return {ip: result for (ip, _), result in found.spf.items()}


def test_a_host_is_ours_or_a_providers_or_a_strangers() -> None:
    assert spf_of(ZONE, senders(OWN, RENTED, STRANGER)) == {OWN: "pass", RENTED: "provider", STRANGER: "fail"}


@pytest.mark.parametrize("ending", ["?all", "exists:%{l}.x.example -all", "ip4:nonsense -all", ""])
def test_without_a_definite_answer_nothing_is_said(ending: str) -> None:
    zone = {DOMAIN: [f"v=spf1 ip4:192.0.2.0/28 {ending}"]}
    assert STRANGER not in spf_of(zone, senders(OWN, STRANGER))


def test_what_another_domain_of_ours_lists_is_ours() -> None:
    zone = {DOMAIN: ["v=spf1 include:quay.example -all"], "quay.example": ["v=spf1 ip4:203.0.113.10 -all"]}
    question = senders(RENTED)
    assert spf_of(zone, question) == {RENTED: "provider"}
    both = HostQuestion(senders=question.senders, domains=frozenset((DOMAIN, "quay.example")))
    assert spf_of(zone, both) == {RENTED: "pass"}


def test_addresses_are_read_however_they_are_written() -> None:
    assert spf_of(
        ZONE, senders("::ffff:192.0.2.10", "::ffff:198.51.100.66", "no address", "2001:db8::1")
    ) == {
        "::ffff:192.0.2.10": "pass",
        "::ffff:198.51.100.66": "fail",
        "2001:db8::1": "fail",
    }


def test_what_lets_everybody_send_makes_nobody_known() -> None:
    assert spf_of({DOMAIN: ["v=spf1 +all"]}, senders(STRANGER)) == {}


@pytest.mark.parametrize(
    ("ip", "name", "expected"),
    [
        ("198.51.100.7", "mail-7.outbound.protection.provider.example", "provider"),
        ("198.51.100.8", "mail-7.outbound.protection.provider.example", "fail"),
        ("198.51.100.9", "mail-9.outbound.protection.provider.example", "fail"),
        ("198.51.100.7", "mail-7.outbound.protection.provider.example.evil.example", "fail"),
        ("198.51.100.7", "", "fail"),
    ],
    ids=["leads back", "leads elsewhere", "leads nowhere", "another site", "nameless"],
)
def test_a_name_of_the_providers_counts_as_the_provider(ip: str, name: str, expected: str) -> None:
    assert spf_of(ZONE, senders(ip, of={ip: name})) == {ip: expected}


def test_where_nobody_confirms_a_name_that_a_server_looked_up_counts() -> None:
    name = "mail-9.outbound.protection.provider.example"
    zone = {DOMAIN: ("v=spf1 include:spf.provider.example -all",), "spf.provider.example": ("v=spf1 -all",)}
    with serving({**zone, f"{name} A": "SERVFAIL"}) as server:
        found = KnownHosts(dns_of(server)).find(senders("198.51.100.9", of={"198.51.100.9": name}))
    assert found.spf == {("198.51.100.9", DOMAIN): "provider"}


def test_results_are_told_for_each_host_and_domain() -> None:
    question = HostQuestion(
        senders=frozenset([(SPAMMER, DOMAIN), ("192.0.2.10", DOMAIN), (SPAMMER, "x.example")])
    )
    with serving({DOMAIN: ("v=spf1 ip4:192.0.2.10 -all",)}) as server:
        found = KnownHosts(dns_of(server)).find(question)
    assert found.spf == {(SPAMMER, DOMAIN): "fail", ("192.0.2.10", DOMAIN): "pass"}


def test_policies_are_told_for_the_domains_asked_about_as_they_were_asked() -> None:
    question = HostQuestion(domains=frozenset(("Harbor.Example", "news.harbor.example")))
    found = KnownHosts(RecordedDns(ZONE)).find(question).policies
    assert found["Harbor.Example"].is_closed
    assert not found["news.harbor.example"].is_closed
    assert KnownHosts(RecordedDns(None)).find(question).policies == {}
    assert KnownHosts(None).find(question) == HostsView()


# --- what is remembered --------------------------------------------------------------------------

DAY = timedelta(days=1)


class Scene:
    """A store, a zone that changes, and a clock that moves on."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = NOW
        self.zone: Any = dict(ZONE)

    def ask(
        self, question: HostQuestion, *, remembers: bool = True, own: frozenset[str] | None = None
    ) -> HostsView:
        dns = RecordedDns(self.zone)
        hosts = KnownHosts(dns, archive=self.store.dns, clock=lambda: self.now, remembers=remembers, own=own)
        return hosts.find(question)

    def spf(self, *ips: str) -> list[str]:
        found = self.ask(senders(*ips)).spf
        return [found.get((ip, DOMAIN), "") for ip in ips]

    def since(self) -> datetime | None:
        return self.ask(senders()).policies[DOMAIN].since

    def turn(self, **records: Any) -> None:
        """A day later something else is published."""
        self.now += DAY
        names = {"spf": DOMAIN, "dmarc": f"_dmarc.{DOMAIN}", "included": "spf.protection.provider.example"}
        self.zone = {**self.zone, **{names[key]: value for key, value in records.items()}}


@pytest.fixture
def scene() -> Iterator[Scene]:
    with Store.open("sqlite://", KEY) as store:
        yield Scene(store)


def test_who_could_send_before_a_move_is_no_stranger_after_it(scene: Scene) -> None:
    assert scene.spf(OWN, STRANGER) == ["pass", "fail"]
    scene.turn(spf=["v=spf1 include:spf.protection.provider.example -all"])
    assert scene.spf(OWN, RENTED, STRANGER) == ["pass", "provider", "fail"]
    scene.turn(spf=["v=spf1 ip4:198.51.100.0/28 -all"])
    assert scene.spf(OWN, RENTED, STRANGER) == ["pass", "provider", "fail"]


@pytest.mark.parametrize(
    "spf",
    [
        "v=spf1 ip4:192.0.2.0/28 -all",
        "v=spf1 mx -all",
        "v=spf1 a:old.harbor.example/31 -all",
        "v=spf1 include:old.harbor.example -all",
        "v=spf1 redirect=old.harbor.example",
        "v=spf1 -ip4:198.51.100.0/24 include:none.example ip4:192.0.2.10 -all",
        "v=spf1 ip4:192.0.2.10 include:none.example ptr -all",
        "v=spf1 include:silent.example ip4:192.0.2.10 -all",
    ],
)
def test_what_once_let_a_host_send_is_found_again_as_it_was_evaluated(scene: Scene, spf: str) -> None:
    scene.zone |= {
        "old.harbor.example": {"TXT": ["v=spf1 ip4:192.0.2.10/31 -all"], "A": ["192.0.2.11"]},
        DOMAIN: {"TXT": [spf], "MX": ["10 mx.harbor.example"]},
        "mx.harbor.example": {"A": [OWN]},
    }
    before = scene.spf(OWN)
    scene.turn(spf=["v=spf1 -all"])
    assert scene.spf(OWN, STRANGER) == ["pass" if before == ["pass"] else "fail", "fail"]
    assert scene.spf("2001:db8::1", "::") == ["fail", "fail"]


def test_very_many_hosts_are_held_against_one_policy(scene: Scene) -> None:
    zone = {f"s{n}.harbor.example": [f"v=spf1 ip4:203.0.113.{n} -all"] for n in range(9)}
    includes = " ".join(f"include:{name}" for name in zone)
    scene.zone |= {**zone, DOMAIN: [f"v=spf1 {includes} -all"]}
    hosts = [f"198.51.{n // 250}.{n % 250}" for n in range(MAX_SENDERS)]
    assert set(scene.spf(*hosts)) == {"fail"}


def test_a_network_that_the_provider_gave_up_is_still_the_providers(scene: Scene) -> None:
    scene.spf()
    scene.turn(included=["v=spf1 ip4:203.0.113.128/25 ~all"])
    assert scene.spf(RENTED, "203.0.113.200") == ["provider", "provider"]


def test_that_everybody_could_send_once_makes_nobody_known(scene: Scene) -> None:
    closed = scene.zone[DOMAIN]
    for mistake in ("v=spf1 +all", "v=spf1 ip4:192.0.0.0/4 ip4:198.0.0.0/7 -all"):
        scene.turn(spf=[mistake])
        assert scene.spf(STRANGER) == [""]
        scene.turn(spf=closed)
        assert scene.spf(OWN, STRANGER) == ["pass", "fail"]


def test_a_host_whose_address_changed_is_known_by_both(scene: Scene) -> None:
    scene.zone = {DOMAIN: ["v=spf1 mx -all"], "mx.harbor.example": {"A": [OWN]}}
    scene.turn(spf={"TXT": ["v=spf1 mx -all"], "MX": ["10 mx.harbor.example"]})
    assert scene.spf(OWN, RENTED) == ["pass", "fail"]
    scene.now += DAY
    scene.zone = {**scene.zone, "mx.harbor.example": {"A": [RENTED]}}
    assert scene.spf(OWN, RENTED) == ["pass", "pass"]


def test_where_nobody_answers_what_stood_last_counts(scene: Scene) -> None:
    scene.spf()
    scene.turn(spf=["v=spf1 ip4:198.51.100.0/28 -all"])
    scene.spf()
    scene.zone = None
    scene.now += DAY
    assert scene.spf(OWN, "198.51.100.1", STRANGER) == ["pass", "pass", "fail"]
    assert scene.ask(senders()).policies[DOMAIN].is_closed


def test_without_memory_and_answers_nothing_is_known(scene: Scene) -> None:
    scene.zone = None
    found = scene.ask(senders(OWN, STRANGER))
    assert (found.spf, found.policies) == ({}, {})


def test_a_policy_is_closed_since_all_of_it_was_seen_together(scene: Scene) -> None:
    assert scene.since() == NOW
    scene.turn()
    assert scene.since() == NOW
    scene.turn(dmarc=["v=DMARC1; p=none"])
    assert scene.since() is None
    scene.turn(dmarc=["v=DMARC1; p=reject"])
    assert scene.since() == NOW + 3 * DAY
    # A change that leaves it closed is none.
    scene.turn(spf=["v=spf1 ip4:192.0.2.0/28 ~all"])
    assert scene.since() == NOW + 3 * DAY
    scene.turn(spf=["v=spf1 ?all"])
    scene.ask(senders())
    scene.turn(spf=["v=spf1 -all"])
    assert scene.since() == NOW + 6 * DAY


def test_who_may_not_remember_leaves_no_trace(scene: Scene) -> None:
    found = scene.ask(senders(OWN), remembers=False)
    assert found.policies[DOMAIN].since == NOW
    assert scene.store.dns.states([DOMAIN]) == ()


def test_only_our_own_domains_are_remembered(scene: Scene) -> None:
    """Sub-domains can be invented without end, and many a domain answers for all of them."""
    scene.zone = {**ZONE, "x17.harbor.example": ["v=spf1 -all"]}
    question = HostQuestion(domains=frozenset((DOMAIN, "x17.harbor.example")))
    assert scene.ask(question, own=frozenset((DOMAIN,))).policies.keys() == question.domains
    assert scene.store.dns.states(["x17.harbor.example"]) == ()
    assert scene.store.dns.states([DOMAIN]) != ()


def test_of_too_many_domains_ours_are_looked_at(scene: Scene) -> None:
    invented = frozenset(f"a{number}.harbor.example" for number in range(2 * MAX_DOMAINS))
    found = scene.ask(HostQuestion(domains=invented | {DOMAIN}), own=frozenset((DOMAIN,)))
    assert len(found.policies) == MAX_DOMAINS
    assert DOMAIN in found.policies


# --- other people's domains ----------------------------------------------------------------------

FAR = "far.example"
SITES: dict[str, Any] = {
    FAR: {"MX": ["10 mx.filter.example"], "TXT": ["v=spf1 ip4:203.0.113.77 include:filter.example -all"]},
    "mx.filter.example": {"A": ["198.51.100.20"], "AAAA": ["2001:db8:7::20"]},
    "out.filter.example": {"A": ["192.0.2.77"]},
    "filter.example": ["v=spf1 ip4:203.0.113.99 ~all"],
    "bare.example": {"A": ["198.51.100.30"]},
    "open.example": {"MX": ["10 mx.open.example"], "TXT": ["v=spf1 +all"]},
}


@pytest.mark.parametrize(
    ("ip", "domain", "name", "expected"),
    [
        ("198.51.100.20", FAR, "", "mx"),
        ("198.51.100.99", FAR, "", "mx"),
        ("198.51.101.20", FAR, "", ""),
        ("2001:db8:7:1::5", FAR, "", "mx"),
        ("2001:db8:8::5", FAR, "", ""),
        ("192.0.2.77", FAR, "out.filter.example", "mx"),
        ("192.0.2.78", FAR, "out.filter.example", ""),
        ("192.0.2.78", FAR, "mx.filter.example.evil.example", ""),
        ("203.0.113.77", FAR, "", "spf"),
        ("203.0.113.99", FAR, "", "spf"),
        ("198.51.100.30", "bare.example", "", "mx"),
        ("203.0.113.77", "bare.example", "", ""),
        ("203.0.113.77", "open.example", "", ""),
        ("203.0.113.77", "none.example", "", ""),
    ],
)
def test_a_host_belongs_to_a_site_by_its_exchangers_or_its_policy(
    ip: str, domain: str, name: str, expected: str
) -> None:
    dns = RecordedDns(SITES)
    question = HostQuestion(sites=((ip, domain),), names={ip: name})
    assert KnownHosts(dns, strangers=dns).find(question).sites == {(ip, domain): expected}


def test_where_nobody_answers_nothing_is_said_of_a_site() -> None:
    zone: dict[str, tuple[str, ...] | str | None] = {
        FAR: ("v=spf1 -all",),
        f"{FAR} MX": "SERVFAIL",
        "near.example": "SERVFAIL",
        "quay.example": ("x",),
    }
    domains = (FAR, "near.example", "quay.example")
    question = HostQuestion(sites=tuple((STRANGER, domain) for domain in domains))
    with serving(zone) as server:
        dns = dns_of(server)
        found = KnownHosts(dns, strangers=dns.strangers).find(question)
    assert found.sites == {(STRANGER, "quay.example"): ""}


def test_other_peoples_domains_are_asked_about_only_where_that_is_wanted() -> None:
    with serving({}) as server:
        question = HostQuestion(sites=((STRANGER, FAR),))
        assert KnownHosts(dns_of(server)).find(question) == HostsView()
        assert server.asked == []


def test_a_batch_asks_about_so_many_pairs_and_no_more() -> None:
    dns = RecordedDns({})
    question = HostQuestion(sites=tuple((STRANGER, f"d{n}.example") for n in range(3 * MAX_SITES)))
    assert len(KnownHosts(dns, strangers=dns).find(question).sites) == MAX_SITES


def test_a_site_that_asks_without_end_is_left_alone() -> None:
    zone: dict[str, Any] = {
        FAR: ["v=spf1 mx:a.example mx:b.example mx:c.example mx:d.example mx:e.example -all"]
    }
    for letter in "abcde":
        hosts = [f"{n} {letter}{n}.example" for n in range(10)]
        zone |= {f"{letter}.example": {"MX": hosts}}
        zone |= {f"{letter}{n}.example": {"A": ["192.0.2.1"]} for n in range(10)}
    dns = RecordedDns(zone)
    question = HostQuestion(sites=((STRANGER, FAR),))
    assert KnownHosts(dns, strangers=dns).find(question).sites == {}


def test_a_name_server_that_says_nothing_is_left_in_peace() -> None:
    ips = frozenset(f"198.51.100.{n}" for n in range(50))
    zone: dict[str, tuple[str, ...] | str | None] = {f"{n}.100.51.198.{LIST} A": None for n in range(50)}
    with serving(zone) as server:
        dns = Dns(timedelta(seconds=0.2), [server.address])
        assert KnownHosts(dns, [LIST]).find(HostQuestion(ips)) == HostsView()
        assert len(set(server.asked)) == 2
