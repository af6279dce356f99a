"""
Whole runs over Graph while tokens end, rights are missing, links expire, and the service is throttled or breaks off.

Judging is not what is tried here: every mailbox holds spurious reports among ordinary mail. Nothing may be lost or
doubled, the message must say what is the matter, and the run goes on or is left to the next one.
"""

from __future__ import annotations

import base64
import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cleaner.app import App
from cleaner.config import make_key
from cleaner.connectors.exchange import backoff
from cleaner.connectors.graph.connecting import close_all
from cleaner.connectors.oauth.tokens import forget_all
from cleaner.errors import (
    AskPersonError,
    ChangeRefusedError,
    CleanerError,
    RetryLaterError,
    ServerUnavailableError,
    SignInRefusedError,
)
from cleaner.service import consent
from cleaner.service.check import Level, check
from cleaner.service.scan import MailboxScan
from cleaner.service.serve.carrying import carry_out
from cleaner.service.undo import UndoRequest, undo
from cleaner.store.schedule import Ended
from tests.servers.certificates import Authority
from tests.servers.graph import (
    SECRET,
    Box,
    Fault,
    GraphServer,
    Stored,
    cut,
    cut_after,
    cut_middle,
    meanwhile,
    refused,
    throttled,
    unavailable,
)
from tests.service.hands import quiet
from tests.worlds.ews_world import digest_of
from tests.worlds.graph_world import lines
from tests.worlds.imap_world import clean
from tests.worlds.test_ews_many import FAKE, LETTER

ANN = "ann@harbor.example"
WHEN = datetime(2026, 11, 2, 10, 15, tzinfo=UTC)
FAKES, LETTERS = 30, 90
MOST_RUNS = 10
"""A run that met a fault leaves a mailbox to the next one."""


