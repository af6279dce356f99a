"""A client that says what it is told to, for the tests of the server itself."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

from tests.servers.graph.server import CLIENT, SECRET, GraphServer
from tests.servers.graph.signin import TENANT

DEFAULT: Final = "https://graph.microsoft.com/.default"
IMMUTABLE: Final = 'IdType="ImmutableId"'


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """Of the error."""
        return str(self.json["error"]["code"])

    @property
    def error(self) -> tuple[int, str]:
        return self.status, self.code


class Client:
    """One connection that is kept, and one token."""

    def __init__(self, server: GraphServer, ca_file: Path, address: str = "ann@harbor.example") -> None:
        self.server = server
        self.me = f"/v1.0/users/{address}"
        self.token = ""
        self._context = ssl.create_default_context(cafile=str(ca_file))
        self._connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=self._context)

    def close(self) -> None:
        self._connection.close()

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        prefer: str | None = IMMUTABLE,
        kind: str | None = None,
        **headers: str,
    ) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        if prefer:
            sent["Prefer"] = prefer
        if kind:
            sent["Content-Type"] = kind
        path = path.removeprefix(self.server.root)
        if path.startswith(("/mailFolders", "/messages", "/mailboxSettings", "?")):
            path = self.me + path
        self._connection.request(method, quote(path, safe="/%?&=$'(),@:+;"), body, sent)
        answer = self._connection.getresponse()
        return Answer(
            answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
        )

    def get(self, path: str, *, prefer: str | None = IMMUTABLE) -> Answer:
        return self.ask("GET", path, prefer=prefer)

    def send(self, method: str, path: str, given: object, *, prefer: str | None = IMMUTABLE) -> Answer:
        return self.ask(method, path, json.dumps(given).encode(), prefer=prefer, kind="application/json")

    def batch(self, *steps: Mapping[str, object]) -> dict[str, Any]:
        """The answers by id."""
        answer = self.send("POST", "/v1.0/$batch", {"requests": list(steps)})
        assert answer.status == 200, answer.body
        return {each["id"]: each for each in answer.json["responses"]}

    def round(self, path: str, *, prefer: str = IMMUTABLE) -> tuple[list[dict[str, Any]], str]:
        """All that a delta query tells, and the link for the next one."""
        found: list[dict[str, Any]] = []
        for page in self.pages(path, prefer=prefer):
            found += page["value"]
        return found, str(page["@odata.deltaLink"])

    def pages(self, path: str, *, prefer: str = IMMUTABLE) -> Iterator[dict[str, Any]]:
        link: str | None = path
        while link is not None:
            answer = self.get(link, prefer=prefer)
            assert answer.status == 200, answer.body
            yield answer.json
            link = answer.json.get("@odata.nextLink")

    # --- signing in

    def form(self, place: str, tenant: str = TENANT, **given: str) -> Answer:
        kind = "application/x-www-form-urlencoded"
        return self.ask(
            "POST", f"/{tenant}/oauth2/v2.0/{place}", urlencode(given).encode(), prefer=None, kind=kind
        )

    def sign_in(self, client_id: str = CLIENT, secret: str = SECRET, scope: str = DEFAULT) -> Answer:
        answer = self.form(
            "token", grant_type="client_credentials", client_id=client_id, client_secret=secret, scope=scope
        )
        self.token = answer.json.get("access_token", "")
        return answer
