"""Reading the file: what is right becomes Settings, everything wrong is told at once with its remedy."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from cleaner.config import find, load
from cleaner.errors import ConfigurationError, UsageError
from cleaner.values import ActionName, DkimKey, Policy, Safety

ORGANISATION = """
[[organisation]]
name = "harbor"
domains = ["harbor.example"]
"""
SERVER = """
[[server]]
name = "mail"
connector = "maildir"
path = "/var/vmail/{domain}/{local}/Maildir"
"""
MAILBOX = """
[[mailbox]]
address = "ann@harbor.example"
server = "mail"
"""
WHOLE = ORGANISATION + SERVER + MAILBOX


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cleaner.toml"


def faults(file: Path, text: str) -> tuple[str, ...]:
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load(file)
    assert caught.value.path == str(file)
    return caught.value.faults


def test_one_organisation_is_enough_and_all_else_has_defaults(file: Path) -> None:
    file.write_text(ORGANISATION)
    settings = load(file)
    assert settings.policy == Policy()
    assert settings.safety == Safety()
    assert settings.store.url == f"sqlite:///{file.parent}/state.db"
    assert settings.store.key.file == file.parent / "master.key"
    assert not settings.mailboxes
    assert not settings.servers


def test_everything_that_can_be_set_arrives(file: Path) -> None:
    file.write_text("""
        [store]
        url = "sqlite:///data/state.db"
        key = "env:KEY"
        [[organisation]]
        name = "harbor"
        domains = ["Harbor.Example", "harbor-mail.example"]
        relays = ["MX1.harbor.example.", "192.0.2.10", "198.51.100.0/24", "2001:db8::/32"]
        client_networks = ["203.0.113.0/24"]
        authserv_ids = ["MX1.harbor.example"]
        always_signs = true
        senders_complete = true
        dmarc_reports = "DMARC@harbor.example"
        [[organisation.dkim]]
        domain = "harbor.example"
        selector = "S2026"
        public_key = "v=DKIM1; k=ed25519; p=01DsoifRhZC3mGMwqonPrbj4Ot3o8Vg/3q7oUo1IPQQ="
        [[server]]
        name = "mail"
        connector = "maildir"
        path = "{domain}/{local}"
        [policy]
        action = "delete"
        quarantine = "Spurious"
        folders = ["inbox", "Lists/Dev"]
        sent = ["Gesendet"]
        trash = "Papierkorb"
        unsure = "review"
        preview = 0
        grace = "90s"
        since = "4w"
        retention = "0"
        leave = ["crm@*"]
        [safety]
        max_messages = 7
        max_share = 1
        share_from = 0
        [[mailbox]]
        address = "Ann@harbor.example"
        aliases = ["a.smith@harbor-mail.example"]
        identities = ["ann@elsewhere.example"]
        server = "mail"
        user = "ann"
        password = "file:ann.secret"
        sent_from = ["office@harbor.example"]
        [mailbox.policy]
        action = "report"
        grace = "2h"
    """)
    settings = load(file)
    assert settings.store.url == f"sqlite:///{file.parent}/data/state.db"
    [organisation] = settings.organisations
    assert organisation.domains == {"harbor.example", "harbor-mail.example"}
    assert organisation.relay_names == {"mx1.harbor.example"}
    assert organisation.relay_networks == tuple(
        map(ip_network, ("192.0.2.10/32", "198.51.100.0/24", "2001:db8::/32"))
    )
    assert organisation.client_networks == (ip_network("203.0.113.0/24"),)
    assert organisation.authserv_ids == {"mx1.harbor.example"}
    assert organisation.always_signs
    assert organisation.senders_complete
    assert organisation.dmarc_reports == "DMARC@harbor.example"
    assert organisation.dkim_keys == (
        DkimKey(
            "harbor.example", "s2026", "v=DKIM1; k=ed25519; p=01DsoifRhZC3mGMwqonPrbj4Ot3o8Vg/3q7oUo1IPQQ="
        ),
    )
    common = Policy(
        action=ActionName.DELETE,
        quarantine="Spurious",
        folders=("INBOX", "Lists/Dev"),
        sent=("Gesendet",),
        trash="Papierkorb",
        review_unsure=True,
        preview=timedelta(0),
        grace=timedelta(seconds=90),
        since=timedelta(weeks=4),
        retention=timedelta(0),
        leave=("crm@*",),
    )
    assert settings.policy == common
    assert settings.safety == Safety(7, 1.0, 0)
    [mailbox] = settings.mailboxes
    assert (mailbox.address, mailbox.user, mailbox.organisation) == ("Ann@harbor.example", "ann", "harbor")
    assert mailbox.policy.action is ActionName.REPORT
    assert mailbox.policy.grace == timedelta(hours=2)
    assert mailbox.policy.quarantine == "Spurious", "what a mailbox does not override stays common"
    assert mailbox.owner().addresses == {
        "ann@harbor.example",
        "a.smith@harbor-mail.example",
        "ann@elsewhere.example",
    }
    assert settings.servers[0].path_of(mailbox.address) == file.parent / "harbor.example" / "Ann"


@pytest.mark.parametrize(
    ("text", "key", "remedy"),
    [
        ("", "organisation", "write [[organisation]]"),
        ('[organisation]\nname = "x"', "organisation", "double brackets"),
        (WHOLE + '[[policy]]\naction = "move"', "policy", "single brackets"),
        ('[[organisation]]\nname = "x"', "organisation[0].domains", 'write for example domains = ["'),
        (ORGANISATION + ORGANISATION, "organisation[1].name", "each its own name"),
        (
            ORGANISATION + ORGANISATION.replace('"harbor"', '"b"'),
            "organisation[1].domains",
            "organisation[0]",
        ),
        (ORGANISATION.replace('["h', '["ann@h'), "organisation[0].domains[0]", 'alone: "harbor.example"'),
        (ORGANISATION.replace('["h', '["*.h'), "organisation[0].domains[0]", "write every domain out"),
        (ORGANISATION + "relays = ['mx.example', '192.0.2.300']", "organisation[0].relays[1]", "for example"),
        (ORGANISATION + "relays = ['192.0.2.7/24']", "organisation[0].relays[0]", 'write "192.0.2.0/24"'),
        (ORGANISATION + "relays = 'mx.example'", "organisation[0].relays", 'write relays = ["mx.example"]'),
        (ORGANISATION + "relay = []", "organisation[0].relay", "did you mean relays?"),
        (ORGANISATION + "always_signs = 'yes'", "organisation[0].always_signs", "true or false"),
        (ORGANISATION + "senders_complete = 1", "organisation[0].senders_complete", "true or false"),
        (ORGANISATION + 'dmarc_reports = "dmarc"', "organisation[0].dmarc_reports", "is not an address"),
        (
            ORGANISATION + "[[organisation.dkim]]\ndomain='a.example'\nselector='s'\npublic_key='MIIB'",
            "organisation[0].dkim[0].public_key",
            "as published",
        ),
        (
            WHOLE + '[policy]\nquarantine = "inbox"\nfolders = ["Old"]',
            "policy.quarantine",
            "must not be the inbox",
        ),
        (WHOLE + '[policy]\nquarantine = "../x"', "policy.quarantine", "is not a folder name"),
        (WHOLE + '[policy]\nquarantine = "a.b"', 'mailbox "ann@harbor.example".policy.quarantine', '"a-b"'),
        (WHOLE + SERVER, "server[1].name", "each its own name"),
        (WHOLE.replace('"maildir"', '"pop3"'), "server[0].connector", '"maildir", "imap"'),
        (WHOLE.replace("{local}", "{user}"), "server[0].path", "{address}, {local} or {domain}"),
        (WHOLE.replace("{local}", "{local"), "server[0].path", "{address}, {local} or {domain}"),
        (WHOLE.replace("path =", "paht ="), "server[0].paht", "did you mean path?"),
        (
            ORGANISATION + '[[server]]\nname="i"\nconnector="imap"',
            "server[0].host",
            'host = "imap.harbor.example"',
        ),
        (
            ORGANISATION + '[[server]]\nname="i"\nconnector="imap"\nhost="imaps://a.example:993"',
            "server[0].host",
            'alone: "a.example"',
        ),
        (
            ORGANISATION + '[[server]]\nname="i"\nconnector="imap"\nhost="a.example"\nauth="master-user"',
            "server[0].password",
            "env:MASTER_PASSWORD",
        ),
        (
            WHOLE.replace('server = "mail"', 'server = "mial"'),
            'mailbox "ann@harbor.example".server',
            '"mail"?',
        ),
        (WHOLE + MAILBOX, 'mailbox "ann@harbor.example".address', "take one of them out"),
        (WHOLE + MAILBOX.replace("ann", "ANN"), 'mailbox "ANN@harbor.example".address', "another mailbox"),
        (
            WHOLE.replace('s = "ann@', 's = "@'),
            "mailbox[0].address",
            'write for example "ann@harbor.example"',
        ),
        (
            WHOLE.replace("ann@harbor", "ann@other"),
            'mailbox "ann@other.example".address',
            'organisation = "harbor"',
        ),
        (WHOLE + 'organisation = "habor"', 'mailbox "ann@harbor.example".organisation', '"harbor"?'),
        (
            WHOLE + "aliases = ['a@far.example']",
            'mailbox "ann@harbor.example".aliases[0]',
            "under identities",
        ),
        (
            WHOLE + "sent_from = ['Ann@harbor.example']",
            'mailbox "ann@harbor.example".sent_from',
            "take it out",
        ),
        (WHOLE + "action = 'report'", 'mailbox "ann@harbor.example".action', "[mailbox.policy]"),
        (
            WHOLE + "[mailbox.policy]\naction = 'none'",
            'mailbox "ann@harbor.example".policy.action',
            '"report", "move", "delete"',
        ),
        (
            WHOLE.replace("ann@", "..@"),
            'mailbox "..@harbor.example".address',
            "another server entry",
        ),
        (
            WHOLE.replace("ann@", "../../etc@"),
            'mailbox "../../etc@harbor.example".address',
            "another server entry",
        ),
        (
            WHOLE.replace("{local}", "all") + MAILBOX.replace("ann", "bob"),
            'mailbox "bob@harbor.example".server',
            "put {address} into the server's path",
        ),
        (ORGANISATION + "[policy]\nactoin = 'move'", "policy.actoin", "did you mean action?"),
        (ORGANISATION + "[policy]\nmax_share = 1", "policy.max_share", "[safety]"),
        (ORGANISATION + "[policy]\nquarantine = 'Inbox'", "policy.quarantine", "a folder of its own"),
        (ORGANISATION + "[policy]\nquarantine = '/A'", "policy.quarantine", "Parent/Child"),
        (ORGANISATION + "[policy]\ntrash = 'Backscatter'", "policy.quarantine", "three different"),
        (
            ORGANISATION + "[policy]\ntraining_folder = 'inbox'",
            "policy.training_folder",
            "a folder of its own",
        ),
        (
            ORGANISATION + "[policy]\ntraining_folder = 'Backscatter'",
            "policy.training_folder",
            "also the quarantine folder",
        ),
        (ORGANISATION + "[labels]\nkeep_samples = 365", "labels.keep_samples", "no duration"),
        (ORGANISATION + "[labels]\nkeep_sample = '7d'", "labels.keep_sample", "did you mean keep_samples?"),
        (ORGANISATION + "[policy]\nfolders = []", "policy.folders", '["INBOX"]'),
        (ORGANISATION + "[policy]\nsent = ['INBOX']", "policy.sent", "take it out"),
        (ORGANISATION + "[policy]\nleave = ['crm']", "policy.leave[0]", '"crm@*"'),
        (ORGANISATION + "[safety]\nmax_messages = true", "safety.max_messages", "whole number"),
        (ORGANISATION + "[safety]\nmax_share = 0", "safety.max_share", "0.5"),
        (ORGANISATION + "[store]\nurl = 'sqlite://state.db'", "store.url", "three slashes"),
        (ORGANISATION + "[store]\nurl = 'mysql://h/d'", "store.url", "postgresql://"),
        (ORGANISATION + "[store]\nurl = 'postgresql://u@h:abc/d'", "store.url", "HOST:5432"),
        (ORGANISATION + "[store]\nkey = 'file:'", "store.key", "file:PATH"),
        (ORGANISATION + "[store]\nkeep_sent = '30d'", "store.keep_sent", 'at least "90d"'),
        (ORGANISATION + "[stroe]", "stroe", "did you mean store?"),
    ],
)
def test_a_fault_names_its_key_and_what_to_write(file: Path, text: str, key: str, remedy: str) -> None:
    matching = [fault for fault in faults(file, text) if fault.startswith(f"{key}: ")]
    assert any(remedy in fault for fault in matching), faults(file, text)


@pytest.mark.parametrize(
    "value", ["7", "'7'", "'7 d'", "'7y'", "'-1d'", "true", "'1d12h'", "''", "'99999999w'"]
)
def test_what_is_no_duration_is_refused(file: Path, value: str) -> None:
    [fault] = faults(file, ORGANISATION + f"[policy]\ngrace = {value}")
    assert fault.startswith("policy.grace: ")


def test_all_faults_are_told_together_and_none_follows_from_another(file: Path) -> None:
    told = faults(
        file,
        """
        [policy]
        action = "mvoe"
        [[organisation]]
        name = "harbor"
        domains = "harbor.example"
        [[server]]
        name = "mail"
        connector = "mail-dir"
        path = "x"
        [[mailbox]]
        address = "ann@harbor.example"
        server = "mail"
        [mailbox.policy]
        grace = "soon"
        """,
    )
    assert [fault.partition(": ")[0] for fault in told] == [
        "organisation[0].domains",
        "server[0].connector",
        "policy.action",
        'mailbox "ann@harbor.example".policy.grace',
    ]


@pytest.mark.parametrize("url", ["postgresql://u:hunter2@h/d", "postgresql://h/d?password=hunter2"])
def test_a_secret_in_the_file_is_refused_and_never_quoted(file: Path, url: str) -> None:
    text = f"{WHOLE}\npassword = 'hunter2'\n[store]\nurl = '{url}'\nkey = 'hunter2'"
    told = faults(file, text)
    assert len(told) == 3
    assert not any("hunter2" in fault for fault in told)
    assert any("use env:NAME or file:PATH" in fault for fault in told)


def test_a_syntax_error_names_its_line(file: Path) -> None:
    [fault] = faults(file, "[policy]\naction = move\n")
    assert "line 2" in fault


def test_a_file_that_is_not_there_tells_of_init(file: Path) -> None:
    with pytest.raises(ConfigurationError, match="bounce-cleaner init"):
        load(file)


def test_a_file_that_is_not_text_or_nested_without_end_is_refused(file: Path) -> None:
    file.write_bytes(b"name = \xff\xfe")
    with pytest.raises(ConfigurationError, match="save it as UTF-8"):
        load(file)
    assert "nested" in faults(file, "a = " + "[" * 100_000)[0]


def test_a_byte_order_mark_does_no_harm(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + WHOLE.encode())
    assert len(load(file).mailboxes) == 1


def test_the_file_is_found_where_the_contract_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BOUNCE_CLEANER_CONFIG", raising=False)
    monkeypatch.setattr("cleaner.config.loader.PLACES", (Path("cleaner.toml"), tmp_path / "etc.toml"))
    with pytest.raises(UsageError, match="bounce-cleaner init"):
        find()
    (tmp_path / "etc.toml").touch()
    assert find() == tmp_path / "etc.toml"
    Path("cleaner.toml").touch()
    assert find() == Path("cleaner.toml")
    monkeypatch.setenv("BOUNCE_CLEANER_CONFIG", "named.toml")
    assert find() == Path("named.toml")
    assert find(Path("given.toml")) == Path("given.toml")
