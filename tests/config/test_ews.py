"""A server of Exchange: what must be said about it, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from cleaner.config import Secret, Server, load
from cleaner.errors import ConfigurationError

ENDPOINT = 'endpoint = "https://mail.harbor.example/EWS/Exchange.asmx"\n'
ACCOUNT = "user = 'HARBOR\\svc'\npassword = \"env:P\"\n"
ACCESS = 'access = "impersonation"\n'
OAUTH = (
    'auth = "oauth2"\nclient_id = "c"\nclient_secret = "env:S"\ntoken_url = "https://login.example/token"\n'
)


def loaded(server: str, folder: Path, mailbox: str = "") -> Server:
    file = folder / "cleaner.toml"
    file.write_text(
        '[[organisation]]\nname = "harbor"\ndomains = ["harbor.example"]\n'
        f'[[server]]\nname = "exchange"\nconnector = "ews"\n{server}'
        f'[[mailbox]]\naddress = "ann@harbor.example"\nserver = "exchange"\n{mailbox}'
    )
    return load(file).servers[0]


def test_one_account_for_all(tmp_path: Path) -> None:
    server = loaded(ENDPOINT + ACCESS + ACCOUNT, tmp_path)
    assert server.endpoint == "https://mail.harbor.example/EWS/Exchange.asmx"
    assert (server.host, server.access, server.user) == (
        "mail.harbor.example",
        "impersonation",
        "HARBOR\\svc",
    )
    assert (server.auth, server.tls) == ("password", "implicit")
    assert server.password == Secret("env:P", tmp_path)


def test_each_mailbox_with_its_own_password(tmp_path: Path) -> None:
    server = loaded(ENDPOINT + 'access = "delegate"\n', tmp_path, 'password = "env:ANN"\n')
    assert server.user is None


def test_a_host_is_an_endpoint_at_the_usual_path(tmp_path: Path) -> None:
    server = loaded('host = "mail.harbor.example"\nport = 8443\n' + ACCESS + ACCOUNT, tmp_path)
    assert server.endpoint == "https://mail.harbor.example:8443/EWS/Exchange.asmx"


def test_autodiscover_needs_no_endpoint(tmp_path: Path) -> None:
    assert loaded("autodiscover = true\n" + ACCESS + ACCOUNT, tmp_path).endpoint is None


def test_client_credentials(tmp_path: Path) -> None:
    server = loaded(ENDPOINT + ACCESS + OAUTH, tmp_path)
    assert server.client_secret == Secret("env:S", tmp_path)
    assert server.user is None


@pytest.mark.parametrize(
    ("server", "key", "words"),
    [
        (ACCESS + ACCOUNT, "endpoint", "autodiscover = true"),
        (ENDPOINT + ACCOUNT, "access", "whichever was granted"),
        (ENDPOINT + 'access = "owner"\n' + ACCOUNT, "access", '"impersonation", "delegate"'),
        (ENDPOINT + "autodiscover = true\n" + ACCESS + ACCOUNT, "endpoint", "not several"),
        (ENDPOINT + 'host = "mail.harbor.example"\n' + ACCESS + ACCOUNT, "endpoint", "not several"),
        (ENDPOINT.replace("https", "http") + ACCESS + ACCOUNT, "endpoint", "plain HTTP"),
        (ENDPOINT.replace("mail.", "svc:geheim@mail.") + ACCESS + ACCOUNT, "endpoint", "keys of their own"),
        ('endpoint = "mail.harbor.example"\n' + ACCESS + ACCOUNT, "endpoint", "no web address"),
        (ENDPOINT + ACCESS + "user = 'HARBOR\\svc'\n", "password", "is missing"),
        (ENDPOINT + ACCESS + 'password = "env:P"\n', "user", "is missing"),
        (ENDPOINT + ACCESS + OAUTH.replace("client_id", "user"), "client_id", "is missing for oauth2"),
        (ENDPOINT + ACCESS + OAUTH.replace("https", "http"), "token_url", "plain HTTP"),
        (ENDPOINT + ACCESS + ACCOUNT + 'auth = "master-user"\n', "auth", '"ntlm"'),
        (ENDPOINT + ACCESS + ACCOUNT + "acess = 1\n", "acess", "did you mean access?"),
    ],
)
def test_what_is_missing_or_wrong_is_said(tmp_path: Path, server: str, key: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        loaded(server, tmp_path)
    (fault,) = [fault for fault in raised.value.faults if fault.startswith(f"server[0].{key}: ")]
    assert words in fault
    assert "geheim" not in str(raised.value)


def test_who_signs_in_for_himself_needs_a_password(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r'mailbox "ann@harbor\.example"\.password: is missing'):
        loaded(ENDPOINT + ACCESS, tmp_path)


def test_being_told_of_new_mail_leaves_connections_for_work(tmp_path: Path) -> None:
    told = ENDPOINT + ACCESS + ACCOUNT + "idle = 5\nconnections = "
    assert loaded(told + "7\n", tmp_path).idle == 5
    with pytest.raises(ConfigurationError, match="write connections = 7 or more"):
        loaded(told + "6\n", tmp_path)
