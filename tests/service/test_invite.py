"""An owner is asked, and only what comes back from him is consent."""

from __future__ import annotations

import email
from datetime import timedelta
from email.policy import default

import pytest

from cleaner.errors import NotOptedInError, UsageError
from cleaner.service import consent
from cleaner.service.consent import NewMailbox
from cleaner.service.invite import Invited, confirm, invite, plain
from cleaner.service.invite.letter import WORDINGS
from cleaner.service.scan import ScanRequest
from cleaner.store.records import ConsentState
from tests.service.hands import ANN, BEN, Hands


def ask(hands: Hands, address: str = ANN, *, into_mailbox: bool = False) -> Invited:
    new = NewMailbox(address, by="carol")
    return invite(hands.app.context, new, valid=timedelta(days=14), into_mailbox=into_mailbox)


def states(hands: Hands, address: str = ANN) -> list[ConsentState]:
    return [step.state for step in hands.app.context.store.consent.history(address)]


def test_asking_is_no_consent(hands: Hands) -> None:
    ask(hands)
    before = hands.snapshot()
    with pytest.raises(NotOptedInError):
        hands.scan(ScanRequest(mailboxes=(ANN,)))
    assert hands.snapshot() == before
    assert states(hands) == [ConsentState.INVITED]
    assert hands.app.context.store.consent.opted_in() == ()


@pytest.mark.parametrize("typed", [str, str.upper, lambda code: code.replace("-", " "), plain])
def test_the_code_makes_it_consent(hands: Hands, typed: object) -> None:
    hands.set_policy(preview=timedelta(days=7))
    code = ask(hands).letter.code
    row = confirm(hands.app.context, typed(code))  # type: ignore[operator]
    assert (row.address, row.state, row.basis) == (ANN, "opted-in", "owner")
    (asked, agreed) = hands.app.context.store.consent.history(ANN)
    assert agreed.preview_until == hands.now + timedelta(days=7)
    assert "by carol" in agreed.note
    assert asked.by == "carol"


def test_it_is_taken_once_and_only_in_time(hands: Hands) -> None:
    first, second = ask(hands).letter.code, ask(hands, BEN).letter.code
    confirm(hands.app.context, first)
    with pytest.raises(UsageError, match="no open invitation"):
        confirm(hands.app.context, first)
    hands.now += timedelta(days=14, seconds=1)
    with pytest.raises(UsageError, match=r"was open until .* optin invite ben@harbor"):
        confirm(hands.app.context, second)
    assert states(hands, BEN) == [ConsentState.INVITED]


def test_a_later_letter_replaces_an_earlier_one(hands: Hands) -> None:
    first, second = ask(hands).letter.code, ask(hands).letter.code
    with pytest.raises(UsageError, match="no open invitation"):
        confirm(hands.app.context, first)
    assert confirm(hands.app.context, second).state == "opted-in"


def test_a_guess_is_refused(hands: Hands) -> None:
    ask(hands)
    with pytest.raises(UsageError, match="no open invitation"):
        confirm(hands.app.context, "aaaa-bbbb-cccc-dddd")


def test_who_declined_is_not_opted_in_by_the_letter_and_not_asked_again(hands: Hands) -> None:
    code = ask(hands).letter.code
    consent.opt_out(hands.app.context, ANN)
    with pytest.raises(UsageError, match="no open invitation"):
        confirm(hands.app.context, code)
    with pytest.raises(UsageError, match=r"withdrew on .* not asked again"):
        ask(hands)


def test_who_agreed_meanwhile_or_paused_is_not_asked(hands: Hands) -> None:
    code = ask(hands).letter.code
    hands.opt_in(ANN)
    with pytest.raises(UsageError, match="no open invitation"):
        confirm(hands.app.context, code)
    with pytest.raises(UsageError, match="opted in already"):
        ask(hands)
    consent.pause(hands.app.context, ANN)
    with pytest.raises(UsageError, match="paused on"):
        ask(hands)


def test_put_into_the_mailbox_it_is_read_there_and_the_opening_recorded(hands: Hands) -> None:
    before = set(hands.folder(ANN, "."))
    invited = ask(hands, into_mailbox=True)
    (path,) = set(hands.folder(ANN, ".")) - before
    letter = email.message_from_bytes(path.read_bytes(), policy=default)
    assert invited.letter.code in letter.get_content()
    assert letter["Subject"] == invited.letter.wording.subject
    (access,) = hands.app.context.store.accesses.list(ANN)
    assert access.purpose == "invitation"


def test_a_mailbox_that_cannot_be_opened_is_not_asked(hands: Hands) -> None:
    hands.maildir(ANN).rename(hands.root / "away")
    with pytest.raises(Exception, match="there is no Maildir"):
        ask(hands, into_mailbox=True)
    assert states(hands) == []


def test_the_letter_is_never_taken_for_a_notice(hands: Hands) -> None:
    before = set(hands.folder(ANN, "."))
    confirm(hands.app.context, ask(hands, into_mailbox=True).letter.code)
    hands.now += timedelta(days=8)
    (path,) = set(hands.folder(ANN, ".")) - before
    (result,) = hands.scan(ScanRequest(all_messages=True))
    (line,) = [line for line in result.lines if line["id"] == path.name.partition(":")[0]]
    assert line["kind"] == "not-a-bounce"


@pytest.mark.parametrize("language", sorted(WORDINGS))
def test_each_language_tells_all_of_it(hands: Hands, language: str) -> None:
    hands.set_policy(language=language)
    letter = ask(hands).letter
    text = letter.text()
    for told in (ANN, "Backscatter", "carol", letter.code, "2026-12-04"):
        assert told in text
    assert "{" not in text
