"""
What an open policy allows: how much goes after so many proven notices, and after so many labels.

    python -m benchmarks.curves WORLDS [CIRCUMSTANCE …]

`docs/learning.md` shows what it prints.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from cleaner.app import scratch_store
from cleaner.lab.curves import points
from cleaner.lab.measure import worlds_of

OPEN: Final = ("open", "open-half-copies", "at-hand/open", "web-shop/open", "crm/open", "cloud-server/open")


def main() -> int:
    worlds = worlds_of([Path(sys.argv[1])])
    print("| circumstance | proven notices | labels | removed | genuine lost |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for point in points(worlds, scratch_store, sys.argv[2:] or OPEN):
        proven = "as they are" if point.proven is None else f"{point.proven:,}"
        print(
            f"| {point.circumstance} | {proven} | {point.labels} | {point.removed.value or 0.0:.1%} of "
            f"{point.removed.total:,} | {point.lost.hits} of {point.lost.total:,} |",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
