"""
The Domain Name System (RFC 1035): DKIM keys (RFC 6376 section 3.6.2), policies, addresses, blocklists.

Each question has a time limit, and when the name servers do not answer they are left in peace for a while: a run
without a network loses seconds, not minutes. dnspython is there anyway: dkimpy needs it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from cleaner.values import ABSENT, UNKNOWN, Missing

if TYPE_CHECKING:
    from dns.resolver import Answer
    from dns.resolver import Resolver as StubResolver

Texts: TypeAlias = tuple[str, ...] | Missing
NameServer: TypeAlias = tuple[str, int]
"""Address and port."""

SHORTEST: Final = 300.0
LONGEST: Final = 86_400.0
"""Seconds that an answer is kept, whatever its own time to live."""
ABSENT_FOR: Final = 3_600.0
UNKNOWN_FOR: Final = 300.0
MAX_KEPT: Final = 4_000
FAILURES: Final = 2
"""Questions in a row without an answer after which no more are asked for a while."""
UDP_PAYLOAD: Final = 1232
"""What passes without fragments (DNS flag day 2020); longer answers come over TCP."""


class Resolver(Protocol):
    """
    Whoever answers questions about names: name servers now, or what was written down.

    ABSENT: there is no such record; UNKNOWN: nobody answers. Nothing here raises.
    """

    def texts(self, name: str) -> Texts:
        """The text records of a name, each put together."""

    def addresses(self, name: str, version: int = 4) -> Texts:
        """The addresses of a host, of one version of the Internet Protocol."""

    def exchangers(self, domain: str) -> Texts:
        """The hosts that take a domain's mail, the preferred first; none that says that there are none."""

    def names(self, ip: str) -> Texts:
        """The names of an address (PTR), unconfirmed."""


class Dns:
    """Asks the name servers given, else those of this machine. May be used by several threads."""

    def __init__(self, timeout: timedelta, nameservers: Sequence[NameServer] = ()) -> None:
        self._timeout = timeout.total_seconds()
        self._nameservers = tuple(nameservers)
        self._kept: dict[tuple[str, str], tuple[float, Texts]] = {}
        self._lock = threading.Lock()
        self._failures = 0
        self._silent_until = 0.0
        self._strangers: Dns | None = None

    @property
    def strangers(self) -> Dns:
        """
        Asks the same name servers about names that notices mention, whoever wrote them.

        Domains that never answer can be named in any number; they must not keep us from asking about our own.
        """
        with self._lock:
            if self._strangers is None:
                self._strangers = Dns(timedelta(seconds=self._timeout), self._nameservers)
            return self._strangers

    def texts(self, name: str) -> Texts:
        """The text records of a name, each put together; ABSENT if it has none, UNKNOWN if nobody answers."""
        return self._records(name, "TXT")

    def addresses(self, name: str, version: int = 4) -> Texts:
        """The addresses of a host, of one version of the Internet Protocol."""
        return self._records(name, "A" if version == 4 else "AAAA")

    def exchangers(self, domain: str) -> Texts:
        """The hosts that take a domain's mail, the preferred first; none that says that there are none."""
        return self._records(domain, "MX")

    def names(self, ip: str) -> Texts:
        """The names of an address, unconfirmed: who owns the address may write any there."""
        return self._records(ip_address(ip).reverse_pointer, "PTR")

    def _records(self, name: str, kind: str) -> Texts:
        now = time.monotonic()
        with self._lock:
            kept = self._kept.get((name, kind))
            if kept is not None and kept[0] > now:
                return kept[1]
            if now < self._silent_until:
                return UNKNOWN
        found, seconds, is_silence = self._ask(name, kind)
        with self._lock:
            self._note(is_silence, now)
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            self._kept[name, kind] = (time.monotonic() + seconds, found)
        return found

    def _note(self, is_silence: bool, now: float) -> None:
        self._failures = self._failures + 1 if is_silence else 0
        if self._failures >= FAILURES:
            self._failures = 0
            self._silent_until = now + self._timeout + UNKNOWN_FOR

    def _ask(self, name: str, kind: str) -> tuple[Texts, float, bool]:
        """The answer, how long it is kept in seconds, and whether none came in time."""
        from dns.exception import DNSException, Timeout
        from dns.resolver import NXDOMAIN, NoNameservers

        try:
            answer = self._resolver().resolve(
                name, kind, lifetime=self._timeout, search=False, raise_on_no_answer=False
            )
        except NXDOMAIN:
            return ABSENT, ABSENT_FOR, False
        except NoNameservers:
            # They are there, and refuse or fail: that costs no time, and says nothing of other names.
            return UNKNOWN, UNKNOWN_FOR, False
        except (DNSException, OSError, ValueError) as error:
            # Time-outs, broken answers, names that are none, a machine without name servers.
            return UNKNOWN, UNKNOWN_FOR, isinstance(error, Timeout)
        texts = _texts(answer, kind)
        if not texts:
            return ABSENT, ABSENT_FOR, False
        ttl = float(answer.rrset.ttl) if answer.rrset is not None else SHORTEST
        return texts, min(max(ttl, SHORTEST), LONGEST), False

    def _resolver(self) -> StubResolver:
        from dns.nameserver import Do53Nameserver
        from dns.resolver import Resolver

        resolver = Resolver(configure=not self._nameservers)
        if self._nameservers:
            resolver.nameservers = [Do53Nameserver(address, port) for address, port in self._nameservers]
        resolver.use_edns(0, 0, UDP_PAYLOAD)
        return resolver


def _texts(answer: Answer, kind: str) -> tuple[str, ...]:
    if answer.rrset is None:
        return ()
    match kind:
        case "TXT":
            return tuple(b"".join(record.strings).decode("ascii", "replace") for record in answer.rrset)
        case "MX":
            ranked = sorted((record.preference, record.exchange.to_text(True)) for record in answer.rrset)
            return tuple(host.lower() for _, host in ranked if host.strip("."))
        case "PTR":
            return tuple(record.target.to_text(True).lower() for record in answer.rrset)
    return tuple(record.address for record in answer.rrset)
