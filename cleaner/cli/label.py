"""`label`: what people say is true of messages, for the classifier to learn from."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cleaner.cli import labelling
from cleaner.cli.arguments import Commands
from cleaner.cli.options import Format, FormatOption, MailboxOption, SinceOption, command, open_app, time_of
from cleaner.cli.screen import print_json, results
from cleaner.cli.text import count, safe
from cleaner.errors import UsageError

if TYPE_CHECKING:
    from cleaner.service.label.adding import Said

label = Commands()


class Truth(StrEnum):
    """What can be true of a message."""

    GENUINE = "genuine"
    BACKSCATTER = "backscatter"
    NOT_A_BOUNCE = "not-a-bounce"


class State(StrEnum):
    """The states of a label."""

    CONFIRMED = "confirmed"
    PROPOSED = "proposed"
    WITHDRAWN = "withdrawn"


class From(StrEnum):
    """Where labels come from."""

    ADMINISTRATOR = "administrator"
    IMPORT = "import"
    OWNER = "owner"


ByOption = Annotated[
    str | None, typer.Option("--by", metavar="NAME", help="Who says so.", show_default="this account")
]
WhyOption = Annotated[str, typer.Option("--why", metavar="TEXT", help="Kept with the label.")]
OrganisationOption = Annotated[
    str | None, typer.Option("--organisation", metavar="NAME", help="Only of this organisation.")
]
IdsArgument = Annotated[list[int], typer.Argument(metavar="LABEL", help="Numbers, as label list shows them.")]


@label.callback()
def root() -> None:
    """What is true of messages: what the classifier learns from."""


@label.command("add")
def add(
    context: typer.Context,
    truth: Annotated[Truth, typer.Option("--as", help="What it is.")],
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="PATH", help=".eml files, mbox files or folders.")
    ] = None,
    entry: Annotated[
        int | None, typer.Option("--entry", metavar="ID", help="A change, by its number in the history.")
    ] = None,
    mailbox: Annotated[
        str | None,
        typer.Option(
            "--mailbox",
            metavar="ADDRESS",
            help="Whose mail it is; needed with --id. A file without it is bound to the mailbox that it was sent to.",
        ),
    ] = None,
    folder: Annotated[str, typer.Option(metavar="F", help="The folder that the message lies in.")] = "INBOX",
    id: Annotated[
        str | None,
        typer.Option("--id", metavar="N", help="The message's id in the folder, as scan prints it."),
    ] = None,
    organisation: Annotated[
        str | None,
        typer.Option(
            "--organisation", metavar="NAME", help="Whose label it is, where the mail does not tell."
        ),
    ] = None,
    by: ByOption = None,
    why: WhyOption = "",
) -> None:
    """
    Say what a message is.

      bounce-cleaner label add message.eml --as genuine
      bounce-cleaner label add --entry 17 --as genuine
      bounce-cleaner label add --mailbox ADDRESS --id ID --as backscatter

    The mailbox is opened only if its owner has opted in, and that is recorded.
    """
    from cleaner.service.label import adding
    from cleaner.values import Opinion

    said = adding.Said(Opinion(truth.value), by, why, mailbox, organisation)
    _one_source(paths, entry, id, said)
    with open_app(context) as app:
        if entry is not None:
            answers = [adding.add_entry(app.context, entry, said)]
        elif id is not None:
            answers = [adding.add_message(app.context, mailbox or "", folder, id, said)]
        else:
            answers = list(adding.add_files(app.context, paths or (), said))
        disputed = adding.disputed(app.context, answers)
    labelling.show_answers(context, answers, disputed)
    raise typer.Exit(labelling.code_of(answers))


def _one_source(paths: list[Path] | None, entry: int | None, id: str | None, said: Said) -> None:
    given = [bool(paths), entry is not None, id is not None]
    if given.count(True) != 1:
        raise UsageError("say which message: PATH, --entry ID, or --mailbox ADDRESS with --folder and --id")
    if id is not None and said.mailbox is None:
        raise UsageError("--id needs --mailbox ADDRESS: ids are given by each mailbox anew")
    if entry is not None and (said.mailbox is not None or said.organisation is not None):
        raise UsageError("a journal entry tells its mailbox itself; leave --mailbox and --organisation out")


@label.command("list")
def list_(
    context: typer.Context,
    mailbox: MailboxOption = None,
    organisation: OrganisationOption = None,
    truths: Annotated[list[Truth] | None, typer.Option("--as", help="Only with this truth.")] = None,
    states: Annotated[
        list[State] | None, typer.Option("--state", help="Only in this state.", show_default="not withdrawn")
    ] = None,
    origins: Annotated[list[From] | None, typer.Option("--origin", help="Only from there.")] = None,
    since: SinceOption = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the last so many.")] = None,
    contradictions: Annotated[
        bool, typer.Option("--contradictions", help="Labels of which not all can be right.")
    ] = False,
    output: FormatOption = Format.TABLE,
) -> None:
    """
    Show labels, or where they contradict each other.

    That mail of somebody is shown is recorded, as every opening of a mailbox.
    """
    from cleaner.service.label import listing
    from cleaner.store.labelling import LabelState, Origin
    from cleaner.values import Opinion

    if contradictions and (mailbox or truths or states or origins or since or limit):
        raise UsageError(
            "--contradictions shows all that contradicts itself; only --organisation goes with it"
        )
    if contradictions:
        with open_app(context) as app:
            found = listing.contradictions(app.context, organisation)
        labelling.show_contradictions(context, found, output)
        return
    wanted = listing.Wanted(
        organisation,
        mailbox,
        tuple(LabelState(state.value) for state in states or (State.CONFIRMED, State.PROPOSED)),
        tuple(Opinion(truth.value) for truth in truths) if truths else None,
        tuple(Origin(origin.value) for origin in origins) if origins else None,
        time_of(since),
        limit,
    )
    with open_app(context) as app:
        rows = listing.labels(app.context, wanted)
    if output is Format.JSONL:
        for row in rows:
            print_json(row.as_json())
        return
    if rows:
        results().print(labelling.table_of(rows))
    results().print(f"{labelling.tally(rows)}.", soft_wrap=True)


@label.command("review")
def review(
    context: typer.Context,
    ids: Annotated[
        list[int] | None, typer.Argument(metavar="LABEL", help="Proposals, by number, to confirm or refuse.")
    ] = None,
    groups: Annotated[
        list[int] | None,
        typer.Option("--group", metavar="LABEL", help="A whole group, by the number of a proposal in it."),
    ] = None,
    confirm: Annotated[bool, typer.Option("--confirm", help="They are right: learn from them.")] = False,
    refuse: Annotated[
        bool, typer.Option("--refuse", help="They are wrong; they are not proposed again.")
    ] = False,
    unsure: Annotated[
        bool, typer.Option("--unsure", help="Not proposals: notices that nobody could decide.")
    ] = False,
    mailbox: MailboxOption = None,
    organisation: OrganisationOption = None,
    by: ByOption = None,
    why: WhyOption = "",
    output: FormatOption = Format.TABLE,
) -> None:
    """
    Go through what mailbox owners proposed by moving messages.

    On a terminal each group of like notices is asked about; elsewhere they are listed.
    With --unsure it is about the notices that nobody could decide, those first that have
    the most like them.

      bounce-cleaner label review
      bounce-cleaner label review 3 4 --confirm
      bounce-cleaner label review --group 3 --refuse

    Nothing is learned from a proposal before it is confirmed.
    """
    from cleaner.cli import reviewing
    from cleaner.service.label import review

    if unsure:
        if confirm or refuse or ids or groups:
            raise UsageError(
                "--unsure is about notices that nobody said anything of; label them with label add"
            )
        _review_unsure(context, mailbox, organisation, by, why, output)
        return
    if confirm or refuse:
        if confirm and refuse:
            raise UsageError("either --confirm or --refuse")
        if not ids and not groups:
            raise UsageError("say which proposals: their numbers, or --group LABEL")
        with open_app(context) as app:
            decide = review.confirm if confirm else review.refuse
            settled = decide(app.context, ids or (), groups or (), by, why)
        results().print(f"{count(len(settled), 'proposal')} {'confirmed' if confirm else 'refused'}.")
        return
    if ids or groups:
        raise UsageError("say what is to be done with them: --confirm or --refuse")
    with open_app(context) as app:
        waiting = review.groups(app.context, organisation=organisation, mailbox=mailbox)
        if output is Format.JSONL:
            for group in waiting:
                print_json(group.as_json())
        elif reviewing.is_asked_here() and waiting:
            reviewing.ask(app.context, waiting, by, why)
        else:
            reviewing.show(context, waiting)


def _review_unsure(
    context: typer.Context,
    mailbox: str | None,
    organisation: str | None,
    by: str | None,
    why: str,
    output: Format,
) -> None:
    from cleaner.cli import deciding, reviewing
    from cleaner.service.label.undecided import undecided

    with open_app(context) as app:
        open_ones = undecided(app.context, organisation=organisation, mailbox=mailbox)
        if output is Format.JSONL:
            for one in open_ones:
                print_json(one.as_json())
        elif reviewing.is_asked_here() and open_ones:
            deciding.ask(app.context, open_ones, by, why)
        else:
            deciding.show(context, open_ones)


@label.command("withdraw")
def withdraw(context: typer.Context, ids: IdsArgument, by: ByOption = None, why: WhyOption = "") -> None:
    """
    Take labels back, with all their effect.

    The next training does without them; their samples are erased.
    """
    from cleaner.service.label import listing

    with open_app(context) as app:
        gone = listing.withdraw(app.context, ids, by, why)
    results().print(f"{count(len(gone), 'label')} withdrawn; the next training does without.", soft_wrap=True)


@label.command("import")
def import_(
    context: typer.Context,
    path: Annotated[
        Path,
        typer.Argument(
            metavar="PATH",
            help="A folder with folders named genuine, backscatter and not-a-bounce, or an archive of label export.",
        ),
    ],
    mailbox: Annotated[
        str | None,
        typer.Option("--mailbox", metavar="ADDRESS", help="Whose mail it is, else to whom it was sent."),
    ] = None,
    organisation: Annotated[
        str | None,
        typer.Option(
            "--organisation", metavar="NAME", help="Whose labels they are, where the mail does not tell."
        ),
    ] = None,
    by: ByOption = None,
    why: WhyOption = "",
) -> None:
    """Take labels in from folders or from an archive."""
    from cleaner.cli.progress import Bar
    from cleaner.service.label import adding, importing

    source = importing.Source(path, by, why, mailbox, organisation)
    with open_app(context) as app, Bar() as bar:
        answers = list(importing.import_(app.context, source, bar))
        disputed = adding.disputed(app.context, answers)
    labelling.show_answers(context, answers, disputed)
    raise typer.Exit(labelling.code_of(answers))


@label.command("export")
def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.tar.gz", help="A new file.")],
    mailbox: MailboxOption = None,
    organisation: OrganisationOption = None,
    since: SinceOption = None,
) -> None:
    """
    Write the confirmed labels and their samples into one archive.

    It holds mail in the clear; that it was read is recorded with its mailboxes.
    """
    from cleaner.cli.progress import Bar
    from cleaner.service.label.exporting import export

    with open_app(context) as app, Bar() as bar:
        done = export(
            app.context, file, bar, organisation=organisation, mailbox=mailbox, since=time_of(since)
        )
    results().print(
        f"{count(done.labels, 'label')} and {count(done.samples, 'sample')} written to {safe(file)}.",
        soft_wrap=True,
    )


@label.command("samples")
def samples(
    context: typer.Context,
    mailbox: MailboxOption = None,
    erase: Annotated[
        bool, typer.Option("--erase", help="Erase those of the mailbox; its labels stay.")
    ] = False,
    output: FormatOption = Format.TABLE,
) -> None:
    """List the raw mail that is kept of labels, or erase that of a mailbox."""
    from cleaner.service.label import listing

    if erase and mailbox is None:
        raise UsageError("say whose samples to erase: --mailbox ADDRESS")
    with open_app(context) as app:
        if erase:
            erased = listing.erase_samples(app.context, mailbox or "")
            results().print(f"{count(erased, 'sample')} of {safe(mailbox)} erased.", soft_wrap=True)
            return
        notes = listing.samples(app.context, mailbox)
        keep = app.context.settings.labels.keep_samples
    if output is Format.JSONL:
        for note in notes:
            print_json(note.as_json())
        return
    if notes:
        results().print(labelling.samples_table(notes, keep))
    results().print(f"{count(len(notes), 'sample')}.", soft_wrap=True)
    if notes and mailbox is not None:
        erasing = command(context, f"label samples --mailbox {mailbox} --erase")
        results().print(f"To erase them: {erasing}", soft_wrap=True)
