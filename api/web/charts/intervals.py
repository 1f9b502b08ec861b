"""Dots with their intervals on one scale, as of measures of models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from api.web.charts.drawing import WIDTH, Chart, dot, fitted, line, picture, words

STEP, TWO_LINES = 36, 52
LETTER, HAN = 6.4, 12


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

    # Where words and figures would meet on one line, the figures stand below the words.
    apart = all(_width(item.label) + _width(item.shown) < WIDTH - 8 for item in items)
    step = STEP if apart else TWO_LINES
    height = max(len(items) * step, 1)
    parts = [] if mark is None else [line(place(mark), 0, place(mark), height, "c-line")]
    for row, item in enumerate(items):
        top = row * step
        parts += [
            words(0, top + 13, fitted(item.label, 56)),
            words(WIDTH, top + 13, item.shown, "end", "soft-text")
            if apart
            else words(0, top + 28, item.shown, css="soft-text"),
            line(place(item.low), top + step - 12, place(item.high), top + step - 12),
            dot(place(item.middle), top + step - 12, 5, item.css),
        ]
    desc = "; ".join(f"{item.label}: {item.shown}" for item in items)
    rows = [(item.label, item.shown) for item in items]
    return Chart(picture(parts, height, title, desc), title, head, rows)


def _width(said: str) -> float:
    """About how wide a text is, in units of the picture."""
    return sum(HAN if ord(letter) > 0x2E80 else LETTER for letter in said)
