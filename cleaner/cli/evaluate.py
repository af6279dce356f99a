"""`evaluate`: how often judging is right, on labelled mail."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich import box
from rich.table import Table

from cleaner.cli.options import Format, FormatOption
from cleaner.cli.screen import print_json, print_table, remark, results
from cleaner.cli.text import count, safe
from cleaner.errors import UsageError

if TYPE_CHECKING:
    from cleaner.lab.measure import Measured
    from cleaner.service.ablation import Ablation
    from cleaner.service.evaluate import Evaluation, Figures, Share

_TOTAL: Final = (
    ("removed", "backscatter removed, of what can be decided"),
    ("removed_hard", "backscatter removed, of what cannot: replays, no original …"),
    ("lost", "genuine notices lost"),
    ("ordinary_removed", "ordinary messages removed"),
    ("kept_as_genuine", "genuine notices called genuine"),
    ("proven", "genuine notices with a proof called genuine"),
    ("unsure", "notices left as unsure"),
    ("recognised", "notices recognised"),
    ("kind_right", "notices given their right kind"),
    ("recipients_right", "notices read with all their recipients"),
    ("mistaken", "ordinary messages taken for notices"),
)
NAMED: Final = 5
"""Labels without a message that are named; all stand in the JSON."""
_GROUPS: Final = ("removed", "lost", "unsure", "recognised")


class By(StrEnum):
    """What the figures may be grouped by."""

    SET = "set"
    KIND = "kind"
    GENERATOR = "generator"
    FAMILY = "family"
    LANGUAGE = "language"
    TAG = "tag"


def evaluate(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH", help="Folders of labelled mail: worlds, or messages with a manifest."),
    ],
    by: Annotated[
        list[By] | None, typer.Option("--by", help="Also group the figures; may be given several times.")
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option("--without", metavar="RULE", help="Leave this rule out.")
    ] = None,
    no_sent: Annotated[bool, typer.Option("--no-sent", help="As if nobody kept what was sent.")] = False,
    ablate: Annotated[
        bool, typer.Option("--ablate", help="Leave out each rule, and each piece of knowledge, in turn.")
    ] = False,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The model that is asked beside the rules; 'none': rules alone.",
            show_default="the newest released",
        ),
    ] = None,
    diagrams: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Draw there, as SVG, what the model's probabilities are worth."),
    ] = None,
    in_circumstances: Annotated[
        bool,
        typer.Option(
            "--circumstances", help="Rewrite the worlds into everyday circumstances, and measure in each."
        ),
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Of these, only this one, or this family; may be given several times."
        ),
    ] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """
    Measure on labelled mail how often judging is right.

    Every share is given with its 95 % confidence interval. --ablate judges by
    the rules alone, unless a model is named.
    """
    from cleaner.app import released_model, scratch_store
    from cleaner.service.evaluate import evaluate

    if in_circumstances:
        if without or no_sent or by or diagrams or ablate:
            raise UsageError(
                "--circumstances measures the whole program in each circumstance: give it without --without, "
                "--no-sent, --by, --diagrams and --ablate"
            )
        _circumstances(paths, model, only or (), output)
        return
    if only:
        raise UsageError("--only chooses among circumstances: give it with --circumstances")
    if ablate:
        if without or no_sent or by or diagrams:
            raise UsageError(
                "--ablate leaves out each rule and each piece of knowledge by itself: "
                "give it without --without, --no-sent, --by and --diagrams"
            )
        _ablate(paths, model, output)
        return
    asked = None if model == "none" else released_model(model)
    found = evaluate(
        paths, scratch_store, without=frozenset(without or ()), with_sent=not no_sent, model=asked
    )
    if diagrams is not None:
        _draw(found, diagrams)
    if output is Format.JSONL:
        print_json(found.to_json())
    else:
        judge = f"the rules and model {asked.name}" if asked is not None else "the rules alone"
        results().print(f"Judged by {judge}.")
        _show(found, tuple(by or (By.SET,)))
    for path in found.mistakes:
        remark(f"removed, and should not be: {path}", "red")
    if found.missing:
        remark(_missing(found.missing), "yellow")


def _ablate(paths: Sequence[Path], model: str | None, output: Format) -> None:
    from cleaner.app import released_model, scratch_store
    from cleaner.service.ablation import ablate

    asked = released_model(model) if model not in (None, "none") else None
    found = tuple(ablate(paths, scratch_store, asked))
    if output is Format.JSONL:
        for one in found:
            print_json(one.to_json())
    else:
        results().print(_ablations(found))


def _circumstances(paths: Sequence[Path], model: str | None, only: Sequence[str], output: Format) -> None:
    from cleaner.app import released_model, scratch_store
    from cleaner.cli.progress import Bar
    from cleaner.lab.measure import measure

    asked = None if model == "none" else released_model(model)
    found: list[Measured] = []
    with Bar() as bar:
        for one in measure(paths, scratch_store, asked, only=only, watch=bar):
            found.append(one)
            if output is Format.JSONL:
                bar.clear()
                print_json(one.to_json())
    if output is Format.JSONL:
        return
    judge = f"the rules and model {asked.name}" if asked is not None else "the rules alone"
    results().print(f"Judged by {judge}.")
    for title, rows in (
        (
            "the policy is true, open, contradicted or unknown: nothing may be lost",
            [m for m in found if m.must_lose_nothing],
        ),
        ("the policy is false and nothing contradicts it", [m for m in found if not m.must_lose_nothing]),
    ):
        if rows:
            print_table(_measured(title, rows))
    losing = [one for one in found if one.must_lose_nothing and (one.lost.hits or one.ordinary.hits)]
    promised = sum(one.must_lose_nothing for one in found)
    remark(
        f"{len(losing)} of {promised} circumstances in which nothing may be lost lose something"
        + (f": {', '.join(one.circumstance.name for one in losing)}" if losing else ""),
        "red" if losing else "green",
    )


def _measured(title: str, rows: Sequence[Measured]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left")
    table.add_column("circumstance", overflow="fold")
    table.add_column("policy", overflow="fold")
    for name in ("lost", "moved", "removed", "joe-job"):
        table.add_column(name, justify="right")
    for one in rows:
        table.add_row(
            one.circumstance.name,
            one.circumstance.policy.value,
            f"{one.lost.hits:,} of {one.lost.total:,}",
            f"{one.ordinary.hits:,}",
            _rate(one.removed),
            _rate(one.flood),
        )
    return table


def _rate(share: Share) -> str:
    return "" if share.value is None else f"{share.value:.1%}"


def _draw(found: Evaluation, folder: Path) -> None:
    from cleaner.service.diagrams import write

    for path in write(found.answers, folder):
        remark(f"drawn: {path}")


def _missing(missing: Sequence[str]) -> str:
    more = f" and {len(missing) - NAMED:,} more" if len(missing) > NAMED else ""
    are = "label has no message and was" if len(missing) == 1 else "labels have no message and were"
    return f"{len(missing):,} {are} not counted: {', '.join(missing[:NAMED])}{more}"


def _show(found: Evaluation, ways: tuple[By, ...]) -> None:
    results().print(f"{count(found.total.messages, 'labelled message')}\n")
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column()
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    for name, meaning in _TOTAL:
        share: Share = getattr(found.total, name)
        if share.total:
            table.add_row(meaning, f"{share.hits:,} of {share.total:,}", _percent(share))
    print_table(table)
    for way in ways:
        if groups := found.by.get(way.value):
            print_table(_groups(way.value, groups))


def _ablations(ablations: Sequence[Ablation]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("without", overflow="fold")
    for name in ("removed", "change", "lost", "others lost", "called genuine"):
        table.add_column(name, justify="right")
    whole = ablations[0].removed.value or 0.0
    for one in ablations:
        change = (one.removed.value or 0.0) - whole
        table.add_row(
            one.without or "nothing",
            f"{one.removed.value or 0.0:.1%}",
            f"{100 * change:+.1f}" if one.without else "",
            f"{one.figures.lost.hits} of {one.figures.lost.total:,}",
            f"{one.figures.ordinary_removed.hits} of {one.figures.ordinary_removed.total:,}",
            f"{one.figures.kept_as_genuine.value or 0.0:.1%}",
        )
    return table


def _groups(way: str, groups: dict[str, Figures]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(way, overflow="fold")
    table.add_column("messages", justify="right")
    for name in _GROUPS:
        table.add_column(name, justify="right")
    for name, figures in groups.items():
        shares: list[Share] = [getattr(figures, column) for column in _GROUPS]
        table.add_row(safe(name, 40), f"{figures.messages:,}", *map(_short, shares))
    return table


def _percent(share: Share) -> str:
    if share.value is None or share.interval is None:
        return ""
    low, high = share.interval
    return f"{share.value:.1%} ({low:.1%} to {high:.1%})"


def _short(share: Share) -> str:
    return "" if share.value is None else f"{share.value:.1%} of {share.total:,}"
