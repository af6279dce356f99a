"""`rules`: the catalogue of formats and rules, from their docstrings."""

from __future__ import annotations

from collections.abc import Iterable

from rich import box
from rich.table import Table

from cleaner.cli.options import Format, FormatOption
from cleaner.cli.screen import print_json, print_table, results


def rules(output: FormatOption = Format.TABLE) -> None:
    """
    List the formats that are recognised, and the rules that judge.

    Each with the standard or sighting that it rests on.
    """
    from cleaner.evidence import catalogue
    from cleaner.notices import FORMATS

    if output is Format.JSONL:
        for form in FORMATS:
            summary, source = _parts(form.doc)
            print_json({"format": form.name, "summary": summary, "source": source or None})
        for rule in catalogue():
            summary, source = _parts(rule.text)
            side = rule.side.value
            print_json({"rule": rule.name, "side": side, "summary": summary, "source": source or None})
        return
    results().print("Formats, the first that recognises a message reads it:", style="bold")
    print_table(_table("Format", "", ((form.name, "", *_parts(form.doc)) for form in FORMATS)))
    results().print("Rules, whose findings add up:", style="bold")
    print_table(
        _table("Rule", "For", ((rule.name, rule.side.value, *_parts(rule.text)) for rule in catalogue()))
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
