"""
Tokens of any provider, by RFC 6749: client credentials, and what a person grants by device or code.

What a request says is oauthlib's; it is sent by our session. The application proves itself by HTTP Basic, which every
provider must take (section 2.3.1), and those that refuse it are asked again with the secret in the form.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, quote_plus, urlencode

from oauthlib.oauth2 import BackendApplicationClient, DeviceClient, WebApplicationClient

from cleaner.config import MailboxSettings, Server
from cleaner.config.oauth import SignIn
from cleaner.connectors.oauth.errors import host_of, of_answer
from cleaner.connectors.oauth.loopback import Browser, Loopback
from cleaner.connectors.oauth.values import Token, number_in, token_of
from cleaner.connectors.oauth.wire import Session
from cleaner.connectors.silence import silence
from cleaner.errors import ServerUnavailableError, SignInRefusedError
from cleaner.ports import Invitation

SILENT: Final = ("oauthlib",)

USUAL_INTERVAL: Final = 5.0
SLOWER: Final = 5.0
"""Seconds between questions whether a device was let in (RFC 8628 section 3.5), and what `slow_down` adds."""
SHORTEST: Final = 0.05
LONGEST_INTERVAL: Final = 60.0
FAILURES: Final = 5
"""So often an answer may fail to come."""
LONGEST: Final = 1800.0
"""Seconds that somebody is waited for."""


def application_token(server: Server, sign_in: SignIn, mailbox: MailboxSettings) -> Token:
    client = BackendApplicationClient(sign_in.client_id)
    body = client.prepare_request_body(scope=sign_in.scope or None)
    return _Client(server, sign_in, mailbox).token(body)


def refreshed(server: Server, sign_in: SignIn, mailbox: MailboxSettings, refresh_token: str) -> Token:
    """By a refresh token (section 6); the answer may hold another one, which then counts."""
    body = WebApplicationClient(sign_in.client_id).prepare_refresh_body(refresh_token=refresh_token)
    return _Client(server, sign_in, mailbox, (refresh_token,)).token(body)


def by_device(
    server: Server, sign_in: SignIn, mailbox: MailboxSettings, tell: Callable[[Invitation], None]
) -> Token:
    """A person enters a code at a browser anywhere (RFC 8628)."""
    asking = _Client(server, sign_in, mailbox)
    flow = asking.post(sign_in.device_url, urlencode({"scope": sign_in.scope} if sign_in.scope else {}))
    code, url = str(flow.get("device_code") or ""), str(flow.get("verification_uri") or "")
    if not code or not url:
        raise asking.refusal(flow)
    seconds = number_in(flow.get("expires_in"), LONGEST, LONGEST)
    tell(Invitation(url, str(flow.get("user_code") or ""), int(seconds)))
    body = DeviceClient(sign_in.client_id).prepare_request_body(device_code=code)
    pause = max(number_in(flow.get("interval"), USUAL_INTERVAL, LONGEST_INTERVAL), SHORTEST)
    until, failures = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        time.sleep(pause)
        try:
            answer = asking.post(sign_in.token_url, body)
        except ServerUnavailableError:
            # The person may be half-way through: a network that fails for a moment takes nothing from him.
            failures += 1
            if failures > FAILURES:
                raise
            continue
        if answer.get("error") == "slow_down":
            pause += SLOWER
        elif answer.get("error") != "authorization_pending":
            return asking.token_in(answer)
    raise SignInRefusedError(f"{mailbox.address}: nobody signed in within {seconds / 60:.0f} minutes")


def by_code(
    server: Server,
    sign_in: SignIn,
    mailbox: MailboxSettings,
    tell: Callable[[Invitation], None],
    port: int = 0,
) -> Token:
    """A person agrees at a browser on this machine, which then comes back to us (RFC 8252, RFC 7636)."""
    client = WebApplicationClient(sign_in.client_id)
    verifier = client.create_code_verifier(64)
    with Loopback(port) as loopback:
        uri = client.prepare_request_uri(
            sign_in.authorize_url,
            redirect_uri=loopback.uri,
            scope=sign_in.scope or None,
            state=loopback.state,
            code_challenge=client.create_code_challenge(verifier, "S256"),
            code_challenge_method="S256",
            login_hint=mailbox.user or mailbox.address,
            # Google gives a refresh token only for these, and to others they mean nothing.
            **({"access_type": "offline", "prompt": "consent"} if sign_in.provider == "google" else {}),
        )
        tell(Invitation(uri, "", int(LONGEST), loopback.port))
        browser: Browser = loopback.wait(LONGEST)
    asking = _Client(server, sign_in, mailbox, (browser.code, verifier))
    if browser.error or not browser.code:
        raise asking.refusal({"error": browser.error, "error_description": browser.description})
    body = client.prepare_request_body(
        code=browser.code, redirect_uri=loopback.uri, code_verifier=verifier, include_client_id=False
    )
    return asking.token(body)


class _Client:
    """The application, asking for one mailbox."""

    def __init__(
        self, server: Server, sign_in: SignIn, mailbox: MailboxSettings, hidden: tuple[str, ...] = ()
    ) -> None:
        self._server, self._sign_in, self._mailbox = server, sign_in, mailbox
        self._secret = sign_in.client_secret.reveal() if sign_in.client_secret is not None else ""
        self._hidden = (*hidden, self._secret, quote_plus(self._secret))
        self._in_form = sign_in.provider == "google" or not self._secret
        silence(SILENT)

    def token(self, body: str) -> Token:
        return self.token_in(self.post(self._sign_in.token_url, body))

    def token_in(self, answer: Mapping[str, Any]) -> Token:
        if "access_token" not in answer:
            raise self.refusal(answer)
        self._check_scope(answer)
        return token_of(self._server, self._sign_in, answer)

    def refusal(self, answer: Mapping[str, Any]) -> Exception:
        return of_answer(self._server, self._sign_in, self._mailbox, answer, self._hidden)

    def post(self, url: str, body: str) -> Mapping[str, Any]:
        with Session(self._server, self._sign_in) as session:
            answer = self._post(session, url, body)
            if answer.get("error") == "invalid_client" and not self._in_form:
                self._in_form = True
                answer = self._post(session, url, body)
            return answer

    def _post(self, session: Session, url: str, body: str) -> Mapping[str, Any]:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        form = dict(parse_qsl(body))
        if self._in_form:
            form["client_id"] = self._sign_in.client_id
            if self._secret:
                form["client_secret"] = self._secret
        else:
            pair = f"{quote_plus(self._sign_in.client_id)}:{quote_plus(self._secret)}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        response = session.post(url, data=urlencode(form), headers=headers)
        try:
            answer = json.loads(response.content)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise ServerUnavailableError(
                f"{self._server.name}: the sign-in endpoint {host_of(url)}",
                f"it answers {response.status_code} with what is no answer; is its address right?",
            )
        return answer

    def _check_scope(self, answer: Mapping[str, Any]) -> None:
        """At Google a person may leave a box unticked, and the token then opens nothing."""
        granted = str(answer.get("scope") or "").split()
        if self._sign_in.provider == "google" and granted and self._sign_in.scope not in granted:
            raise SignInRefusedError(
                f"{self._mailbox.address}: the permission to read and move mail was not given; sign in again, and "
                "leave its box ticked"
            )
