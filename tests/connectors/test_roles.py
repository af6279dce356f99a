"""Roles of folders by their names: in many languages, whole names only, however they are spelled."""

from __future__ import annotations

import unicodedata
from collections import Counter

import pytest

from cleaner.connectors import roles
from cleaner.connectors.roles import role_of
from cleaner.values import FolderRole


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("INBOX", FolderRole.INBOX),
        ("Gesendet", FolderRole.SENT),
        ("INBOX/Sent", FolderRole.SENT),
        ("[Gmail]/Sent Mail", FolderRole.SENT),
        ("Éléments envoyés", FolderRole.SENT),
        ("SENT  ITEMS", FolderRole.SENT),
        ("送信済みアイテム", FolderRole.SENT),
        ("GÖNDERİLMİŞ ÖĞELER", FolderRole.SENT),
        ("Отправленные", FolderRole.SENT),
        ("Απεσταλμένα", FolderRole.SENT),
        ("Papelera", FolderRole.TRASH),
        ("ΚΆΔΟΣ", FolderRole.TRASH),
        ("SPAM", FolderRole.JUNK),
        ("垃圾箱", FolderRole.JUNK),
        ("Entwürfe", FolderRole.DRAFTS),
        ("Archiwum", FolderRole.ARCHIVE),
        ("Sentinel", FolderRole.NONE),
        ("Not Sent", FolderRole.NONE),
        ("Sent/2025", FolderRole.NONE),
        ("Outbox", FolderRole.NONE),
        ("Postausgang", FolderRole.NONE),
        ("", FolderRole.NONE),
    ],
)
def test_roles_by_well_known_names(name: str, role: FolderRole) -> None:
    assert role_of(name) is role


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKD"])
def test_accents_may_be_decomposed(form: str) -> None:
    for name in ("Éléments envoyés", "Lähetetyt", "보낸 편지함"):
        assert role_of(unicodedata.normalize(form, name)) is FolderRole.SENT  # type: ignore[arg-type]


def test_no_name_has_two_roles() -> None:
    spelled = [
        (roles._key(name), role)
        for role, names in roles._NAMES.items()
        for line in names.strip().splitlines()
        for name in line.split("|")
    ]
    assert "" not in {name for name, _ in spelled}
    roles_of_name = Counter(name for name, _ in set(spelled))
    assert [name for name, count in roles_of_name.items() if count > 1] == []
