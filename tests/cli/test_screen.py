"""What is printed fits the terminal, and nothing that mail says can steer it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from email.header import Header
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

Run = Callable[..., Any]
ANN = "ann@harbor.example"
PROJECT = str(Path(__file__).resolve().parents[2])

NASTY = {
    "wide": "重要なお知らせ：配達できませんでした。" * 8,
    "combining": "e" + "\u0301" * 200 + " and then",
    "right-to-left": "\u202egnp.exe שלום עולם مرحبا" * 3,
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈🎉" * 20,
    "controls": "bell\x07 back\x08\x08 form\x0c del\x7f nel\x85 csi\x9b31m",
    "escapes": "\x1b[31mred\x1b[2J\x1b]0;title\x07\x1b]8;;https://evil.example\x1b\\link\x1b[?1049h",
    "markup": "[bold red]x[/bold red] [link=https://evil.example]y[/link] :boom:",
    "long": "x" * 4_000,
}


@pytest.fixture
def nasty(demo: Path, tmp_path: Path) -> Path:
    """Reports about spam with subjects, names and diagnostics as nobody's terminal would like them."""
    inbox = demo.parent / "mail" / ANN / "cur"
    raw = next(p.read_bytes() for p in sorted(inbox.iterdir()) if b"Cheap watches" in p.read_bytes())
    folder = tmp_path / "nasty"
    folder.mkdir()
    for name, text in NASTY.items():
        subject = Header(text, "utf-8", maxlinelen=900).encode().encode()
        hostile = raw.replace(b"Undelivered Mail Returned to Sender", subject).replace(
            b"Cheap watches, today only", subject
        )
        hostile = hostile.replace(b"User unknown", text.encode()[:500].replace(b"\n", b" "))
        (folder / f"{name}.eml").write_bytes(hostile)
    return folder


def is_harmless(text: str) -> bool:
    return not any(c in "\x1b\x07\x08\x7f\x85\x9b\u202e\u2066" or (c < " " and c != "\n") for c in text)


@pytest.mark.parametrize("width", [80, 120, 200])
def test_tables_fit_and_nothing_steers_the_terminal(
    run: Run, demo: Path, nasty: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    printed = [run("-c", demo, "classify", nasty, "--all")]
    printed += [run("-c", demo, "explain", path) for path in sorted(nasty.iterdir())]
    for ran in printed:
        assert ran.code == 0, ran.err
        assert is_harmless(ran.out)
        assert max(cell_len(line) for line in ran.out.splitlines()) <= width


def test_where_output_is_no_terminal_no_row_is_folded_and_none_is_coloured(
    run: Run, demo: Path, nasty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS")
    ran = run("-c", demo, "classify", nasty)
    assert is_harmless(ran.out)
    assert (
        "A host sent it that may not send for harbor.example, by your word that all its senders are listed."
        in ran.out
    )
    assert not any(line != line.rstrip() for line in ran.out.splitlines())


def test_json_is_ascii_whatever_the_mail_says(run: Run, demo: Path, nasty: Path) -> None:
    for command in (("classify", nasty), ("explain", nasty / "escapes.eml")):
        ran = run("-c", demo, *command, "--format", "jsonl")
        assert ran.out.isascii()
        assert is_harmless(ran.out)


@pytest.mark.parametrize(
    ("variable", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_colours_on_a_terminal_that_wants_them(nasty: Path, variable: dict[str, str], coloured: bool) -> None:
    """On a real pseudo-terminal; bold and dim are no colours."""
    import pty

    leader, follower = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "FORCE_COLOR")}
    environment |= {"TERM": "xterm-256color", "PYTHONPATH": PROJECT, **variable}
    program = [sys.executable, "-m", "cleaner", "explain", str(nasty / "markup.eml")]
    with subprocess.Popen(program, stdout=follower, env=environment, cwd=nasty) as process:
        os.close(follower)
        printed = b""
        while piece := read(leader):
            printed += piece
    assert process.returncode == 0
    assert (b"\x1b[1;35m" in printed) is coloured
    assert b"[bold red]x" in printed


def read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65_536)
    except OSError:  # Linux says so where the other end is closed
        return b""


@pytest.mark.parametrize(
    "arguments", ["rules", "classify {0} --format jsonl", "classify {0} --all", "scan --help"]
)
def test_a_reader_that_goes_away_is_left_in_peace(nasty: Path, arguments: str) -> None:
    """`| head -1`, and one that reads nothing at all."""
    for reader in ("head -1", "true"):
        line = (
            f"{sys.executable} -m cleaner {arguments.format(nasty)} | {reader}; echo ${{PIPESTATUS[0]}} >&2"
        )
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=nasty,
            env={**os.environ, "PYTHONPATH": PROJECT},
            capture_output=True,
            text=True,
        )
        assert done.stderr in ("0\n", "1\n")
