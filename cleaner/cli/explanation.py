"""How an explanation is printed: the facts, the verdict, the evidence from both sides, the past, the way out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from rich import box
from rich.table import Table
from rich.text import Text

from cleaner.cli.listing import STYLES, kind_of
from cleaner.cli.screen import print_table, results
from cleaner.cli.text import safe
from cleaner.values import Evidence, Force, Kind, Opinion, Returned, Side

if TYPE_CHECKING:
    from cleaner.service.explain import Explanation
    from cleaner.service.past import Step

KINDS: Final = {
    Kind.NDR: "a report that a mail could not be delivered",
    Kind.DELAY: "a warning that a mail is not delivered yet and is tried again",
    Kind.SUCCESS: "a report that a mail was delivered",
    Kind.AUTOREPLY: "an automatic answer to a mail, such as a holiday reply",
    Kind.MDN: "a receipt: a mail was opened, or deleted unread",
    Kind.CHALLENGE: "a request to confirm a mail before it is delivered",
    Kind.AV_NOTICE: "a report that a mail was refused for a virus or forbidden content",
    Kind.LIST_NOTICE: "what a mailing list says about a mail that was sent to it",
    Kind.ARF: "a complaint or a statistical report from another mail system",
    Kind.NDR_PHISH: "a fraud made up as a report about undelivered mail",
    Kind.NOT_A_BOUNCE: "no automatic notice about another mail",
}

OPINIONS: Final = {
    Opinion.GENUINE: "it is about mail of yours",
    Opinion.BACKSCATTER: "it is not about mail of yours: somebody else used your address",
    Opinion.UNSURE: "it cannot be told whose mail it is about",
    Opinion.NOT_A_BOUNCE: "not for this program to judge; it is always left alone",
}
_FAKE: Final = "it is a fake, and not about mail of yours"


def show(explanation: Explanation) -> None:
    """Prints all that is known about one message."""
    console = results()
    facts = Table(box=None, show_header=False, pad_edge=False)
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    for name, text in _facts(explanation):
        facts.add_row(name, Text(text))
    print_table(facts)
    _show_verdict(explanation)
    evidence = explanation.verdict.evidence
    if evidence:
        print_table(_evidence(evidence))
        console.print(_sum(explanation))
    _list("What would change the verdict:", explanation.would_change)
    _list("What would prove your own mail from now on (for your administrator):", explanation.would_prove)


def _list(heading: str, sentences: Iterable[str]) -> None:
    rows = [safe(sentence, 600) for sentence in sentences]
    if not rows:
        return
    results().print(f"\n{heading}", style="bold")
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row("-", Text(row))
    print_table(table)


_DONE: Final = {
    "move": "The next scan moves it to the quarantine.",
    "delete": "The next scan moves it to Trash.",
    "review": "The next scan moves it to the folder for review.",
    "report": "It stays where it is and is only reported.",
    "wait": "It waits, and is judged again by a later scan.",
}
_WOULD_BE: Final = {
    "move": "In a mailbox it would be moved to the quarantine.",
    "delete": "In a mailbox it would be moved to Trash.",
    "review": "In a mailbox it would be moved to the folder for review.",
    "report": "In a mailbox it would only be reported.",
}


def _show_verdict(explanation: Explanation) -> None:
    console = results()
    verdict = explanation.verdict
    opinion = verdict.opinion
    words = OPINIONS[opinion]
    if opinion is Opinion.BACKSCATTER and explanation.notice.kind is Kind.NDR_PHISH:
        words = _FAKE
    heading = "Verdict then: " if explanation.is_gone else "Verdict: "
    console.print()
    console.print(Text.assemble(heading, (opinion.value, f"bold {STYLES[opinion.value]}"), f" ({words})"))
    if verdict.because:
        console.print(safe(verdict.because, 600))
    if explanation.is_gone:
        console.print("The message is no longer there; this is what was kept of it.")
    else:
        console.print(_done(explanation))
    _list("What happened to it:", map(_step, explanation.history))


def _step(step: Step) -> str:
    at = f"{step.at.astimezone():%Y-%m-%d %H:%M}" if step.at is not None else "since then:"
    return f"{at} {step.what}" + (f" (entry {step.entry})" if step.entry is not None else "")


def _done(explanation: Explanation) -> str:
    """What happens to it: in a mailbox what `scan` does, for a file what it would do."""
    line = explanation.line
    reason = safe(line["plan_reason"])
    if explanation.past.moved is not None:
        return reason
    if line["plan"] == "none":
        return reason if reason.endswith("stays.") else f"{reason} It stays where it is."
    words = _DONE if line["folder"] is not None else _WOULD_BE
    return " ".join(filter(None, (reason, words[line["plan"]], explanation.stops)))


def _sum(explanation: Explanation) -> str:
    score = f"Together {explanation.verdict.score:+.1f}; above zero speaks for backscatter."
    return " ".join((score, *map(safe, explanation.limits)))


def _facts(explanation: Explanation) -> Iterator[tuple[str, str]]:
    notice = explanation.notice
    line = explanation.line
    yield "Message", safe(line["new_id"] or line["id"])
    if folder := _folder(explanation):
        yield "Folder", safe(folder)
    yield "Kind", f"{kind_of(line)}: {KINDS[notice.kind]}"
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
    if notice.kind.is_judged and not explanation.is_gone:
        yield from _returned(notice.returned)


def _folder(explanation: Explanation) -> str | None:
    """Where it lies now."""
    if explanation.is_gone:
        return None
    moved = explanation.past.moved
    return moved.target if moved is not None else explanation.line["folder"]


_COMPLETENESS: Final = {
    "whole": "the whole mail that came back",
    "headers": "only the head of the mail that came back",
    "fragment": "only a piece of the mail that came back",
    "none": "nothing of the mail that it speaks of",
}


def _returned(returned: Returned) -> Iterator[tuple[str, str]]:
    yield "Returned original", _COMPLETENESS[returned.completeness.value]
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
    table.add_column("What it means, and what it saw", overflow="fold")
    for one in evidence:
        weight = one.force.value if one.force is not Force.WEIGHED else f"{one.weight:.1f}"
        seen = ("\n", (safe(one.seen), "dim")) if one.seen else ()
        table.add_row(
            Text(one.side.value, STYLES.get(one.side.value, "")),
            weight if one.side is not Side.NEUTRAL or one.force is not Force.WEIGHED else "",
            one.rule,
            Text.assemble(safe(one.reason, 600), *seen),
        )
    return table
