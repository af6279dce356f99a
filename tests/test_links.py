"""The pages of docs/: their links lead somewhere, and each page is linked from another or from the README."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

PROJECT: Final = Path(__file__).resolve().parent.parent
PAGES: Final = (PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md")))
LINK: Final = re.compile(r"\]\(([^)\s]+)\)")


def links(page: Path) -> list[str]:
    prose = re.sub(r"(?ms)^```.*?^```", "", page.read_text("utf-8"))
    return [link for link in LINK.findall(prose) if "://" not in link]


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    prose = re.sub(r"(?ms)^```.*?^```", "", page.read_text("utf-8"))
    headings = re.findall(r"(?m)^#+ (.+)$", prose)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def test_every_page_is_linked_from_another() -> None:
    linked = {
        (page.parent / link.partition("#")[0]).resolve()
        for page in PAGES
        for link in links(page)
        if not link.startswith("#")
    }
    assert set(PAGES[1:]) <= linked | {PROJECT / "README.md"}
