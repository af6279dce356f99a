"""
How many verdicts a second, with everything on: reading, looking up, gathering evidence, asking the model.

    python -m benchmarks.classify FOLDER

FOLDER holds messages with a manifest. Processor time of one process; beside it what the standard library's parser alone
takes for the same messages.
"""

from __future__ import annotations

import argparse
import email
import resource
import sys
import time
from pathlib import Path
from typing import Final

from cleaner.app import released_model, scratch_store
from cleaner.service.datasets import mailbags
from cleaner.service.evaluate import cases, judge

LEAST: Final = 1_000
"""Verdicts a second."""
MOST: Final = 400
"""MB."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Verdicts a second.")
    parser.add_argument("folder", type=Path)
    bags = tuple(mailbags(parser.parse_args().folder))
    model = released_model()
    count = sum(len(tuple(judge(cases(bag, scratch_store), model=model))) for bag in bags)  # warm
    began = time.process_time()
    for bag in bags:
        tuple(judge(cases(bag, scratch_store), model=model))
    taken = time.process_time() - began
    began = time.process_time()
    for bag in bags:
        for message in bag.messages:
            email.message_from_bytes(message.path.read_bytes())
    floor = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{count:,} messages  {count / taken:,.0f} a second  {peak} MB")
    print(f"the standard library's parser alone: {count / floor:,.0f} a second")
    return 0 if count / taken >= LEAST and peak <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
