"""
The program as a shell sees it: its commands, its help, its errors and exit codes.

Heavy libraries are imported inside the commands, so that help and completion answer at once.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer
import typer.main
from typer.exceptions import TyperException

from cleaner import __version__
from cleaner.cli import (
    check,
    demo,
    evaluate,
    history,
    init,
    invite,
    judge,
    label,
    learn,
    ledger,
    login,
    optin,
    report,
    rules,
    scan,
    serve,
    status,
    store,
    undo,
)
from cleaner.cli.arguments import Commands, asked_help, sentence
from cleaner.cli.codes import FAILED, INTERRUPTED, WRONG
from cleaner.errors import (
    CleanerError,
    ConfigurationError,
    MasterKeyError,
    NotOptedInError,
    SecretUnavailableError,
    UsageError,
)

HELP: Final = """
Moves bounces about mail that you never sent out of your mailboxes: explained, journalled, reversible.

First steps:

  bounce-cleaner demo                see it at work on sample mailboxes
  bounce-cleaner init                write a configuration; then edit it
  bounce-cleaner check               is everything in place?
  bounce-cleaner scan --preview --mailbox ADDRESS
                                     what it would do; nothing is changed
  bounce-cleaner optin add ADDRESS   the owner of the mailbox agrees
  bounce-cleaner scan                clean it
  bounce-cleaner undo --run RUN      take everything back
"""
_WRONG: Final = (ConfigurationError, UsageError, SecretUnavailableError, MasterKeyError, NotOptedInError)
START: Final = "Getting started"
CLEANING: Final = "Cleaning and taking back"
JUDGING: Final = "Judging"
LEARNING: Final = "Learning"

app = Commands(
    name="bounce-cleaner",
    help=HELP,
    invoke_without_command=True,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def root(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            "-c",
            "--config",
            metavar="FILE",
            help="The configuration. Without it: $BOUNCE_CLEANER_CONFIG, ./cleaner.toml, "
            "/etc/bounce-cleaner/cleaner.toml.",
        ),
    ] = None,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        typer.echo(f"bounce-cleaner {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(WRONG)
    context.obj = config


for name, function, panel in (
    ("demo", demo.demo, START),
    ("init", init.init, START),
    ("check", check.check, START),
    ("login", login.login, START),
    ("scan", scan.scan, CLEANING),
    ("serve", serve.serve, CLEANING),
    ("worker", serve.worker, CLEANING),
    ("history", history.history, CLEANING),
    ("undo", undo.undo, CLEANING),
    ("status", status.status, CLEANING),
    ("report", report.report, CLEANING),
    ("classify", judge.classify, JUDGING),
    ("explain", judge.explain, JUDGING),
    ("rules", rules.rules, JUDGING),
    ("evaluate", evaluate.evaluate, JUDGING),
    ("train", learn.train, LEARNING),
):
    app.command(name, rich_help_panel=panel)(function)
optin.optin.command("invite")(invite.invite)
optin.optin.command("confirm")(invite.confirm)
app.add_typer(optin.optin, name="optin", rich_help_panel=START)
app.add_typer(label.label, name="label", rich_help_panel=LEARNING)
app.add_typer(learn.models, name="models", rich_help_panel=LEARNING)
app.add_typer(ledger.ledger, name="ledger", rich_help_panel=CLEANING)
app.add_typer(store.store, name="store", rich_help_panel=CLEANING)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs a command and ends the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A terminal or pipe in another encoding than UTF-8 gets `\\u…`, not a crash.
            stream.reconfigure(errors="backslashreplace")
    _set_up_logging()
    try:
        words = sys.argv[1:] if arguments is None else arguments
        if (told := asked_help(typer.main.get_command(app), words, "bounce-cleaner")) is not None:
            typer.echo(told)
            sys.stdout.flush()
            sys.exit(0)
        code = app(args=arguments, prog_name="bounce-cleaner", standalone_mode=False)
        sys.stdout.flush()
    except typer.Abort:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        _leave_quietly()
    except TyperException as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # its message is the help
            typer.echo(error.format_message(), err=True)
        else:
            _remark(sentence(error))
        sys.exit(WRONG)
    except Exception as error:
        if os.environ.get("BOUNCE_CLEANER_DEBUG"):
            raise
        _say(error)
        sys.exit(WRONG if isinstance(error, _WRONG) else FAILED)
    sys.exit(code if isinstance(code, int) else 0)


def _leave_quietly() -> NoReturn:
    """
    The reader of our output is gone (`| head`); what is still to be written goes nowhere.

    So the interpreter finds nothing to complain of at its end (documentation of Python's `signal`, "Note on SIGPIPE").
    """
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(FAILED)


def _set_up_logging() -> None:
    """What went wrong is printed as a sentence; the log with its traces only where it is asked for."""
    if os.environ.get("BOUNCE_CLEANER_DEBUG"):
        logging.basicConfig(level=logging.INFO)
    else:
        logging.getLogger("cleaner").addHandler(logging.NullHandler())


def _say(error: Exception) -> None:
    match error:
        case CleanerError():
            words = str(error)
        case OSError() if error.filename is not None:
            words = f"{error.filename}: {error.strerror}"
        case _:
            words = (
                f"a fault of this program ({type(error).__name__}: {error}). "
                "Nothing is lost: the next run completes what was begun. "
                "BOUNCE_CLEANER_DEBUG=1 before the command shows where it happened."
            )
    _remark(words)


def _remark(words: str) -> None:
    from cleaner.cli.screen import remark

    remark(f"bounce-cleaner: {words}", "red")
