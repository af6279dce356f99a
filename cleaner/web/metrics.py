"""The service in numbers, as Prometheus reads them. No label names a person or an address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from cleaner import __version__
from cleaner.errors import CleanerError
from cleaner.service.serve import Serving
from cleaner.service.serve.work import Worked
from cleaner.web.fit import Fit

PREFIX: Final = "bounce_cleaner"
SECONDS: Final = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300)
TENTHS: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)

# When each series began, which doubles their number and which nobody asks for.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """Counts what the service tells; satisfies `Observer`."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._turns = Counter(
            f"{PREFIX}_turns",
            "Turns of mailboxes, by how they ended: done, nothing_new, failed, stopped (by the safety limit), "
            "interrupted, left.",
            ("server", "result"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            f"{PREFIX}_turn_seconds",
            "How long turns took.",
            ("server",),
            buckets=SECONDS,
            registry=self._registry,
        )
        self._running = Gauge(
            f"{PREFIX}_turns_running", "Mailboxes at work on now.", ("server",), registry=self._registry
        )
        self._messages = Counter(
            f"{PREFIX}_messages_looked_at",
            "Messages looked at.",
            ("organisation",),
            registry=self._registry,
        )
        self._notices = Counter(
            f"{PREFIX}_notices",
            "Notices judged, by verdict and by what became of them.",
            ("organisation", "verdict", "plan", "outcome"),
            registry=self._registry,
        )
        self._probabilities = Histogram(
            f"{PREFIX}_model_probability",
            "How probable the model took backscatter to be.",
            ("organisation", "model"),
            buckets=TENTHS,
            registry=self._registry,
        )
        self._expired = Counter(
            f"{PREFIX}_expired",
            "Quarantined notices that went to Trash.",
            ("organisation",),
            registry=self._registry,
        )
        self._digests = Counter(
            f"{PREFIX}_digests",
            "Digests put into mailboxes.",
            ("organisation",),
            registry=self._registry,
        )
        info = Gauge(f"{PREFIX}_info", "The version that runs.", ("version",), registry=self._registry)
        info.labels(__version__).set(1)

    def watch(self, service: Serving) -> None:
        """From now on also what the schedule says at the moment of asking."""
        self._registry.register(Schedule(service))
        self._registry.register(Fit(service))

    def began(self, server: str) -> None:
        self._running.labels(server).inc()

    def ended(self, server: str, organisation: str, worked: Worked, seconds: float) -> None:
        self._running.labels(server).dec()
        self._turns.labels(server, result_of(worked)).inc()
        self._seconds.labels(server).observe(seconds)
        if worked.scan is not None:
            self._messages.labels(organisation).inc(worked.scan.looked_at)
            for line in worked.scan.lines:
                labels = organisation, line["verdict"], line["plan"], line["outcome"]
                self._notices.labels(*labels).inc()
                if line.get("probability") is not None:
                    self._probabilities.labels(organisation, line["model"]).observe(line["probability"])
        self._expired.labels(organisation).inc(worked.expired)
        self._digests.labels(organisation).inc(worked.has_digest)

    def text(self) -> bytes:
        return generate_latest(self._registry)


class Schedule(Collector):
    """Asked for when somebody reads the numbers."""

    def __init__(self, service: Serving) -> None:
        self._service = service

    def collect(self) -> Iterator[Metric]:
        health = self._service.health
        yield GaugeMetricFamily(f"{PREFIX}_ready", "1: all is in order.", value=float(health.is_ready))
        try:
            backlog = self._service.backlog()
        except CleanerError:
            return
        now = self._service.context.clock()
        waits = (now - backlog.oldest).total_seconds() if backlog.oldest is not None else 0.0
        for name, help_text, value in (
            ("mailboxes", "Mailboxes in the schedule.", backlog.mailboxes),
            ("mailboxes_due", "Mailboxes that are due and wait for a worker.", backlog.due),
            ("mailboxes_failing", "Mailboxes whose last turn failed.", backlog.failing),
            ("longest_wait_seconds", "How long the longest due mailbox has been waiting.", max(waits, 0.0)),
        ):
            yield GaugeMetricFamily(f"{PREFIX}_{name}", help_text, value=float(value))


def result_of(worked: Worked) -> str:
    if worked.only_looked:
        return "nothing_new"
    if worked.not_wanted or worked.busy:
        return "left"
    return worked.turn.state or "left"
