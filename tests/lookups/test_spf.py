"""RFC 7208: the examples of its appendix A, its macros, its limits, and policies that mean harm."""

from __future__ import annotations

import random
from datetime import timedelta
from ipaddress import ip_address
from typing import Any

import pytest

from cleaner.lookups import Dns, RecordedDns
from cleaner.lookups.published import published
from cleaner.lookups.resolvers import Limited
from cleaner.lookups.spf import MAX_POLICY, Checked, Result, check_host, expand, parse
from tests.lookups.nameserver import serving

SPAMMER = "198.51.100.66"
DOMAIN = "harbor.example"

# --- appendix A ----------------------------------------------------------------------------------

EXAMPLE: dict[str, Any] = {
    "example.com": {
        "MX": ["10 mail-a.example.com", "20 mail-b.example.com"],
        "A": ["192.0.2.10", "192.0.2.11"],
    },
    "amy.example.com": {"A": ["192.0.2.65"]},
    "bob.example.com": {"A": ["192.0.2.66"]},
    "mail-a.example.com": {"A": ["192.0.2.129"]},
    "mail-b.example.com": {"A": ["192.0.2.130"]},
    "example.org": {"MX": ["10 mail-c.example.org"]},
    "mail-c.example.org": {"A": ["192.0.2.140"]},
    "192.0.2.10": {"PTR": ["example.com"]},
    "192.0.2.65": {"PTR": ["amy.example.com"]},
    "192.0.2.130": {"PTR": ["mail-b.example.com"]},
    "192.0.2.140": {"PTR": ["mail-c.example.org"]},
    "10.0.0.4": {"PTR": ["bob.example.com"]},
}


@pytest.mark.parametrize(
    ("policy", "passes", "fails"),
    [
        ("v=spf1 +all", ["192.0.2.129", SPAMMER], []),
        ("v=spf1 a -all", ["192.0.2.10", "192.0.2.11"], ["192.0.2.65"]),
        ("v=spf1 a:example.org -all", [], ["192.0.2.10", "192.0.2.140"]),
        ("v=spf1 mx -all", ["192.0.2.129", "192.0.2.130"], ["192.0.2.10", "192.0.2.140"]),
        ("v=spf1 mx:example.org -all", ["192.0.2.140"], ["192.0.2.129"]),
        ("v=spf1 mx mx:example.org -all", ["192.0.2.129", "192.0.2.130", "192.0.2.140"], ["192.0.2.10"]),
        ("v=spf1 mx/30 mx:example.org/30 -all", ["192.0.2.131", "192.0.2.143"], ["192.0.2.132", "192.0.2.144"]),
        ("v=spf1 ptr -all", ["192.0.2.10", "192.0.2.65", "192.0.2.130"], ["192.0.2.140", "10.0.0.4"]),
        ("v=spf1 ip4:192.0.2.128/28 -all", ["192.0.2.129", "192.0.2.140"], ["192.0.2.65"]),
    ],
)  # fmt: skip
def test_the_simple_examples_of_the_standard(policy: str, passes: list[str], fails: list[str]) -> None:
    dns = RecordedDns(EXAMPLE | {"example.com": {**EXAMPLE["example.com"], "TXT": [policy]}})
    for ip in passes:
        assert check_host(dns, ip_address(ip), "example.com").result is Result.PASS
    for ip in fails:
        assert check_host(dns, ip_address(ip), "example.com").result is Result.FAIL


def test_the_examples_with_several_policies() -> None:
    lists = "v=spf1 include:example.com include:example.net -all"
    zone: dict[str, Any] = {
        "example.org": [lists],
        "la.example.org": ["v=spf1 redirect=example.org"],
        "example.com": {**EXAMPLE["example.com"], "TXT": ["v=spf1 mx -all"]},
        "example.net": ["v=spf1 ip4:203.0.113.5 -all"],
        "mail-a.example.com": EXAMPLE["mail-a.example.com"],
        "mail-b.example.com": EXAMPLE["mail-b.example.com"],
    }
    for domain in ("example.org", "la.example.org"):
        for ip, expected in (
            ("192.0.2.129", Result.PASS),
            ("203.0.113.5", Result.PASS),
            (SPAMMER, Result.FAIL),
        ):
            assert check_host(RecordedDns(zone), ip_address(ip), domain).result is expected


