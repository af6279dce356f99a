"""
The field of our own: proof over the returned header, unless the rest contradicts it.

The fields are made here by `openssl`, and those of the documentation by what stands there.
"""

from __future__ import annotations

import re
import runpy
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cleaner.classifier import is_proven
from cleaner.evidence.rules.own_header import canonical, read
from cleaner.values import Evidence, Force, HmacKey, Notice, Opinion, Side
from tests.evidence.scene import (
    ANN,
    BOB,
    BY_RELAY,
    FROM_RELAY,
    FROM_STRANGE_SERVER,
    FROM_STRANGER,
    HARBOR,
    OWN_ID,
    SENT_AT,
    Desk,
    mail,
    report,
    taken_in,
)

if shutil.which("openssl") is None:
    pytest.skip("openssl is not installed", allow_module_level=True)

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "own-header.md").read_text("utf-8")
KEY = "00ff of harbor"
STAMPING = replace(HARBOR, hmac_keys=(HmacKey("2026a", KEY.encode()),))
DESK = Desk(organisation=STAMPING)


def mac(text: str, algorithm: str = "sha256", key: str = KEY) -> str:
    command = ["openssl", "dgst", f"-{algorithm}", "-hmac", key]
    done = subprocess.run(command, input=text.encode(), capture_output=True, check=True)
    return done.stdout.decode().strip().rpartition(" ")[2]


def field(
    *,
    id: str = OWN_ID.strip("<>"),
    author: str = ANN,
    at: datetime = SENT_AT,
    k: str = "2026a",
    a: str = "sha256",
    key: str = KEY,
) -> str:
    seconds = int(at.timestamp())
    value = mac("\n".join(("1", k, str(seconds), id, author)), a, key)
    return f"X-Bounce-Proof: v=1; a={a}; k={k}; t={seconds}; h={value}"


def found(notice: Notice, desk: Desk = DESK) -> Evidence | None:
    return next((e for e in desk.judge(notice).evidence if e.rule == "own_header"), None)


# --- the proof --------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["sha256", "sha1"])
def test_a_valid_field_proves_that_the_mail_was_ours(algorithm: str) -> None:
    notice = report(mail(fields=(field(a=algorithm),)), whole=False)
    verdict = DESK.judge(notice)
    assert verdict.opinion is Opinion.GENUINE
    assert is_proven(verdict)


@pytest.mark.parametrize(
    "written",
    [
        field().replace("; ", ";\r\n\t"),
        field().replace("; ", ";").replace("=", " = "),
        field().replace("a=sha256; ", ""),
        field()
        .upper()
        .replace("V=1; A=SHA256; K=2026A; T=", "v=1; a=SHA256; k=2026a; t=")
        .replace("; H=", "; h="),
        field() + "; x=more",
        f"X-Bounce-Proof: nonsense\r\n{field()}",
        f"{field(key='a guess')}\r\n{field()}",
    ],
    ids=[
        "folded",
        "spaced",
        "algorithm left out",
        "capitals",
        "more tags",
        "beside nonsense",
        "beside a forged one",
    ],
)
def test_it_is_read_as_it_may_be_written(written: str) -> None:
    assert is_proven(DESK.judge(report(mail(fields=(written,)))))


def test_the_author_s_capitals_and_name_do_not_count() -> None:
    assert is_proven(DESK.judge(report(mail(author="Ann@Harbor.Example", fields=(field(),)))))


def test_passed_on_by_the_recipient_s_mail_system_it_still_fits() -> None:
    forwarded = taken_in("mx.far.example", "198.51.100.9", by="mx.near.example", to="bob@near.example")
    notice = report(
        mail(forwarded, FROM_RELAY, BY_RELAY, fields=(field(),)),
        failed="bob@near.example",
        reporter="mx.near.example",
    )
    assert is_proven(DESK.judge(notice))


def test_where_the_trace_is_lost_a_blind_copy_fits() -> None:
    assert is_proven(DESK.judge(report(mail(fields=(field(),)), failed="blind@near.example")))


def test_a_second_key_is_good_while_the_first_is_replaced() -> None:
    keys = (HmacKey("2026b", b"the new one"), HmacKey("2026a", KEY.encode()))
    assert is_proven(
        Desk(organisation=replace(HARBOR, hmac_keys=keys)).judge(report(mail(fields=(field(),))))
    )


# --- what contradicts it ----------------------------------------------------------------------------

REPLAYED = taken_in("mail.elsewhere.example", "198.51.100.66", by="mx.near.example", to="victim@near.example")