@pytest.fixture(autouse=True)
def _no_shared_state(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(backoff, "UNTOLD", 0.001)
    yield
    close_all()
    forget_all()


def configured(server: GraphServer, ca_file: Path, addresses: Sequence[str], root: Path) -> Path:
    make_key(root / "master.key")
    text = [
        "[[organisation]]",
        'name = "harbor"',
        'domains = ["harbor.example"]',
        'relays = ["mx1.harbor.example", "203.0.113.10"]',
        "senders_complete = true",
        "[[server]]",
        *lines(server, root, ca_file),
        "[lookups]",
        "dns = false",
        "[policy]",
        'preview = "0"',
        "[safety]",
        "max_share = 1.0",
    ]
    for address in addresses:
        text += ["[[mailbox]]", f'address = "{address}"', 'server = "microsoft"']
    path = root / "cleaner.toml"
    path.write_text("\n".join(text) + "\n")
    return path


def fill(box: Box, fakes: int, letters: int) -> None:
    for number in range(letters):
        box.deliver(LETTER.format(number=number, address=box.address).encode(), received=WHEN)
    for number in range(fakes):
        box.deliver(FAKE.format(number=number, address=box.address).encode(), received=WHEN)


@dataclass
class Office:
    """One mailbox with spurious reports, and an installation that may clean it."""

    server: GraphServer
    box: Box
    app: App
    root: Path

    def clean(self) -> MailboxScan:
        (result,) = clean(self.app)
        return result

    def error(self) -> CleanerError:
        error = self.clean().error
        assert error is not None
        return error

    def contents(self) -> Counter[str]:
        return Counter(digest_of(item.raw) for items in self.box.everything().values() for item in items)

    def in_quarantine(self) -> tuple[Stored, ...]:
        return self.box.listing("Backscatter") if self.box.has("Backscatter") else ()

    def is_done(self) -> bool:
        """All that is spurious lies in the quarantine, and the journal knows it."""
        store = self.app.context.store
        assert store.journal(self.box.address).open() == ()
        known = {entry.new_id for entry in store.entries()}
        assert {item.id for item in self.in_quarantine()} == known
        return len(self.in_quarantine()) == FAKES


@pytest.fixture
def office(authority: Authority, tmp_path: Path) -> Iterator[Office]:
    with GraphServer(authority.good()) as server:
        box = server.add_mailbox(ANN)
        fill(box, FAKES, LETTERS)
        path = configured(server, authority.ca_file, [ANN], tmp_path)
        with App.open(path) as app:
            consent.opt_in(app.context, consent.NewMailbox(ANN))
            before = Counter(digest_of(item.raw) for item in box.listing())
            yield (found := Office(server, box, app, tmp_path))
            assert found.contents() == before


# --- tokens


@pytest.mark.parametrize(
    ("operation", "end"),
    [
        ("delta", "expire_tokens"),
        ("value", "revoke_tokens"),
        ("move", "expire_tokens"),
        ("createFolder", "revoke_tokens"),
    ],
)
def test_a_token_that_ends_during_a_run_is_got_anew(office: Office, operation: str, end: str) -> None:
    office.server.fault(meanwhile(getattr(office.server.entra, end), operation=operation))
    assert office.clean().error is None
    assert office.is_done()
    assert office.server.requests(operation="token") == 2


def test_an_application_that_is_disabled_during_a_run_asks_a_person(office: Office) -> None:
    def disable() -> None:
        office.server.entra.revoke_tokens()
        office.server.entra.refusal = 7000112

    office.server.fault(meanwhile(disable, operation="move", inside=True, skip=5))
    error = office.error()
    assert isinstance(error, SignInRefusedError)
    assert "AADSTS7000112" in str(error)
    assert 0 < len(office.in_quarantine()) < FAKES
    office.server.entra.refusal = 0
    close_all()
    forget_all()
    assert office.clean().error is None
    assert office.is_done()


# --- rights


def test_with_rights_for_reading_alone_nothing_is_moved_and_the_command_is_told(office: Office) -> None:
    office.server.app.roles = {"Mail.Read"}
    office.box.make("Backscatter")
    error = office.error()
    assert isinstance(error, ChangeRefusedError)
    assert "New-ManagementRoleAssignment" in str(error)
    assert office.in_quarantine() == ()
    findings = [finding for finding in check(office.app.context) if finding.level is Level.FAIL]
    assert any("New-ManagementRoleAssignment" in str(finding) for finding in findings), findings
    office.server.app.roles = {"Mail.ReadWrite"}
    forget_all()
    assert office.clean().error is None
    assert office.is_done()


def test_with_no_rights_nothing_is_opened_and_the_command_is_told(office: Office) -> None:
    office.server.app.roles = set()
    error = office.error()
    assert isinstance(error, AskPersonError)
    assert "New-ManagementRoleAssignment" in str(error)
    findings = [finding for finding in check(office.app.context) if finding.level is Level.FAIL]
    assert any("Test-ServicePrincipalAuthorization" in str(finding) for finding in findings), findings


def test_rights_that_end_during_a_run(office: Office) -> None:
    """Roles stand in the token: the next one has them no more."""

    def take_back() -> None:
        office.server.app.roles = {"Mail.Read"}
        office.server.entra.revoke_tokens()

    office.server.fault(meanwhile(take_back, operation="move", inside=True, skip=5))
    result = office.clean()
    assert result.error is None or isinstance(result.error, ChangeRefusedError)
    moved = len(office.in_quarantine())
    assert 0 < moved < FAKES
    office.server.app.roles = {"Mail.ReadWrite"}
    forget_all()
    assert office.clean().error is None
    assert office.is_done()


# --- links


def test_an_expired_link_loses_nothing_and_repeats_nothing(office: Office) -> None:
    assert office.clean().error is None
    (run,) = {entry.run for entry in office.app.context.store.entries()}
    tuple(undo(office.app.context, UndoRequest(run=run), quiet, lambda: False))
    assert office.in_quarantine() == ()
    office.box.expire_deltas()
    asked = office.server.stepped(operation="value")
    result = office.clean()
    # What was put back stays, also where everything is listed anew.
    assert (result.error, result.moved, office.in_quarantine()) == (None, 0, ())
    assert office.server.stepped(operation="value") - asked <= FAKES


def test_what_came_while_a_link_expired_is_found(office: Office) -> None:
    assert office.clean().error is None
    office.box.expire_deltas()
    raw = FAKE.format(number=999, address=ANN).encode()
    id = office.box.deliver(raw, received=WHEN)
    assert office.clean().moved == 1
    assert id in {item.id for item in office.in_quarantine()}
    office.box.delete(id)


def test_a_mailbox_that_the_flood_has_filled_is_cleaned(office: Office) -> None:
    office.box.set_quota(1)
    assert office.clean().error is None
    assert office.is_done()
    office.box.set_quota(None)
    assert (office.clean().error, office.clean().moved) == (None, 0)
    assert office.is_done()


# --- throttled, and broken off


@pytest.mark.parametrize("operation", ["message", "value", "move"])
def test_a_third_of_each_batch_is_throttled(office: Office, operation: str) -> None:
    office.server.fault(throttled(0, operation=operation, inside=True, every=3, times=None))
    assert office.clean().error is None
    assert office.is_done()
    assert office.server.faults.struck["http 429"] > 0


def test_a_third_of_a_batch_is_throttled_for_long_and_the_rest_is_left_to_the_next_run(
    office: Office,
) -> None:
    office.server.fault(throttled(600, operation="move", inside=True, every=3, times=None))
    error = office.error()
    assert isinstance(error, ServerUnavailableError)
    assert error.again_in == 600
    assert 0 < len(office.in_quarantine()) < FAKES
    office.server.heal()
    close_all()
    assert office.clean().error is None
    assert office.is_done()


def test_serve_leaves_a_throttled_mailbox_alone_as_long_as_it_is_told_and_goes_on_with_others(
    authority: Authority, tmp_path: Path
) -> None:
    ben = "ben@harbor.example"
    with GraphServer(authority.good()) as server:
        boxes = {address: server.add_mailbox(address) for address in (ANN, ben)}
        for box in boxes.values():
            fill(box, FAKES, 3)
        path = configured(server, authority.ca_file, [ANN, ben], tmp_path)
        # The reports came long ago, and serve looks at no history.
        path.write_text(path.read_text().replace('preview = "0"', 'preview = "0"\nsince = "3650d"'))
        server.fault(throttled(3000, operation="move", inside=True, mailbox=ANN, every=3, times=None))
        with App.open(path) as app:
            for address in boxes:
                consent.opt_in(app.context, consent.NewMailbox(address))
            schedule, now = app.context.store.schedule, app.context.clock()
            schedule.join()
            schedule.plan(dict.fromkeys(boxes, "microsoft"), now)
            ended: list[Ended] = []
            for _ in boxes:
                (turn,) = schedule.turns(ended, ["microsoft"], now, lambda due: due["microsoft"][:1])
                ended = [carry_out(app.context, turn, lambda: False, chance=0.5).ended]
            schedule.turns(ended, (), now, lambda _: ())
            dues = {turn.address: turn for turn in schedule.all()}
            assert dues[ANN].due - now >= timedelta(seconds=3000)
            assert (dues[ben].state, len(boxes[ben].listing("Backscatter"))) == ("done", FAKES)
            assert 0 < len(boxes[ANN].listing("Backscatter")) < FAKES


@pytest.mark.parametrize(
    "fault",
    [
        lambda: unavailable(0, every=3, times=None),
        lambda: throttled(0, skip=1, every=3, times=None),
        lambda: cut(operation="delta"),
        lambda: cut_middle(operation="batch", skip=3),
        lambda: cut_after(operation="createFolder"),
        lambda: cut_after(operation="move", inside=False),
        lambda: cut_after(operation="move", inside=True, skip=7),
        lambda: cut(operation="move", inside=True, skip=7),
    ],
    ids=["503", "429", "cut", "cut answer", "folder made", "moved", "moved some", "cut batch"],
)
def test_what_passes_is_waited_for(office: Office, fault: Callable[[], Fault]) -> None:
    office.server.fault(fault())
    for _ in range(MOST_RUNS):
        error = office.clean().error
        if error is None:
            break
        assert isinstance(error, RetryLaterError)
    assert office.is_done()
    assert office.server.faults.struck


# --- many


@pytest.mark.parametrize(
    "count", [pytest.param(30, id="thirty"), pytest.param(300, id="three hundred", marks=pytest.mark.nightly)]
)
def test_one_failing_mailbox_never_holds_up_the_others(
    count: int, authority: Authority, tmp_path: Path
) -> None:
    with GraphServer(authority.good()) as server:
        boxes = [server.add_mailbox(f"user{number}@harbor.example") for number in range(count)]
        for box in boxes:
            fill(box, 1, 2)
        moving, closed, gone = boxes[3], boxes[7], boxes[11]
        server.fault(
            refused(503, "ErrorMailboxMoveInProgress", inside=True, mailbox=moving.address, times=None)
        )
        server.fault(refused(403, "ErrorAccessDenied", inside=True, mailbox=closed.address, times=None))
        server.fault(
            refused(404, "MailboxNotEnabledForRESTAPI", inside=True, mailbox=gone.address, times=None)
        )
        server.fault(throttled(0, inside=True, share=0.02, times=None))
        server.fault(unavailable(0, share=0.02, times=None))
        server.fault(cut(share=0.005, times=None))
        server.fault(cut_after(share=0.005, times=None))
        server.fault(cut_middle(share=0.005, times=None))
        before = {box.address: Counter(digest_of(item.raw) for item in box.listing()) for box in boxes}
        failing = (moving, closed, gone)
        others = [box for box in boxes if box not in failing]
        path = configured(server, authority.ca_file, [box.address for box in boxes], tmp_path)
        with App.open(path) as app:
            for box in boxes:
                consent.opt_in(app.context, consent.NewMailbox(box.address))
            for _ in range(MOST_RUNS):
                errors = {result.address: result.error for result in clean(app) if result.error is not None}
                assert isinstance(errors.pop(moving.address), RetryLaterError)
                assert isinstance(errors.pop(closed.address), AskPersonError)
                assert isinstance(errors.pop(gone.address), AskPersonError)
                assert all(isinstance(error, RetryLaterError) for error in errors.values()), errors
                if not errors:
                    break
            assert not errors
            assert [len(box.listing("Backscatter")) for box in others] == [1] * len(others)
            assert not any(box.has("Backscatter") for box in failing)

            server.heal()
            assert [result.error for result in clean(app)] == [None] * count
            for box in boxes:
                found = Counter(digest_of(item.raw) for items in box.everything().values() for item in items)
                assert found == before[box.address]
                assert len(box.listing("Backscatter")) == 1
                assert app.context.store.journal(box.address).open() == ()


# --- secrets


def test_no_secret_and_no_token_in_log_error_history_or_store(
    office: Office, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also at DEBUG, the libraries' own loggers included, whether signing in succeeds or not."""
    caplog.set_level(logging.DEBUG)
    for name in ("httpx2", "httpcore2", "msal", "msal.application", "urllib3", "requests", "jwt"):
        caplog.set_level(logging.DEBUG, logger=name)
    wrong = "planted-and-wrong-5521"
    said: list[str] = []
    (office.root / "secret").write_text(wrong)
    said.append(str(office.error()))
    forget_all()
    (office.root / "secret").write_text(SECRET)
    office.server.app.roles = {"Mail.Read"}
    office.box.make("Backscatter")
    said.append(str(office.error()))
    office.server.app.roles = {"Mail.ReadWrite"}
    office.server.entra.revoke_tokens()
    office.server.fault(throttled(900, operation="move", inside=True, skip=3))
    said.append(str(office.error()))
    office.server.heal()
    close_all()
    assert office.clean().error is None
    said += [str(finding) for finding in check(office.app.context)]
    said += [str(entry) for entry in office.app.context.store.entries()]
    kept = b"".join(file.read_bytes() for file in office.root.glob("state.db*") if file.is_file())
    told = (caplog.text + capsys.readouterr().err + "\n".join(said)).encode()
    assert ANN.encode() in told
    secrets = {wrong, *office.server.entra.secrets}
    assert len(secrets) > 3
    for secret in secrets:
        for text in (kept, told):
            assert secret.encode() not in text
            assert base64.b64encode(secret.encode()).rstrip(b"=") not in text
        # Nor a piece of a token that would do: its signature.
        assert secret.rpartition(".")[2].encode() not in told
    assert b"Release them" not in told


def test_nothing_of_a_token_is_in_what_the_command_prints(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    result = office.clean()
    printed: list[dict[str, Any]] = [dict(line) for line in result.lines]
    text = json.dumps(printed, default=str)
    assert all(secret not in text for secret in office.server.entra.secrets)
