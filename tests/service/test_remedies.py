"""What would change a verdict: each way only where it applies, with the key or command that opens it."""

from __future__ import annotations

from dataclasses import replace

from cleaner.app import released_model
from cleaner.service.remedies import is_nobody, limits, would_change, would_prove
from cleaner.values import BatvKey, HmacKey, Kind, Known, Notice, Opinion, Organisation, Owner, Verdict
from tests.evidence.scene import (
    ANN,
    BY_RELAY,
    EMPTY,
    FROM_RELAY,
    FROM_STRANGER,
    FULL,
    HARBOR,
    NOBODY,
    OPEN,
    WITH_IT,
    Desk,
    mail,
    report,
    signed,
)

SPURIOUS = report(mail(FROM_STRANGER, message_id="<x@elsewhere.example>"))
PLAIN = report(mail(FROM_RELAY, BY_RELAY))


def ways(desk: Desk, notice: Notice, mailbox: str | None = ANN) -> str:
    return " | ".join(would_change(notice, desk.judge(notice), desk.known(notice), mailbox))


def missing(desk: Desk, notice: Notice) -> str:
    return " | ".join(would_prove(notice, desk.judge(notice), desk.known(notice)))


def with_(**facts: object) -> Desk:
    return replace(FULL, organisation=replace(HARBOR, **facts))  # type: ignore[arg-type]


def test_where_nobody_is_known_that_is_all_that_is_said() -> None:
    known = Known(Organisation(""), Owner(""))
    assert is_nobody(known)
    [told] = would_change(SPURIOUS, Verdict(Opinion.UNSURE), known, None)
    assert "bounce-cleaner init" in told
    assert would_prove(SPURIOUS, Verdict(Opinion.UNSURE), known) == ()
    assert not is_nobody(FULL.known(SPURIOUS))


def test_a_proof_is_overruled_by_nothing_that_adds_up() -> None:
    assert "a proof settles the matter" in ways(WITH_IT, PLAIN)
    assert missing(WITH_IT, PLAIN) == ""


def test_what_an_unproven_genuine_verdict_rests_on_is_named() -> None:
    assert FULL.judge(PLAIN).opinion is Opinion.GENUINE
    assert "Without handed_over the rules would call it unsure." in ways(FULL, PLAIN)


def test_what_backscatter_rests_on_is_named_and_the_machine_can_be_listed() -> None:
    assert FULL.judge(SPURIOUS).opinion is Opinion.BACKSCATTER
    told = ways(FULL, SPURIOUS)
    assert "Without closed_senders" in told
    assert 'relays of the organisation harbor: "198.51.100.66"' in told
    assert "relays" not in ways(FULL, PLAIN)


def test_how_far_the_sum_is_from_the_limits_is_said() -> None:
    verdict = Verdict(Opinion.UNSURE, score=1.0)
    told = would_change(SPURIOUS, verdict, FULL.known(SPURIOUS), ANN)
    assert any("2.5 more on the side of genuine" in way for way in told)
    assert any("bounce-cleaner label review" in way for way in told)
    [sentence] = limits(FULL.judge(SPURIOUS), None)
    assert "+3.0" in sentence
    assert "-1.5" in sentence
    assert limits(Verdict(Opinion.NOT_A_BOUNCE), None) == ()
    assert limits(WITH_IT.judge(PLAIN), None) == ("A proof decides, whatever the sum is.",)


def test_which_ground_holds_is_said_and_which_is_missing_with_what_would_give_it() -> None:
    [sentence] = limits(FULL.judge(SPURIOUS), None)
    assert "closed: everybody who sends for you is known" in sentence
    bare = replace(FULL, dns=OPEN)
    [sentence] = limits(bare.judge(SPURIOUS), None)
    assert "none holds" in sentence
    told = ways(bare, SPURIOUS)
    assert "anybody may send for harbor.example" in told
    assert "senders_complete = true of the organisation harbor" in told
    assert "anybody may send" not in ways(FULL, SPURIOUS)


def test_of_a_notice_for_another_account_it_is_said_that_our_senders_do_not_matter() -> None:
    elsewhere = report(mail(FROM_STRANGER, author="ann@freemail.example"), to="ann@freemail.example")
    assert "sent to another account" in ways(FULL, elsewhere)


def test_of_the_model_it_is_said_from_where_on_it_decides() -> None:
    model = released_model()
    assert model is not None
    verdict = replace(FULL.judge(SPURIOUS), probability=0.5, model=model.name)
    told = limits(verdict, model)[1]
    assert "50.0%" in told
    assert f"{model.remove:.1%} on" in told
    assert "only advises" in limits(verdict, replace(model, remove=1.5))[1]


def test_a_fake_speaks_of_no_mail_that_could_be_proven() -> None:
    fake = replace(SPURIOUS, kind=Kind.NDR_PHISH)
    assert "Sent folder" not in ways(FULL, fake)
    assert missing(FULL, fake) == ""


def test_the_sent_record_is_spoken_of_as_far_as_it_is_known() -> None:
    assert "--mailbox ADDRESS" in ways(FULL, SPURIOUS, None)
    assert "Nothing is known of what this mailbox sent" in ways(EMPTY, SPURIOUS)
    told = ways(FULL, SPURIOUS)
    assert "copies begin 2026-10-13" in told
    assert "ledger import" in told
    nameless = replace(SPURIOUS, returned=replace(SPURIOUS.returned, message_id=None, subject=None))
    assert "neither id nor subject" in ways(FULL, nameless)
    assert "ledger import" not in ways(FULL, nameless)


def test_an_unknown_signing_key_is_named() -> None:
    ours = report(signed(mail(FROM_STRANGER)))
    without = with_(dkim_keys=())
    assert "with the key 's1'" in ways(without, ours)
    assert "[[organisation.dkim]]" in ways(without, ours)
    assert "with the key" not in ways(FULL, SPURIOUS)
    assert "it bears none" in ways(FULL, SPURIOUS)


def test_the_newer_proofs_are_named_where_a_report_could_have_carried_them() -> None:
    told = missing(FULL, SPURIOUS)
    assert "[[organisation.batv]]" in told
    assert "[[organisation.hmac]]" in told
    assert "DKIM" not in told  # its keys are configured
    assert "[[organisation.dkim]]" in missing(Desk(NOBODY), SPURIOUS)
    answer = replace(SPURIOUS, kind=Kind.AUTOREPLY)
    assert "batv" not in missing(FULL, answer)  # it goes to the author, not to the tagged sender


def test_what_is_configured_already_is_not_proposed() -> None:
    desk = with_(batv_keys=(BatvKey(0, b"k" * 16),), hmac_keys=(HmacKey("a", b"k" * 16),))
    assert missing(desk, SPURIOUS) == ""
    told = ways(desk, SPURIOUS)
    assert "(BATV)" in told
    assert "X-Bounce-Proof" in told


def test_where_strangers_share_relays_and_signature_nothing_about_them_is_proposed() -> None:
    desk = with_(shared=True)
    assert missing(desk, SPURIOUS) == ""
    told = ways(desk, SPURIOUS)
    assert "shared = true" in told
    assert "DKIM" not in told


def test_a_switch_that_made_it_count_is_named() -> None:
    assert "always_signs = false" in ways(with_(always_signs=True), SPURIOUS)
    assert "always_signs" not in ways(FULL, SPURIOUS)
