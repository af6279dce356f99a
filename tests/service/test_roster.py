"""Lists of mailboxes come from files and directories, and speak for nobody who stepped back."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from cleaner.errors import UsageError
from cleaner.service import consent
from cleaner.service.roster import Imported, opt_in_many, read
from tests.service.hands import ANN, BEN, Hands

LDIF = """version: 1

# An entry whose name is folded
dn: cn=Ann Smith,ou=people,dc=harbor,
 dc=example
mail: ann@harbor.example
mail: a.smith@harbor.example

dn: cn=Printer,dc=harbor,dc=example
cn: Printer

dn:: Y249QmVuLGRjPWhhcmJvcixkYz1leGFtcGxl
mail:: YmVuQGhhcmJvci5leGFtcGxl
"""


def program(tmp_path: Path, prints: str, then: str = "") -> str:
    script = tmp_path / "mail boxes.py"
    script.write_text(f"import sys\nsys.stdout.write({prints!r})\n{then}\n")
    return f"command:{sys.executable} '{script}'"


def imported(hands: Hands, source: str) -> Imported:
    return opt_in_many(hands.app.context, source, "works agreement 7", None)


def addresses(hands: Hands, source: str) -> list[str]:
    return [one.address for one in read(hands.app.context, source)]


def test_a_directory_is_asked_by_a_command(hands: Hands, tmp_path: Path) -> None:
    rows = imported(hands, program(tmp_path, f"address\n{ANN}\n{BEN}\n")).rows
    assert [(row.address, row.state, row.basis) for row in rows] == [
        (ANN, "opted-in", "works agreement 7"),
        (BEN, "opted-in", "works agreement 7"),
    ]


def test_what_ldapsearch_prints_is_understood(hands: Hands, tmp_path: Path) -> None:
    assert addresses(hands, program(tmp_path, LDIF)) == [ANN, BEN]
    (tmp_path / "list.ldif").write_text(LDIF.replace("\n", "\r\n"))
    assert addresses(hands, str(tmp_path / "list.ldif")) == [ANN, BEN]


def test_no_shell_sees_the_command(hands: Hands, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be started"):
        addresses(hands, f"command:/nonexistent; touch {tmp_path}/made")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("then", "told"),
    [("sys.exit(3)", "failed with status 3"), ("sys.stdout.buffer.write(b'\\xff')", "not UTF-8")],
)
def test_a_command_that_fails_imports_nothing(hands: Hands, tmp_path: Path, then: str, told: str) -> None:
    source = program(tmp_path, f"address\n{ANN}\n", f"sys.stdout.flush()\n{then}")
    with pytest.raises(UsageError, match=told):
        imported(hands, source)
    assert hands.app.context.store.consent.opted_in() == ()


def test_one_that_is_not_there_or_not_named_is_said(hands: Hands) -> None:
    with pytest.raises(UsageError, match="cannot be started"):
        addresses(hands, "command:/nonexistent/mailboxes")
    with pytest.raises(UsageError, match="names no program"):
        addresses(hands, "command:")
    with pytest.raises(UsageError, match="is no command line"):
        addresses(hands, "command:a 'b")


def test_standard_input_is_a_list_too(hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"address\n{ANN}\n".encode())))
    assert addresses(hands, "-") == [ANN]


def test_who_paused_or_withdrew_stays_so(hands: Hands, tmp_path: Path) -> None:
    hands.opt_in(ANN, BEN)
    consent.pause(hands.app.context, ANN)
    consent.opt_out(hands.app.context, BEN)
    result = imported(hands, program(tmp_path, f"address\n{ANN}\n{BEN}\n"))
    assert (result.rows, result.left_alone) == ((), (ANN, BEN))
    assert hands.app.context.store.consent.opted_in() == ()


def test_the_same_list_every_day_is_no_news(hands: Hands, tmp_path: Path) -> None:
    source = program(tmp_path, "address,server\ncarl@harbor.example,mailboxes\n")
    for _ in range(3):
        imported(hands, source)
        hands.app.context = hands.app.context.with_stored()
    assert len(hands.app.context.store.consent.history("carl@harbor.example")) == 1


def test_a_basis_that_changed_is_news(hands: Hands, tmp_path: Path) -> None:
    hands.opt_in(ANN)
    imported(hands, program(tmp_path, f"address\n{ANN}\n"))
    assert [step.basis for step in hands.app.context.store.consent.history(ANN)] == [
        "owner",
        "works agreement 7",
    ]


def test_broken_ldif_is_told_with_its_line(hands: Hands, tmp_path: Path) -> None:
    (tmp_path / "list.ldif").write_text("dn: cn=x\nmail:: %%%\n")
    with pytest.raises(UsageError, match="line 2 is no LDIF"):
        addresses(hands, str(tmp_path / "list.ldif"))
