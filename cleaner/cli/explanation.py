"""How an explanation is printed: the facts, the evidence from both sides, the verdict, the way out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from cleaner.cli.listing import STYLES, happened, kind_of
from cleaner.cli.screen import print_table, results
from cleaner.cli.text import safe
from cleaner.values import Evidence, Force, Returned, Side

if TYPE_CHECKING:
    from cleaner.service.explain import Explanation


def show(explanation: Explanation) -> None:
    """Prints all that is known about one message."""
    console = results()
    facts = Table(box=None, show_header=False, pad_edge=False)
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column()
    for name, text in _facts(explanation):
        facts.add_row(name, Text(text))
    print_table(facts)
    console.print()
    verdict = explanation.verdict
    opinion = verdict.opinion.value
    console.print(Text.assemble("Verdict: ", (opinion, f"bold {STYLES[opinion]}")))
    if verdict.because:
        console.print(safe(verdict.because, 600))
    console.print(f"Plan: {explanation.line['plan']}. {safe(explanation.line['plan_reason'])}")
    if verdict.evidence:
        print_table(_evidence(verdict.evidence))
        console.print(f"Together {verdict.score:+.1f}; above zero speaks for backscatter.")
    if explanation.would_change:
        console.print("\nWhat would change the verdict:", style="bold")
        for sentence in explanation.would_change:
            console.print(f"- {safe(sentence)}")


def _facts(explanation: Explanation) -> Iterator[tuple[str, str]]:
    notice = explanation.notice
    line = explanation.line
    yield "Message", safe(line["id"])
    yield "Kind", kind_of(line)
    if notice.doubt:
        yield "Not read", safe(notice.doubt)
    for name, text in (
        ("Subject", notice.subject),
        ("From", notice.sender),
        ("Reported by", notice.reporter),
    ):
        if text:
            yield name, safe(text)
    if notice.received is not None:
        yield "Received", f"{notice.received.astimezone():%Y-%m-%d %H:%M %Z}"
    for recipient in notice.recipients:
        told = (recipient.action, recipient.status, recipient.diagnostic)
        yield "About", safe(" ".join((recipient.address, *(word for word in told if word))))
    if notice.kind.is_judged:
        yield from _returned(notice.returned)
    if explanation.entry is not None:
        entry = explanation.entry
        moved = f"{entry.action.value} from {entry.folder} to {entry.target}, {entry.state.value}"
        yield "Journal", safe(f"entry {entry.id}, run {entry.run}: {moved}")
    if explanation.then is not None:
        then = explanation.then
        yield "Judged then", safe(f"{then['verdict']}, {happened(then)}. {then['because']}", 600)


def _returned(returned: Returned) -> Iterator[tuple[str, str]]:
    yield "Returned original", returned.completeness.value
    for name, text in (
        ("  Subject", returned.subject),
        ("  Message-ID", returned.message_id),
        ("  From", ", ".join(returned.from_addresses)),
        ("  To", ", ".join(returned.to_addresses)),
    ):
        if text:
            yield name, safe(text)


def _evidence(evidence: tuple[Evidence, ...]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("For", no_wrap=True)
    table.add_column("Weight", no_wrap=True, justify="right")
    table.add_column("Rule", style="dim", overflow="fold", max_width=20)
    table.add_column("What it means, and what it saw")
    for one in evidence:
        weight = one.force.value if one.force is not Force.WEIGHED else f"{one.weight:.1f}"
        table.add_row(
            Text(one.side.value, STYLES.get(one.side.value, "")),
            weight if one.side is not Side.NEUTRAL or one.force is not Force.WEIGHED else "",
            one.rule,
            Text.assemble(safe(one.reason, 600), "\n", (safe(one.seen), "dim")),
        )
    return table
