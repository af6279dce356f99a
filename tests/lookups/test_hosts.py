"""Blocklists and sender policies over a real name server; what it does not tell is unknown."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_address

import pytest

from cleaner.lookups import Dns, KnownHosts
from cleaner.lookups.hosts import reversed_name
from cleaner.values import HostQuestion, HostsView
from tests.lookups.nameserver import NameServer, serving

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


def test_results_are_told_for_each_host_and_domain() -> None:
    question = HostQuestion(
        senders=frozenset([(SPAMMER, DOMAIN), ("192.0.2.10", DOMAIN), (SPAMMER, "x.example")])
    )
    with serving({DOMAIN: ("v=spf1 ip4:192.0.2.10 -all",)}) as server:
        found = KnownHosts(dns_of(server)).find(question)
    assert found.spf == {(SPAMMER, DOMAIN): "fail", ("192.0.2.10", DOMAIN): "pass"}


def test_a_name_server_that_says_nothing_is_left_in_peace() -> None:
    ips = frozenset(f"198.51.100.{n}" for n in range(50))
    zone: dict[str, tuple[str, ...] | str | None] = {f"{n}.100.51.198.{LIST} A": None for n in range(50)}
    with serving(zone) as server:
        dns = Dns(timedelta(seconds=0.2), [server.address])
        assert KnownHosts(dns, [LIST]).find(HostQuestion(ips)) == HostsView()
        assert len(set(server.asked)) == 2
