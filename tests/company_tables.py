"""Profiles as flat rows of text cells, as a bank's table has them."""

import json

from recommender.catalogue.cells import written
from recommender.catalogue.columns import Column
from recommender.population.company_columns import profile_columns, relationship_columns


def flat(raw):
    """Cells by column; lists of records as JSON."""
    found = {}
    for name, value in raw.items():
        if name == "profile":
            found[name] = value
        elif name in relationship_columns():
            found[name] = cell(value, relationship_columns()[name])
        else:
            _place(found, name, value)
    return found


def _place(found, name, value):
    column = profile_columns().get(name)
    if column is None:
        for part, inner in value.items():
            _place(found, f"{name}.{part}", inner)
    elif value is not None:
        found[name] = cell(value, column)


def cell(value, column):
    if isinstance(value, str) and column.kind in ("word", "yes_no"):
        return value
    if column.kind == "records":
        return json.dumps(value, ensure_ascii=False)
    said = written(value, column.cell or Column(column.name, "text"))
    return None if said is None else str(said)


def flat_table(rows):
    """The header of a table of rows."""
    return list(dict.fromkeys(name for row in rows for name in flat(row)))
