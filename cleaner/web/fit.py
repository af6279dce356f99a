"""How the models in use fit what arrives, in numbers for Prometheus."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Final

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from cleaner.errors import CleanerError
from cleaner.service.drift import Drift, drifts
from cleaner.service.serve import Serving
from cleaner.service.shadow import Beside, candidates

PREFIX: Final = "bounce_cleaner_model"
FRESH: Final = 300.0
"""Seconds for which the numbers hold: they are of days, and asked for every few seconds."""


class Fit(Collector):
    """Asked for when somebody reads the numbers."""

    def __init__(self, service: Serving) -> None:
        self._service = service
        self._guard = threading.Lock()
        self._at: float | None = None
        self._found: tuple[tuple[Drift, ...], tuple[Beside, ...]] = ((), ())

    def collect(self) -> Iterator[Metric]:
        found, beside = self._fresh()
        share = GaugeMetricFamily(
            f"{PREFIX}_drift",
            "What is followed of the model in use: the share of the last week (unlike: the largest stability index).",
            labels=("organisation", "model", "measure"),
        )
        warning = GaugeMetricFamily(
            f"{PREFIX}_drift_warning",
            "1: by that measure the model fits what arrives no more; status says what to do.",
            labels=("organisation", "model", "measure"),
        )
        for one in found:
            for measure in one.measures:
                labels = (one.organisation, one.model or "none", measure.name)
                warning.add_metric(labels, float(bool(measure.warning)))
                if measure.now is not None:
                    share.add_metric(labels, measure.now)
        along = GaugeMetricFamily(
            f"{PREFIX}_candidate_judged",
            "Notices of the last months that a candidate judged along.",
            labels=("organisation", "model"),
        )
        differs = GaugeMetricFamily(
            f"{PREFIX}_candidate_differs",
            "Those of which it said otherwise than the model in use.",
            labels=("organisation", "model"),
        )
        for candidate in beside:
            along.add_metric((candidate.organisation, candidate.candidate), candidate.judged)
            differs.add_metric((candidate.organisation, candidate.candidate), candidate.differs)
        yield from (share, warning, along, differs)

    def _fresh(self) -> tuple[tuple[Drift, ...], tuple[Beside, ...]]:
        with self._guard:
            if self._at is None or time.monotonic() - self._at >= FRESH:
                context = self._service.context
                try:
                    self._found = drifts(context), candidates(context)
                except CleanerError:
                    return (), ()
                self._at = time.monotonic()
            return self._found
