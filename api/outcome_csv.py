"""The table of outcomes as CSV that spreadsheets open without running anything in it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

# In the order of `recommender.outcomes`, which needs pandas and is not for the serving process.
COLUMNS = (
    "event",
    "company",
    "product",
    "position",
    "outcome",
    "date",
    "source",
    "reason",
    "propensity",
    "amount",
    "currency",
    "synthetic",
    "snapshot",
)
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_of(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows of the table as text; what is not known is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows([_cell(row[name]) for name in COLUMNS] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> str:
    """A cell; one that a spreadsheet would take for a formula begins with an apostrophe.

    >>> [_cell(value) for value in (None, True, 0.5, "=A1")]
    ['', 'true', '0.5', "'=A1"]
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
