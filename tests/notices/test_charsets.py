"""Bytes to text, whatever the label says."""

from __future__ import annotations

import pytest

from cleaner.notices.charsets import decode


@pytest.mark.parametrize(
    ("text", "encoding", "label"),
    [
        ("señor, ¿qué?", "latin-1", ""),
        ("Zustellung an Müller nicht möglich", "cp1252", "us-ascii"),
        ("送信できませんでした。宛先のメールアドレスが見つかりません。", "iso2022_jp", ""),
        ("Письмо не доставлено: ящик получателя переполнен", "koi8-r", "koi8-r"),
        ("Письмо не доставлено: ящик получателя переполнен", "cp1251", ""),
        ("無法投遞您的郵件，收件人不存在。請檢查地址後再試一次。", "utf-8", "us-ascii"),
    ],
)
def test_what_a_lying_or_missing_label_hides_is_read(text: str, encoding: str, label: str) -> None:
    assert decode(text.encode(encoding), label) == text


def test_single_bytes_outside_ascii_are_western() -> None:
    """Of two of them nobody can tell more; a guess took them for Urdu."""
    assert decode(b"Hola, se\xf1or! caf\xe9") == "Hola, señor! café"
