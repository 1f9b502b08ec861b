"""A reliability curve: what was forecast against what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from api.web.charts.drawing import Chart, dot, line, picture, words

SIDE, LEFT, TOP = 240, 40, 8


class Bin(NamedTuple):
    """Shares in [0, 1] of one group of forecasts; number: how many there were."""

    forecast: float
    seen: float
    number: int


def reliability(
    bins: Sequence[Bin], title: str, axes: tuple[str, str], head: tuple[str, str, str]
) -> Chart:
    """Dots by group, larger where there were more; on the diagonal the forecast was right.

    axes: words for what was forecast and for what came of it.
    """
    most = max((item.number for item in bins), default=1) or 1
    floor = TOP + SIDE
    parts = [
        line(LEFT, floor, LEFT + SIDE, floor),
        line(LEFT, TOP, LEFT, floor),
        line(LEFT, floor, LEFT + SIDE, TOP, "c-line"),
        words(LEFT + SIDE / 2, floor + 32, axes[0], "middle"),
        words(LEFT + SIDE + 8, TOP + 12, axes[1], css="soft-text"),
    ]
    for share in (0.0, 0.5, 1.0):
        said = f"{share:.0%}"
        parts.append(words(LEFT + SIDE * share, floor + 16, said, "middle", "soft-text"))
        parts.append(words(LEFT - 6, floor - SIDE * share + 4, said, "end", "soft-text"))
    for item in bins:
        x, y = LEFT + SIDE * item.forecast, floor - SIDE * item.seen
        parts.append(dot(x, y, 3 + 6 * (item.number / most) ** 0.5, "c-accent"))
    rows = [(f"{b.forecast:.1%}", f"{b.seen:.1%}", f"{b.number:,}") for b in bins]
    desc = "; ".join(f"{forecast}: {seen} ({count})" for forecast, seen, count in rows)
    return Chart(picture(parts, floor + 40, title, desc), title, head, rows)
