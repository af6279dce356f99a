"""`train` and `models`: the learned model's life."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table

from cleaner.cli import candidates
from cleaner.cli.arguments import Commands
from cleaner.cli.candidates import OrganisationOption
from cleaner.cli.options import Format, FormatOption, command, open_app
from cleaner.cli.progress import Bar
from cleaner.cli.screen import print_json, results
from cleaner.cli.text import count, safe
from cleaner.errors import UsageError

if TYPE_CHECKING:
    from cleaner.classifier.learning import Guarantee
    from cleaner.service.models import ModelPage, ModelRow
    from cleaner.service.training import Trained

models = Commands()
models.command("shadow")(candidates.shadow)
models.command("compare")(candidates.compare)

MOST = 15
"""Findings and words that `models show` prints of each."""


def train(
    context: typer.Context,
    organisation: OrganisationOption = None,
    candidate: Annotated[
        bool, typer.Option("--candidate", help="Only train: it does not judge before `models promote`.")
    ] = False,
    corpus: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH",
            help="Make a model from labelled mail instead: worlds, or messages with a manifest. Needs --out.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="With --corpus: the folder of the new model.")
    ] = None,
    licence: Annotated[
        str, typer.Option(metavar="TEXT", help="With --corpus: the licence of that mail, for the card.")
    ] = "not stated",
    output: FormatOption = Format.TABLE,
) -> None:
    """
    Train a new model from your labels and the base that the program brings along.

    It takes the place of the one in use if it is not worse.
    """
    if corpus:
        if out is None:
            raise UsageError("say where the model is to be written: --out FOLDER")
        _release(corpus, out, licence)
        return
    from cleaner.service.training import train

    with open_app(context) as app, Bar() as bar:
        trained = train(app.context, organisation, bar, may_promote=not candidate)
    if output is Format.JSONL:
        print_json(trained.as_json())
    else:
        _show_trained(context, trained, candidate=candidate)


def _release(corpus: list[Path], out: Path, licence: str) -> None:
    from cleaner.app import scratch_store
    from cleaner.service.training import release

    with Bar() as bar:
        learned = release(corpus, out, scratch_store, bar, licence=licence)
    results().print(f"Model {safe(out.name)} is in {out}.", soft_wrap=True)
    _promise(learned.guarantee, learned.model.remove)


def _show_trained(context: typer.Context, trained: Trained, *, candidate: bool) -> None:
    console = results()
    console.print(
        f"Model {safe(trained.name)} was trained from {count(trained.own_labels, 'label')} of "
        f"{safe(trained.organisation)} and {trained.base_rows:,} notices of the base.",
        soft_wrap=True,
    )
    _promise(trained.guarantee, trained.threshold)
    for comparison in trained.comparisons:
        old, new = comparison.old, comparison.new
        console.print(
            f"On {comparison.name}: removes {new.removed} of {new.spurious} (before {old.removed}), "
            f"loses {new.lost} of {new.genuine} (before {old.lost}).",
            soft_wrap=True,
        )
    if trained.promoted:
        console.print(f"It judges from now on. Back: {command(context, 'models rollback')}", soft_wrap=True)
    elif candidate and not trained.objections:
        console.print(f"It waits: {command(context, f'models promote {trained.name}')}", soft_wrap=True)
        _judges_along(context)
    else:
        _judges_along(context)
        console.print("It stays a candidate:", soft_wrap=True)
        for objection in trained.objections:
            console.print(f"- {objection}", soft_wrap=True)


def _judges_along(context: typer.Context) -> None:
    told = f"Until then it judges along without acting: {command(context, 'models compare')}"
    results().print(told, soft_wrap=True)


def _promise(guarantee: Guarantee, threshold: float) -> None:
    if threshold <= 1.0:
        text = (
            f"It removes from {threshold:.4f} on; at most {guarantee.bound:.2%} of genuine notices without proof are "
            f"lost, at {guarantee.confidence:.0%} confidence ({guarantee.clusters:,} clusters, none lost)."
        )
    else:
        text = (
            f"It only advises: {guarantee.clusters:,} clusters of genuine notices do not carry a promise of "
            f"{guarantee.wanted:.1%}; {guarantee.missing:,} more are needed."
        )
    results().print(text, soft_wrap=True)


@models.callback()
def root() -> None:
    """Learned models: which there are, and which judges."""


@models.command("list")
def list_(context: typer.Context, output: FormatOption = Format.TABLE) -> None:
    """List the models."""
    from cleaner.service.models import rows

    with open_app(context) as app:
        found = rows(app.context)
    if output is Format.JSONL:
        for row in found:
            print_json(row.as_json())
        return
    if found:
        results().print(_table(found))
    results().print(f"{count(len(found), 'model')}.")


@models.command("show")
def show(context: typer.Context, name: Annotated[str, typer.Argument(metavar="NAME")]) -> None:
    """Show a model's card, and what it weighs."""
    from cleaner.service.models import page

    with open_app(context) as app:
        found = page(app.context, name)
    _show_page(found)


@models.command("promote")
def promote(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A model, or 'none': rules alone.")],
    organisation: OrganisationOption = None,
) -> None:
    """From now on, judge by this model."""
    from cleaner.service.models import promote

    with open_app(context) as app:
        choice = promote(app.context, name, organisation)
    results().print(
        f"{safe(choice.organisation)} is judged by {_name(choice.model)} from now on.", soft_wrap=True
    )


@models.command("rollback")
def rollback(context: typer.Context, organisation: OrganisationOption = None) -> None:
    """Go back to what judged before."""
    from cleaner.service.models import rollback

    with open_app(context) as app:
        choice = rollback(app.context, organisation)
    results().print(f"{safe(choice.organisation)} is judged by {_name(choice.model)} again.", soft_wrap=True)


def _name(model: str | None) -> str:
    return f"model {safe(model)}" if model is not None else "the rules alone"


def _table(rows: tuple[ModelRow, ...]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("Model", no_wrap=True)
    table.add_column("From")
    table.add_column("Removes from", justify="right")
    table.add_column("Judges for", overflow="fold")
    for row in rows:
        threshold = f"{row.remove:.4f}" if row.remove is not None else "advises"
        table.add_row(
            safe(row.name),
            "trained here" if row.own else "the program",
            "refused" if row.refused else threshold,
            safe(row.refused or ", ".join(row.used_by), 200),
        )
    return table


def _show_page(page: ModelPage) -> None:
    console = results()
    console.print(page.card, soft_wrap=True)
    if page.words:
        console.print("The most telling words (n: of the notice, r: of the returned mail):")
        for word, weight in page.words[:MOST]:
            console.print(f"  {weight:+.3f}  {safe(word, 40)}")
