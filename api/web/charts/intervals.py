"""Dots with their intervals on one scale, as of measures of models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from api.web.charts.drawing import WIDTH, Chart, dot, fitted, line, picture, words

STEP = 36


class Interval(NamedTuple):
    """A measure with the ends of its interval, and all of it in words."""

    label: str
    low: float
    middle: float
    high: float
    shown: str
    css: str = "c-accent"


def intervals(
    items: Sequence[Interval], title: str, head: tuple[str, str], mark: float | None = None
) -> Chart:
    """Dots from the lowest end to the highest; mark: a value with a line across, as of a peer."""
    values = [v for item in items for v in (item.low, item.high)] + ([] if mark is None else [mark])
    low, high = min(values, default=0.0), max(values, default=1.0)
    width = (high - low) or 1

    def place(value: float) -> float:
        return 8 + (value - low) / width * (WIDTH - 16)

    height = max(len(items) * STEP, 1)
    parts = [] if mark is None else [line(place(mark), 0, place(mark), height, "c-line")]
    for row, item in enumerate(items):
        top = row * STEP
        parts += [
            words(0, top + 13, fitted(item.label, 36)),
            words(WIDTH, top + 13, item.shown, "end", "soft-text"),
            line(place(item.low), top + 24, place(item.high), top + 24),
            dot(place(item.middle), top + 24, 5, item.css),
        ]
    desc = "; ".join(f"{item.label}: {item.shown}" for item in items)
    rows = [(item.label, item.shown) for item in items]
    return Chart(picture(parts, height, title, desc), title, head, rows)
