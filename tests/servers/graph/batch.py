"""Many requests in one. Source: https://learn.microsoft.com/graph/json-batching"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from tests.servers.graph.errors import GraphError, bad
from tests.servers.graph.mail import Result

MOST: Final = 20
_METHODS: Final = frozenset({"GET", "POST", "PATCH", "PUT", "DELETE"})


@dataclass(frozen=True)
class Step:
    """One request of a batch."""

    id: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    after: tuple[str, ...] = ()


def read(body: bytes, content_type: str) -> list[Step]:
    """Raises GraphError: what is wrong with one is wrong with all."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise GraphError(415, "UnsupportedMediaType", f"The content type '{content_type}' is not supported.")
    try:
        given = json.loads(body)
        listed = given["requests"]
    except (ValueError, TypeError, KeyError):
        raise bad("Invalid batch payload format.") from None
    if not isinstance(listed, list) or not listed:
        raise bad("Invalid batch payload format.")
    if len(listed) > MOST:
        raise bad(f"Number of batch request steps exceeds the max value of {MOST}.", "MaximumValueExceeded")
    steps = [_step(each) for each in listed]
    ids = [step.id for step in steps]
    if len(set(ids)) < len(ids):
        raise bad("Batch request ids must be unique.")
    for at, step in enumerate(steps):
        if set(step.after) - set(ids[:at]):
            raise bad(f"Request {step.id} depends on one that does not stand before it.")
    return steps


def _step(given: object) -> Step:
    if not isinstance(given, dict) or given.keys() - {"id", "method", "url", "headers", "body", "dependsOn"}:
        raise bad("Invalid batch payload format.")
    id, method, url = given.get("id"), given.get("method"), given.get("url")
    if not isinstance(id, str) or not isinstance(url, str) or method not in _METHODS:
        raise bad("A request of a batch has an id, a method and a url.")
    if urlsplit(url).scheme or url.lower().startswith(("/v1.0/", "v1.0/")):
        raise bad(f"The url of request {id} is not relative to the version.")
    headers = given.get("headers") or {}
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        raise bad(f"The headers of request {id} are not valid.")
    lower = {name.lower(): value for name, value in headers.items()}
    writes = method in ("POST", "PATCH", "PUT")
    # Sighted: a write without both is refused, and the whole batch with it.
    if writes and ("content-type" not in lower or "body" not in given):
        raise bad(f"Write request id : {id} does not contain Content-Type header or body.")
    if not writes and given.get("body") is not None:
        raise bad(f"Request {id} must have no body.")
    after = given.get("dependsOn") or []
    return Step(id, str(method), url, lower, _body(given.get("body"), lower), tuple(after))


def _body(given: object, headers: Mapping[str, str]) -> bytes:
    if given is None:
        return b""
    if headers.get("content-type", "").startswith("application/json"):
        return json.dumps(given).encode()
    if not isinstance(given, str):
        raise bad("A body that is no JSON is a text.")
    return given.encode() if headers["content-type"].startswith("text/") else base64.urlsafe_b64decode(given)


def run(steps: list[Step], one: Callable[[Step], Result]) -> Result:
    """The answers come in an order of their own."""
    failed: set[str] = set()
    answers = []
    for step in steps:
        if failed & set(step.after):
            result = _failed(GraphError(424, "FailedDependency", "A request before it failed."))
        else:
            result = one(step)
        if result.status >= 400:
            failed.add(step.id)
        answers.append(_answer(step, result))
    return Result(json={"responses": answers[::-1]})


def _failed(error: GraphError) -> Result:
    return Result(
        error.status, {"error": {"code": error.code, "message": error.message}}, headers=error.headers
    )


def _answer(step: Step, result: Result) -> dict[str, object]:
    headers = {"Cache-Control": "private", **result.headers}
    found: dict[str, object] = {"id": step.id, "status": result.status}
    if result.json is not None:
        headers.setdefault("Content-Type", "application/json; odata.metadata=minimal; charset=utf-8")
        found["body"] = result.json
    elif result.raw is not None:
        # What is no JSON comes as base64, whatever its type is called.
        found["body"] = base64.b64encode(result.raw).decode()
    return found | {"headers": headers}
