"""Alarms reach a real web server over verified TLS and a real mail server; nothing secret is said when they do not."""

from __future__ import annotations

import email
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.policy import default
from pathlib import Path

import pytest

from cleaner.config import AlarmSettings, Secret
from cleaner.errors import AskPersonError, CleanerError, ServerUnavailableError
from cleaner.outlets import Letter, Outlets, Webhook, outlets
from cleaner.store import Store
from cleaner.values import Alert
from tests.servers import smtp, webhook
from tests.servers.certificates import Authority
from tests.servers.webhook import PATH, Hook

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ALERT = Alert("compromised-account", "ann@harbor.example", "On one day 25 mails came back.", "2026-11-20")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def hook(authority: Authority, request: pytest.FixtureRequest) -> Iterator[Hook]:
    certificate = authority.for_another_host() if hasattr(request, "param") else authority.good()
    with webhook.receiving(certificate) as hook:
        yield hook


def settings(authority: Authority, **changes: object) -> AlarmSettings:
    usual = AlarmSettings(ca_file=authority.ca_file, timeout=timedelta(seconds=5))
    return replace(usual, **changes)  # type: ignore[arg-type]


# --- webhook -------------------------------------------------------------------------------------


def test_a_webhook_is_posted_what_was_seen(
    hook: Hook, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", hook.url)
    monkeypatch.setenv("TOKEN", "s3cret")
    way = Webhook(settings(authority, webhook=Secret("env:HOOK"), webhook_token=Secret("env:TOKEN")))
    way.tell(ALERT, NOW)
    [(path, headers, body)] = hook.posts
    assert path == PATH
    assert headers["Authorization"] == "Bearer s3cret"
    assert body == {
        "text": "ann@harbor.example: On one day 25 mails came back.",
        "kind": "compromised-account",
        "about": "ann@harbor.example",
        "at": "2026-11-20T12:00:00+00:00",
    }


def test_without_the_authority_it_is_not_told(hook: Hook) -> None:
    with pytest.raises(ServerUnavailableError, match="not to be trusted"):
        Webhook(AlarmSettings(webhook=hook.url)).tell(ALERT, NOW)
    assert hook.posts == []


@pytest.mark.parametrize("hook", ["another host"], indirect=True)
def test_a_certificate_of_another_host_is_not_believed(hook: Hook, authority: Authority) -> None:
    with pytest.raises(ServerUnavailableError, match="not to be trusted"):
        Webhook(settings(authority, webhook=hook.url)).tell(ALERT, NOW)
    assert hook.posts == []


def test_a_redirection_is_not_followed(hook: Hook, authority: Authority) -> None:
    hook.status, hook.location = 307, hook.url + "/elsewhere"
    with pytest.raises(ServerUnavailableError, match="it answered 307"):
        Webhook(settings(authority, webhook=hook.url)).tell(ALERT, NOW)
    assert len(hook.posts) == 1


def test_an_error_names_neither_path_nor_token(
    hook: Hook, authority: Authority, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hook.status = 500
    monkeypatch.setenv("TOKEN", "s3cret")
    changed = settings(authority, webhook=hook.url, webhook_token=Secret("env:TOKEN"))
    with Store.open("sqlite://", b"k" * 32) as store, caplog.at_level(logging.DEBUG):
        assert outlets(changed, store.alerts, lambda: NOW).tell([ALERT]).untold == {ALERT}
    assert "it answered 500" in caplog.text
    assert "T0K3N" not in caplog.text
    assert "s3cret" not in caplog.text


def test_a_secret_that_leads_to_plain_http_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", "http://127.0.0.1:9/T0K3N")
    with pytest.raises(AskPersonError) as refused:
        Webhook(AlarmSettings(webhook=Secret("env:HOOK"))).tell(ALERT, NOW)
    assert "T0K3N" not in str(refused.value)


# --- mail ----------------------------------------------------------------------------------------


def by_mail(authority: Authority, port: int, **changes: object) -> Letter:
    usual = {
        "mail": ("admin@harbor.example", "duty@harbor.example"),
        "sender": "bounce-cleaner@harbor.example",
        "smtp_port": port,
    }
    return Letter(settings(authority, **{**usual, **changes}))


def test_a_letter_goes_out_over_tls_signed_in(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", "s3cret")
    with smtp.serving(authority.good()) as server:
        password = Secret("env:SMTP_PASSWORD")
        by_mail(authority, server.port, smtp_user="cleaner", smtp_password=password).tell(ALERT, NOW)
    [taken] = server.taken
    assert taken.over_tls
    assert taken.user == "cleaner"
    assert len(taken.recipients) == 2
    letter = email.message_from_bytes(taken.data, policy=default)
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Subject"] == "Bounce Cleaner alarm: ann@harbor.example"
    assert ALERT.text in letter.get_content()


def test_it_may_go_to_a_server_on_this_machine_in_the_clear(authority: Authority) -> None:
    with smtp.serving() as server:
        by_mail(authority, server.port, smtp_tls="none").tell(ALERT, NOW)
    assert len(server.taken) == 1


def test_a_server_without_tls_gets_nothing(authority: Authority) -> None:
    with smtp.serving() as server, pytest.raises(ServerUnavailableError):
        by_mail(authority, server.port).tell(ALERT, NOW)
    assert server.taken == []


def test_a_server_of_another_name_gets_nothing(authority: Authority) -> None:
    with smtp.serving(authority.for_another_host()) as server, pytest.raises(ServerUnavailableError):
        by_mail(authority, server.port).tell(ALERT, NOW)
    assert server.taken == []


def test_a_refused_password_is_not_quoted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", "s3cret")
    with smtp.serving(authority.good(), refuses={"AUTH": "535 no s3cret"}) as server:
        way = by_mail(authority, server.port, smtp_user="c", smtp_password=Secret("env:SMTP_PASSWORD"))
        with pytest.raises(ServerUnavailableError, match="it answered 535") as refused:
            way.tell(ALERT, NOW)
    assert "s3cret" not in str(refused.value)


def test_recipients_that_are_refused_are_no_success(authority: Authority) -> None:
    with smtp.serving(refuses={"RCPT": "550 no"}) as server, pytest.raises(ServerUnavailableError):
        by_mail(authority, server.port, smtp_tls="none").tell(ALERT, NOW)


def test_a_silent_server_is_not_waited_for(authority: Authority) -> None:
    with smtp.serving(silent=True) as server, pytest.raises(ServerUnavailableError):
        by_mail(authority, server.port, timeout=timedelta(seconds=0.2)).tell(ALERT, NOW)


# --- together ------------------------------------------------------------------------------------


@dataclass
class Way:
    """A way out that remembers what it was told; broken, it takes nothing."""

    name: str
    broken: bool = False
    told: list[Alert] = field(default_factory=list)
    asked: int = 0

    def tell(self, alert: Alert, now: datetime) -> None:
        self.asked += 1
        if self.broken:
            raise CleanerError("nobody there")
        self.told.append(alert)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path}/state.db", b"k" * 32) as store:
        yield store


def test_an_alert_is_told_once_until_it_is_old(store: Store) -> None:
    way, now = Way("one"), [NOW]
    both = Outlets([way], store.alerts, timedelta(days=1), lambda: now[0])
    other = replace(ALERT, about="ben@harbor.example")
    assert both.tell([ALERT, ALERT, other]).count == 2
    assert both.tell([ALERT, other]).count == 0
    assert both.tell([replace(ALERT, occasion="2026-11-21")]).count == 1
    now[0] += timedelta(hours=23)
    assert both.tell([ALERT]).count == 0
    now[0] += timedelta(hours=1)
    assert both.tell([ALERT]).count == 1
    assert [alert.about for alert in way.told[:2]] == [ALERT.about, "ben@harbor.example"]


def test_one_that_does_not_answer_is_tried_again_and_does_not_keep_the_other(store: Store) -> None:
    broken, good = Way("broken", broken=True), Way("good")
    both = Outlets([broken, good], store.alerts, timedelta(days=1), lambda: NOW)
    assert both.tell([ALERT]).count == 1
    broken.broken = False
    assert both.tell([ALERT]).count == 1
    assert (broken.told, good.told) == ([ALERT], [ALERT])


def test_what_was_told_stands_nowhere_in_the_clear(store: Store, tmp_path: Path) -> None:
    Outlets([Way("one")], store.alerts, timedelta(days=1), lambda: NOW).tell([ALERT])
    store.close()
    assert b"compromised" not in (tmp_path / "state.db").read_bytes()


def test_a_flood_of_alarms_is_one_letter(store: Store) -> None:
    way = Way("one")
    every = [replace(ALERT, about=f"p{n}@harbor.example") for n in range(50)]
    both = Outlets([way], store.alerts, timedelta(days=1), lambda: NOW)
    stop = Alert("safety-stop", "ann@harbor.example", "It stopped.")
    assert both.tell([*every, stop]).count == 51
    assert both.tell([*every, stop]).count == 0
    assert [alert.about for alert in way.told] == ["50 alarms", "ann@harbor.example"]
    assert "p3@harbor.example: On one day 25 mails" in way.told[0].text
    assert "and 30 more" in way.told[0].text


def test_five_of_a_kind_are_told_one_by_one(store: Store) -> None:
    way = Way("one")
    every = [replace(ALERT, about=f"p{n}@harbor.example") for n in range(5)]
    Outlets([way], store.alerts, timedelta(days=1), lambda: NOW).tell(every)
    assert {alert.about for alert in way.told} == {alert.about for alert in every}


def test_a_silent_one_is_asked_once_however_many_alarms_there_are(store: Store) -> None:
    way = Way("one", broken=True)
    every = [replace(ALERT, about=f"p{n}@harbor.example") for n in range(5)]
    told = Outlets([way], store.alerts, timedelta(days=1), lambda: NOW).tell(every)
    assert (told.count, told.untold, way.asked) == (0, frozenset(every), 1)
