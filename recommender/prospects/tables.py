"""A list of prospects as a table to hand on: one company a row.

With the mark of made-up ones, the versions, and the days of the sources behind the terms.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from recommender.texts import Language, text
from recommender.workbooks import Cell, Table, csv_bytes, filled_book, workbook_bytes

Json = Mapping[str, Any]
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]")


def _joined(parts: Any) -> str | None:
    return None if parts is None else "; ".join(parts)


def _points(language: Language) -> Callable[[Json, Json], Cell]:
    return lambda _, p: "\n".join(point[f"text_{language}"] for point in p["talking_points"])


def _sources(answer: Json, _: Json) -> Cell:
    """Where the terms of the product come from, each with its day."""
    sources = answer["product"]["provenance"]["sources"]
    return "; ".join(f"{s['title']} ({s['date'] or '-'})" for s in sources)


COLUMNS: Mapping[str, Callable[[Json, Json], Cell]] = {
    "rank": lambda _, p: p["rank"],
    "id": lambda _, p: p["company"]["id"],
    "synthetic": lambda _, p: _yes(p["company"]["synthetic"]),
    "name_zh": lambda _, p: p["company"]["name_zh"],
    "name_en": lambda _, p: p["company"]["name_en"],
    "region": lambda _, p: p["company"]["region_label"],
    "size": lambda _, p: p["company"]["size_label"],
    "hs": lambda _, p: _joined(p["company"]["hs"]),
    "routes": lambda _, p: _joined(p["company"]["routes"]),
    "manager": lambda _, p: p["relationship"]["manager"],
    "group": lambda _, p: p["relationship"]["group"],
    "last_contacted": lambda _, p: p["relationship"]["last_contacted"],
    "consent": lambda _, p: _yes(p["relationship"]["consent_to_contact"]),
    "product": lambda a, _: a["product"]["product_id"],
    "fit": lambda _, p: p["fit_text"],
    "score": lambda _, p: p["score"],
    "score_low": lambda _, p: p["score_low"],
    "score_high": lambda _, p: p["score_high"],
    "probability": lambda _, p: p["uptake_probability"],
    "amount_low": lambda _, p: p["indicative_amount"]["low"],
    "amount_high": lambda _, p: p["indicative_amount"]["high"],
    "currency": lambda _, p: p["indicative_amount"]["currency"],
    "expected_value": lambda _, p: p["expected_value_cny"],
    "points_zh": _points("zh"),
    "points_en": _points("en"),
    "blockers": lambda _, p: "\n".join(line["text"] for line in p["blockers"]) or None,
    "as_of": lambda a, _: a["as_of"],
    "catalogue_version": lambda a, _: a["catalogue_version"],
    "parameters_version": lambda a, _: a["parameters_version"],
    "model_version": lambda a, _: a["model_version"],
    "population_version": lambda a, _: a["population_version"],
    "sources": _sources,
}  # fmt: skip


def _yes(value: bool | None) -> Cell:
    return None if value is None else "yes" if value else "no"


def prospect_table(answer: Json) -> Table:
    """The prospects of an answer; headers in its language."""
    language: Language = answer["language"]
    header = [text(f"prospects.column.{name}", language) for name in COLUMNS]
    rows = [[read(answer, p) for read in COLUMNS.values()] for p in answer["prospects"]]
    return Table("prospects", header, rows)


def as_csv(answer: Json) -> bytes:
    """For Excel: UTF-8 with its mark; text that looks like a formula gets a quote."""
    return csv_bytes(prospect_table(answer))


def as_workbook(answer: Json) -> bytes:
    """As a workbook; every text is of the text format, whatever it begins with.

    Control characters, which a workbook cannot keep, become blanks.
    """
    table = prospect_table(answer)
    rows = [[_CONTROL.sub(" ", c) if isinstance(c, str) else c for c in row] for row in table.rows]
    return workbook_bytes(filled_book([replace(table, rows=rows)]))
