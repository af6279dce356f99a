"""
What training costs: time and memory for a hundred thousand labels beside the base, on one processor and on two.

    python -m benchmarks.training [LABELS]

The labels are generated: each is a notice of the bundled base under one of its states of knowledge, with some of its
words replaced and its findings' strengths moved, so that no two are alike, and stands in a store as `label add` puts
it there. What is measured is the whole of `train`: reading the labels, looking for contradictions, training with
its folds, choosing the threshold, comparing on the hold-out, writing the model.
"""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

from cleaner.app import App
from cleaner.classifier.features import WIDTH, Features
from cleaner.service import demo
from cleaner.service.training import train
from cleaner.store.labelling import Origin, Statement
from cleaner.values import Kind, Opinion, Specimen
from tests.service.hands import NOW
from tests.service.strange_world import base

LABELS: Final = 100_000
BATCH: Final = 2_000
ORGANISATION: Final = "harbor"
MAILBOXES: Final = 400
"""Labels of one mailbox are bounded in what they weigh, so they are of many, or of none."""


def labels(count: int) -> Iterator[tuple[Specimen, Statement]]:
    dice = random.Random(17)
    rows = [row for row in base() if row.facts]
    for number in range(count):
        row = dice.choice(rows)
        facts = dice.choice(list(row.facts.values()))
        moved = {name: round(value * dice.uniform(0.8, 1.0), 4) for name, value in facts.items()}
        kept = [word for word in row.words if dice.random() < 0.9]
        words = sorted({*kept, *(dice.randrange(WIDTH) for _ in range(len(row.words) // 10 + 1))})
        specimen = Specimen(
            fingerprint=f"{number:064x}",
            kind=Kind.NDR,
            cluster=f"cluster {number // 3}",
            features=Features(moved, tuple(words)).as_json(),
            opinion=Opinion.UNSURE,
        )
        truth = Opinion.BACKSCATTER if row.spurious else Opinion.GENUINE
        at = NOW - timedelta(minutes=number)
        yield specimen, Statement(ORGANISATION, truth, "admin", at, "generated", origin=Origin.IMPORT)


def fill(folder: Path, count: int) -> Path:
    path = demo.build(folder / "demo", NOW)
    with App.open(path) as app:
        batch: list[tuple[Specimen, Statement]] = []
        for one in labels(count):
            batch.append(one)
            if len(batch) == BATCH:
                app.context.store.labels.add(batch, keep_samples=False)
                batch.clear()
        app.context.store.labels.add(batch, keep_samples=False)
    return path


def measure(path: Path) -> None:
    """In a process of its own, so that the memory is training's alone."""
    stages: list[tuple[str, float]] = []

    def watch(stage: str, done: int, total: int | None) -> None:
        stages.append((f"{stage} {done}/{total}", time.perf_counter()))

    with App.open(path) as app:
        began, used = time.perf_counter(), time.process_time()
        trained = train(app.context, None, watch, may_promote=False)
        seconds, computing = time.perf_counter() - began, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{trained.own_labels:,} labels and {trained.base_rows:,} rows of the base: {seconds:.0f} s "
        f"({computing:.0f} s computing), {peak:.0f} MB at most; first fold after {stages[0][1] - began:.0f} s"
    )


def main() -> int:
    if len(sys.argv) > 2:
        measure(Path(sys.argv[2]))
        return 0
    count = int(sys.argv[1]) if len(sys.argv) > 1 else LABELS
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        path = fill(Path(folder), count)
        print(f"{count:,} labels were made in {time.perf_counter() - began:.0f} s", flush=True)
        for processors in ("0", "0,1"):
            print(f"on processors {processors}: ", end="", flush=True)
            command = [
                "taskset",
                "-c",
                processors,
                sys.executable,
                "-m",
                "benchmarks.training",
                "measure",
                path,
            ]
            subprocess.run(command, check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