def test_the_example_of_a_blocklist_in_a_policy() -> None:
    zone: dict[str, Any] = {
        "example.com": ["v=spf1 -include:ip4._spf.%{d} ptr:example.org ?exists:%{ir}.dnsbl.example -all"],
        "ip4._spf.example.com": ["v=spf1 -ip4:192.0.2.0/24 +all"],
        "2.100.51.198.dnsbl.example": {"A": ["127.0.0.2"]},
    }
    dns = RecordedDns(zone)
    assert check_host(dns, ip_address("198.51.100.1"), "example.com").result is Result.FAIL
    assert check_host(dns, ip_address("192.0.2.1"), "example.com").result is Result.FAIL
    zone["example.com"] = ["v=spf1 ?exists:%{ir}.dnsbl.example -all"]
    assert check_host(RecordedDns(zone), ip_address("198.51.100.2"), "example.com").result is Result.NEUTRAL


# --- macros (section 7.4) ------------------------------------------------------------------------

VALUES = {
    "s": "strong-bad@email.example.com",
    "l": "strong-bad",
    "o": "email.example.com",
    "d": "email.example.com",
    "i": "192.0.2.3",
    "v": "in-addr",
}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("%{s}", "strong-bad@email.example.com"),
        ("%{o}", "email.example.com"),
        ("%{d4}", "email.example.com"),
        ("%{d3}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{d1}", "com"),
        ("%{dr}", "com.example.email"),
        ("%{d2r}", "example.email"),
        ("%{l}", "strong-bad"),
        ("%{l-}", "strong.bad"),
        ("%{lr}", "strong-bad"),
        ("%{lr-}", "bad.strong"),
        ("%{l1r-}", "strong"),
        ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
        ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
        ("%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"),
        ("%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"),
        ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
        ("a%%b%-c.example", "a%b%20c.example"),
        ("%{S}.example", "strong-bad%40email.example.com.example"),
    ],
)
def test_macros_are_filled_in_as_in_the_standard(written: str, expected: str) -> None:
    assert expand(written, VALUES.__getitem__) == expected


def test_macros_of_an_address_of_the_new_protocol() -> None:
    name = "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.harbor.example"
    zone: dict[str, Any] = {DOMAIN: ["v=spf1 exists:%{ir}.%{v}._spf.%{d} -all"], name: {"A": ["127.0.0.1"]}}
    dns = RecordedDns(zone)
    assert check_host(dns, ip_address("2001:db8::cb01"), DOMAIN) == Checked(Result.PASS)
    assert check_host(dns, ip_address("2001:db8::cb02"), DOMAIN).result is Result.FAIL


def test_what_is_too_long_for_a_name_loses_its_left_labels() -> None:
    found = expand("%{d}.%{d}.%{d}.%{d}.end.example", lambda _: "label" + ".label" * 15)
    assert found.startswith("label.")
    assert found.endswith(".end.example")
    assert 240 < len(found) <= 253


# --- ours, providers', everybody's ---------------------------------------------------------------

ZONE: dict[str, Any] = {
    "mx.harbor.example": {"A": ["192.0.2.10"], "AAAA": ["2001:db8::10"]},
    "mx.hoster.example": {"A": ["203.0.113.10"]},
    "_spf.harbor.example": ["v=spf1 ip4:192.0.2.32/28 include:mail.provider.example ~all"],
    "mail.provider.example": ["v=spf1 ip4:198.51.100.0/25 ~all"],
    "quay.example": ["v=spf1 ip4:203.0.113.128/28 -all"],
    "stamp.198.51.100.66.provider.example": {"A": ["127.0.0.2"]},
    "fixed.harbor.example": {"A": ["127.0.0.2"]},
    "silent.example": ["v=spf1 exists:nobody.answers -all"],
}


