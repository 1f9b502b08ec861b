"""Horizontal bars with their words above, as of contributions to a score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from api.web.charts.drawing import WIDTH, Chart, fitted, picture, rect, words

STEP, THICK = 38, 10
TRACK = WIDTH - 64


class Bar(NamedTuple):
    """label: words above the bar; value: its length; shown: the value in words."""

    label: str
    value: float
    shown: str
    css: str = "c-accent"


def bars(items: Sequence[Bar], title: str, head: tuple[str, str], most: float = 0) -> Chart:
    """Bars from zero to the right. most: value of a full bar, by default the largest of all."""
    full = max([most, *(item.value for item in items)], default=0) or 1
    parts = []
    for row, item in enumerate(items):
        top = row * STEP
        parts += [
            words(0, top + 13, fitted(item.label)),
            words(WIDTH, top + 29, item.shown, "end", "soft-text"),
            rect(0, top + 19, TRACK, THICK, "c-shade"),
            rect(0, top + 19, TRACK * max(item.value, 0) / full, THICK, item.css),
        ]
    desc = "; ".join(f"{item.label}: {item.shown}" for item in items)
    svg = picture(parts, max(len(items) * STEP, 1), title, desc)
    return Chart(svg, title, head, [(item.label, item.shown) for item in items])
