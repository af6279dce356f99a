"""Resolvers made of others: with a limit, with a second source, noting down what was answered."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from cleaner.lookups.dns import Resolver, Texts
from cleaner.lookups.names import host_key
from cleaner.lookups.spf import MAX_POLICY, policies_of
from cleaner.values import ABSENT, UNKNOWN

Question = tuple[str, str]
"""A name, and a kind of record."""
MAX_NOTED: Final = 400
"""Answers noted down: a policy that keeps the limits of SPF leads to fewer."""
MAX_VALUES: Final = 50
"""Records of one answer; no name of a site's own mail has more."""


class Limited:
    """
    Asks another, until time or questions are used up; then nobody answers.

    What was answered once is not asked again: thousands of hosts are held against one policy.
    """

    def __init__(self, dns: Resolver, seconds: float, questions: int) -> None:
        self._dns = dns
        self._until = time.monotonic() + seconds
        self._left = questions
        self._answers: dict[Question, Texts] = {}

    def texts(self, name: str) -> Texts:
        return self._answer((name, "TXT"), lambda: self._dns.texts(name))

    def addresses(self, name: str, version: int = 4) -> Texts:
        return self._answer((name, str(version)), lambda: self._dns.addresses(name, version))

    def exchangers(self, domain: str) -> Texts:
        return self._answer((domain, "MX"), lambda: self._dns.exchangers(domain))

    def names(self, ip: str) -> Texts:
        return self._answer((ip, "PTR"), lambda: self._dns.names(ip))

    def _answer(self, question: Question, ask: Callable[[], Texts]) -> Texts:
        found = self._answers.get(question)
        if found is None:
            self._left -= 1
            if self._left < 0 or time.monotonic() >= self._until:
                return UNKNOWN
            found = self._answers[question] = ask()
        return found


class FirstOf:
    """Asks one, and another where that one does not answer."""

    def __init__(self, first: Resolver, second: Resolver) -> None:
        self._first = first
        self._second = second

    def texts(self, name: str) -> Texts:
        found = self._first.texts(name)
        return self._second.texts(name) if found is UNKNOWN else found

    def addresses(self, name: str, version: int = 4) -> Texts:
        found = self._first.addresses(name, version)
        return self._second.addresses(name, version) if found is UNKNOWN else found

    def exchangers(self, domain: str) -> Texts:
        found = self._first.exchangers(domain)
        return self._second.exchangers(domain) if found is UNKNOWN else found

    def names(self, ip: str) -> Texts:
        found = self._first.names(ip)
        return self._second.names(ip) if found is UNKNOWN else found


class Noting:
    """Asks another, and notes down what it answers; of texts only policies, of addresses no names."""

    def __init__(self, dns: Resolver) -> None:
        self._dns = dns
        self.noted: dict[Question, tuple[str, ...]] = {}
        """Empty where there is no such record."""

    def texts(self, name: str) -> Texts:
        found = self._dns.texts(name)
        return self._note(name, "TXT", found, policies_of(found) + dmarc_of(found))

    def addresses(self, name: str, version: int = 4) -> Texts:
        found = self._dns.addresses(name, version)
        return self._note(name, "A" if version == 4 else "AAAA", found, found)

    def exchangers(self, domain: str) -> Texts:
        found = self._dns.exchangers(domain)
        return self._note(domain, "MX", found, found)

    def names(self, ip: str) -> Texts:
        return self._dns.names(ip)

    def _note(self, name: str, kind: str, found: Texts, kept: Texts) -> Texts:
        values = kept if isinstance(kept, tuple) else ()
        is_small = len(values) <= MAX_VALUES and sum(map(len, values)) <= 2 * MAX_POLICY
        if (found is ABSENT or isinstance(found, tuple)) and is_small and len(self.noted) < MAX_NOTED:
            self.noted[host_key(name), kind] = tuple(sorted(values))
        return found


def dmarc_of(found: Texts) -> tuple[str, ...]:
    """The DMARC policies among the text records of a name (RFC 7489 section 6.3)."""
    if not isinstance(found, tuple):
        return ()
    heads = ((text, text.partition(";")[0].replace(" ", "").lower()) for text in found)
    return tuple(text for text, head in heads if head == "v=dmarc1")
