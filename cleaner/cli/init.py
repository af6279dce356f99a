"""`init`: the commented configuration, and the master key beside it."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Final

import typer

from cleaner.cli.screen import remark
from cleaner.errors import UsageError

KEY: Final = "master.key"


def init(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Where to write it.", show_default="cleaner.toml")
    ] = None,
) -> None:
    """
    Write a commented configuration, and the master key beside it.

    Nothing that exists is overwritten. On a terminal you are asked for your
    domain and mailbox; Enter leaves the example.
    """
    from cleaner.config import make_key

    target = file or context.obj or Path("cleaner.toml")
    if target.exists():
        made_up_for(target)
        return
    text = sample()
    if sys.stdin.isatty() and sys.stdout.isatty():
        text = filled_in(text, ask())
    target.parent.mkdir(parents=True, exist_ok=True)
    key = target.with_name(KEY)
    made = make_key(key)
    with target.open("x", encoding="utf-8") as stream:
        stream.write(text)
    typer.echo(f"Wrote {target}.")
    typer.echo(f"Made the master key {key}; keep a copy of it." if made else f"Kept the master key {key}.")
    option = "" if target == Path("cleaner.toml") else f"-c {shlex.quote(str(target))} "
    typer.echo(f"Next: edit it (your domains, relays, mailboxes), then: bounce-cleaner {option}check")


def made_up_for(target: Path) -> None:
    """
    Makes the master key that a configuration written by hand lacks; else raises UsageError.

    Where there is a store already, its key is lost, not missing, and a new one would not open it.
    """
    from cleaner.config import load, make_key

    store = load(target).store
    database = Path(store.url.removeprefix("sqlite:///"))
    key = store.key.file
    if key is None or key.exists() or database.exists() or not store.url.startswith("sqlite:///"):
        raise UsageError(
            f"{target} is there already and stays as it is. Edit it, or name another file: "
            "bounce-cleaner init FILE"
        )
    make_key(key)
    typer.echo(f"{target} is there already and stays as it is.")
    typer.echo(f"Made its master key {key}; keep a copy of it.")


def sample() -> str:
    """The commented configuration: in the package once it is built, in a source tree where it is kept."""
    packaged = resources.files("cleaner.cli") / "cleaner.toml"
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    return (Path(__file__).parents[2] / "config" / "cleaner.toml").read_text(encoding="utf-8")


def ask() -> dict[str, str]:
    """What a person at the terminal answers; an example that is kept is left out."""
    from cleaner.config import forms

    questions: tuple[tuple[str, str, Callable[[object], object]], ...] = (
        ("Your domain", "harbor.example", forms.domain),
        ("Your address", "ann@harbor.example", forms.address),
        ("The folder of your Maildir", "/var/vmail/{domain}/{local}/Maildir", forms.maildir_path(Path.cwd())),
    )
    answers: dict[str, str] = {}
    for question, example, form in questions:
        shown = example.replace("harbor.example", answers.get("harbor.example", "harbor.example"))
        while (answer := str(typer.prompt(question, default=shown)).strip()) != example:
            try:
                answers[example] = str(form(answer))
                break
            except ValueError as error:
                remark(str(error))
    return answers


def filled_in(text: str, answers: Mapping[str, str]) -> str:
    """The sample with a person's own values in place of the examples, whole quoted texts only."""
    for example, answer in answers.items():
        text = text.replace(f'"{example}"', json.dumps(answer, ensure_ascii=False))
    return text
