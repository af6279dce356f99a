"""Line diagrams as SVG: a few curves in a square of shares, as text, without a library to draw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

COLOURS: Final = ("#1f6f8b", "#c0562b", "#5b7f3a", "#6b5b95")
"""Apart from each other in grey, too."""

LEFT: Final = 56
TOP: Final = 40
WIDE: Final = 360
HIGH: Final = 260
STEPS: Final = 5


@dataclass(frozen=True, slots=True)
class Curve:
    """Points from 0 to 1 both ways."""

    name: str
    points: tuple[tuple[float, float], ...]
    dotted: bool = False
    marked: bool = False
    """Each point is drawn, not only the line."""


@dataclass(frozen=True, slots=True)
class Diagram:
    title: str
    across: str
    up: str
    curves: tuple[Curve, ...]
    most: float = 1.0
    """What the right edge stands for."""


def drawn(diagram: Diagram) -> str:
    height = TOP + HIGH + 52 + 18 * len(diagram.curves)
    lines = (
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDE + 24} {height}" '
            'font-family="sans-serif" font-size="12" fill="#222">'
        ),
        f'<rect width="{LEFT + WIDE + 24}" height="{height}" fill="#fff"/>',
        f'<text x="{LEFT}" y="22" font-size="14">{escape(diagram.title)}</text>',
        *axes(diagram),
        *(line for n, curve in enumerate(diagram.curves) for line in drawing(curve, n)),
        "</svg>",
    )
    return "\n".join(lines) + "\n"


def axes(diagram: Diagram) -> Iterator[str]:
    for step in range(STEPS + 1):
        share = step / STEPS
        x, y = place(share, share)
        across = f"{share * diagram.most:.0%}" if diagram.most <= 1.0 else f"{share * diagram.most:g}"
        yield f'<path d="M{LEFT} {y:.1f}H{LEFT + WIDE}" stroke="#ddd"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{share:.0%}</text>'
        yield f'<text x="{x:.1f}" y="{TOP + HIGH + 18}" text-anchor="middle">{across}</text>'
    middle = TOP + HIGH / 2
    yield (
        f'<text x="{LEFT + WIDE / 2:.0f}" y="{TOP + HIGH + 38}" text-anchor="middle">{escape(diagram.across)}</text>'
    )
    yield (
        f'<text x="14" y="{middle:.0f}" text-anchor="middle" transform="rotate(-90 14 {middle:.0f})">'
        f"{escape(diagram.up)}</text>"
    )


def drawing(curve: Curve, number: int) -> Iterator[str]:
    colour = COLOURS[number % len(COLOURS)]
    dots = ' stroke-dasharray="4 4"' if curve.dotted else ""
    places = [place(*point) for point in curve.points]
    if places:
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        yield f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"{dots}/>'
    if curve.marked:
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in places)
    y = TOP + HIGH + 58 + 18 * number
    yield f'<path d="M{LEFT} {y}h24" stroke="{colour}" stroke-width="2"{dots}/>'
    yield f'<text x="{LEFT + 32}" y="{y + 4}">{escape(curve.name)}</text>'


def place(across: float, up: float) -> tuple[float, float]:
    return LEFT + WIDE * bounded(across), TOP + HIGH * (1.0 - bounded(up))


def bounded(share: float) -> float:
    return max(0.0, min(1.0, share))


def thinned(points: Sequence[tuple[float, float]], most: int = 200) -> tuple[tuple[float, float], ...]:
    """A curve of thousands of points as one that the eye cannot tell from it."""
    step = max(1, len(points) // most)
    return (*points[::step], *points[-1:])