@pytest.mark.parametrize(
    ("policy", "ip", "expected"),
    [
        ("v=spf1 ip4:192.0.2.0/28 -all", "192.0.2.1", Checked(Result.PASS)),
        ("v=spf1 a:mx.harbor.example -all", "192.0.2.10", Checked(Result.PASS)),
        ("v=spf1 include:_spf.harbor.example -all", "192.0.2.33", Checked(Result.PASS)),
        ("v=spf1 redirect=_spf.harbor.example", "192.0.2.33", Checked(Result.PASS)),
        ("v=spf1 include:quay.example -all", "203.0.113.129", Checked(Result.PASS)),
        ("v=spf1 include:_spf.harbor.example -all", SPAMMER, Checked(Result.PASS, is_own=False)),
        ("v=spf1 include:mail.provider.example -all", SPAMMER, Checked(Result.PASS, is_own=False)),
        ("v=spf1 redirect=mail.provider.example", SPAMMER, Checked(Result.PASS, is_own=False)),
        ("v=spf1 a:mx.hoster.example -all", "203.0.113.10", Checked(Result.PASS, is_own=False)),
        ("v=spf1 mx -all", "203.0.113.10", Checked(Result.PASS, is_own=False)),
        ("v=spf1 exists:stamp.%{i}.provider.example -all", SPAMMER, Checked(Result.PASS, is_own=False)),
        # A provider's policy that did not match leaves nothing behind.
        ("v=spf1 include:mail.provider.example ip4:192.0.2.1 -all", "192.0.2.1", Checked(Result.PASS)),
        ("v=spf1 include:mail.provider.example -all", "192.0.2.1", Checked(Result.FAIL)),
        # Nobody is known by what lets everybody send.
        ("v=spf1 +all", SPAMMER, Checked(Result.PASS, is_own=False, is_everybody=True)),
        ("v=spf1 ip4:198.0.0.0/8 -all", SPAMMER, Checked(Result.PASS, is_own=False, is_everybody=True)),
        ("v=spf1 exists:fixed.%{d} -all", SPAMMER, Checked(Result.PASS, is_own=False, is_everybody=True)),
    ],
)
def test_what_lets_a_host_send_is_ours_or_a_providers(policy: str, ip: str, expected: Checked) -> None:
    zone: dict[str, Any] = {**ZONE, DOMAIN: {"TXT": [policy, "other=x"], "MX": ["10 mx.hoster.example"]}}
    ours = frozenset(("harbor.example", "quay.example"))
    found = check_host(RecordedDns(zone), ip_address(ip), DOMAIN, ours=ours)
    assert found == expected


def test_a_name_leads_back_or_is_none() -> None:
    """`ptr` needs no PTR record where the server that took the mail looked the name up already."""
    zone: dict[str, Any] = {
        DOMAIN: ["v=spf1 ptr -all"],
        "out.harbor.example": {"A": ["192.0.2.7"]},
        "192.0.2.8": {"PTR": ["out.harbor.example"]},
    }
    dns = RecordedDns(zone)
    assert check_host(dns, ip_address("192.0.2.7"), DOMAIN, name="out.harbor.example").result is Result.PASS
    assert check_host(dns, ip_address("192.0.2.8"), DOMAIN).result is Result.FAIL
    assert check_host(dns, ip_address("192.0.2.7"), DOMAIN, name="out.far.example").result is Result.FAIL


