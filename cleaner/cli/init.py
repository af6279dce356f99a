"""`init`: the commented configuration, and the master key beside it."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer

from cleaner.cli.screen import remark
from cleaner.errors import UsageError

T = TypeVar("T")

KEY: Final = "master.key"
KINDS: Final = ("maildir", "imap")
MAILDIR: Final = "/var/vmail/{domain}/{local}/Maildir"
SERVER: Final = f"""name = "harbor-maildir"
connector = "maildir"
# {{address}}, {{local}} and {{domain}} stand for the parts of the mailbox's address.
path = "{MAILDIR}"
"""
"""The mail system of the sample."""


def init(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Where to write it.", show_default="cleaner.toml")
    ] = None,
) -> None:
    """
    Write a commented configuration, and the master key beside it.

    Nothing that exists is overwritten. On a terminal you are asked for your
    domain, mailbox and mail system; Enter takes what is proposed.
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
    """What a person at the terminal answers, by the text of the sample that it takes the place of."""
    from cleaner.config import forms

    here = Path.cwd()
    domain = prompt("Your domain", "harbor.example", forms.domain)
    address = prompt("Your address", f"ann@{domain}", forms.address)
    answers = {'"harbor.example"': quoted(domain), '"ann@harbor.example"': quoted(address)}
    kind = prompt("Where your mail is, maildir or imap", "maildir", forms.among({k: k for k in KINDS}))
    if kind == "maildir":
        path = prompt("The folder of your Maildir", MAILDIR, forms.maildir_path(here))
        answers[quoted(MAILDIR)] = quoted(path)
    else:
        host = prompt("Your IMAP server", f"imap.{domain}", forms.host)
        user = prompt("The name to sign in with", address, forms.text)
        secret = forms.secret(here)
        place = prompt(
            "Where the password is (env:NAME, file:PATH), not the password itself",
            "env:MAIL_PASSWORD",
            lambda value: secret(value).reference,
        )
        answers |= {
            SERVER: f'name = "imap"\nconnector = "imap"\nhost = {quoted(host)}\n',
            'server = "harbor-maildir"': 'server = "imap"',
            '# user = "ann@harbor.example"': f"user = {quoted(user)}",
            '# password = "env:ANN_PASSWORD"': f"password = {quoted(place)}",
        }
    relays = prompt("Hosts and addresses that send your mail out, by spaces; - for none", "-", relays_of)
    if relays:
        answers["# relays = []"] = f"relays = [{', '.join(map(quoted, relays))}]"
    return answers


def prompt(question: str, default: str, form: Callable[[object], T]) -> T:
    """Asks until the answer is one that the configuration takes; Enter takes the default."""
    while True:
        answer = str(typer.prompt(question, default=default)).strip()
        try:
            return form(answer)
        except ValueError as error:
            remark(str(error))


def relays_of(value: object) -> tuple[str, ...]:
    from cleaner.config import forms

    words = str(value).replace(",", " ").split()
    return tuple(str(forms.relay(word)) for word in words if word != "-")


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def filled_in(text: str, answers: Mapping[str, str]) -> str:
    """The sample with a person's own values in place of the examples, the longest first."""
    for example in sorted(answers, key=len, reverse=True):
        text = text.replace(example, answers[example])
    return text
