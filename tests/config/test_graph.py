"""A server of Microsoft 365: what must be said about it, and what is refused."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from cleaner.config import Secret, Server, load
from cleaner.errors import ConfigurationError

APPLICATION = 'tenant = "harbor.onmicrosoft.com"\nclient_id = "0c1d"\nclient_secret = "env:S"\n'


def loaded(server: str, folder: Path) -> Server:
    file = folder / "cleaner.toml"
    file.write_text(
        '[[organisation]]\nname = "harbor"\ndomains = ["harbor.example"]\n'
        f'[[server]]\nname = "microsoft"\nconnector = "graph"\n{server}'
        '[[mailbox]]\naddress = "ann@harbor.example"\nserver = "microsoft"\n'
    )
    return load(file).servers[0]


def test_an_application_with_a_secret(tmp_path: Path) -> None:
    server = loaded(f'{APPLICATION}timeout = "20s"\nconnections = 8\nca_file = "ca.pem"\n', tmp_path)
    assert (server.endpoint, server.host) == ("https://graph.microsoft.com", "graph.microsoft.com")
    assert (server.timeout, server.connections) == (timedelta(seconds=20), 8)
    assert server.ca_file == tmp_path / "ca.pem"
    assert server.oauth is not None
    assert server.oauth.client_secret == Secret("env:S", tmp_path)
    assert server.oauth.scope == "https://graph.microsoft.com/.default"
    assert server.oauth.authority == "https://login.microsoftonline.com/harbor.onmicrosoft.com"


@pytest.mark.parametrize(
    ("cloud", "graph", "login"),
    [
        ("global", "graph.microsoft.com", "login.microsoftonline.com"),
        ("us-gov", "graph.microsoft.com", "login.microsoftonline.com"),
        ("us-gov-high", "graph.microsoft.us", "login.microsoftonline.us"),
        ("us-gov-dod", "dod-graph.microsoft.us", "login.microsoftonline.us"),
        ("china", "microsoftgraph.chinacloudapi.cn", "login.partner.microsoftonline.cn"),
    ],
)
def test_each_cloud_has_endpoints_of_its_own(tmp_path: Path, cloud: str, graph: str, login: str) -> None:
    server = loaded(f'{APPLICATION}cloud = "{cloud}"\n', tmp_path)
    assert server.oauth is not None
    assert server.host == graph
    assert server.oauth.scope == f"https://{graph}/.default"
    assert server.oauth.authority == f"https://{login}/harbor.onmicrosoft.com"


def test_one_person_signs_in_without_a_secret(tmp_path: Path) -> None:
    server = loaded('client_id = "0c1d"\nauth = "device"\n', tmp_path)
    assert server.oauth is not None
    assert server.oauth.asks_person
    assert server.auth == "device"


def test_a_place_of_ones_own(tmp_path: Path) -> None:
    places = 'endpoint = "https://graph.corp.example/v1.0"\nauthority = "https://login.corp.example/harbor"\n'
    server = loaded(APPLICATION + places, tmp_path)
    assert (server.endpoint, server.host) == ("https://graph.corp.example/v1.0", "graph.corp.example")
    assert server.oauth is not None
    assert server.oauth.authority == "https://login.corp.example/harbor"


@pytest.mark.parametrize(
    ("server", "key", "words"),
    [
        (APPLICATION.replace("tenant", "name2"), "name2", "there is no such key"),
        (APPLICATION.partition("\n")[2], "tenant", "is missing"),
        (APPLICATION.replace("client_id", "scope"), "client_id", "is missing"),
        (APPLICATION.rpartition("client_secret")[0], "client_secret", "certificate ="),
        (APPLICATION + 'certificate = "app.pem"\n', "certificate", "take one of them out"),
        (APPLICATION + 'cloud = "germany"\n', "cloud", '"us-gov-high"'),
        (APPLICATION + 'endpoint = "http://graph.microsoft.com"\n', "endpoint", "plain HTTP"),
        (APPLICATION + 'auth = "oauth2"\n', "auth", '"device"'),
        (APPLICATION + 'password = "env:P"\n', "password", "of connector imap or ews"),
        (APPLICATION + "connections = 1\n", "connections", "from 2"),
    ],
)
def test_what_is_refused_says_what_to_write(tmp_path: Path, server: str, key: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        loaded(server, tmp_path)
    assert any(f".{key}: " in fault and words in fault for fault in caught.value.faults), caught.value


def test_a_wrong_cloud_is_one_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        loaded(APPLICATION + 'cloud = "germany"\n', tmp_path)
    assert len(caught.value.faults) == 1