@pytest.mark.parametrize("letter", "slh")
def test_what_hangs_on_the_mail_itself_is_neither_allowed_nor_refused(letter: str) -> None:
    policy = f"v=spf1 exists:%{{{letter}}}.ok.harbor.example -all"
    found = check_host(RecordedDns({DOMAIN: [policy]}), ip_address(SPAMMER), DOMAIN)
    assert (found.result, found.is_guess) == (Result.FAIL, True)
    guessed = {"s": "postmaster@harbor.example", "l": "postmaster", "h": "harbor.example"}[letter]
    zone: dict[str, Any] = {DOMAIN: [policy], f"{guessed}.ok.harbor.example": {"A": ["127.0.0.2"]}}
    assert check_host(RecordedDns(zone), ip_address(SPAMMER), DOMAIN).result is Result.NEUTRAL
    zone[DOMAIN] = [f"v=spf1 ip4:{SPAMMER} exists:%{{{letter}}}.ok.harbor.example -all"]
    assert check_host(RecordedDns(zone), ip_address(SPAMMER), DOMAIN) == Checked(Result.PASS)


# --- grammar (sections 4.6.1, 7.1, 12) -----------------------------------------------------------


@pytest.mark.parametrize(
    "policy",
    [
        "v=spf1",
        "v=spf1  mx   -all ",
        "V=SPF1 MX -ALL",
        "v=spf1 a/24//64 mx:far.example//48 -all",
        "v=spf1 ip4:192.0.2.1 ip4:192.0.2.0/24 ip6:2001:db8::/32 ip6:::1 -all",
        "v=spf1 include:_spf.far.example exists:%{i}.%{d} -all",
        "v=spf1 ptr:far.example ?all",
        "v=spf1 redirect=far.example unknown=%{c}.%{t} exp=why.far.example",
        "v=spf1 a:far.example. -all",
        "v=spf1 a:%{d} -all",
    ],
)
def test_what_the_grammar_allows(policy: str) -> None:
    assert parse(policy) is not None


@pytest.mark.parametrize(
    "term",
    [
        "ip4:nonsense", "ip4:192.0.2.0/255.255.255.0", "ip4:192.0.2.0/33", "ip4:192.0.2.0/08", "ip4:192.0.2.0/",
        "ip4:2001:db8::1", "ip4", "ip4:", "ip6:192.0.2.1", "ip6:fe80::1%eth0", "all:x.example", "all/8", "+-all",
        "include", "include:", "include:localhost", "include:x.example/24", "include:.example", "include:x.123",
        "include:x.-y", "include:%", "include:%{z}.example", "include:%{d0}.example", "include:%{c}.example",
        "include:%{d}.%%", "a/33", "a//129", "a:/24", "a/024", "mx:x.y.example/24/64", "exists", "ptr/24", "ptr:",
        "include:x." + "a" * 64, "include:x.1-1", "include:x.a!",
        "foo", "foo:x.example", "redirect=", "redirect=x.example redirect=y.example", "exp=x.example exp=x.example",
        "redirect=x.example/24", "a:x\u00e4.example", "a\tmx", "unknown=%{", ":x", "/24", "-",
    ],
)  # fmt: skip
def test_what_it_does_not_allow_makes_the_whole_policy_void(term: str) -> None:
    policy = f"v=spf1 {term} ip4:{SPAMMER} -all"
    assert parse(policy) is None
    dns = RecordedDns({DOMAIN: [policy]})
    assert check_host(dns, ip_address(SPAMMER), DOMAIN).result is Result.PERMERROR


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([], Result.NONE),
        (["something else", "v=spf10 -all", "v=spf1x"], Result.NONE),
        (["v=spf1 -all", "v=spf1 +all"], Result.PERMERROR),
        (["v=spf1"], Result.NEUTRAL),
        (["v=spf1 include:none.example -all"], Result.PERMERROR),
        (["v=spf1 redirect=none.example"], Result.PERMERROR),
        (["v=spf1 redirect=none.example ~all"], Result.SOFTFAIL),
    ],
)
def test_records_that_are_one_policy_several_or_none(records: list[str], expected: Result) -> None:
    dns = RecordedDns({DOMAIN: records, "other.example": ["x"]})
    assert check_host(dns, ip_address(SPAMMER), DOMAIN).result is expected


# --- limits, and policies that mean harm ---------------------------------------------------------


