"""Every command explains itself to a newcomer, and says in a sentence what was typed wrongly."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import typer.main

from cleaner.cli.arguments import is_argument, metavar
from cleaner.cli.examples import EXAMPLES
from cleaner.cli.shell import app

Run = Callable[..., Any]


def commands(group: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *path, name)
        else:
            yield (*path, name), command


ALL = dict(commands(typer.main.get_command(app)))
NAMES = pytest.mark.parametrize("path", ALL, ids=" ".join)


@NAMES
@pytest.mark.parametrize("width", ["60", "80", "120", "200"])
def test_help_fits_and_shows_no_type_of_the_language(
    run: Run, monkeypatch: pytest.MonkeyPatch, path: tuple[str, ...], width: str
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    ran = run(*path, "--help")
    assert ran.code == 0
    assert ran.err == ""
    assert f"Usage: bounce-cleaner {' '.join(path)}" in ran.out
    assert not re.search(r"<\w+>|list\[|None|Annotated|\bstr\b|\bbool\b", ran.out)
    assert all(len(line) <= int(width) for line in ran.out.splitlines() if "bounce-cleaner" not in line)


@NAMES
def test_every_command_has_a_sentence_and_an_example(path: tuple[str, ...]) -> None:
    command = ALL[path]
    assert (command.help or "").strip().split("\n\n")[0].rstrip().endswith((".", ":"))
    assert " ".join(path) in EXAMPLES or f"  bounce-cleaner {' '.join(path)}" in command.help


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_uses_what_there_is(name: str) -> None:
    command = ALL[tuple(name.split())]
    options = {option for p in command.params for option in p.opts} | {"-c"}
    for line, _ in EXAMPLES[name]:
        words = shlex.split(line)
        assert f"{name} " in f"{line} "
        assert {word for word in words if word.startswith("-") and word != "-"} <= options


@NAMES
def test_every_value_has_a_name_and_every_option_a_meaning(path: tuple[str, ...]) -> None:
    for parameter in ALL[path].params:
        assert metavar(parameter)
        assert parameter.help or is_argument(parameter)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("scna",), "there is no command 'scna'; did you mean 'scan'? 'bounce-cleaner --help'"),
        (("zzz",), "there is no command 'zzz'; 'bounce-cleaner --help'"),
        (("optin", "ad"), "there is no command 'ad'; did you mean 'add'?"),
        (
            ("scan", "--dryrun"),
            "there is no option --dryrun; did you mean --dry-run? 'bounce-cleaner scan --help'",
        ),
        (("scan", "--dry"), "did you mean --dry-run?"),
        (("scan", "--zzz"), "there is no option --zzz; 'bounce-cleaner scan --help'"),
        (("scan", "-x"), "there is no option -x;"),
        (("scan", "-c", "x.toml"), "-c stands before the command: bounce-cleaner -c FILE scan;"),
        (("optin", "add", "--config", "x"), "before the command: bounce-cleaner --config FILE optin add;"),
        (("scan", "--version"), "--version stands before the command: bounce-cleaner --version scan;"),
        (("scan", "--format", "xml"), "--format: 'xml' is not one of 'table', 'jsonl';"),
        (("scan", "--format"), "--format needs a value, table|jsonl; 'bounce-cleaner scan --help'"),
        (("history", "--limit", "many"), "--limit: 'many' is no whole number;"),
        (("history", "--limit", "0"), "--limit: 0 is too small; at least 1;"),
        (("evaluate",), "PATH… is missing; 'bounce-cleaner evaluate --help'"),
        (("label", "add", "x.eml"), "--as is missing;"),
        (("explain", "1", "2"), "too many words, beginning with: 2;"),
    ],
)
def test_what_was_typed_wrongly_is_one_sentence(run: Run, arguments: tuple[str, ...], told: str) -> None:
    ran = run(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("bounce-cleaner: ")
    assert told in ran.err
    assert ran.err.count("\n") == 1


def test_a_name_that_would_steer_the_terminal_is_shown_harmless(run: Run) -> None:
    for arguments in (("\x1b[31mscan",), ("scan", "--\x1b[31mx"), ("scan", "--format", "\x1b[31m")):
        ran = run(*arguments)
        assert ran.code == 2
        assert "\x1b" not in ran.err


def test_a_group_without_a_command_shows_its_help_and_is_wrong_usage(run: Run) -> None:
    for group in ("optin", "label", "models", "ledger"):
        ran = run(group)
        assert ran.code == 2
        assert f"Usage: bounce-cleaner {group}" in ran.out + ran.err


def test_help_is_given_wherever_it_is_asked_for_and_nowhere_else(run: Run) -> None:
    assert "Usage: bounce-cleaner scan" in run("scan", "--nonsense", "-h").out
    assert "Usage: bounce-cleaner label add" in run("-c", "scan", "label", "add", "--help").out
    assert "Usage: bounce-cleaner label [" in run("label", "-h", "add").out
    assert (run("scna", "--help").code, run("label", "ad", "--help").code) == (2, 2)
    ran = run("explain", "--", "-h")
    assert (ran.code, "no such file" in ran.err) == (2, True)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_offered_to_each_shell(shell: str) -> None:
    def ask(instruction: str, **environment: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "cleaner"],
            env={**os.environ, "_BOUNCE_CLEANER_COMPLETE": instruction, **environment},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == ""
        return done.stdout

    assert "bounce-cleaner" in ask(f"source_{shell}")
    line = "bounce-cleaner exp"
    typed = {"COMP_WORDS": line, "COMP_CWORD": "1", "_TYPER_COMPLETE_ARGS": line}
    fish = {"_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    assert "explain" in ask(f"complete_{shell}", **typed, **fish)
    line = "bounce-cleaner scan --dr"
    typed = {"COMP_WORDS": line, "COMP_CWORD": "2", "_TYPER_COMPLETE_ARGS": line}
    assert "--dry-run" in ask(f"complete_{shell}", **typed, **fish)
