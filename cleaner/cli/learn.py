"""`train` and `models`: the learned model's life."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table

from cleaner.cli import candidates as along
from cleaner.cli.arguments import Commands
from cleaner.cli.candidates import OrganisationOption
from cleaner.cli.options import Format, FormatOption, command, open_app
from cleaner.cli.progress import Bar, Lines
from cleaner.cli.screen import print_json, results
from cleaner.cli.text import count, safe
from cleaner.errors import UsageError

if TYPE_CHECKING:
    from cleaner.classifier.learning import Guarantee
    from cleaner.service.models import ModelPage, ModelRow
    from cleaner.service.shadow import Beside
    from cleaner.service.training import Trained

models = Commands()
models.command("shadow")(along.shadow)
models.command("compare")(along.compare)

GIVES_WAY = 10
"""How nice a training is that nobody waits for."""
MOST = 15
"""Findings and words that `models show` prints of each."""


def train(
    context: typer.Context,
    organisation: OrganisationOption = None,
    candidate: Annotated[
        bool, typer.Option("--candidate", help="Only train: it does not judge before `models promote`.")
    ] = False,
    if_due: Annotated[
        bool,
        typer.Option(
            "--if-due",
            help="Only if labels wait as [models] of the configuration says, and giving way to everything else; so "
            "serve does it.",
        ),
    ] = False,
    corpus: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH",
            help="Make a model from labelled worlds instead (docs/evaluate.md). Needs --out.",
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
    if if_due:
        _if_due(context, organisation, output)
        return
    from cleaner.service.training import train

    with open_app(context) as app, Bar() as bar:
        trained = train(app.context, organisation, bar, may_promote=not candidate)
    if output is Format.JSONL:
        print_json(trained.as_json())
    else:
        _show_trained(context, trained, candidate=candidate)


def _if_due(context: typer.Context, organisation: str | None, output: Format) -> None:
    from cleaner.service.models import organisation_named
    from cleaner.service.retraining import train_if_due

    os.nice(GIVES_WAY)
    with open_app(context) as app:
        named = organisation_named(app.context, organisation)
        trained = train_if_due(app.context, named, Lines())
    if output is Format.JSONL:
        print_json(trained.as_json() if trained is not None else {"model": None, "organisation": named})
    elif trained is not None:
        _show_trained(context, trained, candidate=False)
    else:
        results().print(f"No labels of {safe(named)} wait to be learned from.", soft_wrap=True)


def _release(corpus: list[Path], out: Path, licence: str) -> None:
    from cleaner.app import scratch_store
    from cleaner.lab.release import release

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
    _taught(trained.taught)
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


def _taught(own: Guarantee) -> None:
    """What the organisation's own labels allow by themselves."""
    if own.holds:
        text = (
            f"Your own labels are a ground by themselves: {own.clusters:,} groups of genuine ones, none of which would "
            f"be lost, allow a loss of at most {own.bound:.2%}."
        )
    else:
        text = (
            f"Where no other ground holds it removes nothing yet: that takes {own.missing:,} more groups of labels for "
            f"genuine notices ({own.clusters:,} now; [models] accept = {own.wanted:g})."
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
    from cleaner.service.shadow import candidates

    with open_app(context) as app:
        found = page(app.context, name)
        beside = tuple(one for one in candidates(app.context) if one.candidate == name)
    _show_page(found, beside)


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
            safe(row.refused or _judging(row), 200),
        )
    return table


def _judging(row: ModelRow) -> str:
    along = f"judges along for {', '.join(row.along_for)}" if row.along_for else ""
    return "; ".join(filter(None, (", ".join(row.used_by), along)))


def _show_page(page: ModelPage, beside: tuple[Beside, ...]) -> None:
    console = results()
    console.print(page.card, soft_wrap=True)
    training = page.row.training
    if training is not None:
        became = f"it stayed a candidate: {training.why}" if training.why else "it was promoted at once"
        told = f"Trained from {count(training.labels, 'label')} of {training.organisation}; {became}."
        console.print(safe(told, 1_000), soft_wrap=True)
    for candidate in beside:
        console.print(safe(f"{candidate.organisation}: {candidate.sentence()}.", 1_000), soft_wrap=True)
    if page.words:
        console.print("The most telling words (n: of the notice, r: of the returned mail):")
        for word, weight in page.words[:MOST]:
            console.print(f"  {weight:+.3f}  {safe(word, 40)}")
