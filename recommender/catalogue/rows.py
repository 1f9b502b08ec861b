"""A catalogue as rows of tables: one table for each section and for each list within it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from recommender.catalogue.cells import OPEN, Cell, written
from recommender.catalogue.columns import ABOUT, ALTERNATIVE, SECTIONS, SheetSpec, sheet_specs
from recommender.workbooks import Table

Json = Mapping[str, Any]


def tables_of(document: Json) -> list[Table]:
    """The tables of a document of valid records; sections without records have a header alone.

    document: what `Catalogue.document` gives.
    """
    return [
        Table(name, [column.name for column in spec.columns], list(_rows(spec, document)))
        for name, spec in sheet_specs().items()
    ]


def _rows(spec: SheetSpec, document: Json) -> Iterator[list[Cell]]:
    if spec.name == ABOUT:
        head = {key: value for key, value in document.items() if key not in SECTIONS}
        yield _cells(spec, head, {})
        return
    for number, record in enumerate(document.get(spec.section, ()), start=1):
        if spec.field:
            for row, owners in _parts(spec, record):
                yield from _lines(spec, row, {spec.parent: record["id"], **owners}, number)
        else:
            yield from _lines(spec, record, {}, number)


def _parts(spec: SheetSpec, record: Json) -> Iterator[tuple[Json, Json]]:
    """The records of a nested sheet, each with the cells that say where it belongs."""
    value = record.get(spec.field) or {}
    if not spec.key:
        for number, item in enumerate(value, start=1):
            yield {**item, "_number": number}, {}
        return
    (last, *more) = [c.name for c in spec.columns if c.name not in (spec.parent, spec.key)]
    for name, item in value.items():
        whole = item if more else {last: item}
        stated = {} if whole is None else whole or {last: OPEN}
        yield stated, {spec.key: name}


def _lines(spec: SheetSpec, row: Json, owners: Json, number: int) -> Iterator[list[Cell]]:
    """One line, or one for each alternative of a rule; a mark holds the alternatives together."""
    alternatives = row.get(ALTERNATIVE) if spec.alternatives else None
    if alternatives is None:
        yield _cells(spec, row, owners)
        return
    mark = str(row.get("_number", number))
    for place, predicate in enumerate(alternatives):
        common = {k: v for k, v in row.items() if k != ALTERNATIVE} if place == 0 else {}
        yield _cells(spec, {**common, **predicate, ALTERNATIVE: mark}, owners)


def _cells(spec: SheetSpec, row: Json, owners: Json) -> list[Cell]:
    return [
        written(owners[c.name] if c.name in owners else _at(row, c.name), c) for c in spec.columns
    ]


def _at(row: Json, name: str) -> Any:
    head, _, part = name.partition(".")
    value = row.get(head)
    if not part or value is None:
        return value
    return value.get(part) if value else (OPEN if part == "low" else None)
