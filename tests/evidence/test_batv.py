"""
Tagged sender addresses: a valid tag proves, unless the rest contradicts it; none says nothing.

The tags are made here by `openssl`, not by the code under test.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from cleaner.classifier import is_proven
from cleaner.evidence import tags
from cleaner.values import BatvKey, Evidence, Force, Notice, Opinion, Side, Verdict
from tests.evidence.scene import (
    ANN,
    FROM_RELAY,
    FROM_STRANGE_SERVER,
    FROM_STRANGER,
    HARBOR,
    SENT_AT,
    Desk,
    mail,
    report,
)

if shutil.which("openssl") is None:
    pytest.skip("openssl is not installed", allow_module_level=True)

KEY = b"a key of harbor's"
EXPIRES = SENT_AT + timedelta(days=7)
TAGGING = replace(HARBOR, batv_keys=(BatvKey(3, KEY),))
DESK = Desk(organisation=TAGGING)


def tagged(address: str = ANN, *, expires: datetime = EXPIRES, key: bytes = KEY, number: int = 3) -> str:
    """As Exim's `${prvs{ADDRESS}{KEY}{3}}` writes it."""
    text = f"{number}{tags.day_number(expires) % 1000:03}{address}"
    command = ["openssl", "dgst", "-sha1", "-mac", "HMAC", "-macopt", f"hexkey:{key.hex()}"]
    digest = subprocess.run(command, input=text.encode(), capture_output=True, check=True)
    value = digest.stdout.decode().strip().rpartition(" ")[2][:6].upper()
    return f"prvs={text.removesuffix(address)}{value}={address}"


def found(notice: Notice, desk: Desk = DESK) -> Evidence | None:
    return next((e for e in judged(notice, desk).evidence if e.rule == "batv"), None)


def judged(notice: Notice, desk: Desk = DESK) -> Verdict:
    return desk.judge(notice)


# --- the proof --------------------------------------------------------------------------------------


def test_a_valid_tag_proves_that_the_mail_was_ours() -> None:
    verdict = judged(report(mail(), to=f"<{tagged()}>"))
    assert verdict.opinion is Opinion.GENUINE
    assert is_proven(verdict)


def test_where_our_relays_are_not_known_by_address_a_stranger_means_nothing() -> None:
    unknown = Desk(organisation=replace(TAGGING, relay_networks=(), client_networks=()), dns=None)
    assert is_proven(judged(report(mail(FROM_STRANGE_SERVER), to=tagged()), unknown))


def test_a_domain_that_strangers_send_from_too_proves_nothing_by_it() -> None:
    assert found(report(mail(), to=tagged()), Desk(organisation=replace(TAGGING, shared=True))) is None


@pytest.mark.parametrize(
    "reshaped",
    [
        lambda a: a.lower(),
        lambda a: a.upper(),
        lambda a: a.replace("harbor.example", "Harbor.Example"),
        lambda a: f"{ANN.split('@')[0]}+{a.split('=ann')[0]}@harbor.example",
        lambda a: "prvs=ann=" + a.split("=")[1] + "@harbor.example",
    ],
    ids=["lower case", "upper case", "domain", "behind a delimiter", "the first drafts"],
)
def test_a_tag_is_read_in_every_form_it_was_seen_in(reshaped: Callable[[str], str]) -> None:
    assert is_proven(judged(report(mail(), to=reshaped(tagged()))))


def test_the_trace_of_our_own_server_keeps_a_tag_that_it_took_off() -> None:
    line = f"Received: from mx1.harbor.example by store.harbor.example with LMTP for <{tagged()}>"
    assert is_proven(judged(report(mail(), fields=(line,))))


def test_a_returned_return_path_tells_it_where_the_report_went_to_the_author() -> None:
    original = f"Return-Path: <{tagged()}>\r\n".encode() + mail()
    assert is_proven(judged(report(original)))


@pytest.mark.parametrize("days", range(8))
def test_it_is_valid_until_the_end_of_its_last_day(days: int) -> None:
    notice = report(mail(), to=tagged(), received=SENT_AT + timedelta(days=days))
    assert is_proven(judged(notice))


def test_the_numbers_of_the_days_begin_anew_after_a_thousand() -> None:
    """Day 20999 is 999, day 21003 is 003."""
    sent = tags.EPOCH + timedelta(days=20_997, hours=9)
    address = tagged(expires=sent + timedelta(days=7))
    assert address.startswith("prvs=3004")
    late = report(mail(date=sent), to=address, received=sent + timedelta(days=7))
    assert is_proven(judged(late))
    assert not is_proven(
        judged(report(mail(date=sent), to=address, received=sent + timedelta(days=8))),
    )


def test_an_old_key_is_still_good() -> None:
    both = Desk(organisation=replace(HARBOR, batv_keys=(BatvKey(3, b"the new one"), BatvKey(3, KEY))))
    assert is_proven(judged(report(mail(), to=tagged()), both))


