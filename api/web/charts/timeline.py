"""Amounts over time: one or two step lines, as of a need and what covers it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from api.web.charts.drawing import WIDTH, Chart, line, path, picture, rect, words

HEIGHT, TOP, BOTTOM = 150, 18, 22


class Moment(NamedTuple):
    """What holds from a day on. at: days since the first; when, and the amounts in words."""

    at: float
    when: str
    values: tuple[float, ...]
    shown: tuple[str, ...]


def timeline(
    moments: Sequence[Moment], title: str, names: Sequence[str], first_column: str
) -> Chart:
    """Steps from the first moment to the last, filled below for the last of the series.

    names: of the series, at most two, in the order of `values`.
    """
    span = max((m.at for m in moments), default=0) or 1
    full = max((v for m in moments for v in m.values), default=0) or 1
    floor = HEIGHT - BOTTOM

    def place(at: float, value: float) -> tuple[float, float]:
        return at / span * WIDTH, floor - value / full * (floor - TOP)

    parts = []
    for number, css in zip(reversed(range(len(names))), ("c-pale", "c-none"), strict=False):
        points: list[tuple[float, float]] = []
        for moment in moments:
            x, y = place(moment.at, moment.values[number])
            points += [(x, points[-1][1]), (x, y)] if points else [(x, y)]
        if points and css == "c-pale":
            edge = [(points[0][0], floor), *points, (points[-1][0], floor)]
            parts.append(path(edge, css, closed=True))
        if points:
            parts.append(path(points, "c-stroke" if css == "c-pale" else "c-axis"))
    parts.append(line(0, floor, WIDTH, floor))
    if moments:
        parts += [
            words(0, HEIGHT - 6, moments[0].when, css="soft-text"),
            words(WIDTH, HEIGHT - 6, moments[-1].when, "end", "soft-text"),
        ]
    marks = [(rect(0, 2, 10, 10, "c-soft"), 14), (rect(WIDTH / 2, 2, 10, 10, "c-accent"), 0)]
    for number, name in enumerate(names):
        parts += [marks[number][0], words(14 + number * WIDTH / 2, 12, name)]
    desc = "; ".join(f"{m.when}: {', '.join(m.shown)}" for m in moments)
    svg = picture(parts, HEIGHT, title, desc)
    return Chart(svg, title, (first_column, *names), [(m.when, *m.shown) for m in moments])
