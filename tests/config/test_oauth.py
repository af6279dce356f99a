"""Signing in with tokens: what each provider needs, what follows by itself, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from cleaner.config import Secret, load
from cleaner.config.oauth import GOOGLE_TOKENS, SERVICE_ACCOUNT, SignIn
from cleaner.errors import ConfigurationError

CLIENT = 'client_id = "c"\nclient_secret = "env:S"\n'
MICROSOFT = f'provider = "microsoft"\ntenant = "harbor.example"\n{CLIENT}'
OTHER = f'provider = "other"\ntoken_url = "https://login.example/token"\n{CLIENT}'


def sign_in(keys: str, folder: Path, host: str = "imap.harbor.example") -> SignIn:
    file = folder / "cleaner.toml"
    file.write_text(
        '[[organisation]]\nname = "harbor"\ndomains = ["harbor.example"]\n'
        f'[[server]]\nname = "mail"\nconnector = "imap"\nhost = "{host}"\nauth = "oauth2"\n{keys}'
        '[[mailbox]]\naddress = "ann@harbor.example"\nserver = "mail"\n'
    )
    found = load(file).servers[0].oauth
    assert found is not None
    return found


def fault(keys: str, folder: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        sign_in(keys, folder)
    return "\n".join(caught.value.faults)


def test_microsoft_for_an_application(tmp_path: Path) -> None:
    found = sign_in(MICROSOFT, tmp_path)
    assert (found.provider, found.grant) == ("microsoft", "client_credentials")
    assert found.scope == "https://outlook.office365.com/.default"
    assert found.authority == "https://login.microsoftonline.com/harbor.example"
    assert not found.asks_person
    assert list(found.secrets()) == [Secret("env:S", tmp_path)]


def test_microsoft_by_certificate(tmp_path: Path) -> None:
    keys = MICROSOFT.replace('client_secret = "env:S"', 'certificate = "own.pem"')
    assert sign_in(keys, tmp_path).certificate == Secret("file:own.pem", tmp_path)
    keys = keys.replace("own.pem", "credential:own")
    assert sign_in(keys, tmp_path).certificate == Secret("credential:own", tmp_path)


def test_microsoft_for_a_person(tmp_path: Path) -> None:
    found = sign_in('client_id = "c"\n', tmp_path, "outlook.office365.com")
    assert (found.provider, found.grant) == ("microsoft", "device")
    assert found.scope == "https://outlook.office.com/IMAP.AccessAsUser.All"
    assert found.authority == "https://login.microsoftonline.com/organizations"
    assert found.asks_person


@pytest.mark.parametrize(
    ("cloud", "authority", "scope"),
    [
        ("us-gov", "https://login.microsoftonline.com/t", "https://outlook.office365.com/.default"),
        ("us-gov-high", "https://login.microsoftonline.us/t", "https://outlook.office365.us/.default"),
        ("us-gov-dod", "https://login.microsoftonline.us/t", "https://outlook-dod.office365.us/.default"),
        ("china", "https://login.partner.microsoftonline.cn/t", "https://partner.outlook.cn/.default"),
    ],
)
def test_microsofts_other_clouds(tmp_path: Path, cloud: str, authority: str, scope: str) -> None:
    keys = MICROSOFT.replace("harbor.example", "t") + f'cloud = "{cloud}"\n'
    found = sign_in(keys, tmp_path)
    assert (found.authority, found.scope) == (authority, scope)


def test_an_authority_of_ones_own_is_the_whole_of_it(tmp_path: Path) -> None:
    keys = 'provider = "microsoft"\nauthority = "https://login.cloud.example/t"\nscope = "s"\n' + CLIENT
    found = sign_in(keys, tmp_path)
    assert (found.authority, found.scope) == ("https://login.cloud.example/t", "s")


def test_google_for_a_workspace(tmp_path: Path) -> None:
    found = sign_in('service_account = "google.json"\n', tmp_path, "imap.gmail.com")
    assert (found.provider, found.grant) == ("google", SERVICE_ACCOUNT)
    assert found.service_account == Secret("file:google.json", tmp_path)
    assert found.scope == "https://mail.google.com/"


def test_google_for_a_person(tmp_path: Path) -> None:
    found = sign_in(CLIENT, tmp_path, "imap.gmail.com")
    assert found.grant == "code"
    assert found.authorize_url == "https://accounts.google.com/o/oauth2/v2/auth"
    assert found.token_url == GOOGLE_TOKENS


def test_any_provider(tmp_path: Path) -> None:
    assert sign_in(OTHER, tmp_path).grant == "client_credentials"
    device = OTHER + 'grant = "device"\ndevice_url = "https://login.example/device"\nca_file = "ca.pem"\n'
    found = sign_in(device, tmp_path)
    assert (found.asks_person, found.ca_file) == (True, tmp_path / "ca.pem")


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ("", 'provider: is missing for oauth2; write "google", "microsoft" or "other"'),
        ('provider = "yahoo"\n', 'provider: "yahoo" is not possible'),
        ('provider = "google"\n', "service_account: is missing for oauth2"),
        ('provider = "google"\nclient_id = "c"\n', "client_secret: is missing beside client_id"),
        ('provider = "google"\nservice_account = "{ }"\n', "write the path of its file"),
        (MICROSOFT.replace('tenant = "harbor.example"\n', ""), "tenant: is missing for oauth2"),
        (MICROSOFT.replace('client_id = "c"\n', ""), "client_id: is missing for oauth2"),
        (MICROSOFT + 'certificate = "own.pem"\n', "certificate: stands beside client_secret"),
        (MICROSOFT + 'grant = "code"\n', "grant: is not there for Microsoft"),
        (MICROSOFT + 'cloud = "mars"\n', 'cloud: "mars" is not possible'),
        (
            MICROSOFT.replace('client_secret = "env:S"\n', 'grant = "client_credentials"\n'),
            "client_secret: is missing",
        ),
        (MICROSOFT.replace("env:S", "hunter2"), "client_secret: a secret does not stand in this file"),
        (OTHER.replace("https", "http"), "token_url: secrets would go over plain HTTP"),
        (OTHER + 'grant = "device"\n', 'device_url: is missing for grant = "device"'),
        (OTHER + 'grant = "code"\n', 'authorize_url: is missing for grant = "code"'),
        ('provider = "other"\nclient_id = "c"\n', "token_url: is missing"),
    ],
)
def test_what_is_missing_or_wrong_is_told(tmp_path: Path, keys: str, told: str) -> None:
    found = fault(keys, tmp_path)
    assert told in found
    assert "hunter2" not in found


def test_without_oauth2_there_is_nothing_to_sign_in_with(tmp_path: Path) -> None:
    file = tmp_path / "cleaner.toml"
    file.write_text(
        '[[organisation]]\nname = "harbor"\ndomains = ["harbor.example"]\n'
        '[[server]]\nname = "mail"\nconnector = "imap"\nhost = "imap.gmail.com"\n'
    )
    assert load(file).servers[0].oauth is None
