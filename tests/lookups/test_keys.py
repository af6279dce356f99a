"""Keys of ours: from DNS while they are published, from the archive for good."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from cleaner.lookups import Dns, KnownKeys
from cleaner.lookups.keys import MAX_ASKED, is_key
from cleaner.store import Store
from cleaner.values import DkimKey
from tests.lookups.nameserver import NameServer, serving
from tests.store.samples import KEY, NOW

S1 = ("harbor.example", "s1")
NAME = "s1._domainkey.harbor.example"
OLD = DkimKey(*S1, "v=DKIM1; k=rsa; p=AAAA")
NEW = DkimKey(*S1, "v=DKIM1; k=rsa; p=BBBB")


class Scene:
    """A store, a name server, and a clock that can be moved on."""

    def __init__(self, store: Store, server: NameServer) -> None:
        self.store = store
        self.server = server
        self.now = NOW

    def keys(self, *, asks: bool = True, remembers: bool = True) -> KnownKeys:
        dns = Dns(timedelta(seconds=0.5), [self.server.address]) if asks else None
        return KnownKeys(self.store.keys, lambda: self.now, dns, remembers=remembers)


@contextmanager
def scene(zone: dict[str, tuple[str, ...] | str | None]) -> Iterator[Scene]:
    with Store.open("sqlite://", KEY) as store, serving(zone) as server:
        yield Scene(store, server)


def test_a_published_key_is_found_and_remembered_after_it_is_gone() -> None:
    with scene({NAME: (OLD.record,)}) as found:
        assert found.keys().find(Counter((S1,))).keys == (OLD,)
        found.server.zone.clear()
        found.now += timedelta(days=400)
        assert found.keys().find(Counter((S1,))).keys == (OLD,)


def test_a_selector_that_stands_for_another_key_now_stands_for_both() -> None:
    with scene({NAME: (OLD.record,)}) as found:
        found.keys().find(Counter((S1,)))
        found.server.zone[NAME] = (NEW.record,)
        found.now += timedelta(days=2)
        assert set(found.keys().find(Counter((S1,))).keys) == {OLD, NEW}


@pytest.mark.parametrize("records", ["SERVFAIL", None, "NXDOMAIN"])
def test_without_an_answer_the_archive_tells(records: str | None) -> None:
    with scene({NAME: records}) as found:
        found.store.keys.remember((OLD,), NOW - timedelta(days=90), "dns")
        assert found.keys().find(Counter((S1,))).keys == (OLD,)


def test_a_key_that_was_seen_today_is_not_asked_for_again() -> None:
    with scene({NAME: (OLD.record,)}) as found:
        found.keys().find(Counter((S1,)))
        found.keys().find(Counter((S1,)))
        assert found.server.asked == [NAME]
        found.now += timedelta(days=2)
        found.keys().find(Counter((S1,)))
        assert found.server.asked == [NAME, NAME]


def test_turned_off_nobody_is_asked() -> None:
    with scene({NAME: (OLD.record,)}) as found:
        assert found.keys(asks=False).find(Counter((S1,))).keys == ()
        assert found.server.asked == []


def test_who_only_looks_remembers_nothing() -> None:
    with scene({NAME: (OLD.record,)}) as found:
        assert found.keys(remembers=False).find(Counter((S1,))).keys == (OLD,)
        assert found.store.keys.of(["harbor.example"]) == ()


def test_withdrawn_keys_and_other_records_are_no_keys() -> None:
    records = ("v=DKIM1; k=rsa; p=", "v=spf1 -all", "v=DKIM2; p=AAAA", "", OLD.record)
    with scene({NAME: records}) as found:
        assert found.keys().find(Counter((S1,))).keys == (OLD,)
    assert is_key("k=rsa; p=AAAA"), "v= may be left out (RFC 6376 section 3.6.1)"


def test_invented_selectors_are_bounded_and_what_is_no_name_is_not_asked_for() -> None:
    invented = Counter(("harbor.example", f"forged{n}") for n in range(2_100))
    odd = Counter(("harbor.example", s) for s in ("", "a b", "x" * 70, "*", "a.", "\0", "é"))
    with scene({}) as found:
        assert found.keys().find(invented).keys == ()
        assert len(found.server.asked) == MAX_ASKED
        assert found.keys().find(odd).keys == ()
        assert len(found.server.asked) == MAX_ASKED


def test_what_many_notices_name_is_asked_for_before_what_a_forger_invents() -> None:
    wanted = Counter({("harbor.example", f"a{n}"): 1 for n in range(2_100)}) + Counter({S1: 2})
    with scene({NAME: (OLD.record,)}) as found:
        told = found.keys().find(wanted)
        assert told.keys == (OLD,)
        assert len(told.absent) == MAX_ASKED - 1


def test_a_selector_that_is_gone_is_absent_only_if_it_was_never_seen_and_somebody_answers() -> None:
    with scene({}) as found:
        assert found.keys().find(Counter((S1,))).absent == {S1}
        assert found.keys(asks=False).find(Counter((S1,))).absent == frozenset()
        found.store.keys.remember((OLD,), NOW - timedelta(days=90), "dns")
        assert found.keys().find(Counter((S1,))).absent == frozenset()
    with scene({NAME: None}) as found:
        assert found.keys().find(Counter((S1,))).absent == frozenset()