def test_mail_that_waited_in_the_queue_is_tagged_on_the_day_it_leaves() -> None:
    left = SENT_AT + timedelta(days=4)
    notice = report(mail(), to=tagged(expires=left + timedelta(days=7)), received=left)
    assert is_proven(judged(notice))


# --- what contradicts it ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "original",
    [
        mail(author="zoe@atoll.example"),
        mail(date=SENT_AT + timedelta(days=3)),
        mail(date=SENT_AT - timedelta(days=9)),
        mail(FROM_STRANGER),
        mail(FROM_STRANGE_SERVER),
    ],
    ids=["another author", "a later day", "long before", "a stranger's line", "a stranger's server"],
)
def test_a_tag_in_the_wrong_hands_is_a_suspicion_and_nothing_goes(original: bytes) -> None:
    """Whoever got a mail of ours can send under its tag for a week."""
    notice = report(original, to=tagged(), received=SENT_AT + timedelta(days=4))
    evidence = found(notice)
    assert evidence is not None
    assert evidence.force is Force.SUSPICION
    assert judged(notice).opinion is Opinion.UNSURE


def test_a_tag_of_another_address_proves_nothing_for_this_one() -> None:
    notice = report(mail(), to=tagged("bob@harbor.example").replace("=bob@", "=ann@"))
    evidence = found(notice)
    assert evidence is not None
    assert evidence.side is Side.BACKSCATTER


# --- what proves nothing ----------------------------------------------------------------------------


def test_an_expired_tag_is_stated_and_counts_for_nobody() -> None:
    evidence = found(report(mail(), to=tagged(), received=SENT_AT + timedelta(days=8)))
    assert evidence is not None
    assert (evidence.side, evidence.force) == (Side.NEUTRAL, Force.WEIGHED)
    assert "expired" in evidence.reason


def test_a_tag_with_a_day_far_ahead_is_none_of_ours_to_believe() -> None:
    """A key that leaked for a day would else be good for years."""
    notice = report(mail(), to=tagged(expires=SENT_AT + timedelta(days=300)))
    assert not is_proven(judged(notice))


def test_an_invented_tag_speaks_a_little_against_it_and_alone_removes_nothing() -> None:
    notice = report(mail(), to=tagged(key=b"a guess"))
    evidence = found(notice)
    assert evidence is not None
    assert evidence.side is Side.BACKSCATTER
    assert 0 < evidence.weight < 1
    assert judged(notice).opinion is Opinion.UNSURE


def test_an_invented_tag_does_not_undo_the_true_one() -> None:
    notice = report(mail(), to=f"{tagged(key=b'a guess')}, {tagged()}")
    assert is_proven(judged(notice))


@pytest.mark.parametrize(
    "address",
    [
        tagged(number=4),
        "prvs=234d5777c=ann@harbor.example",
        "prvs=9905c7c8d6a=ann@harbor.example",
        "btv1==760cdc7c545==ann@harbor.example",
        "msprvs1=17890Fobg9kGr=ann@harbor.example",
    ],
)
def test_a_tag_that_cannot_be_verified_is_stated_only(address: str) -> None:
    evidence = found(report(mail(), to=address))
    assert evidence is not None
    assert (evidence.side, evidence.weight) == (Side.NEUTRAL, 0)


@pytest.mark.parametrize(
    "address",
    [
        ANN,
        tagged("zoe@atoll.example"),
        "prvs@harbor.example",
        "prvs==ann@harbor.example",
        "prvs=12=ann@harbor.example",
        "prvs=33x0D1B2C3=ann@harbor.example",
    ],
)
def test_what_is_no_tag_of_ours_is_no_finding(address: str) -> None:
    assert found(report(mail(), to=address)) is None


# --- where everything is tagged ---------------------------------------------------------------------


def test_a_missing_tag_counts_only_where_everything_leaves_tagged() -> None:
    always = Desk(organisation=replace(TAGGING, always_tags=True))
    assert found(report(mail())) is None
    evidence = found(report(mail()), always)
    assert evidence is not None
    assert (evidence.side, evidence.weight) == (Side.BACKSCATTER, 1.5)
    assert judged(report(mail()), always).opinion is Opinion.UNSURE


def test_a_missing_tag_means_nothing_in_our_own_report() -> None:
    """Exim tags while it delivers, so its own reports go to the bare address."""
    always = Desk(organisation=replace(TAGGING, always_tags=True))
    assert found(report(mail(FROM_RELAY), reporter="mx1.harbor.example"), always) is None


def test_a_tag_of_a_gateway_of_ours_is_not_a_missing_one() -> None:
    always = Desk(organisation=replace(TAGGING, always_tags=True))
    evidence = found(report(mail(), to="btv1==760cdc7c545==ann@harbor.example"), always)
    assert evidence is not None
    assert evidence.side is Side.NEUTRAL


def test_hostile_addresses_take_no_time() -> None:
    for address in ("prvs=" * 20_000 + "@x", "+prvs=" * 20_000, "a" * 100_000 + "+prvs=30010D1B2C@x"):
        assert tags.read(address) is None
