"""What proven notices teach, and how much that then counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from cleaner import evidence
from cleaner.evidence import habits
from cleaner.lookups.recorded import Records
from cleaner.values import Evidence, Lesson, Notice, Opinion, Share, Side
from tests.evidence.scene import (
    BY_RELAY,
    CLOSED,
    FROM_RELAY,
    FROM_STRANGE_SERVER,
    FULL,
    HARBOR,
    OPEN,
    SENT_AT,
    WITH_IT,
    Desk,
    mail,
    proven_reports,
    report,
    sent_mail,
    signed,
    taken_in,
)

NOT_OURS = "<b7.20261102@mail.harbor.example>"
"""In our shape: then nothing about it is strange but its way."""
DAY = date(2026, 11, 2)
SERVICE = ("o7.crm-service.example", "198.51.100.120")
"""A service that sends in our name, and that nobody listed."""
BY_SERVICE = report(mail(taken_in(*SERVICE), message_id="<crm.1@crm-service.example>"))
SPAM = report(mail(FROM_STRANGE_SERVER, message_id=NOT_OURS))
LEARNED = replace(FULL, among=proven_reports())


def lesson(number: int = 0, **changes: object) -> Lesson:
    values: dict[str, object] = {
        "day": DAY + timedelta(days=number),
        "original": f"<{number}@mail.harbor.example>",
        "site": f"site{number % 4}.example",
        "machine": "192.0.2.10",
        "network": "192.0.2.0/24",
        "is_listed": True,
        "author": "harbor.example",
        "signed": True,
        "in_record": True,
    }
    return Lesson(**{**values, **changes})  # type: ignore[arg-type]


def found(desk: Desk, notice: Notice, rule: str) -> Evidence | None:
    return next((e for e in desk.judge(notice).evidence if e.rule == rule), None)


# --- learning ---------------------------------------------------------------------------------------


def test_a_notice_is_a_lesson_about_its_machine_and_its_proofs() -> None:
    notice = report(signed(mail(FROM_RELAY, BY_RELAY)))
    known = WITH_IT.known(notice)
    taught = evidence.lesson(notice, known, evidence.gather_first(notice, known))
    assert (taught.in_record, taught.by_mark) == (True, True)
    assert (taught.author, taught.site) == ("harbor.example", "far.example")
    assert taught.original == notice.returned.message_id


def test_a_replayed_mail_teaches_nothing() -> None:
    notice = report(signed(mail(FROM_STRANGE_SERVER)), failed="victim@near.example")
    known = FULL.known(notice)
    assert not evidence.lesson(notice, known, evidence.gather_first(notice, known)).is_proven


def test_a_mail_that_comes_back_ten_times_is_one_lesson() -> None:
    taught = habits.learn([lesson(1, site=f"s{n}.example") for n in range(10)])
    assert taught.recorded == Share()
    assert taught.signed == {"harbor.example": Share(1, 1)}


def test_one_site_alone_teaches_no_ways() -> None:
    assert habits.learn([lesson(n, site="evil.example") for n in range(20)]).ways == {}
    assert habits.learn([lesson(n) for n in range(20)]).ways == {4: Share(20, 20)}


def test_a_machine_seen_on_one_day_only_is_a_new_way() -> None:
    once = lesson(30, machine="198.51.100.9", is_listed=False)
    assert habits.learn([*(lesson(n) for n in range(19)), once]).ways == {4: Share(19, 20)}
    again = lesson(31, machine="198.51.100.9", is_listed=False)
    assert habits.learn([*(lesson(n) for n in range(18)), once, again]).ways == {4: Share(20, 20)}


def test_unproven_mail_teaches_only_on_which_days_a_machine_was_seen() -> None:
    taught = habits.learn([lesson(n, in_record=False, is_listed=False) for n in range(20)])
    assert not taught.ways
    assert not taught.signed
    assert not taught.networks
    assert len(taught.machines["192.0.2.10"].seen) == 20
    assert not taught.machines["192.0.2.10"].proven


def test_the_record_s_completeness_is_told_by_other_proofs_alone() -> None:
    every = [
        *(lesson(n) for n in range(50)),
        *(lesson(100 + n, by_mark=True, in_record=n % 4 > 0) for n in range(20)),
    ]
    assert habits.learn(every).recorded == Share(15, 20)


# --- what it counts -----------------------------------------------------------------------------------


def test_a_strange_server_counts_more_where_the_ways_of_our_mail_are_known_and_never_suffices() -> None:
    bare, learned = (replace(desk, dns=OPEN).judge(SPAM) for desk in (FULL, LEARNED))
    assert "strange_way" in {one.rule for one in learned.evidence}
    assert (bare.opinion, learned.opinion) == (Opinion.UNSURE, Opinion.UNSURE)
    assert LEARNED.judge(SPAM).opinion is Opinion.BACKSCATTER


def test_a_few_proven_mails_say_nothing_yet() -> None:
    few = replace(FULL, among=proven_reports(count=9))
    assert found(few, SPAM, "strange_way") is None
    some = found(replace(FULL, among=proven_reports(count=10)), SPAM, "strange_way")
    many = found(LEARNED, SPAM, "strange_way")
    assert some is not None
    assert many is not None
    assert some.strength < many.strength


def test_a_service_that_nobody_listed_is_learned_from_proven_mail() -> None:
    taught = replace(LEARNED, among=(*LEARNED.among, *proven_reports(machine=SERVICE, count=6)))
    finding = found(taught, BY_SERVICE, "handed_over")
    assert finding is not None
    assert finding.side is Side.GENUINE
    assert LEARNED.judge(BY_SERVICE).opinion is Opinion.BACKSCATTER


def test_the_machines_beside_a_learned_one_are_no_strangers() -> None:
    taught = replace(LEARNED, among=(*LEARNED.among, *proven_reports(machine=SERVICE, count=6)))
    beside = report(mail(taken_in("o8.crm-service.example", "198.51.100.121")))
    assert found(taught, beside, "handed_over") is None


@pytest.mark.parametrize(("days", "is_kept"), [((0, 4, 9), True), ((0, 1, 2), False), ((0, 9), False)])
def test_a_service_that_sends_regularly_is_no_stranger(days: tuple[int, ...], is_kept: bool) -> None:
    """Three days over more than a week; a campaign is over within days."""
    others = tuple(
        report(
            mail(taken_in(*SERVICE), message_id=f"<crm.{day}@crm-service.example>"),
            received=SENT_AT - timedelta(days=20 - day),
        )
        for day in days
    )
    desk = replace(LEARNED, among=(*LEARNED.among, *others))
    assert (desk.judge(others[0]).opinion is not Opinion.BACKSCATTER) is is_kept


def test_a_host_with_a_looked_up_name_of_ours_is_no_stranger() -> None:
    ours = report(mail(taken_in("shop.harbor.example", "198.51.100.120")))
    assert LEARNED.judge(ours).opinion is not Opinion.BACKSCATTER
    claimed = report(mail(taken_in("unknown", "198.51.100.120", helo="shop.harbor.example")))
    assert found(LEARNED, claimed, "handed_over") is not None


def test_wrong_relays_in_the_configuration_are_made_good_by_proven_mail() -> None:
    wrong = replace(HARBOR, relay_networks=(), relay_names=frozenset({"old.harbor.example"}))
    machine = ("out7.hoster.example", "203.0.114.7")
    desk = Desk(wrong, FULL.sent, among=proven_reports(machine=machine))
    genuine = desk.judge(report(mail(taken_in(*machine))))
    assert genuine.opinion is Opinion.GENUINE
    # What is proven now contradicts that the senders are closed: neither file nor policy names the machine.
    assert desk.judge(SPAM).opinion is Opinion.UNSURE
    published: Records = {**CLOSED, "harbor.example": ["v=spf1 ip4:203.0.114.7 -all"]}
    assert replace(desk, dns=published).judge(SPAM).opinion is Opinion.BACKSCATTER


def test_how_much_absence_counts_is_what_the_record_is_known_to_lack() -> None:
    reports = proven_reports()
    held = tuple(
        sent_mail(
            message_id=notice.returned.message_id,
            to=notice.returned.to_addresses,
            time=SENT_AT - timedelta(days=13),
        )
        for notice in reports
    )
    complete = found(replace(LEARNED, sent=(*FULL.sent, *held)), SPAM, "not_in_record")
    half = found(replace(LEARNED, sent=(*FULL.sent, *held[::2])), SPAM, "not_in_record")
    empty = found(LEARNED, SPAM, "not_in_record")
    assert complete is not None
    assert half is not None
    assert empty is not None
    assert complete.strength > 0.9 > 0.5 > half.strength > 0.2 > empty.strength


def test_where_proven_mail_is_unsigned_a_missing_signature_says_nothing() -> None:
    unsigned = tuple(report(mail(FROM_RELAY, message_id=f"<u{n}@mail.harbor.example>")) for n in range(12))
    sent = (*FULL.sent, *(sent_mail(message_id=f"<u{n}@mail.harbor.example>") for n in range(12)))
    before = found(replace(FULL, sent=sent), SPAM, "unsigned")
    after = found(replace(FULL, sent=sent, among=unsigned), SPAM, "unsigned")
    assert before is not None
    assert after is None or after.strength < 0.1


# --- shared organisations ------------------------------------------------------------------------------


def test_what_strangers_share_with_us_speaks_for_nobody() -> None:
    shared = replace(FULL, organisation=replace(HARBOR, shared=True))
    for notice in (report(mail(FROM_RELAY)), report(signed(mail(FROM_RELAY))), SPAM):
        verdict = shared.judge(notice)
        assert verdict.opinion is Opinion.UNSURE
        assert not {e.rule for e in verdict.evidence} & {
            "handed_over",
            "dkim_ours",
            "dkim_broken",
            "unsigned",
        }
    with_it = replace(WITH_IT, organisation=replace(HARBOR, shared=True))
    assert with_it.judge(report(mail(FROM_RELAY))).opinion is Opinion.GENUINE


# --- colleagues -------------------------------------------------------------------------------------


def of_colleague(number: int, **changes: object) -> Lesson:
    return lesson(number, of_colleague=True, **changes)


def test_a_machine_that_sent_proven_mail_of_a_colleague_is_no_stranger() -> None:
    service = {"machine": SERVICE[1], "network": "198.51.100.0/24", "is_listed": False}
    learned = evidence.learn([of_colleague(n, **service) for n in range(3)])
    assert len(learned.machines[SERVICE[1]].proven) == 3
    assert learned.networks == {"198.51.100.0/24"}


@pytest.mark.parametrize(("own", "total"), [(0, 0), (2, 2), (3, 23)])
def test_ways_of_colleagues_count_for_who_sends_like_them(own: int, total: int) -> None:
    every = [*(of_colleague(n) for n in range(20)), *(lesson(100 + n) for n in range(own))]
    learned = evidence.learn(every)
    assert learned.ways.get(4, Share()).total == (total if own >= 3 else 0)
    assert learned.signed.get("harbor.example", Share()).total == total


def test_how_complete_a_record_is_its_own_mailbox_tells() -> None:
    marked = {"by_mark": True, "in_record": False}
    every = [*(of_colleague(n, **marked) for n in range(20)), lesson(100, by_mark=True, in_record=True)]
    assert evidence.learn(every).recorded == Share(1, 1)


def test_the_account_of_a_colleague_raises_no_alarm_here() -> None:
    stolen = [of_colleague(0, original=f"<{n}@x>", by_mark=True, in_record=False) for n in range(50)]
    usual = [lesson(-1 - n % 20, original=f"<u{n}@x>", by_mark=True) for n in range(30)]
    assert evidence.alarms([*usual, *stolen], DAY) == ()
    mine = [replace(one, of_colleague=False) for one in stolen]
    assert len(evidence.alarms([*usual, *mine], DAY)) == 1
