"""
Commands as a shell sees them: their help, and one sentence for what was typed wrongly.

The library's own help shows the types of its parameters (`<bool>`) and draws boxes; and what it says about a wrong
value is written for programmers. Both are written here instead.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from enum import Enum
from typing import Any, Final

import typer
from rich.console import Group as Lines
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

from cleaner.cli.examples import EXAMPLES
from cleaner.cli.screen import results
from cleaner.cli.text import safe

BEFORE: Final = ("-c", "--config", "--version")
"""Options of the program, which stand before the command."""
WITH_VALUE: Final = ("-c", "--config")
HELP: Final = frozenset(("-h", "--help"))
OTHERS: Final = "Commands"
WIDEST: Final = 100
"""Longer lines of prose are hard to read, however wide the terminal is."""


class Command(TyperCommand):
    """A command that prints our help."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except TyperException as error:
            if getattr(error, "ctx", None) is None:
                error.ctx = ctx  # type: ignore[attr-defined]  # so that it can be said whose help tells more
            raise

    def format_help(self, ctx: Any, formatter: Any) -> None:
        formatter.write(help_of(self, ctx))


class Group(TyperGroup):
    """A group of commands that prints our help."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        formatter.write(help_of(self, ctx))


class Commands(typer.Typer):
    """Commands to be added; each prints our help."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"cls": Group, "rich_markup_mode": None, "no_args_is_help": True, **settings})

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Any], Any]:
        return super().command(name, **{"cls": Command, **settings})


# --- help ----------------------------------------------------------------------------------------


def asked_help(root: Any, words: Sequence[str], program: str) -> str | None:
    """
    The help that a command line asks for; None where it asks for none, or names a command that there is not.

    Found without reading the options: for that the library loads half as much again as help takes.
    """
    words = list(words)
    words = words[: words.index("--")] if "--" in words else words
    if not HELP & set(words):
        return None
    command, ctx = root, root.context_class(root, info_name=program, **root.context_settings)
    rest = iter(words)
    for word in rest:
        if word in HELP:
            break
        if word in WITH_VALUE and command is root:
            next(rest, None)
        elif isinstance(command, TyperGroup) and not word.startswith("-"):
            if word not in command.commands:
                return None
            command = command.commands[word]
            ctx = command.context_class(command, info_name=word, parent=ctx)
    return str(command.get_help(ctx))


def help_of(command: Any, ctx: Any) -> str:
    """As wide as the terminal, in colours where there are some."""
    console = results()
    console.width = min(console.width, WIDEST)
    with console.capture() as captured:
        console.print(Text.assemble(("Usage: ", "bold"), usage_of(command, ctx)))
        for part in (*text_of(command.help or ""), *examples_of(ctx)):
            console.print()
            console.print(part)
        for heading, rows in (
            ("Arguments", [row(p) for p in command.params if is_argument(p) and p.help]),
            *sections(command, ctx),
            ("Options", [row(p) for p in command.get_params(ctx) if not is_argument(p) and not p.hidden]),
        ):
            if rows:
                console.print(Text(f"\n{heading}:", "bold"))
                console.print(table_of(rows))
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def usage_of(command: Any, ctx: Any) -> str:
    takes = [metavar(p) if p.required else f"[{metavar(p)}]" for p in command.params if is_argument(p)]
    if isinstance(command, TyperGroup):
        takes.append("COMMAND …")
    return " ".join((ctx.command_path, "[OPTIONS]", *takes))


def text_of(docstring: str) -> Iterator[Text | Lines]:
    """Its paragraphs: prose is wrapped anew, indented lines (examples) stay as they are."""
    for paragraph in docstring.strip("\n").split("\n\n"):
        lines = paragraph.splitlines()
        if any(line.startswith("  ") for line in lines):
            yield Lines(*(Text(line, "cyan") for line in lines))
        else:
            yield Text(" ".join(lines))


def examples_of(ctx: Any) -> Iterator[Padding]:
    """Those of this command, what each is for beside it."""
    root = ctx.find_root().command_path
    rows = EXAMPLES.get(ctx.command_path.removeprefix(root).strip(), ())
    if rows:
        yield table_of([(f"{root} {line}", meaning) for line, meaning in rows], most=60)


