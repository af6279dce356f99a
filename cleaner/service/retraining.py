"""
Training by itself: when labels wait long enough, or enough of them do, `serve` has a model trained from them.

It is done by a process of its own that gives way to everything else, so that no scan is held up and no memory is kept.
What comes of it is judged by the same rule as by command: in use if it is not worse, else a candidate with the
reason. Services ask the store which model judges each time they open a mailbox, so none need be started anew.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from typing import Final

from cleaner.errors import CleanerError, UsageError
from cleaner.service.context import Context
from cleaner.service.training import Trained, trained
from cleaner.steps.task import Watch
from cleaner.store.records import Training

log = logging.getLogger(__name__)

PAUSE: Final = 300.0
"""Seconds between looks at whether labels wait."""
REST: Final = 6 * 3600.0
"""Seconds until it is tried again where the process itself failed."""
FAREWELL: Final = 5.0
"""Seconds that a training has to end in when the service ends."""

Command = Callable[[Context, str], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Due:
    """An organisation whose labels are to be learned from."""

    organisation: str
    labels: int
    why: str


def due(context: Context) -> Iterator[Due]:
    """Where labels wait that no model has learned from, or unlearned, for long enough."""
    settings = context.settings.models
    if not settings.use:
        return
    for organisation in context.settings.organisations:
        last = next(iter(context.store.models.trainings(organisation.name, 1)), None)
        waiting = context.store.labels.unlearned(organisation.name, last)
        if waiting.oldest is None:
            continue
        if settings.retrain_after and waiting.count >= settings.retrain_after:
            why = f"{waiting.count:,} labels were given or withdrawn since the last time"
            yield Due(organisation.name, waiting.count, why)
        elif settings.retrain and waits_since(waiting.oldest, last) + settings.retrain <= context.clock():
            why = f"labels have been waiting for {settings.retrain.days or 1} days or more"
            yield Due(organisation.name, waiting.count, why)


def waits_since(oldest: datetime, last: Training | None) -> datetime:
    """Not before the training that could not know of it: what is imported may be old."""
    return oldest if last is None else max(oldest, last.at)


def train_if_due(context: Context, organisation: str, watch: Watch) -> Trained | None:
    """
    What the process does; None where another was faster.

    Raises UsageError where nothing can be learned: that is noted, so that it is tried again only with other labels.
    """
    with context.store.training(organisation) as is_free:
        if not is_free or organisation not in {one.organisation for one in due(context)}:
            return None
        last = context.store.labels.latest()
        try:
            return trained(context, organisation, watch, may_promote=True)
        except UsageError as error:
            now = context.clock()
            context.store.models.note(
                Training(
                    organisation, now, context.actor, None, 0, promoted=False, why=str(error), last_label=last
                )
            )
            raise


def command(context: Context, organisation: str) -> Sequence[str]:
    options = ("--organisation", organisation, "--if-due", "--format", "jsonl")
    return sys.executable, "-m", "cleaner", "-c", str(context.settings.path), "train", *options


class Retraining:
    """Looks, at times, whether labels wait, and has one model trained at a time."""

    def __init__(self, command: Command = command) -> None:
        self._command = command
        self._looked: float | None = None
        self._rests_until = 0.0
        self._thread: threading.Thread | None = None
        self._process: subprocess.Popen[str] | None = None
        self._guard = threading.Lock()
        self._ends = False

    def look(self, context: Context) -> None:
        """Begins a training if one is due; never waits for it."""
        now = time.monotonic()
        if self._ends or self.is_at_work or now < self._rests_until:
            return
        if self._looked is not None and now - self._looked < PAUSE:
            return
        self._looked = now
        self._thread = threading.Thread(target=self._work, args=(context,), name="training", daemon=True)
        self._thread.start()

    @property
    def is_at_work(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def wait(self, seconds: float) -> bool:
        """Until what is at work is done; false if it is not by then."""
        if self._thread is not None:
            self._thread.join(seconds)
        return not self.is_at_work

    def stop(self) -> None:
        """A training that is at work is broken off: nothing of it is kept, and the next service begins it anew."""
        with self._guard:
            self._ends = True
            process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            if not self.wait(FAREWELL):
                process.kill()
        self.wait(FAREWELL)

    def _work(self, context: Context) -> None:
        try:
            for one in tuple(due(context)):
                if find_spec("sklearn") is None:
                    log.warning(
                        "%s: %s, and training needs scikit-learn: pip install 'bounce-cleaner[learn]'",
                        one.organisation,
                        one.why,
                    )
                    return
                self._train(context, one)
        except CleanerError as error:
            log.warning("whether labels wait to be learned from cannot be told: %s", error)
        except Exception:
            log.exception("training failed")

    def _train(self, context: Context, one: Due) -> None:
        with self._guard:
            if self._ends:
                return
            log.info("training begins for %s: %s", one.organisation, one.why)
            process = self._process = subprocess.Popen(  # noqa: S603
                self._command(context, one.organisation),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                # It must not take all processors from those that scan.
                env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            )
        result = None
        for line in process.stdout or ():
            if line.startswith("{"):
                result = line
            elif line.strip():
                log.info("training for %s: %s", one.organisation, line.strip())
        if process.stdout is not None:
            process.stdout.close()
        if process.wait() != 0 and not self._ends:
            self._rests_until = time.monotonic() + REST
            log.warning("training for %s failed; what is in use stays", one.organisation)
        elif result is not None:
            tell(one.organisation, json.loads(result))


def tell(organisation: str, result: dict[str, object]) -> None:
    if result.get("model") is None:
        log.info("training for %s: another process was faster", organisation)
    elif result["promoted"]:
        log.info("%s is judged by the new model %s from now on", organisation, result["model"])
    else:
        objections = result["objections"]
        reasons = "; ".join(map(str, objections)) if isinstance(objections, list) else ""
        log.warning(
            "%s: the new model %s stays a candidate and judges along: %s ('bounce-cleaner models compare')",
            organisation,
            result["model"],
            reasons,
        )
