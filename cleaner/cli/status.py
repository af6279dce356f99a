"""`status`: what runs and what waits."""

from __future__ import annotations

import typer
from rich import box
from rich.table import Table

from cleaner.cli.options import Format, FormatOption, command, open_app
from cleaner.cli.screen import print_json, print_table, results
from cleaner.cli.text import count, safe


def status(context: typer.Context, output: FormatOption = Format.TABLE) -> None:
    """
    Show every mailbox at a glance, and the latest runs.
    """
    from cleaner.cli.history import RUNS_WIDTH, runs_table
    from cleaner.service.senders import describe_closure, remedy_for
    from cleaner.service.status import status

    with open_app(context) as app:
        found = status(app.context)
        now = app.context.clock()
    if output is Format.JSONL:
        print_json(found.as_json())
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("Mailbox", overflow="fold")
    table.add_column("Consent")
    for heading in ("Sent", "Judged", "Unsure", "Waits", "Moved"):
        table.add_column(heading, justify="right")
    for mailbox in found.mailboxes:
        consent = mailbox.consent
        if mailbox.preview_until is not None and mailbox.preview_until > now:
            consent += f"\nmoves from {mailbox.preview_until.astimezone():%Y-%m-%d}"
        numbers = (mailbox.sent_mails, mailbox.judged, mailbox.unsure, mailbox.waiting, mailbox.moved)
        table.add_row(safe(mailbox.address), consent, *(f"{number:,}" for number in numbers))
    print_table(table)
    for mailbox in found.mailboxes:
        for alarm in mailbox.alarms:
            results().print(safe(f"ALARM for {mailbox.address}: {alarm}", 400), style="red", soft_wrap=True)
    for mailbox in found.mailboxes:
        if mailbox.turn is not None and mailbox.turn.error is not None:
            again = f"{mailbox.turn.due.astimezone():%Y-%m-%d %H:%M}"
            told = f"{mailbox.turn.error} (failed {count(mailbox.turn.failures, 'time')}; next try {again})"
            results().print(safe(told, 1_000), style="red", soft_wrap=True)
    for stopped in found.stopped:
        held = count(stopped.held, "message")
        told = f"{stopped.mailbox}: the safety limit stopped run {stopped.run}; {held} held back"
        look = command(context, f"scan --dry-run --mailbox {stopped.mailbox}")
        remedy = (
            f"{look} shows what it would move, {command(context, f'scan --confirm {stopped.run}')} moves it"
        )
        results().print(safe(f"{told}; {remedy}", 1_000), style="yellow", soft_wrap=True)
    unfinished = [safe(mailbox.address) for mailbox in found.mailboxes if mailbox.open]
    if unfinished:
        results().print(f"Begun and not completed, the next scan does: {', '.join(unfinished)}")
    if found.runs:
        print_table(runs_table(found.runs), least=RUNS_WIDTH)
    turns = [mailbox.turn for mailbox in found.mailboxes if mailbox.turn is not None]
    if turns:
        following = min(turn.due for turn in turns)
        when = "now" if following <= now else f"{following.astimezone():%Y-%m-%d %H:%M}"
        results().print(
            f"serve looks after {count(len(turns), 'mailbox', 'mailboxes')}; the next is due {when}."
        )
    results().print(
        f"bounce-cleaner {found.version}, store {safe(found.store)} (revision {found.revision})",
        soft_wrap=True,
    )
    for named, model in found.models:
        judge = f"model {model}" if model is not None else "the rules alone"
        results().print(f"{safe(named)}: judged by {safe(judge)}", soft_wrap=True)
    for organisation, senders in found.senders:
        style = "yellow" if senders.outside_senders else None
        told = describe_closure(senders)
        if senders.outside_senders:
            told = f"{told} {remedy_for(organisation, senders)}"
        results().print(safe(told, 1_000), style=style)
    for candidate in found.candidates:
        told = f"{candidate.organisation}: {candidate.sentence()} ({command(context, 'models compare')})"
        results().print(safe(told, 1_000), soft_wrap=True)
    for one in found.drift:
        for measure in one.warnings:
            told = f"WARNING for {one.organisation}: {measure.warning}; {measure.remedy}"
            results().print(safe(told, 1_000), style="yellow", soft_wrap=True)
