"""What every chart is: a picture with a title and a description, and the table behind it.

Pictures are 360 units wide, so that their text stays readable on a telephone. Colours come from
classes of the style sheet, so that a picture follows the theme and the printer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from markupsafe import Markup, escape

WIDTH = 360


class Chart(NamedTuple):
    """A picture and the table behind it. head: of its columns; rows: cells as text."""

    svg: Markup
    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[object]]
    caption: str = ""


def picture(parts: Iterable[Markup], height: float, title: str, desc: str) -> Markup:
    """An SVG that a screen reader names by its title and describes."""
    inside = Markup("").join(parts)
    return Markup(
        '<svg viewBox="0 0 {w} {h}" role="img" class="drawn">'
        "<title>{title}</title><desc>{desc}</desc>{inside}</svg>"
    ).format(w=WIDTH, h=_n(height), title=title, desc=desc, inside=inside)


def rect(x: float, y: float, width: float, height: float, css: str) -> Markup:
    """A bar; never narrower than nothing."""
    return Markup('<rect x="{}" y="{}" width="{}" height="{}" class="{}"/>').format(
        _n(x), _n(y), _n(max(width, 0)), _n(max(height, 0)), css
    )


def words(x: float, y: float, said: object, anchor: str = "start", css: str = "") -> Markup:
    """A line of text; its baseline is at y."""
    return Markup('<text x="{}" y="{}" text-anchor="{}" class="{}">{}</text>').format(
        _n(x), _n(y), anchor, css, escape(said)
    )


def fitted(said: str, most: int = 58) -> str:
    """A label cut to the width of a picture; the table behind it has all of it.

    most: Latin letters that find room; a Chinese character takes the room of two.

    >>> fitted("short"), fitted("x" * 80, 6), fitted("重庆某农机出口", 8)
    ('short', 'xxxxx…', '重庆某…')
    """
    room, kept = most, ""
    for place, sign in enumerate(said):
        room -= 2 if ord(sign) > 0x2E7F else 1
        if room < (1 if place + 1 < len(said) else 0):
            return f"{kept}…"
        kept += sign
    return kept


def line(x1: float, y1: float, x2: float, y2: float, css: str = "c-axis") -> Markup:
    """A straight line."""
    return Markup('<line x1="{}" y1="{}" x2="{}" y2="{}" class="{}"/>').format(
        _n(x1), _n(y1), _n(x2), _n(y2), css
    )


def path(points: Sequence[tuple[float, float]], css: str, *, closed: bool = False) -> Markup:
    """A line through points."""
    steps = " L".join(f"{_n(x)} {_n(y)}" for x, y in points)
    return Markup('<path d="M{}{}" class="{}" stroke-width="2"/>').format(
        steps, "Z" if closed else "", css
    )


def dot(x: float, y: float, radius: float, css: str) -> Markup:
    """A filled circle."""
    return Markup('<circle cx="{}" cy="{}" r="{}" class="{}"/>').format(
        _n(x), _n(y), _n(radius), css
    )


def _n(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")
