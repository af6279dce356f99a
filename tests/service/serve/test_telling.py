"""Alarms go from the service to a real web server and a real mail server, and nothing waits for these."""

from __future__ import annotations

import email
import logging
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from email.policy import default

import pytest

from cleaner.config import AlarmSettings
from cleaner.service.alerts import FLOOD, KEEP, SAFETY_STOP, deliver, post
from cleaner.service.context import Context
from cleaner.service.scan import ScanRequest
from cleaner.service.serve import Service
from cleaner.service.serve.alarming import FAILING, OFTEN, failing
from cleaner.service.serve.telling import Telling
from cleaner.store.records import Turn
from cleaner.values import ActionName, Alert, Kind, Opinion, Outcome, Safety, SeenNotice
from tests.servers import smtp, webhook
from tests.servers.certificates import Authority
from tests.service.hands import ANN, NOW, Hands

PATIENCE = 30.0
ALERT = Alert("safety-stop", ANN, "It would move too much.")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def ways(hands: Hands, **changes: object) -> None:
    """Puts the ways out into the configuration."""
    usual = AlarmSettings(sender="cleaner@harbor.example", smtp_host="127.0.0.1", smtp_tls="none")
    alarms = replace(usual, **changes)  # type: ignore[arg-type]
    hands.put(replace(hands.app.context.settings, alarms=alarms))


@contextmanager
def telling(context: Callable[[], Context]) -> Iterator[None]:
    one = Telling(context, look=0.01, pauses=(0.05,))
    one.start()
    try:
        yield
    finally:
        one.close(PATIENCE)


