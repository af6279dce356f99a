"""
Reading side by side: this reader, flufl.bounce, Sisimai (Perl) and SpamAssassin's VBounce on the same messages.

    python benchmarks/reading.py CORPUS [--rounds 3] [--sisimai LIB] [--vbounce 20_vbounce.cf] [--json FILE]

CORPUS is a folder with `manifest.jsonl`: `path`, `kind`, `recipients` for each message. flufl.bounce is in the
dependency group `bench`. LIB is the `lib` folder of Sisimai's source; VBounce's rules are in Debian's package
spamassassin (`/usr/share/spamassassin`). PERL5LIB names where their Perl modules are, if not in the usual place.
What is missing is left out.

Counted: failure reports and delays recognised, other notices and ordinary mail called one, and recipients of
those reports that the manifest names (the address finally used or the one that the sender wrote). Time is
processor time of reading alone, the bytes already in memory; tools take turns, and the fastest round of each counts.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cleaner import notices
from cleaner.values import Kind, Message, address_key

HERE: Final = Path(__file__).resolve().parent
FAILED: Final = ("ndr", "delay")


@dataclass
class Result:
    """What one tool made of all messages."""

    name: str
    recognised: dict[str, bool] = field(default_factory=dict)
    recipients: dict[str, list[set[str]] | None] = field(default_factory=dict)
    """For each recipient the spellings that count; None where the tool tells none."""
    seconds: list[float] = field(default_factory=list)


def ours(raws: dict[str, bytes], result: Result) -> None:
    messages = {path: Message("", path, raw) for path, raw in raws.items()}
    start = time.process_time()
    for path, message in messages.items():
        notice = notices.read(message)
        result.recognised[path] = notice.kind in (Kind.NDR, Kind.DELAY)
        result.recipients[path] = [
            {key(one.address), key(one.original or one.address)} for one in notice.recipients
        ]
    result.seconds.append(time.process_time() - start)


def flufl(raws: dict[str, bytes], result: Result) -> None:
    import email

    from flufl.bounce import all_failures

    logging.disable()
    found: dict[str, Any] = dict.fromkeys(raws, ((), ()))
    start = time.process_time()
    for path, raw in raws.items():
        with contextlib.suppress(Exception):  # version 6 raises on odd From fields: nothing found
            found[path] = all_failures(email.message_from_bytes(raw))
    result.seconds.append(time.process_time() - start)
    for path, (temporary, permanent) in found.items():
        result.recognised[path] = bool(temporary or permanent)
        result.recipients[path] = [{key(text(one))} for one in (*temporary, *permanent)]


def text(address: Any) -> str:
    return address.decode("utf-8", "replace") if isinstance(address, bytes) else str(address)


def key(address: str) -> str:
    return address_key(address).strip('"')


def perl(paths: Sequence[str], *command: str) -> dict[str, Any]:
    ran = subprocess.run(
        ["perl", *command], input="\n".join(paths), capture_output=True, text=True, check=True
    )
    told: dict[str, Any] = json.loads(ran.stdout)
    return told


def sisimai(corpus: Path, lib: str, result: Result) -> None:
    paths = {str(corpus / path): path for path in result.recognised}
    told = perl(tuple(paths), f"-I{lib}", str(HERE / "sisimai.pl"))
    result.seconds.append(told["seconds"])
    for full, facts in told["found"].items():
        path = paths[full]
        failed = [
            fact for fact in facts if fact["reason"] not in ("delivered", "feedback", "vacation")
        ]  # what it calls a bounce
        result.recognised[path] = bool(failed)
        result.recipients[path] = [{key(fact["recipient"])} for fact in failed]


def vbounce(corpus: Path, rules: str, result: Result) -> None:
    paths = {str(corpus / path): path for path in result.recognised}
    told = perl(tuple(paths), str(HERE / "vbounce.pl"), rules)
    result.seconds.append(told["seconds"])
    for full, is_bounce in told["found"].items():
        result.recognised[paths[full]] = bool(is_bounce)
        result.recipients[paths[full]] = None


def counted(rows: list[dict[str, Any]], result: Result) -> dict[str, Any]:
    reports = [row for row in rows if row["kind"] in FAILED]
    notices_beside = [row for row in rows if row["kind"] not in (*FAILED, "not-a-bounce")]
    ordinary = [row for row in rows if row["kind"] == "not-a-bounce"]
    hits = wanted = named = right = 0
    for row in reports:
        found = result.recipients.get(row["path"])
        if not row.get("recipients") or found is None:
            continue
        want = {key(address) for address in row["recipients"]}
        wanted += len(want)
        hits += len({address for address in want if any(address in spellings for spellings in found)})
        named += len(found)
        right += sum(bool(spellings & want) for spellings in found)
    return {
        "tool": result.name,
        "recognised": sum(result.recognised[row["path"]] for row in reports) / len(reports),
        "other_notices": sum(result.recognised[row["path"]] for row in notices_beside),
        "ordinary": sum(result.recognised[row["path"]] for row in ordinary),
        "recall": hits / wanted if named else None,
        "precision": right / named if named else None,
        "per_second": len(rows) / min(result.seconds),
    }


def table(figures: list[dict[str, Any]]) -> str:
    lines = [
        "| tool | reports recognised | others called one: notices, ordinary mail | recall, precision | messages/s |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in figures:
        named = "–" if row["recall"] is None else f"{row['recall']:.1%}, {row['precision']:.1%}"
        lines.append(
            f"| {row['tool']} | {row['recognised']:.1%} | {row['other_notices']}, {row['ordinary']} "
            f"| {named} | {row['per_second']:,.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sisimai", metavar="LIB")
    parser.add_argument("--vbounce", metavar="RULES")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    rows = [json.loads(line) for line in (options.corpus / "manifest.jsonl").read_text().splitlines()]
    raws = {row["path"]: (options.corpus / row["path"]).read_bytes() for row in rows}

    tools: list[tuple[Result, Callable[[Result], None]]] = [
        (Result("Bounce Cleaner"), lambda result: ours(raws, result)),
        (Result("flufl.bounce"), lambda result: flufl(raws, result)),
    ]
    if options.sisimai:
        tools.append((Result("Sisimai"), lambda result: sisimai(options.corpus, options.sisimai, result)))
    if options.vbounce:
        tools.append(
            (Result("SpamAssassin VBounce"), lambda result: vbounce(options.corpus, options.vbounce, result))
        )
    for result, _ in tools:
        result.recognised = dict.fromkeys(raws, False)
    for _ in range(options.rounds):
        for result, run in tools:
            try:
                run(result)
            except (ImportError, OSError, subprocess.CalledProcessError) as error:
                print(f"{result.name} was left out: {str(error)[:300]}", file=sys.stderr)
    figures = [counted(rows, result) for result, _ in tools if result.seconds]
    print(table(figures))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
