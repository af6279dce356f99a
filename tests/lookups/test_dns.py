"""Text records over real sockets: what is there, what is not, and what nobody tells."""

from __future__ import annotations

import socket
from datetime import timedelta

import pytest

from cleaner.lookups import Dns
from cleaner.lookups.dns import FAILURES
from cleaner.values import ABSENT, UNKNOWN
from tests.lookups.nameserver import NameServer, serving

NAME = "s1._domainkey.harbor.example"


def dns_of(server: NameServer, timeout: float = 5) -> Dns:
    return Dns(timedelta(seconds=timeout), [server.address])


def test_a_record_is_put_together_from_its_strings() -> None:
    long = "v=DKIM1; k=rsa; p=" + "A" * 600
    with serving({NAME: (long, "something else")}) as server:
        found = dns_of(server).texts(NAME)
        assert isinstance(found, tuple)
        assert set(found) == {long, "something else"}


def test_what_does_not_fit_into_a_datagram_comes_over_tcp() -> None:
    long = "v=DKIM1; k=rsa; p=" + "A" * 3_000
    with serving({NAME: (long,)}) as server:
        assert dns_of(server).texts(NAME) == (long,)
        assert server.transports == ["udp", "tcp"]


@pytest.mark.parametrize("records", ["NXDOMAIN", ()], ids=["no such name", "no such record"])
def test_what_is_not_there_is_absent(records: tuple[str, ...] | str) -> None:
    with serving({NAME: records}) as server:
        assert dns_of(server).texts(NAME) is ABSENT


@pytest.mark.parametrize("records", ["SERVFAIL", "REFUSED", None])
def test_what_nobody_tells_is_unknown(records: str | None) -> None:
    with serving({NAME: records}) as server:
        assert dns_of(server, 0.3).texts(NAME) is UNKNOWN


def test_a_server_that_is_not_there_makes_it_unknown() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert Dns(timedelta(seconds=0.3), [("127.0.0.1", port)]).texts(NAME) is UNKNOWN


@pytest.mark.parametrize("name", ["x" * 70 + ".example", "a..example", "\udcff.example"])
def test_what_is_no_name_is_unknown(name: str) -> None:
    with serving({}) as server:
        assert dns_of(server).texts(name) is UNKNOWN
        assert server.asked == []


@pytest.mark.parametrize("records", [("v=DKIM1; p=AAAA",), "NXDOMAIN", "SERVFAIL"])
def test_a_question_is_asked_once(records: tuple[str, ...] | str) -> None:
    with serving({NAME: records}) as server:
        asking = dns_of(server)
        first = asking.texts(NAME)
        asked = len(server.asked)
        assert asking.texts(NAME) == first
        assert len(server.asked) == asked


def test_silent_servers_are_left_in_peace() -> None:
    """A hundred selectors and no network: two time-outs, not a hundred."""
    names = [f"s{n}._domainkey.harbor.example" for n in range(100)]
    with serving(dict.fromkeys(names)) as server:
        asking = dns_of(server, 0.2)
        assert {asking.texts(name) for name in names} == {UNKNOWN}
        assert set(server.asked) == set(names[:FAILURES])


def test_servers_that_refuse_are_asked_about_other_names() -> None:
    """Whoever writes a report may name domains that are broken; they say nothing of ours."""
    broken = [f"broken{n}.example" for n in range(5)]
    with serving({**dict.fromkeys(broken, "SERVFAIL"), NAME: ("v=DKIM1; p=AAAA",)}) as server:
        asking = dns_of(server)
        assert {asking.texts(name) for name in broken} == {UNKNOWN}
        assert asking.texts(NAME) == ("v=DKIM1; p=AAAA",)


def test_silence_about_strangers_is_none_about_us() -> None:
    silent = [f"silent{n}.example" for n in range(5)]
    with serving({**dict.fromkeys(silent), NAME: ("v=DKIM1; p=AAAA",)}) as server:
        asking = dns_of(server, 0.2)
        assert {asking.strangers.texts(name) for name in silent} == {UNKNOWN}
        assert asking.texts(NAME) == ("v=DKIM1; p=AAAA",)