def wait_for(holds: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_safety_stop_reaches_the_log_the_webhook_and_the_mail_once(
    hands: Hands, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    hands.opt_in(ANN)
    hands.set_safety(Safety(max_messages=0))
    with webhook.receiving(authority.good()) as hook, smtp.serving() as server:
        ways(
            hands,
            webhook=hook.url,
            ca_file=authority.ca_file,
            mail=("admin@harbor.example",),
            smtp_port=server.port,
        )
        service = Service(hands.app.context, tick=3600)
        service.start()
        wait_for(lambda: hook.posts and server.taken and turn(hands).state == "stopped")
        for _ in range(2):
            hands.now += timedelta(hours=25)
            service.turn()
            wait_for(lambda: turn(hands).due > hands.now and turn(hands).claimed_by is None)
        assert (turn(hands).state, turn(hands).failures) == ("done", 0)
        wait_for(lambda: not hands.app.context.store.alerts.due())
        assert service.stop()
    [(_, _, body)] = hook.posts
    [taken] = server.taken
    assert (body["kind"], body["about"]) == (SAFETY_STOP, ANN)
    assert "scan --confirm" in text_of(taken)
    assert sum(SAFETY_STOP in record.getMessage() for record in caplog.records) == 1


def text_of(taken: smtp.Taken) -> str:
    text: str = email.message_from_bytes(taken.data, policy=default).get_content()
    return text


def turn(hands: Hands) -> Turn:
    [found] = hands.app.context.store.schedule.all()
    return found


def test_a_server_that_says_nothing_keeps_no_mailbox_waiting_and_is_told_later(
    hands: Hands, caplog: pytest.LogCaptureFixture
) -> None:
    """It takes the connection and never answers, while mailboxes are looked at as if nothing were."""
    hands.opt_in(ANN)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        port = deaf.getsockname()[1]
        ways(hands, mail=("admin@harbor.example",), smtp_port=port, timeout=timedelta(minutes=5))
        post(hands.app.context, [ALERT])
        service = Service(hands.app.context, tick=3600)
        service.start()
        deaf.settimeout(PATIENCE)
        with deaf.accept()[0]:
            for _ in range(3):
                hands.now += timedelta(minutes=5)
                service.turn()
                wait_for(lambda: turn(hands).due > hands.now and turn(hands).claimed_by is None)
            assert turn(hands).state == "done"
            assert list(hands.app.context.store.alerts.due()) == [ALERT]
            assert service.stop()
    with smtp.serving() as server:
        ways(hands, mail=("admin@harbor.example",), smtp_port=server.port)
        with telling(lambda: hands.app.context):
            wait_for(lambda: server.taken)
            wait_for(lambda: not hands.app.context.store.alerts.due())
    assert len(server.taken) == 1
    assert sum("It would move too much" in record.getMessage() for record in caplog.records) == 1


def test_one_that_refuses_is_tried_again_until_it_takes_it(hands: Hands, authority: Authority) -> None:
    """The other is told once meanwhile."""
    with webhook.receiving(authority.good()) as hook, smtp.serving() as server:
        hook.status = 503
        ways(
            hands,
            webhook=hook.url,
            ca_file=authority.ca_file,
            mail=("admin@harbor.example",),
            smtp_port=server.port,
        )
        with telling(lambda: hands.app.context):
            post(hands.app.context, [ALERT])
            wait_for(lambda: len(hook.posts) >= 3)
            hook.status = 200
            wait_for(lambda: not hands.app.context.store.alerts.due())
        assert len(server.taken) == 1


def test_what_nobody_takes_is_given_up_after_a_week(hands: Hands) -> None:
    ways(hands, mail=("admin@harbor.example",), smtp_port=9)
    post(hands.app.context, [ALERT])
    assert deliver(hands.app.context) == {ALERT}
    hands.now += KEEP - timedelta(seconds=1)
    assert deliver(hands.app.context) == {ALERT}
    hands.now += timedelta(seconds=1)
    assert deliver(hands.app.context) == frozenset()
    assert not hands.app.context.store.alerts.due()


def test_while_one_process_tells_another_leaves_it_to_him(hands: Hands) -> None:
    with smtp.serving() as server:
        ways(hands, mail=("admin@harbor.example",), smtp_port=server.port)
        post(hands.app.context, [ALERT])
        with hands.app.context.store.telling() as ours:
            assert ours
            assert deliver(hands.app.context) == frozenset()
        assert server.taken == []
        deliver(hands.app.context)
    assert len(server.taken) == 1


def test_who_opts_out_is_not_spoken_of_any_more(hands: Hands) -> None:
    hands.opt_in(ANN)
    other = Alert(FAILING, "imap", "ben@harbor.example failed 5 times in a row: it is down")
    named = Alert(FAILING, "ews", f"{ANN} and 2 more mailboxes failed 5 times in a row: it is down")
    post(hands.app.context, [ALERT, other, named])
    hands.app.context.store.erase(ANN)
    assert list(hands.app.context.store.alerts.due()) == [other]


def test_no_alarm_stands_in_the_clear(hands: Hands) -> None:
    post(hands.app.context, [ALERT])
    store = next(hands.root.rglob("state.db"))
    kept = b"".join(path.read_bytes() for path in store.parent.glob("state.db*") if path.is_file())
    assert b"move too much" not in kept


def test_a_mailbox_failing_for_long_is_told_of(hands: Hands) -> None:
    context = hands.app.context
    hands.opt_in(ANN)
    context.store.schedule.plan({ANN: "mailboxes"}, hands.now)
    with smtp.serving() as server:
        ways(hands, mail=("admin@harbor.example",), smtp_port=server.port)
        row = replace(turn(hands), failures=OFTEN, state="failed", error="no route to host")
        post(hands.app.context, failing([row]))
        deliver(hands.app.context)
    [taken] = server.taken
    assert "no route to host" in text_of(taken)


# --- floods -----------------------------------------------------------------------------------------


def came(hands: Hands, count: int, days_ago: int, opinion: Opinion = Opinion.BACKSCATTER) -> None:
    at = NOW - timedelta(days=days_ago, hours=1)
    hands.app.context.store.seen(ANN).record(
        [
            SeenNotice(
                f"{opinion.value}{days_ago}-{n}",
                "INBOX",
                str(n),
                Kind.NDR,
                opinion,
                ActionName.NONE,
                Outcome.NONE,
                at,
                received=at,
            )
            for n in range(count)
        ],
        {},
    )


@pytest.mark.parametrize(
    ("today", "usual", "expected"),
    [(100, 0, 1), (50, 0, 0), (100, 9, 1), (100, 12, 0)],
    ids=["flood", "few", "ten times as many", "a busy mailbox"],
)
def test_a_flood_is_told_of(hands: Hands, today: int, usual: int, expected: int) -> None:
    hands.opt_in(ANN)
    came(hands, today, 0)
    for day in range(1, 8):
        came(hands, usual, day)
    with smtp.serving() as server:
        ways(hands, mail=("admin@harbor.example",), smtp_port=server.port)
        hands.scan()
        hands.scan(ScanRequest(since=NOW - timedelta(days=30)))
    assert len(server.taken) == expected
    if expected:
        assert FLOOD.encode() in server.taken[0].data


def test_reports_about_real_mail_are_no_flood(hands: Hands) -> None:
    hands.opt_in(ANN)
    came(hands, 500, 0, Opinion.GENUINE)
    with smtp.serving() as server:
        ways(hands, mail=("admin@harbor.example",), smtp_port=server.port)
        hands.scan()
    assert server.taken == []


def test_it_can_be_switched_off(hands: Hands) -> None:
    hands.opt_in(ANN)
    came(hands, 500, 0)
    with smtp.serving() as server:
        ways(hands, mail=("admin@harbor.example",), smtp_port=server.port, flood=0)
        hands.scan()
    assert server.taken == []


def test_the_log_alone_tells_where_nothing_is_configured(
    hands: Hands, caplog: pytest.LogCaptureFixture
) -> None:
    post(hands.app.context, [ALERT])
    with caplog.at_level(logging.WARNING):
        assert deliver(hands.app.context) == frozenset()
    assert "alarm (safety-stop) for ann@harbor.example: It would move too much." in caplog.text