def test_ten_questions_are_answered_and_not_eleven() -> None:
    for includes, expected in ((10, Result.FAIL), (11, Result.PERMERROR)):
        zone = {f"i{n}.example": ["v=spf1 -all"] for n in range(20)}
        zone[DOMAIN] = [f"v=spf1 {' '.join(f'include:i{n}.example' for n in range(includes))} -all"]
        assert check_host(RecordedDns(zone), ip_address(SPAMMER), DOMAIN).result is expected


def test_two_names_that_do_not_exist_are_borne_and_not_three() -> None:
    for voids, expected in ((2, Result.FAIL), (3, Result.PERMERROR)):
        policy = f"v=spf1 {' '.join(f'a:no{n}.example' for n in range(voids))} -all"
        assert check_host(RecordedDns({DOMAIN: [policy]}), ip_address(SPAMMER), DOMAIN).result is expected


def test_ten_exchangers_are_looked_at_and_not_eleven() -> None:
    for count, expected in ((10, Result.FAIL), (11, Result.PERMERROR)):
        hosts = [f"{n} mx{n}.harbor.example" for n in range(count)]
        zone: dict[str, Any] = {f"mx{n}.harbor.example": {"A": ["192.0.2.1"]} for n in range(count)}
        dns = RecordedDns({**zone, DOMAIN: {"TXT": ["v=spf1 mx -all"], "MX": hosts}})
        assert check_host(dns, ip_address(SPAMMER), DOMAIN).result is expected


class Counting(RecordedDns):
    """Counts what it is asked."""

    asked = 0

    def _answer(self, name: str, kind: str) -> object:  # type: ignore[override]
        self.asked += 1
        return super()._answer(name, kind)


@pytest.mark.parametrize(
    "zone",
    [
        {DOMAIN: ["v=spf1 include:harbor.example -all"]},
        {DOMAIN: ["v=spf1 redirect=harbor.example"]},
        {DOMAIN: ["v=spf1 include:a.example -all"], "a.example": ["v=spf1 redirect=harbor.example"]},
        {f"{'n.' * n}{DOMAIN}": [f"v=spf1 include:{'n.' * (n + 1)}{DOMAIN} -all"] for n in range(40)},
        {DOMAIN: [f"v=spf1 {'a:x.example ' * 600}-all"], "x.example": {"A": ["192.0.2.1"]}},
        {DOMAIN: [f"v=spf1 {'mx ' * 1000}-all"], "x.example": {"A": ["192.0.2.1"]}},
    ],
    ids=["includes itself", "redirects to itself", "circle", "chain", "many", "a thousand terms"],
)
def test_policies_without_end_end(zone: dict[str, list[str]]) -> None:
    dns = Counting(zone)
    assert check_host(dns, ip_address(SPAMMER), DOMAIN).result is Result.PERMERROR
    assert dns.asked <= 22


def test_a_policy_of_a_thousand_networks_is_read_and_a_longer_one_is_not() -> None:
    fits = f"v=spf1 {' '.join(f'ip4:10.0.{n % 250}.{n % 200}' for n in range(450))} ip4:{SPAMMER} -all"
    assert len(fits) < MAX_POLICY
    dns = RecordedDns({DOMAIN: [fits]})
    assert check_host(dns, ip_address(SPAMMER), DOMAIN).result is Result.PASS
    longer = RecordedDns({DOMAIN: [fits.replace(" -all", " ip4:10.0.0.1" * 1000 + " -all")]})
    assert check_host(longer, ip_address(SPAMMER), DOMAIN).result is Result.PERMERROR


@pytest.mark.parametrize(
    "term",
    [
        "exists:" + "%{i}" * 1500 + ".example",
        "exists:" + "%{dr9-.+,/_=}" * 500 + "x.example",
        "include:" + "%" * 7000,
    ],
)
def test_macros_that_grow_without_measure_are_an_error(term: str) -> None:
    dns = RecordedDns({DOMAIN: [f"v=spf1 {term} -all"]})
    assert check_host(dns, ip_address("2001:db8::1"), DOMAIN).result is Result.PERMERROR


