"""Every problem of an upload as a table that a spreadsheet opens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recommender.texts import LANGUAGES
from recommender.workbooks import Table, csv_bytes

NAME = "problems.csv"
PLACE = ("file", "sheet", "row", "column")
HEADER = (*PLACE, "field", "value", *(f"problem_{language}" for language in LANGUAGES))


def csv_of(bodies: Mapping[str, Any]) -> bytes:
    """A line for each problem, worded in both languages; bodies: by language, in one order."""
    sides = zip(*(bodies[language]["errors"] for language in LANGUAGES), strict=True)
    return csv_bytes(Table("problems", HEADER, [_line(side) for side in sides]))


def _line(side: tuple[Mapping[str, Any], ...]) -> list[Any]:
    first, value = side[0], side[0]["value"]
    plain = value if value is None or isinstance(value, (str, int, float)) else str(value)
    return [
        *(first.get(name) for name in PLACE),
        first["field"],
        plain,
        *(s["message"] for s in side),
    ]
