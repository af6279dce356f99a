"""Hosts that mail of ours came from are remembered with their days, in bounds."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from cleaner.store import Store
from cleaner.store.observed import KEPT, MOST
from cleaner.values import ObservedSender, OutsideSender, SeenBy

DAY = date(2026, 11, 3)
CRM = ObservedSender("harbor.example", "198.51.100.77", "out1.crm.example", DAY, DAY)


def on(day: int, one: ObservedSender = CRM) -> ObservedSender:
    when = DAY + timedelta(days=day)
    return replace(one, first_day=when, last_day=when)


def test_what_is_noted_comes_back(store: Store) -> None:
    reported = replace(CRM, by=SeenBy.DMARC, name="")
    store.observations("harbor").note((CRM, reported), ())
    assert set(store.observed.of("harbor")) == {CRM, reported}
    assert store.observed.of("pier") == ()


def test_each_day_counts_once(store: Store) -> None:
    for day in (0, 0, 1, 1, 5, 3):
        store.observations("harbor").note((on(day),), ())
    assert store.observed.of("harbor") == (replace(CRM, last_day=DAY + timedelta(days=5), days=3),)


def test_a_name_is_learned_and_not_lost(store: Store) -> None:
    store.observations("harbor").note((replace(CRM, name=""),), ())
    store.observations("harbor").note((on(1),), ())
    store.observations("harbor").note((on(2, replace(CRM, name="")),), ())
    assert [one.name for one in store.observed.of("harbor")] == [CRM.name]


def test_so_many_are_kept_and_those_of_most_days(store: Store) -> None:
    for day in (0, 1):
        store.observations("harbor").note((on(day),), ())
    flood = [on(2, replace(CRM, ip=f"203.0.{number // 200}.{number % 200}")) for number in range(MOST + 50)]
    store.observations("harbor").note(flood, ())
    kept = store.observed.of("harbor")
    assert len(kept) == MOST
    assert kept[0].ip == CRM.ip
    reported = [replace(one, by=SeenBy.DMARC) for one in flood]
    store.observations("harbor").note(reported, ())
    assert len(store.observed.of("harbor")) == 2 * MOST, "what others report crowds out nothing that we saw"


def test_what_was_not_seen_for_long_is_forgotten(store: Store) -> None:
    other = replace(CRM, ip="198.51.100.78")
    store.observations("harbor").note((CRM,), ())
    store.observations("harbor").note((on(KEPT.days, other),), ())
    assert len(store.observed.of("harbor")) == 2
    store.observations("harbor").note((on(KEPT.days + 1, other),), ())
    assert [one.ip for one in store.observed.of("harbor")] == [other.ip]


def test_what_contradicts_the_closed_set_is_kept_with_the_others_of_its_kind(store: Store) -> None:
    against = OutsideSender(CRM.domain, CRM.ip, CRM.name, DAY)
    store.observations("harbor").note((CRM,), (against,))
    store.observations("harbor").note((), (replace(against, day=DAY + timedelta(days=9)),))
    assert store.outside.of("harbor") == (against,)
