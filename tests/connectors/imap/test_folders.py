"""What servers call folders, and what we do: each server's own way, as it was seen on the wire."""

from __future__ import annotations

import pytest

from cleaner.connectors.imap.folders import Folders, folders, namespaces
from cleaner.values import FolderRole

GMAIL = (
    b'(\\HasNoChildren) "/" "INBOX"',
    b'(\\HasChildren \\Noselect) "/" "[Gmail]"',
    b'(\\All \\HasNoChildren) "/" "[Gmail]/Alle Nachrichten"',
    b'(\\Drafts \\HasNoChildren) "/" "[Gmail]/Entw&APw-rfe"',
    b'(\\HasNoChildren \\Sent) "/" "[Gmail]/Gesendet"',
    b'(\\HasNoChildren \\Junk) "/" "[Gmail]/Spam"',
    b'(\\Flagged \\HasNoChildren) "/" "[Gmail]/Markiert"',
    b'(\\HasNoChildren \\Trash) "/" "[Gmail]/Papierkorb"',
    b'(\\HasNoChildren) "/" "Kunden"',
)
COURIER = (
    b'(\\Marked \\HasChildren) "." "INBOX"',
    b'(\\HasNoChildren) "." "INBOX.Sent"',
    b'(\\HasNoChildren) "." "INBOX.Trash"',
    b'(\\HasNoChildren) "." "INBOX.a/b"',
    b'(\\HasNoChildren) "." "shared.team.Sent"',
)
CYRUS = (
    b'(\\HasChildren) "/" INBOX',
    b'(\\HasNoChildren \\SENT) "/" "Posta inviata"',
    b'(\\HasNoChildren) "/" "Other Users/ben/Sent"',
    b'(\\HasNoChildren) "/" "Shared Folders/info"',
)


def seen(lines: tuple[bytes, ...], spaces: bytes) -> Folders:
    return folders([[line] for line in lines], namespaces([[spaces]] if spaces else []))


def roles(found: Folders) -> dict[str, FolderRole]:
    return {folder.name: folder.role for folder in found.all}


def test_gmail() -> None:
    found = seen(GMAIL, b'(("" "/")) NIL NIL')
    assert roles(found) == {
        "INBOX": FolderRole.INBOX,
        "Kunden": FolderRole.NONE,
        "[Gmail]/Alle Nachrichten": FolderRole.NONE,
        "[Gmail]/Entwürfe": FolderRole.DRAFTS,
        "[Gmail]/Gesendet": FolderRole.SENT,
        "[Gmail]/Markiert": FolderRole.NONE,
        "[Gmail]/Papierkorb": FolderRole.TRASH,
        "[Gmail]/Spam": FolderRole.JUNK,
    }
    assert found.raw_of("[Gmail]/Entwürfe") == b"[Gmail]/Entw&APw-rfe"
    assert found.all[0].name == "INBOX"


def test_courier() -> None:
    found = seen(COURIER, b'(("INBOX." ".")) NIL (("shared." "."))')
    assert roles(found) == {
        "INBOX": FolderRole.INBOX,
        "Sent": FolderRole.SENT,
        "Trash": FolderRole.TRASH,
        "a∕b": FolderRole.NONE,
        "shared/team/Sent": FolderRole.NONE,
    }
    assert found.raw_of("a∕b") == b"INBOX.a/b"
    assert found.raw_of("shared/team/Sent") == b"shared.team.Sent"
    assert found.raw_of("Backscatter/Review") == b"INBOX.Backscatter.Review"
    assert found.raw_of("a.b") is None


def test_cyrus() -> None:
    found = seen(CYRUS, b'(("" "/")) (("Other Users/" "/")) (("Shared Folders/" "/"))')
    assert roles(found)["Posta inviata"] is FolderRole.SENT
    assert roles(found)["Other Users/ben/Sent"] is FolderRole.NONE
    assert found.raw_of("Rückläufer") == b"R&APw-ckl&AOQ-ufer"


def test_a_mark_counts_before_a_name_but_sent_mail_may_be_in_several_folders() -> None:
    lines = (
        b'(\\Trash) "/" "Deleted Items"',
        b'() "/" Trash',
        b'(\\Sent) "/" "Sent Items"',
        b'() "/" Gesendet',
        b'() "/" Spam',
    )
    found = roles(seen(lines, b'(("" "/")) NIL NIL'))
    assert (found["Deleted Items"], found["Trash"]) == (FolderRole.TRASH, FolderRole.NONE)
    assert (found["Sent Items"], found["Gesendet"]) == (FolderRole.SENT, FolderRole.SENT)
    assert found["Spam"] is FolderRole.JUNK


def test_without_namespaces() -> None:
    found = seen((b'() "." INBOX', b'() "." Sent', b"() NIL flat"), b"")
    assert roles(found) == {"INBOX": FolderRole.INBOX, "Sent": FolderRole.SENT, "flat": FolderRole.NONE}


def test_a_name_in_plain_utf8_and_one_in_no_charset() -> None:
    found = seen((b'() "/" "R\xc3\xbcck"', b'() "/" "\xff\xfe"'), b'(("" "/")) NIL NIL')
    assert found.raw_of("Rück") == b"R\xc3\xbcck"
    assert b"\xff\xfe" in found.raw.values()


def test_a_folder_below_the_inbox_that_is_called_inbox() -> None:
    found = seen((b'() "." "INBOX.INBOX"', b'() "." INBOX'), b'(("INBOX." ".")) NIL NIL')
    assert found.raw_of("INBOX") == b"INBOX"
    assert found.raw_of("INBOX/INBOX") == b"INBOX.INBOX"


def test_a_literal_for_a_name() -> None:
    found = folders([[b'() "/" {4}', b'a"b\\', b""]], namespaces([]))
    assert found.raw_of('a"b\\') == b'a"b\\'


@pytest.mark.parametrize("line", [b"", b"()", b"( NIL x", b'() "/" (a)', b'() "/" NIL'])
def test_what_is_no_folder_is_passed_over(line: bytes) -> None:
    assert [folder.name for folder in seen((line,), b"nonsense (").all] == ["INBOX"]


@pytest.mark.parametrize("name", ["", "A//B", "/A", "A/", "a\nb", "a*b", "50%"])
def test_names_that_no_server_can_have(name: str) -> None:
    assert seen(CYRUS, b'(("" "/")) NIL NIL').raw_of(name) is None


def test_without_levels_there_are_none() -> None:
    found = seen((b"() NIL INBOX",), b'(("" NIL)) NIL NIL')
    assert found.raw_of("A") == b"A"
    assert found.raw_of("A/B") is None
