"""Whether what a domain publishes closes the set of its senders; if not, why, and what to do about it."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from cleaner.lookups import RecordedDns
from cleaner.lookups.published import is_wider, published
from cleaner.lookups.recorded import Records
from cleaner.values import SenderPolicy

DOMAIN = "harbor.example"
DMARC = f"_dmarc.{DOMAIN}"
REJECT = ["v=DMARC1; p=reject"]
WHOLE: dict[str, Any] = {
    "far.example": ["v=spf1 ip4:203.0.113.0/24 ~all"],
    "everybody.example": ["v=spf1 +all"],
    "neutral.example": ["v=spf1 ip4:203.0.113.0/24 ?ip4:0.0.0.0/0 ?all"],
    "mx.harbor.example": {"A": ["192.0.2.10"]},
    "a.harbor.example": {"A": ["192.0.2.11"]},
    DMARC: REJECT,
}


def policy_of(zone: Records, domain: str = DOMAIN) -> SenderPolicy | None:
    return published(RecordedDns(zone), domain).policy


@pytest.mark.parametrize(
    "spf",
    [
        "v=spf1 -all",
        "v=spf1 ~all",
        "v=spf1 ip4:192.0.2.0/24 mx include:far.example -all",
        "v=spf1 ip4:192.0.2.0/24 redirect=far.example",
        "v=spf1 include:neutral.example -all",
        "v=spf1 ip4:10.0.0.0/12 -all",
        "v=spf1 ip4:10.0.0.0/13 ip4:10.8.0.0/13 ip4:10.3.0.0/16 -all",
        "v=spf1 ip6:2001:db8::/28 ip4:10.0.0.0/12 -all",
        "v=spf1 -ip4:0.0.0.0/0 ~all",
        "v=spf1 -exists:%{i}.far.example -ptr ~all",
        "v=spf1 a:a.%{d} -all ip4:0.0.0.0/0",
        f"v=spf1 {' '.join(f'include:i{n}.example' for n in range(10))} -all",
    ],
)
def test_a_strict_and_narrow_policy_is_closed(spf: str) -> None:
    includes = {f"i{n}.example": ["v=spf1 -all"] for n in range(10)}
    zone = {**WHOLE, **includes, DOMAIN: {"TXT": [spf, "other"], "MX": ["10 mx.harbor.example"]}}
    assert policy_of(zone) == SenderPolicy(DOMAIN, True)


@pytest.mark.parametrize(
    ("spf", "because"),
    [
        ([], "publishes no SPF policy"),
        (["v=spf1 -all", "v=spf1 mx -all"], "publishes 2 SPF policies"),
        (["v=spf1 +all"], "lets everybody send (+all)"),
        (["v=spf1 all"], "lets everybody send (+all)"),
        (["v=spf1 mx ?all"], "says nothing of other hosts (?all)"),
        (["v=spf1 ip4:192.0.2.1"], "says nothing of other hosts; end it with -all"),
        (["v=spf1 ipv4:192.0.2.1 -all"], "has an error in it"),
        (["v=spf1 include:far.example include:none.example -all"], "includes none.example, which has none"),
        (["v=spf1 include:everybody.example -all"], "everybody.example, which harbor.example includes, lets everybody"),
        (["v=spf1 redirect=everybody.example"], "lets everybody send (+all)"),
        (["v=spf1 redirect=neutral.example"], "says nothing of other hosts (?all)"),
        (["v=spf1 redirect=none.example"], "none.example, which has none"),
        (["v=spf1 include:%{i}._spf.far.example -all"], "(include:%{i}._spf.far.example) from which nobody can tell"),
        (["v=spf1 exists:%{i}._spf.far.example -all"], "from which nobody can tell"),
        (["v=spf1 exists:mx.harbor.example -all"], "from which nobody can tell"),
        (["v=spf1 ptr -all"], "(ptr) from which nobody can tell"),
        (["v=spf1 ip4:10.0.0.0/11 -all"], "lets more addresses send"),
        (["v=spf1 ip4:10.0.0.0/12 ip4:192.0.2.1 -all"], "lets more addresses send"),
        (["v=spf1 ip4:10.0.0.0/12 include:far.example -all"], "lets more addresses send"),
        (["v=spf1 mx/8 -all"], "lets more addresses send"),
        (["v=spf1 ?ip4:0.0.0.0/0 -all"], "lets more addresses send"),
        (["v=spf1 ip6:2001:db8::/28 ip6:2002::/28 -all"], "lets more addresses send"),
        ([f"v=spf1 {' '.join(f'include:i{n}.example' for n in range(11))} -all"], "more than 10 look-ups"),
        (["v=spf1 include:harbor.example -all"], "more than 10 look-ups"),
        (["v=spf1 a:x1.example a:x2.example a:x3.example -all"], "more than 2 hosts that do not exist"),
        (["v=spf1 mx:many.example -all"], "the 11 mail exchangers of many.example"),
    ],
)  # fmt: skip
def test_anything_else_leaves_it_open_and_says_why(spf: list[str], because: str) -> None:
    zone = {
        **WHOLE,
        **{f"i{n}.example": ["v=spf1 -all"] for n in range(11)},
        "many.example": {"MX": [f"{n} mx.harbor.example" for n in range(11)]},
        DOMAIN: {"TXT": spf, "MX": ["10 mx.harbor.example"]},
    }
    found = policy_of(zone)
    assert found is not None
    assert not found.is_closed
    assert because in found.open_because
    assert found.open_because.endswith(".")


@pytest.mark.parametrize(
    ("dmarc", "because"),
    [
        (["v=DMARC1; p=reject"], ""),
        (["v=DMARC1;p=quarantine; rua=mailto:x@far.example"], ""),
        (["v=DMARC1; p=reject; pct=100; sp=none; t=n"], ""),
        (["V = DMARC1 ; P = Reject", "v=spf1 -all", "other"], ""),
        ([], "publishes no DMARC policy"),
        (["v=DMARC2; p=reject"], "publishes no DMARC policy"),
        (["v=DMARC1; p=none"], "asks for nothing (p=none)"),
        (["v=DMARC1; rua=mailto:x@far.example"], "asks for nothing (p=)"),
        (["v=DMARC1; p=quarantine; pct=99"], "(pct=99)"),
        (["v=DMARC1; p=quarantine; pct=all"], "(pct=all)"),
        (["v=DMARC1; p=reject; t=y"], "(t=y)"),
        (["v=DMARC1; p=reject", "v=DMARC1; p=none"], "publishes 2 DMARC policies"),
    ],
)
def test_dmarc_must_ask_for_something(dmarc: list[str], because: str) -> None:
    found = policy_of({DOMAIN: ["v=spf1 -all"], DMARC: dmarc})
    assert found is not None
    assert found.is_closed == (not because)
    assert because in found.open_because


@pytest.mark.parametrize(
    ("own", "organisational", "is_closed"),
    [
        (["v=DMARC1; p=reject"], ["v=DMARC1; p=none"], True),
        (["v=DMARC1; p=none"], ["v=DMARC1; p=reject"], False),
        ([], ["v=DMARC1; p=reject"], True),
        ([], ["v=DMARC1; p=none; sp=reject"], True),
        ([], ["v=DMARC1; p=reject; sp=none"], False),
        (["v=DMARC1; p=reject; sp=none"], [], True),
        ([], [], False),
    ],
)
def test_a_sub_domain_has_its_own_policy_or_that_of_the_organisation(
    own: list[str], organisational: list[str], is_closed: bool
) -> None:
    sub = f"news.{DOMAIN}"
    found = policy_of({sub: ["v=spf1 -all"], f"_dmarc.{sub}": own, DMARC: organisational}, sub)
    assert found is not None
    assert found.is_closed is is_closed


def test_a_sub_domain_needs_an_spf_policy_of_its_own() -> None:
    found = policy_of({DOMAIN: ["v=spf1 -all"], DMARC: REJECT}, f"news.{DOMAIN}")
    assert found is not None
    assert "news.harbor.example publishes no SPF policy" in found.open_because


def test_both_reasons_are_told_and_a_fault_counts_whatever_else_is_unknown() -> None:
    found = policy_of({DOMAIN: ["v=spf1 ?all"], DMARC: ["v=DMARC1; p=none"]})
    assert found is not None
    assert "(?all)" in found.open_because
    assert "(p=none)" in found.open_because


def test_nobody_answers() -> None:
    assert policy_of({}) is not None, "that nothing stands there is an answer"
    assert published(RecordedDns(None), DOMAIN).policy is None


class Counting(RecordedDns):
    """Counts what it is asked."""

    asked = 0

    def _answer(self, name: str, kind: str) -> Any:
        self.asked += 1
        return super()._answer(name, kind)


@pytest.mark.parametrize(
    "zone",
    [
        {DOMAIN: ["v=spf1 include:harbor.example include:harbor.example -all"]},
        {DOMAIN: ["v=spf1 redirect=harbor.example"]},
        {
            f"{'n.' * n}{DOMAIN}": ["v=spf1 " + f"include:{'n.' * (n + 1)}{DOMAIN} " * 5 + "-all"]
            for n in range(40)
        },
        {DOMAIN: [f"v=spf1 {'a:mx0.example ' * 500}-all"]},
        {DOMAIN: [f"v=spf1 {'mx:many.example ' * 500}-all"]},
        {DOMAIN: [f"v=spf1 {'?exists:%{i}.example ' * 350}-all"]},
    ],
    ids=["includes itself", "redirects to itself", "tree", "hosts", "exchangers", "macros"],
)
def test_policies_without_end_end_and_are_open(zone: dict[str, Any]) -> None:
    hosts = {f"mx{n}.example": {"A": ["192.0.2.1"], "AAAA": ["2001:db8::1"]} for n in range(10)}
    many = {"many.example": {"MX": [f"{n} mx{n}.example" for n in range(10)]}}
    dns = Counting({**zone, **hosts, **many, DMARC: REJECT})
    found = published(dns, DOMAIN).policy
    assert found is not None
    assert not found.is_closed
    assert dns.asked <= 10 * 21 + 2


def test_providers_are_those_whose_policies_are_included() -> None:
    zone = {
        DOMAIN: ["v=spf1 include:_spf.harbor.example include:%{i}.x.example -all"],
        "_spf.harbor.example": ["v=spf1 include:spf.protection.provider.example redirect=mail.far.example"],
        "mail.far.example": ["v=spf1 -all"],
        "spf.protection.provider.example": ["v=spf1 -all"],
    }
    assert published(RecordedDns(zone), DOMAIN).providers == {"provider.example", "far.example"}


@pytest.mark.parametrize(
    ("networks", "is_wide"),
    [
        (["10.0.0.0/12"], False),
        (["10.0.0.0/12", "192.0.2.1"], True),
        (["10.0.0.0/12", "10.1.0.0/16", "2001:db8::/28"], False),
        (["2001:db8::/28", "2001:db8::/32"], False),
        (["2001:db0::/28", "2001:dc0::/128"], True),
    ],
)
def test_addresses_are_counted_together_and_each_once(networks: list[str], is_wide: bool) -> None:
    found = [ip_network(network, strict=False) for network in networks]
    assert (is_wider(found, 4) or is_wider(found, 6)) is is_wide
