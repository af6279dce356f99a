"""One sample for each form and for what only looks like one: what reading makes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from cleaner import notices
from cleaner.values import Message, Notice, Returned

SAMPLES: Final = Path(__file__).resolve().parents[1] / "samples"
BOB: Final = (("bob@far.example", None),)
NOBODY: Final[tuple[tuple[str, str | None], ...]] = ()
TIDE: Final = "<tide.1@harbor.example>"

# sample → kind, failed recipients with the address that they come from, status of the first, what came back
READ: Final = {
    "postfix": ("ndr", BOB, "5.1.1", "whole"),
    "postfix-headers": ("ndr", BOB, "5.1.1", "headers"),
    "postfix-delayed": ("delay", BOB, "4.4.1", "headers"),
    "postfix-relayed": ("success", BOB, "2.0.0", "headers"),
    "exim-text": ("ndr", BOB, None, "whole"),
    "exim-generated": ("ndr", (("robert@isle.example", "bob@far.example"),), "5.2.2", "whole"),
    "exim-report": ("ndr", BOB, "5.0.0", "whole"),
    "sendmail": ("ndr", BOB, "5.1.1", "whole"),
    "qmail": ("ndr", BOB, "5.1.1", "whole"),
    "qmail-truncated": ("ndr", BOB, "5.1.1", "fragment"),
    "opensmtpd": ("ndr", BOB, "5.0.0", "headers"),
    "haraka": ("ndr", BOB, "5.1.1", "whole"),
    "exchange": ("ndr", BOB, "5.1.10", "whole"),
    "exchange-rebuilt": ("ndr", BOB, "5.2.2", "whole"),
    "exchange-2003": ("ndr", BOB, "5.1.1", "none"),
    "gmail": ("ndr", BOB, "5.1.1", "whole"),
    "junk-before-fields": ("ndr", BOB, "5.4.4", "headers"),
    "base64-report": ("ndr", BOB, "5.1.1", "headers"),
    "global": ("ndr", (("böb@far.example", None),), "5.6.7", "headers"),
    "two-recipients": ("ndr", (*BOB, ("eve@far.example", "carol@far.example")), "5.1.1", "whole"),
    "unlisted-german": ("ndr", BOB, None, "headers"),
    "unlisted-russian": ("ndr", BOB, None, "whole"),
    "indented-original": ("ndr", BOB, None, "headers"),
    "base64-original": ("ndr", BOB, None, "whole"),
    "attached-original": ("ndr", BOB, None, "whole"),
    "sieve-reject": ("ndr", BOB, None, "headers"),
    "mdn": ("mdn", BOB, None, "none"),
    "out-of-office": ("autoreply", NOBODY, None, "none"),
    "sieve-vacation": ("autoreply", NOBODY, None, "none"),
    "debian-vacation": ("autoreply", NOBODY, None, "none"),
    "challenge": ("challenge", NOBODY, None, "none"),
    "boxtrapper": ("challenge", NOBODY, None, "none"),
    "mailscanner": ("av-notice", BOB, None, "none"),
    "amavis": ("av-notice", BOB, None, "fragment"),
    "mailman-held": ("list-notice", NOBODY, None, "none"),
    "mlmmj-denied": ("list-notice", NOBODY, None, "whole"),
    "arf": ("arf", NOBODY, None, "whole"),
    "jmrp": ("arf", NOBODY, None, "whole"),
    "phish": ("ndr-phish", NOBODY, None, "none"),
    "phish-report": ("ndr-phish", NOBODY, None, "none"),
    "phish-attachment": ("ndr-phish", NOBODY, None, "none"),
}
NEAR: Final = sorted(path.stem for path in SAMPLES.glob("near-*.eml"))


def read(name: str) -> Notice:
    return notices.read(Message("INBOX", "1", (SAMPLES / f"{name}.eml").read_bytes()))


@pytest.mark.parametrize("name", READ)
def test_reads_every_form(name: str) -> None:
    kind, recipients, status, completeness = READ[name]
    notice = read(name)
    assert notice.kind.value == kind
    assert tuple((found.address, found.original) for found in notice.recipients) == recipients
    assert (notice.recipients[0].status if notice.recipients else None) == status
    assert notice.returned.completeness.value == completeness
    assert notice.returned.message_id == (None if completeness == "none" else TIDE)


@pytest.mark.parametrize("name", NEAR)
def test_what_only_speaks_of_a_notice_is_none(name: str) -> None:
    notice = read(name)
    assert (notice.kind.value, notice.doubt, notice.returned) == ("not-a-bounce", "", Returned())


@pytest.mark.parametrize("name", READ)
def test_every_notice_is_on_the_shortlist(name: str) -> None:
    assert notices.is_likely(read(name).headers)


def test_every_sample_is_in_the_table() -> None:
    assert {path.stem for path in SAMPLES.glob("*.eml")} == {*READ, *NEAR}


@pytest.mark.parametrize("name", ["postfix", "qmail", "exim-text", "attached-original", "base64-original"])
def test_the_returned_original_is_the_one_that_was_sent(name: str) -> None:
    """To the byte: signatures are verified over it."""
    returned = read(name).returned.raw
    sent = read("mlmmj-denied").returned.raw
    assert returned[returned.index(b"Received:") :].rstrip() == sent.rstrip()


@pytest.mark.parametrize("name", ["unlisted-german", "indented-original"])
def test_quoting_is_taken_off(name: str) -> None:
    returned = read(name).returned
    assert returned.raw.rstrip() == read("postfix-headers").returned.raw.rstrip()
    assert len(returned.hops) == 1
