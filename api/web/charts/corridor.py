"""The corridor as a schematic: its places, the routes between them, and those that are picked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from markupsafe import Markup

from api.web.charts.drawing import dot, picture, words
from recommender.vocabulary import Mode

HEIGHT = 300


class Way(NamedTuple):
    """A route of the corridor: mode and places in order of travel."""

    mode: Mode
    legs: tuple[str, ...]

    @property
    def key(self) -> str:
        """The route as one text, as forms carry it."""
        return " ".join((self.mode, *self.legs))


WAYS: tuple[Way, ...] = (
    Way("RSI", ("CNCKG", "CNQZH", "SGSIN")),
    Way("RSI", ("CNCKG", "CNQZH", "VNHPH")),
    Way("RSI", ("CNCKG", "CNQZH", "THLCH")),
    Way("RSI", ("CNCKG", "CNQZH", "IDJKT")),
    Way("XBR", ("CNCKG", "CNYYG", "VNHAN")),
    Way("XBR", ("CNCKG", "CNRUI", "MMRGN")),
    Way("IRT", ("CNCKG", "CNPIN", "VNHAN")),
    Way("IRT", ("CNCKG", "CNMHN", "LAVTE")),
    Way("IRT", ("CNCKG", "CNMHN", "LAVTE", "THBKK")),
    Way("CER", ("CNCKG", "CNHRS", "DEDUI")),
    Way("CER", ("CNCKG", "CNAKL", "DEDUI")),
    Way("RIV", ("CNCKG", "CNWZH")),
)
# Where a place stands, and on which side its name: a drawing, not a map.
PLACES: Mapping[str, tuple[float, float, str]] = {
    "CNCKG": (205, 82, "start"),
    "CNQZH": (215, 150, "start"),
    "CNPIN": (182, 142, "end"),
    "CNYYG": (186, 158, "end"),
    "CNMHN": (140, 150, "end"),
    "CNRUI": (96, 128, "end"),
    "CNHRS": (78, 40, "start"),
    "CNAKL": (86, 18, "start"),
    "DEDUI": (10, 24, "start"),
    "CNWZH": (290, 62, "start"),
    "VNHAN": (172, 178, "end"),
    "VNHPH": (206, 184, "start"),
    "LAVTE": (134, 186, "end"),
    "THBKK": (120, 222, "end"),
    "THLCH": (132, 240, "end"),
    "MMRGN": (62, 196, "middle"),
    "SGSIN": (170, 276, "end"),
    "IDJKT": (226, 288, "start"),
}


def corridor(picked: Collection[str], name: Callable[[str], str], title: str, desc: str) -> Markup:
    """The drawing. picked: keys of ways; name: of a place, by its code."""
    parts: list[str] = [_way(way, way.key in picked) for way in WAYS]
    for code, (x, y, side) in PLACES.items():
        parts.append(dot(x, y, 5 if code == "CNCKG" else 3, "c-accent"))
        shift = {"start": 7, "end": -7, "middle": 0}[side]
        down = 16 if side == "middle" or code == "DEDUI" else 4
        parts.append(words(x + (0 if code == "DEDUI" else shift), y + down, name(code), side))
    return picture(parts, HEIGHT, title, desc)


def _way(way: Way, on: bool) -> Markup:
    points = " L".join(f"{PLACES[leg][0]:g} {PLACES[leg][1]:g}" for leg in way.legs)
    return Markup(
        '<g class="way{on}" data-way="{key}"><path d="M{d}" class="hit"/>'
        '<path d="M{d}" class="leg mode-{mode}"/></g>'
    ).format(on=" on" if on else "", key=way.key, d=points, mode=way.mode)
