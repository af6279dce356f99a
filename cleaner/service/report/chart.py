"""The days of a report as a picture (SVG): a bar each, by verdict. It needs no script, no font and no network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from cleaner.service.report import SHOWN, Day
from cleaner.values import Opinion

WIDTH: Final = 720
HEIGHT: Final = 240
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 34, 28
COLOURS: Final = {Opinion.GENUINE: "#2f7d4f", Opinion.UNSURE: "#d9a520", Opinion.BACKSCATTER: "#b3413b"}
"""Told apart also by who sees no red or green: they differ in brightness, and stand in a fixed order."""
LABELS: Final = 8
"""Dates written below, at most."""
MOST_DAYS: Final = 366


def svg(days: Sequence[Day], title: str) -> str:
    shown = days[-MOST_DAYS:]
    most = max((day.total for day in shown), default=0)
    top = ceiling(most)
    body = "".join((*_frame(title, top), *_legend(), *_bars(shown, top), *_dates(shown)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'font-family="sans-serif" font-size="11"><title>{escape(title)}</title>{body}</svg>\n'
    )


def ceiling(most: int) -> int:
    """The number at the top of the scale: 1, 2 or 5 with zeros, twice which is a whole number."""
    step = 1
    while True:
        for factor in (2, 4, 10):
            if most <= step * factor:
                return step * factor
        step *= 10


def _frame(title: str, top: int) -> Iterator[str]:
    yield f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
    yield f'<text x="{LEFT}" y="16" font-size="13">{escape(title)}</text>'
    for part in (0, top // 2, top):
        y = _y(part, top)
        yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
        yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{part}</text>'


def _legend() -> Iterator[str]:
    for place, opinion in enumerate(SHOWN):
        x = WIDTH - RIGHT - 96 * (len(SHOWN) - place)
        yield f'<rect x="{x}" y="8" width="10" height="10" fill="{COLOURS[opinion]}"/>'
        yield f'<text x="{x + 14}" y="17">{opinion.value}</text>'


def _bars(days: Sequence[Day], top: int) -> Iterator[str]:
    for place, day in enumerate(days):
        x, width = _place(place, len(days))
        below = 0
        told = ", ".join(f"{day.counts.get(opinion, 0)} {opinion.value}" for opinion in SHOWN)
        yield f"<g><title>{day.day.isoformat()}: {told}</title>"
        for opinion in SHOWN:
            count = day.counts.get(opinion, 0)
            if count:
                y = _y(below + count, top)
                size = f'width="{width:.1f}" height="{_y(below, top) - y:.1f}"'
                yield f'<rect x="{x:.1f}" y="{y:.1f}" {size} fill="{COLOURS[opinion]}"/>'
            below += count
        yield "</g>"


def _dates(days: Sequence[Day]) -> Iterator[str]:
    every = max(1, -(-len(days) // LABELS))
    for place in range(0, len(days), every):
        x, width = _place(place, len(days))
        yield (
            f'<text x="{x + width / 2:.1f}" y="{HEIGHT - 10}" text-anchor="middle">'
            f"{days[place].day:%m-%d}</text>"
        )


def _place(place: int, count: int) -> tuple[float, float]:
    step = (WIDTH - LEFT - RIGHT) / max(count, 1)
    return LEFT + step * (place + 0.1), step * 0.8


def _y(value: int, top: int) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top