def test_without_an_answer_nothing_is_said() -> None:
    zone: dict[str, tuple[str, ...] | str | None] = {
        DOMAIN: (f"v=spf1 include:silent.example ip4:{SPAMMER} -all",),
        "silent.example": "SERVFAIL",
    }
    with serving(zone) as server:
        dns = Dns(timedelta(seconds=5), [server.address])
        assert check_host(dns, ip_address(SPAMMER), DOMAIN).result is Result.TEMPERROR
        assert check_host(dns, ip_address(SPAMMER), "silent.example").result is Result.TEMPERROR
    assert check_host(RecordedDns(None), ip_address(SPAMMER), DOMAIN).result is Result.TEMPERROR


def test_over_the_wire_it_is_the_same() -> None:
    zone: dict[str, tuple[str, ...] | str | None] = {
        DOMAIN: ("v=spf1 mx include:crm.example ptr exists:%{ir}.ok.%{d} -all", "unrelated"),
        f"{DOMAIN} MX": ("20 mx2.harbor.example.", "10 mx1.harbor.example."),
        "mx1.harbor.example A": ("192.0.2.10",),
        "mx2.harbor.example A": ("192.0.2.11",),
        "crm.example": ("v=spf1 ip4:198.51.100.0/25 -all",),
        "7.2.0.192.in-addr.arpa PTR": ("web.harbor.example.",),
        "8.2.0.192.in-addr.arpa PTR": ("web.harbor.example.",),
        "web.harbor.example A": ("192.0.2.7",),
        "9.2.0.192.ok.harbor.example A": ("127.0.0.2",),
    }
    with serving(zone) as server:
        dns = Dns(timedelta(seconds=5), [server.address])
        passes = ("192.0.2.10", "192.0.2.11", "198.51.100.66", "192.0.2.7", "192.0.2.9")
        assert {check_host(dns, ip_address(ip), DOMAIN).result for ip in passes} == {Result.PASS}
        for ip in ("192.0.2.8", "192.0.2.12", "198.51.100.200"):
            assert check_host(dns, ip_address(ip), DOMAIN).result is Result.FAIL


def test_questions_are_limited() -> None:
    zone = {DOMAIN: ["v=spf1 a:x1.example a:x2.example -all"]}
    assert (
        check_host(Limited(RecordedDns(zone), 60, 2), ip_address(SPAMMER), DOMAIN).result is Result.TEMPERROR
    )
    enough = Limited(RecordedDns(zone), 60, 3)
    for _ in range(5):
        assert check_host(enough, ip_address(SPAMMER), DOMAIN).result is Result.FAIL, "asked once, known"
    late = Limited(RecordedDns({DOMAIN: ["v=spf1 -all"]}), -1, 100)
    assert check_host(late, ip_address(SPAMMER), DOMAIN).result is Result.TEMPERROR


PIECES = (
    "v=spf1 ", " ", ":", "/", "//", "=", "%{", "}",
    "%{i}", "%{dr2.}", "%%", "all", "-", "~", "?", "a", "mx", "ptr", "ip4:", "ip6:",
    "include:", "exists:", "redirect=", "exp=", "192.0.2.1", "2001:db8::",
    "x.example", DOMAIN, ".", "24", "\u00e4", "\0", "\n", '"',
)  # fmt: skip


def test_no_policy_makes_it_raise() -> None:
    chance = random.Random(15)
    results = set()
    for _ in range(3_000):
        texts = ["v=spf1 " + "".join(chance.choices(PIECES, k=chance.randint(1, 25))) for _ in range(2)]
        dns = RecordedDns(
            {DOMAIN: texts[:1], "x.example": {"TXT": texts[1:], "A": [SPAMMER], "MX": ["x.example"]}}
        )
        results.add(check_host(dns, ip_address(chance.choice((SPAMMER, "2001:db8::1"))), DOMAIN).result)
        published(dns, DOMAIN)
    assert results >= {Result.PASS, Result.NEUTRAL, Result.PERMERROR}
