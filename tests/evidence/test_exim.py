"""What Exim itself writes with the expansions of the documentation is what this program reads."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cleaner.classifier import is_proven
from cleaner.evidence import tags
from cleaner.evidence.rules import own_header
from cleaner.values import BatvKey, HmacKey
from tests.evidence.scene import ANN, HARBOR, Desk, mail, report

EXIM = shutil.which("exim4", path="/usr/sbin:/usr/bin") or shutil.which("exim")
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "own-header.md").read_text("utf-8")
KEY = "00ffa511ce"

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.skipif(EXIM is None, reason="Exim is not installed: apt-get install exim4-daemon-heavy"),
]


def expanded(expansion: str, message: Path | None = None) -> str:
    how = ["-bem", str(message)] if message is not None else ["-be"]
    done = subprocess.run([str(EXIM), *how, expansion], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_tag_of_its_prvs_is_valid() -> None:
    address = expanded(f"${{prvs{{{ANN}}}{{{KEY}}}{{3}}}}")
    now = datetime.now(UTC)
    tag = tags.read(address)
    assert tag is not None
    assert tag.is_signed_by(BatvKey(3, KEY.encode()))
    assert tag.days_left(now) in (7, 6), "six where midnight has just passed"
    desk = Desk(organisation=replace(HARBOR, batv_keys=(BatvKey(3, KEY.encode()),)))
    assert is_proven(desk.judge(report(mail(date=now), to=address, received=now + timedelta(minutes=1))))


def test_the_field_that_the_page_lets_it_write_is_a_proof(tmp_path: Path) -> None:
    (written,) = re.findall(r"headers_add = X-Bounce-Proof: (.*?)\n```", PAGE, re.DOTALL)
    expansion = re.sub(r"\\\n\s*", "", written).replace("KEY", KEY)
    now = datetime.now(UTC)
    original = mail(date=now, author="Ann@Harbor.example")
    (tmp_path / "mail").write_bytes(original.replace(b"\r\n", b"\n"))
    value = expanded(expansion, tmp_path / "mail")
    assert own_header.read(value) is not None
    desk = Desk(organisation=replace(HARBOR, hmac_keys=(HmacKey("2026a", KEY.encode()),)))
    field = f"X-Bounce-Proof: {value}\r\n".encode()
    assert is_proven(desk.judge(report(field + original, received=now + timedelta(minutes=1))))
    forged = field + mail(date=now, author="ben@harbor.example")
    assert not is_proven(desk.judge(report(forged, received=now + timedelta(minutes=1))))
