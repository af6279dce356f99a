"""What goes wrong on demand, and when."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum


class Kind(Enum):
    """How it goes wrong."""

    FAULT = "fault"
    """A SOAP fault with HTTP 500, as Exchange throttles."""
    MESSAGE = "message"
    """An error in each response message."""
    ITEM = "item"
    """An error of one item of a batch, at `Fault.at`."""
    HTTP = "http"
    """A bare HTTP status."""
    CUT = "cut"
    """The connection ends before anything was done."""
    CUT_AFTER = "cut after"
    """The connection ends when all was done, before the answer."""
    STALL = "stall"
    """No answer, until the server is closed or healed."""
    NONE = "none"
    """Nothing goes wrong; only `Fault.meanwhile` happens."""


@dataclass
class Fault:
    """One thing that goes wrong: for which requests, how often."""

    kind: Kind
    code: str = ""
    """Of EWS: `ErrorServerBusy`."""
    status: int = 503
    """Of HTTP."""
    headers: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    """Of MessageXml: `BackOffMilliseconds`."""
    operation: str | None = None
    """`None`: any."""
    mailbox: str | None = None
    """`None`: anybody's."""
    times: int | None = 1
    """How often; `None`: for ever."""
    skip: int = 0
    """So many fitting requests come through before."""
    share: float = 1.0
    """Of the fitting requests, which chance chooses."""
    at: int = 0
    """Which item of a batch, counted from nought."""
    stops: bool | None = None
    """Whether the rest of a batch is left undone; by default all but ErrorItemNotFound do that."""
    meanwhile: Callable[[], object] | None = None
    """What somebody else does just then."""

    @property
    def stops_batch(self) -> bool:
        return self.code != "ErrorItemNotFound" if self.stops is None else self.stops


def busy(*, back_off: int | None = 1000, **more: object) -> Fault:
    """ErrorServerBusy, with so many milliseconds to wait."""
    values = {} if back_off is None else {"BackOffMilliseconds": str(back_off)}
    return Fault(Kind.FAULT, "ErrorServerBusy", values=values, **more)  # type: ignore[arg-type]


def busy_message(*, back_off: int = 1000, **more: object) -> Fault:
    """The same inside a response message."""
    values = {"BackOffMilliseconds": str(back_off)}
    return Fault(Kind.MESSAGE, "ErrorServerBusy", values=values, **more)  # type: ignore[arg-type]


def busy_inside(**more: object) -> Fault:
    """ErrorInternalServerError, whose inner code says that the server is busy."""
    values = {
        "InnerErrorMessageText": "Busy.",
        "InnerErrorResponseCode": "ErrorServerBusy",
        "InnerErrorDescriptiveLinkKey": "0",
    }
    return Fault(Kind.MESSAGE, "ErrorInternalServerError", values=values, **more)  # type: ignore[arg-type]


def too_many_connections(**more: object) -> Fault:
    values = {"Policy": "MaxConcurrency", "MaxConcurrencyLimit": "27", "ErrorMessage": "Too many at once."}
    return Fault(Kind.FAULT, "ErrorExceededConnectionCount", values=values, **more)  # type: ignore[arg-type]


def http(status: int, *, retry_after: int | None = None, close: bool = False, **more: object) -> Fault:
    """503, 429, …"""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    if close:
        headers["Connection"] = "close"
    return Fault(Kind.HTTP, status=status, headers=headers, **more)  # type: ignore[arg-type]


def refuses(code: str, **more: object) -> Fault:
    """Every response message of the request is that error."""
    return Fault(Kind.MESSAGE, code, **more)  # type: ignore[arg-type]


def refuses_all(code: str, **more: object) -> Fault:
    """The request is refused as a whole, by a SOAP fault."""
    return Fault(Kind.FAULT, code, **more)  # type: ignore[arg-type]


def item_fails(at: int, code: str, **more: object) -> Fault:
    """In the middle of a batch; unless it is ErrorItemNotFound, nothing after it is done."""
    return Fault(Kind.ITEM, code, at=at, **more)  # type: ignore[arg-type]


def cut(**more: object) -> Fault:
    return Fault(Kind.CUT, **more)  # type: ignore[arg-type]


def cut_after(**more: object) -> Fault:
    return Fault(Kind.CUT_AFTER, **more)  # type: ignore[arg-type]


def stall(**more: object) -> Fault:
    return Fault(Kind.STALL, **more)  # type: ignore[arg-type]


def meanwhile(happens: Callable[[], object], **more: object) -> Fault:
    """Somebody else does that just before the request is answered."""
    return Fault(Kind.NONE, meanwhile=happens, **more)  # type: ignore[arg-type]


class Faults:
    """All that is armed. The same requests in the same order meet the same faults."""

    def __init__(self, seed: int = 1) -> None:
        self._armed: list[Fault] = []
        self._chance = random.Random(seed)
        self._lock = threading.Lock()
        self.struck: dict[str, int] = {}
        """How often, by kind and code."""

    def arm(self, fault: Fault) -> None:
        with self._lock:
            self._armed.append(fault)

    def heal(self) -> None:
        with self._lock:
            self._armed.clear()

    def next(self, operation: str, mailbox: str) -> Fault | None:
        """What strikes this request."""
        with self._lock:
            for fault in self._armed:
                if not _fits(fault, operation, mailbox):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                if fault.share < 1.0 and self._chance.random() >= fault.share:
                    continue
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._armed.remove(fault)
                name = fault.code or f"{fault.kind.value} {fault.status if fault.kind is Kind.HTTP else ''}"
                self.struck[name.strip()] = self.struck.get(name.strip(), 0) + 1
                return fault
        return None


def _fits(fault: Fault, operation: str, mailbox: str) -> bool:
    return fault.operation in (None, operation) and (
        fault.mailbox is None or fault.mailbox.lower() == mailbox.lower()
    )
