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


def picture(parts: Iterable[str], height: float, title: str, desc: str) -> Markup:
    """An SVG that a screen reader names by its title and describes."""
    drawn = (
        f'<svg viewBox="0 0 {WIDTH} {_n(height)}" role="img" class="drawn">'
        f"<title>{escape(title)}</title><desc>{escape(desc)}</desc>{''.join(parts)}</svg>"
    )
    return Markup(drawn)  # noqa: S704 - every text in it went through `escape`


def rect(x: float, y: float, width: float, height: float, css: str) -> str:
    """A bar; never narrower than nothing."""
    size = f'width="{_n(max(width, 0))}" height="{_n(max(height, 0))}"'
    return f'<rect x="{_n(x)}" y="{_n(y)}" {size} class="{css}"/>'


def words(x: float, y: float, said: object, anchor: str = "start", css: str = "") -> str:
    """A line of text; its baseline is at y."""
    place = f'x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}" class="{css}"'
    return f"<text {place}>{escape(said)}</text>"


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


def line(x1: float, y1: float, x2: float, y2: float, css: str = "c-axis") -> str:
    """A straight line."""
    ends = f'x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}"'
    return f'<line {ends} class="{css}"/>'


def path(points: Sequence[tuple[float, float]], css: str, *, closed: bool = False) -> str:
    """A line through points."""
    steps = " L".join(f"{_n(x)} {_n(y)}" for x, y in points)
    return f'<path d="M{steps}{"Z" if closed else ""}" class="{css}" stroke-width="2"/>'


def dot(x: float, y: float, radius: float, css: str) -> str:
    """A filled circle."""
    return f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}" class="{css}"/>'


def _n(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")
