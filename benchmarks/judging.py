"""
What evidence and verdict cost: the time of judging one notice that is read already.

    python -m benchmarks.judging [WORLD...]

Notices of labelled worlds, or where none are given of a mailbox made here (delivery reports that return mail
with a long trace, signed and unsigned), are judged as the pipeline does: a first look, learning, a second
look. Processor time of that alone: reading the mail and asking the sent record are not counted.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from cleaner import evidence
from cleaner.app import scratch_store
from cleaner.pipeline import first_look, judge_together
from cleaner.service.datasets import mailbags
from cleaner.service.evaluate import cases
from cleaner.values import Known, Lesson, Notice
from tests.evidence.scene import BY_RELAY, FROM_RELAY, FROM_STRANGER, FULL, mail, proven_reports, report

ROUNDS: Final = 5
MOST_UNSIGNED: Final = 0.001
MOST_SIGNED: Final = 0.003
"""Seconds a notice."""


def nothing(asked: frozenset[str]) -> tuple[Lesson, ...]:  # noqa: ARG001
    return ()


def mailboxes(worlds: Sequence[Path]) -> Iterable[tuple[list[Notice], Known]]:
    for world in worlds:
        for bag in mailbags(world):
            read = [case for case in cases(bag, scratch_store) if case.notice.kind.is_judged]
            if read:
                yield [case.notice for case in read], read[0].known
    if not worlds:
        unsigned = [
            report(mail(line, *[BY_RELAY] * 6, message_id=f"<{n}@mail.harbor.example>"))
            for n in range(200)
            for line in (FROM_STRANGER, FROM_RELAY)
        ]
        every = [*proven_reports(count=200), *unsigned]
        yield every, FULL.known(every[0])


def seconds_each(notices: Sequence[Notice], known: Known) -> float:
    """The median over rounds of the time that one of these notices takes."""
    taken = []
    for _ in range(ROUNDS):
        began = time.process_time()
        judge_together(notices, known, nothing)
        taken.append((time.process_time() - began) / len(notices))
    return statistics.median(taken)


def bears_our_signature(notice: Notice, known: Known) -> bool:
    return "dkim-signature" in notice.returned.headers and bool(known.organisation.dkim_keys)


def main() -> int:
    parser = argparse.ArgumentParser(description="What judging one notice costs.")
    parser.add_argument("worlds", nargs="*", type=Path)
    results: dict[str, list[tuple[float, int]]] = {"unsigned": [], "signed": []}
    for notices, known in mailboxes(parser.parse_args().worlds):
        first_look(notices[0], known)  # the public suffix list and the rules are loaded once
        for name, wanted in (("unsigned", False), ("signed", True)):
            some = [notice for notice in notices if bears_our_signature(notice, known) is wanted]
            if some:
                results[name].append((seconds_each(some, known), len(some)))
    failed = False
    for name, most in (("unsigned", MOST_UNSIGNED), ("signed", MOST_SIGNED)):
        count = sum(number for _, number in results[name])
        each = sum(seconds * number for seconds, number in results[name]) / count if count else 0.0
        print(f"{name:9} {count:6} notices  {1000 * each:6.3f} ms each  (at most {1000 * most:g})")
        failed |= each > most
    print(f"rules: {len(evidence.names())}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
