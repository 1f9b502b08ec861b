"""A waterfall: a need above, what covers it step by step, and the gap that stays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from api.web.charts.drawing import WIDTH, Chart, fitted, line, picture, rect, words

STEP, THICK = 40, 14


class Step(NamedTuple):
    """One bar. start, end: where it lies on the scale; shown: its length in words."""

    label: str
    start: float
    end: float
    shown: str
    css: str = "c-accent"


def waterfall(steps: Sequence[Step], title: str, head: tuple[str, str]) -> Chart:
    """Bars that begin where the one above ends; the scale begins at zero."""
    full = max((max(step.start, step.end) for step in steps), default=0) or 1
    parts = []
    for row, step in enumerate(steps):
        top, left = row * STEP, min(step.start, step.end) / full * WIDTH
        right = max(step.start, step.end) / full * WIDTH
        parts += [
            words(0, top + 13, fitted(step.label, 42)),
            words(WIDTH, top + 13, step.shown, "end", "soft-text"),
            rect(0, top + 18, WIDTH, THICK, "c-shade"),
            rect(left, top + 18, right - left, THICK, step.css),
        ]
        if row + 1 < len(steps):
            end = step.end / full * WIDTH
            parts.append(line(end, top + 18 + THICK, end, top + STEP + 18))
    desc = "; ".join(f"{step.label}: {step.shown}" for step in steps)
    svg = picture(parts, max(len(steps) * STEP, 1), title, desc)
    return Chart(svg, title, head, [(step.label, step.shown) for step in steps])
