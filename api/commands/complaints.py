"""Problems on the command line: every one on a line of its own, with the place it stands in."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from api.errors import listed, named
from recommender.errors import CorridorError, InvalidInput
from recommender.texts import Language, error_text, text

LISTED = 50
PLACES = ("file", "sheet", "column", "row")
Named = tuple[str, CorridorError]


def complain(errors: Sequence[Named], language: Language) -> None:
    """Every problem on standard error; the first fifty are shown, all are counted."""
    lines = [_line(e, language) for name, error in errors for e in entries(name, error, language)]
    for line in lines[:LISTED]:
        sys.stderr.write(line + "\n")
    if len(lines) > LISTED:
        params = {"shown": LISTED, "count": len(lines), "more": len(lines) - LISTED}
        sys.stderr.write(text("cli.more_problems", language, **params) + "\n")


def entries(name: str, error: CorridorError, language: Language) -> list[dict[str, Any]]:
    """The problems of an error with file, sheet, row and column."""
    if not isinstance(error, InvalidInput) or not error.problems:
        where = {"file": name, "sheet": None, "row": None, "column": None}
        said = {"field": "", "value": None, "allowed": None}
        return [{**where, **said, "message": error_text(named(error), language)}]
    return [
        {
            "file": p.file or name,
            "sheet": p.sheet,
            "row": p.row,
            "column": p.column,
            **listed(p, language),
        }
        for p in error.problems
    ]


def _key(entry: dict[str, Any]) -> str:
    """The sentence for a cell, a row or a sheet."""
    if entry["row"] is None:
        return "cli.sheet"
    return "cli.row" if entry["column"] is None else "cli.cell"


def _line(entry: dict[str, Any], language: Language) -> str:
    place = entry["file"] if entry["row"] is None else f"{entry['file']}:{entry['row']}"
    if entry["sheet"] is not None:
        place = text(_key(entry), language, **{n: str(entry[n]) for n in PLACES})
    return " ".join(f"{place}: {entry['message']}".split())
