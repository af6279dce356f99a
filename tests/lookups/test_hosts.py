"""Blocklists and sender policies over a real name server; what it does not tell is unknown."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_address

import pytest

from cleaner.lookups import Dns, KnownHosts
from cleaner.lookups.hosts import reversed_name
from cleaner.lookups.spf import result
from cleaner.values import HostQuestion, HostsView
from tests.lookups.nameserver import NameServer, serving

LIST = "bl.lists.example"
SPAMMER = "198.51.100.66"
Zone = dict[str, tuple[str, ...] | str | None]


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
        assert KnownHosts(dns_of(server)).find(question) == HostsView()
        assert server.asked == []


def test_hosts_of_the_new_protocol_have_a_name_too() -> None:
    assert reversed_name(ip_address("2001:db8::1")) == "1." + "0." * 23 + "8.b.d.0.1.0.0.2"


# --- policies ------------------------------------------------------------------------------------

DOMAIN = "harbor.example"
ZONE: Zone = {
    f"{DOMAIN} A": ("192.0.2.80",),
    f"{DOMAIN} MX": ("20 mx2.harbor.example.", "10 mx1.harbor.example."),
    "mx1.harbor.example A": ("192.0.2.10",),
    "mx2.harbor.example A": ("192.0.2.11",),
    "mx1.harbor.example AAAA": ("2001:db8::10",),
    "crm.example": ("v=spf1 ip4:198.51.100.0/25 -all",),
    "loop.example": ("v=spf1 include:loop.example -all",),
    "silent.example": "SERVFAIL",
}


@pytest.mark.parametrize(
    ("policy", "ip", "expected"),
    [
        ("v=spf1 ip4:192.0.2.0/28 -all", "192.0.2.10", "pass"),
        ("v=spf1 ip4:192.0.2.0/28 -all", SPAMMER, "fail"),
        ("v=spf1 ip4:192.0.2.0/28 ~all", SPAMMER, "fail"),
        ("v=spf1 ip4:192.0.2.0/28 ?all", SPAMMER, ""),
        ("v=spf1 ip4:192.0.2.0/28", SPAMMER, ""),
        ("v=spf1 ip6:2001:db8::/32 -all", "2001:db8::5", "pass"),
        ("v=spf1 ip6:2001:db8::/32 -all", "192.0.2.10", "fail"),
        ("V=SPF1 MX -ALL", "192.0.2.11", "pass"),
        ("v=spf1 mx -all", "2001:db8::10", "pass"),
        ("v=spf1 mx/29 -all", "192.0.2.12", "pass"),
        ("v=spf1 a -all", "192.0.2.80", "pass"),
        ("v=spf1 a:mx1.harbor.example/28 -all", "192.0.2.1", "pass"),
        ("v=spf1 a -all", SPAMMER, "fail"),
        ("v=spf1 include:crm.example -all", SPAMMER, "pass"),
        ("v=spf1 include:crm.example -all", "198.51.100.200", "fail"),
        ("v=spf1 redirect=crm.example", SPAMMER, "pass"),
        ("v=spf1 -ip4:198.51.100.66 +all", SPAMMER, "fail"),
        ("v=spf1 exp=why.example -all", SPAMMER, "fail"),
        # What cannot be told is no refusal.
        ("v=spf1 ptr -all", SPAMMER, ""),
        ("v=spf1 exists:%{i}.ok.example -all", SPAMMER, ""),
        ("v=spf1 include:silent.example -all", SPAMMER, ""),
        ("v=spf1 include:loop.example -all", SPAMMER, ""),
        ("v=spf1 ip4:nonsense -all", SPAMMER, ""),
        ("v=spf10 -all", SPAMMER, ""),
        ("something else", SPAMMER, ""),
    ],
)
def test_a_policy_lets_a_host_send_or_not(policy: str, ip: str, expected: str) -> None:
    with serving({**ZONE, DOMAIN: (policy, "google-site-verification=x")}) as server:
        assert result(dns_of(server), ip_address(ip), DOMAIN) == expected


def test_two_policies_are_none() -> None:
    with serving({DOMAIN: ("v=spf1 -all", "v=spf1 +all")}) as server:
        assert result(dns_of(server), ip_address(SPAMMER), DOMAIN) == ""


def test_a_policy_that_asks_without_end_is_left_after_ten_questions() -> None:
    zone: Zone = {f"p{n}.example": (f"v=spf1 include:p{n + 1}.example -all",) for n in range(40)}
    with serving(zone) as server:
        assert result(dns_of(server), ip_address(SPAMMER), "p0.example") == ""
        assert len(server.asked) <= 11


def test_results_are_told_for_each_host_and_domain() -> None:
    question = HostQuestion(
        senders=frozenset([(SPAMMER, DOMAIN), ("192.0.2.10", DOMAIN), (SPAMMER, "x.example")])
    )
    with serving({DOMAIN: ("v=spf1 ip4:192.0.2.10 -all",)}) as server:
        found = KnownHosts(dns_of(server), spf=True).find(question)
    assert found.spf == {(SPAMMER, DOMAIN): "fail", ("192.0.2.10", DOMAIN): "pass"}


def test_a_name_server_that_says_nothing_is_left_in_peace() -> None:
    ips = frozenset(f"198.51.100.{n}" for n in range(50))
    zone: Zone = {f"{n}.100.51.198.{LIST} A": None for n in range(50)}
    with serving(zone) as server:
        dns = Dns(timedelta(seconds=0.2), [server.address])
        assert KnownHosts(dns, [LIST], spf=True).find(HostQuestion(ips)) == HostsView()
        assert len(set(server.asked)) == 2