@pytest.mark.parametrize(
    "notice",
    [
        report(mail(fields=(field(at=SENT_AT - timedelta(days=3)),))),
        report(mail(fields=(field(at=SENT_AT + timedelta(days=8)),)), received=SENT_AT + timedelta(days=9)),
        report(mail(fields=(field(),)), received=SENT_AT + timedelta(days=40)),
        report(mail(FROM_STRANGER, fields=(field(),))),
        report(mail(FROM_STRANGE_SERVER, fields=(field(),))),
        report(mail(REPLAYED, fields=(field(),)), failed="victim@near.example", reporter="mx.near.example"),
    ],
    ids=[
        "before its mail",
        "long after",
        "an old one",
        "a stranger's line",
        "a stranger's server",
        "other people",
    ],
)
def test_a_field_in_the_wrong_hands_is_a_suspicion_and_nothing_goes(notice: Notice) -> None:
    evidence = found(notice)
    assert evidence is not None
    assert evidence.force is Force.SUSPICION
    assert DESK.judge(notice).opinion is Opinion.UNSURE


def test_where_our_relays_are_not_known_by_address_a_stranger_means_nothing() -> None:
    unknown = Desk(organisation=replace(STAMPING, relay_networks=(), client_networks=()))
    assert is_proven(unknown.judge(report(mail(FROM_STRANGE_SERVER, fields=(field(),)))))


def test_a_domain_that_strangers_send_from_too_proves_nothing_by_it() -> None:
    shared = Desk(organisation=replace(STAMPING, shared=True))
    assert found(report(mail(fields=(field(),))), shared) is None


# --- what proves nothing ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "original",
    [
        mail(fields=(field(key="a guess"),)),
        mail(fields=(field(k="2031z"),)),
        mail(fields=(field(),), message_id="<rewritten@email.amazonses.example>"),
        mail(fields=(field(author="zoe@atoll.example"),), author="zoe@atoll.example"),
        mail(fields=(field(author="ben@harbor.example"),)),
    ],
    ids=["forged", "key unknown", "id rewritten", "a stranger's author", "another author"],
)
def test_a_field_that_does_not_fit_is_stated_and_counts_for_nobody(original: bytes) -> None:
    evidence = found(report(original))
    assert evidence is not None
    assert (evidence.side, evidence.force) == (Side.NEUTRAL, Force.WEIGHED)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "v=2; k=a; t=1; h=" + "0" * 64,
        "v=1; k=a; t=1; h=00",
        "v=1; a=md5; k=a; t=1; h=" + "0" * 32,
        "v=1; k=a; t=-1; h=" + "0" * 64,
        "v=1; k=a; t=9999999999999; h=" + "0" * 64,
        "v=1; k=a; t=²; h=" + "0" * 64,
        "v=1; k=a; t=1; h=" + "é" * 64,
        "v=1; t=1; h=" + "0" * 64,
        "=" * 100_000,
    ],
)
def test_what_is_no_such_field_is_no_finding(value: str) -> None:
    assert read(value) is None
    assert found(report(mail(fields=(f"X-Bounce-Proof: {value[:500]}",)))) is None


def test_without_a_key_the_field_is_not_looked_at() -> None:
    assert found(report(mail(fields=(field(),))), Desk()) is None
    assert found(report(mail())) is None


# --- the page ---------------------------------------------------------------------------------------


def test_the_page_s_example_is_what_openssl_and_this_program_work_out() -> None:
    (shown,) = re.findall(r"^X-Bounce-Proof: (.*)$", PAGE, re.MULTILINE)
    (command,) = re.findall(r"^printf .* \| openssl .*$", PAGE, re.MULTILINE)
    (lines,) = re.findall(r"```text\n(1\n2026a\n.*?)\n```", PAGE, re.DOTALL)
    stamp = read(shown)
    assert stamp is not None
    printed = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout
    assert printed.strip().endswith(stamp.value)
    assert (
        canonical("2026a", stamp.seconds, "<a1.20261103@mail.harbor.example>", "Ann@harbor.example")
        == lines.encode()
    )
    assert stamp.is_signed_by(
        HmacKey("2026a", b"the key"), "<a1.20261103@mail.harbor.example>", "ann@harbor.example"
    )
    assert stamp.time == datetime(2026, 11, 3, 9, 0, tzinfo=UTC)


def test_the_page_s_filter_writes_what_this_program_reads(tmp_path: Path) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "stamp.py").write_text(program)
    names = runpy.run_path(str(tmp_path / "stamp.py"))
    value = names["proof"](
        KEY, "2026a", f" {OWN_ID}\r\n", f'"Ann, of Harbor" <{ANN.upper()}>', int(SENT_AT.timestamp())
    )
    assert is_proven(DESK.judge(report(mail(fields=(f"X-Bounce-Proof: {value}",)))))
    assert BOB not in value
