"""Tokens that are refused, rights that are missing, mailboxes that are not there: each with what to do about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cleaner import connectors
from cleaner.config import MailboxSettings, Secret, Server
from cleaner.errors import AskPersonError, ServerUnavailableError, SignInRefusedError
from cleaner.values import Policy
from tests.connectors.places import ADDRESS, GraphPlace, graph_server
from tests.servers.certificates import Authority
from tests.servers.graph import SECRET, GraphServer, make_certificate, throttled, unavailable

MAILBOX = MailboxSettings(ADDRESS, "here", "harbor", Policy(), user=ADDRESS)


@pytest.fixture
def here(server: GraphServer, place: GraphPlace, authority: Authority, tmp_path: Path) -> Server:
    return graph_server(server, authority.ca_file, tmp_path)


def test_a_certificate_signs_in(server: GraphServer, here: Server, tmp_path: Path) -> None:
    pem, certificate = make_certificate()
    (tmp_path / "application.pem").write_bytes(pem)
    server.app.certificates.append(certificate)
    assert here.oauth is not None
    sign_in = replace(here.oauth, client_secret=None, certificate=Secret("file:application.pem", tmp_path))
    opened = connectors.open_reading(replace(here, oauth=sign_in), MAILBOX)
    assert "INBOX" in {folder.name for folder in opened.folders()}


@pytest.mark.parametrize("end", ["expire_tokens", "revoke_tokens"])
def test_a_token_that_is_not_taken_any_more_is_got_anew(server: GraphServer, here: Server, end: str) -> None:
    opened = connectors.open_reading(here, MAILBOX)
    opened.folders()
    getattr(server.entra, end)()
    assert opened.list("INBOX").total == 0
    assert server.requests(operation="token") == 2


def test_a_wrong_secret_is_tried_once(server: GraphServer, here: Server, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("planted-and-wrong")
    for _ in range(3):
        with pytest.raises(SignInRefusedError, match="AADSTS7000215") as raised:
            connectors.open_reading(here, MAILBOX).folders()
        assert "planted-and-wrong" not in str(raised.value)
    assert server.requests(operation="token") == 1


def test_an_expired_secret_is_said_to_be(server: GraphServer, here: Server) -> None:
    server.app.secrets[SECRET] = datetime.now(UTC) - timedelta(days=1)
    with pytest.raises(SignInRefusedError, match="expired"):
        connectors.open_reading(here, MAILBOX).folders()


def test_an_application_that_is_disabled_while_it_works(server: GraphServer, here: Server) -> None:
    opened = connectors.open_reading(here, MAILBOX)
    opened.folders()
    server.entra.revoke_tokens()
    server.entra.refusal = 7000112
    with pytest.raises(SignInRefusedError, match="AADSTS7000112"):
        opened.list("INBOX")


def test_a_tenant_that_is_not_there(here: Server) -> None:
    assert here.oauth is not None
    elsewhere = replace(here.oauth, authority=here.oauth.authority.rpartition("/")[0] + "/nobody.example")
    with pytest.raises(SignInRefusedError, match=r"nobody\.example"):
        connectors.open_reading(replace(here, oauth=elsewhere), MAILBOX).folders()


@pytest.mark.parametrize("operation", ["token", "openid"])
def test_busy_sign_in_is_for_later(server: GraphServer, here: Server, operation: str) -> None:
    server.fault(throttled(77, operation=operation))
    with pytest.raises(ServerUnavailableError) as raised:
        connectors.open_reading(here, MAILBOX).folders()
    assert raised.value.again_in == 77
    server.fault(unavailable(None, operation=operation, times=None))
    with pytest.raises(ServerUnavailableError):
        connectors.open_reading(here, MAILBOX).folders()


def test_no_right_at_all_is_told_with_the_command_that_grants_it(server: GraphServer, here: Server) -> None:
    server.app.roles = set()
    with pytest.raises(AskPersonError, match="ErrorAccessDenied") as raised:
        connectors.open_reading(here, MAILBOX).folders()
    assert "New-ManagementRoleAssignment" in str(raised.value)
    assert "Test-ServicePrincipalAuthorization" in str(raised.value)


def test_rights_by_group_open_those_mailboxes_alone(server: GraphServer, here: Server) -> None:
    """RBAC for Applications: no role is in the token."""
    server.add_mailbox("bob@harbor.example")
    server.app.roles = set()
    server.app.scoped["Mail.ReadWrite"] = frozenset({ADDRESS})
    assert connectors.open_reading(here, MAILBOX).folders()
    bob = replace(MAILBOX, address="bob@harbor.example", user="bob@harbor.example")
    with pytest.raises(AskPersonError, match=r"bob@harbor\.example.*ErrorAccessDenied"):
        connectors.open_reading(here, bob).folders()


def test_rights_for_reading_alone_are_an_obstacle(server: GraphServer, here: Server) -> None:
    server.app.roles = {"Mail.Read"}
    (obstacle,) = connectors.open_reading(here, MAILBOX).obstacles()
    assert obstacle.blocks
    assert "New-ManagementRoleAssignment" in obstacle.remedy


def test_looking_for_obstacles_changes_nothing(place: GraphPlace, here: Server) -> None:
    place.deliver("INBOX", b"Subject: x\r\n\r\n")
    before = place.snapshot()
    assert connectors.open_reading(here, MAILBOX).obstacles() == ()
    assert place.snapshot() == before


def test_a_hold_is_seen(place: GraphPlace, here: Server) -> None:
    place.box.set_hold(b"Subject: kept\r\n\r\n")
    (obstacle,) = connectors.open_reading(here, MAILBOX).obstacles()
    assert (obstacle.holds, obstacle.blocks) == (True, False)


@pytest.mark.parametrize(
    ("address", "code"),
    [("old@harbor.example", "MailboxNotEnabledForRESTAPI"), ("nobody@harbor.example", "ErrorInvalidUser")],
)
def test_mailboxes_that_are_not_there(server: GraphServer, here: Server, address: str, code: str) -> None:
    server.add_user("old@harbor.example")
    with pytest.raises(AskPersonError, match=code) as raised:
        connectors.open_reading(here, replace(MAILBOX, address=address, user=address)).folders()
    assert "user principal name" in str(raised.value)


def test_the_user_principal_name_may_be_another_than_the_address(server: GraphServer, here: Server) -> None:
    server.add_mailbox("eve@harbor.example", upn="e.v@harbor.onmicrosoft.example")
    eve = replace(MAILBOX, address="eve@harbor.example", user="e.v@harbor.onmicrosoft.example")
    assert connectors.open_reading(here, eve).folders()


@pytest.mark.parametrize("kind", ["for_another_host", "expired", "self_signed"])
def test_a_bad_certificate_is_never_sent_a_token(
    authority: Authority, server: GraphServer, here: Server, kind: str
) -> None:
    with GraphServer(getattr(authority, kind)()) as elsewhere:
        with pytest.raises(AskPersonError, match="certificate"):
            connectors.open_reading(replace(here, endpoint=elsewhere.endpoint), MAILBOX).folders()
        assert elsewhere.requests() == 0