def sections(command: Any, ctx: Any) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The commands of a group, by what they are about."""
    if not isinstance(command, TyperGroup):
        return
    found: dict[str, list[tuple[str, str]]] = {}
    for name in command.list_commands(ctx):
        below: Any = command.get_command(ctx, name)
        if below is not None and not below.hidden:
            panel = getattr(below, "rich_help_panel", None) or OTHERS
            found.setdefault(panel, []).append((name, first_sentence(below)))
    yield from found.items()


def first_sentence(command: Any) -> str:
    return " ".join(inspect.cleandoc(command.help or "").partition("\n\n")[0].split())


def row(parameter: Any) -> tuple[str, str]:
    """How it is written, and what it means, with its default."""
    if is_argument(parameter):
        name = metavar(parameter)
    else:
        name = ", ".join(sorted((*parameter.opts, *parameter.secondary_opts), key=len))
        if not parameter.is_flag:
            name += f" {metavar(parameter)}"
    notes = [f"default: {default}" for default in default_of(parameter)]
    if parameter.required and not is_argument(parameter):
        notes = ["needed"]
    return name, " ".join((" ".join((parameter.help or "").split()), *(f"[{note}]" for note in notes)))


def default_of(parameter: Any) -> Iterator[str]:
    if isinstance(parameter.show_default, str):
        yield parameter.show_default
    elif isinstance(parameter.default, Enum):
        yield str(parameter.default.value)
    elif isinstance(parameter.default, (str, int, float)) and parameter.default not in (True, False, ""):
        yield str(parameter.default)


def table_of(rows: list[tuple[str, str]], *, most: int = 36) -> Padding:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="cyan", overflow="fold", max_width=most)
    table.add_column(overflow="fold")
    for name, meaning in rows:
        table.add_row(Text(name), Text(meaning))
    return Padding(table, (0, 0, 0, 2))


def is_argument(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "argument")


def metavar(parameter: Any) -> str:
    """What stands for the value: what may stand there, where that is few; `…` where several may stand."""
    choices = getattr(getattr(parameter, "type_descriptor", None), "choices", None) or ()
    values = "|".join(str(getattr(choice, "value", choice)) for choice in choices)
    name = str(parameter.metavar or values or (parameter.name or "").upper()).rstrip("…")
    return f"{name}…" if parameter.nargs == -1 else name


# --- what was typed wrongly ----------------------------------------------------------------------


def sentence(error: TyperException) -> str:
    """What is wrong, what was probably meant, and where it is told."""
    ctx = getattr(error, "ctx", None)
    path = ctx.command_path if ctx is not None else "bounce-cleaner"
    wrong = told(error, ctx, path)
    return f"{wrong}{'' if wrong.endswith('?') else ';'} '{path} --help' tells what it takes"


def told(error: TyperException, ctx: Any, path: str) -> str:
    parameter = getattr(error, "param", None)
    option = getattr(error, "option_name", None)
    if option is not None and hasattr(error, "possibilities"):
        return no_such_option(str(option), ctx, path)
    if option is not None:
        found = next((p for p in ctx.command.params if option in p.opts), None) if ctx is not None else None
        return f"{option} needs a value{f', {metavar(found)}' if found is not None else ''}"
    if parameter is not None:
        name = metavar(parameter) if is_argument(parameter) else max(parameter.opts, key=len)
        if hasattr(error, "param_type"):
            return f"{name} is missing"
        return f"{name}: {wrong_value(error)}"
    message = safe(error.format_message()).rstrip(".")
    if match := re.fullmatch(r"No such command ('.*?')\.?(?: Did you mean (.*))?", message):
        return f"there is no command {match[1]}" + (f"; did you mean {match[2]}" if match[2] else "")
    if match := re.fullmatch(r"Got unexpected extra argument(?:\(s\)|s)? \((.*)\)", message):
        return f"too many words, beginning with: {match[1]}"
    return message


def no_such_option(option: str, ctx: Any, path: str) -> str:
    if option in BEFORE and ctx is not None and ctx.parent is not None:
        root = ctx.find_root().command_path
        example = " FILE" if option != "--version" else ""
        rest = path.removeprefix(f"{root} ")
        return f"{option} stands before the command: {root} {option}{example} {rest}"
    known = [name for p in ctx.command.get_params(ctx) for name in p.opts] if ctx is not None else []
    # A word that continues an option's (`--dry`) is nearer than one that looks like it.
    near = [name for name in known if len(option) > 3 and name.startswith(option)]
    near = near or get_close_matches(option, known, n=2, cutoff=0.6)
    return f"there is no option {safe(option, 60)}" + (f"; did you mean {' or '.join(near)}?" if near else "")


def wrong_value(error: TyperException) -> str:
    """From what the library's checks found, where they did."""
    cause: Any = error.__cause__
    found = cause.errors()[0] if hasattr(cause, "errors") else {}
    limits = found.get("ctx", {})
    given = safe(found.get("input", ""), 60)
    match found.get("type"):
        case "int_parsing" | "int_from_float":
            return f"{given!r} is no whole number"
        case "float_parsing":
            return f"{given!r} is no number"
        case "greater_than_equal":
            return f"{given} is too small; at least {limits['ge']}"
        case "less_than_equal":
            return f"{given} is too large; at most {limits['le']}"
    message = error.message.removeprefix("Value error, ")
    return safe(message, 300).rstrip(".")
