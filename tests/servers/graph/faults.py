"""What goes wrong on demand, and when."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum


class Kind(Enum):
    """How it goes wrong."""

    HTTP = "http"
    """An error status, with Graph's JSON where there is a code."""
    CUT = "cut"
    """The connection ends before anything was done; inside a batch: with the items before it done."""
    CUT_AFTER = "cut after"
    """The connection ends when all was done, before the answer."""
    CUT_MIDDLE = "cut in the middle"
    """All was done, and half of the answer comes."""
    STALL = "stall"
    """No answer, until the server is closed or healed."""
    SLOW = "slow"
    """The answer comes after `seconds`."""
    NONE = "none"
    """Nothing goes wrong; only `Fault.meanwhile` happens."""


@dataclass
class Fault:
    """One thing that goes wrong: for which requests, how often."""

    kind: Kind
    status: int = 503
    code: str = ""
    """Of Graph's error; empty: no JSON but a page of a gateway."""
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    operation: str | None = None
    """`None`: any."""
    mailbox: str | None = None
    """`None`: anybody's."""
    inside: bool | None = None
    """Whether it strikes items of a batch; `None`: those too, if an operation is named."""
    times: int | None = 1
    """How often; `None`: for ever."""
    skip: int = 0
    """So many fitting requests come through before."""
    every: int = 1
    """Only each n-th of the fitting requests."""
    share: float = 1.0
    """Of the fitting requests, which chance chooses."""
    meanwhile: Callable[[], object] | None = None
    """What somebody else does just then."""


def throttled(retry_after: int | None = 1, **more: object) -> Fault:
    """429. Source: https://learn.microsoft.com/graph/throttling"""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Fault(Kind.HTTP, 429, "ApplicationThrottled", "Application is over its limit.", headers, **more)  # type: ignore[arg-type]


def unavailable(retry_after: int | None = 1, **more: object) -> Fault:
    """503."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Fault(Kind.HTTP, 503, "ServiceUnavailable", headers=headers, **more)  # type: ignore[arg-type]


def broken(status: int = 500, **more: object) -> Fault:
    """500, 502, 504 of a gateway: no JSON."""
    return Fault(Kind.HTTP, status, **more)  # type: ignore[arg-type]


def refused(status: int, code: str, message: str = "", **more: object) -> Fault:
    """Any of Graph's own errors."""
    return Fault(Kind.HTTP, status, code, message, **more)  # type: ignore[arg-type]


def cut(**more: object) -> Fault:
    return Fault(Kind.CUT, **more)  # type: ignore[arg-type]


def cut_after(**more: object) -> Fault:
    return Fault(Kind.CUT_AFTER, **more)  # type: ignore[arg-type]


def cut_middle(**more: object) -> Fault:
    return Fault(Kind.CUT_MIDDLE, **more)  # type: ignore[arg-type]


def stall(**more: object) -> Fault:
    return Fault(Kind.STALL, **more)  # type: ignore[arg-type]


def slow(seconds: float, **more: object) -> Fault:
    return Fault(Kind.SLOW, seconds=seconds, **more)  # type: ignore[arg-type]


def meanwhile(happens: Callable[[], object], **more: object) -> Fault:
    """Somebody else does that just before the request is answered."""
    return Fault(Kind.NONE, meanwhile=happens, **more)  # type: ignore[arg-type]


class Faults:
    """All that is armed. The same requests in the same order meet the same faults."""

    def __init__(self, seed: int = 1) -> None:
        self._armed: list[Fault] = []
        self._seen: dict[int, int] = {}
        self._chance = random.Random(seed)
        self._lock = threading.Lock()
        self.struck: dict[str, int] = {}
        """How often, by kind and status."""

    def arm(self, fault: Fault) -> None:
        with self._lock:
            self._armed.append(fault)

    def heal(self) -> None:
        with self._lock:
            self._armed.clear()

    def next(self, operation: str, mailbox: str, *, inside: bool = False) -> Fault | None:
        """What strikes this request."""
        with self._lock:
            for fault in self._armed:
                if _fits(fault, operation, mailbox, inside) and self._strikes(fault):
                    self._note(fault)
                    return fault
        return None

    def _strikes(self, fault: Fault) -> bool:
        if fault.skip:
            fault.skip -= 1
            return False
        if fault.share < 1.0 and self._chance.random() >= fault.share:
            return False
        seen = self._seen[id(fault)] = self._seen.get(id(fault), 0) + 1
        return seen % fault.every == 0

    def _note(self, fault: Fault) -> None:
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                self._armed.remove(fault)
        name = f"{fault.kind.value} {fault.status}" if fault.kind is Kind.HTTP else fault.kind.value
        self.struck[name] = self.struck.get(name, 0) + 1


def _fits(fault: Fault, operation: str, mailbox: str, inside: bool) -> bool:
    here = (fault.operation is not None or not inside) if fault.inside is None else fault.inside == inside
    return (
        here
        and fault.operation in (None, operation)
        and (fault.mailbox is None or fault.mailbox.lower() == mailbox.lower())
    )
