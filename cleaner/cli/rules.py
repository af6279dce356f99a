"""`rules`: the catalogue of formats and rules, from their docstrings."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table

from cleaner.cli.options import Format, FormatOption
from cleaner.cli.screen import print_json, print_table, results
from cleaner.errors import UsageError

if TYPE_CHECKING:
    from cleaner.evidence import RuleInfo


def rules(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="One rule, with all that is said of it.")
    ] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """
    List the formats that are recognised, and the rules that judge.

    Each with the standard or sighting that it rests on.
    """
    from cleaner.evidence import catalogue
    from cleaner.notices import FORMATS

    if output is Format.JSONL:
        for found in _for_programs(name):
            print_json(found)
        return
    if name is not None:
        _page(name)
        return
    results().print("Formats, the first that recognises a message reads it:", style="bold")
    print_table(_table("Format", "", ((form.name, "", *_parts(form.doc)) for form in FORMATS)))
    results().print("Rules, whose findings add up:", style="bold")
    print_table(
        _table("Rule", "For", ((rule.name, rule.side.value, *_parts(rule.text)) for rule in catalogue()))
    )


def _for_programs(name: str | None) -> Iterator[dict[str, str | None]]:
    """One object for each format and rule, or for the rule of that name. Raises UsageError."""
    from cleaner.evidence import catalogue
    from cleaner.notices import FORMATS

    for form in () if name else FORMATS:
        summary, source = _parts(form.doc)
        yield {"format": form.name, "summary": summary, "source": source or None}
    for rule in (_named(name),) if name else catalogue():
        summary, source = _parts(rule.text)
        yield {"rule": rule.name, "side": rule.side.value, "summary": summary, "source": source or None}


def _named(name: str) -> RuleInfo:
    """Raises UsageError."""
    from cleaner.evidence import catalogue

    rules = {rule.name: rule for rule in catalogue()}
    if name not in rules:
        near = difflib.get_close_matches(name, rules, n=1)
        hint = f"did you mean {near[0]}?" if near else "'bounce-cleaner rules' lists them"
        raise UsageError(f"there is no rule {name}; {hint}")
    return rules[name]


def _page(name: str) -> None:
    """All that is said of one rule. Raises UsageError."""
    from cleaner.classifier.weights import WEIGHTS

    rule = _named(name)
    results().print(rule.name, style="bold")
    results().print(rule.text, soft_wrap=True, markup=False, highlight=False)
    weights = {side: weight for (of, side), weight in WEIGHTS.items() if of == name}
    for side, weight in weights.items():
        results().print(f"\nIts weight for {side.value}: at most {weight}.", soft_wrap=True, highlight=False)
    if not weights:
        results().print(
            "\nIt settles the matter, or only states what it sees: it has no weight.", soft_wrap=True
        )


def _table(name: str, side: str, rows: Iterable[tuple[str, str, str, str]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(name, no_wrap=True)
    if side:
        table.add_column(side, no_wrap=True)
    table.add_column("What it is, and its source")
    for title, speaks_for, summary, source in rows:
        text = f"{summary}\n{source}" if source else summary
        table.add_row(title, *([speaks_for] if side else []), text)
    return table


def _parts(docstring: str) -> tuple[str, str]:
    """The first paragraph, and what stands after `Source:`."""
    summary = " ".join(docstring.partition("\n\n")[0].split())
    source = docstring.partition("Source:")[2].partition("\n\n")[0]
    return summary, " ".join(source.split())
