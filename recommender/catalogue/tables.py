"""Tables as a catalogue document that remembers in which cell each part stood."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from recommender.catalogue.cells import answered, read
from recommender.catalogue.columns import (
    ABOUT,
    ALTERNATIVE,
    Column,
    SheetSpec,
    sheet_specs,
)
from recommender.errors import Problem
from recommender.records import handy, unknown_field
from recommender.workbooks import Formula, Line, Sheet

Json = dict[str, Any]
Spot = tuple[str, int, str | None]
PREDICATE = ("f", "op", "v", "v_field")
IGNORED = ("glossary", "lists")


class Tabular(Json):
    """A document that was read from tables.

    problems: what is wrong with the tables themselves. spots: for each section and row of the
    document, the sheet, row and column letter of each part.
    """

    def __init__(self) -> None:
        super().__init__()
        self.problems: list[Problem] = []
        self.spots: dict[tuple[str, int], dict[str, Spot]] = {}

    def located(self, problem: Problem) -> Problem:
        """The problem with sheet, row and column instead of the number of the record."""
        section, _, rest = problem.field.partition("[")
        spots = self.spots.get((section, problem.row or 0))
        if problem.sheet is not None or spots is None:
            return problem
        part = rest.partition("]")[2].lstrip(".")
        while part and part not in spots:
            part = part[: max(part.rfind("."), part.rfind("["), 0)]
        sheet, row, letter = spots[part]
        return replace(problem, sheet=sheet, row=row, column=letter)


@dataclass
class _Reader:
    """Builds a document sheet by sheet; rows of nested sheets find their record by its id."""

    document: Tabular = field(default_factory=Tabular)
    records: dict[tuple[str, str], tuple[Json, int]] = field(default_factory=dict)
    marks: dict[tuple[str, int, str], tuple[Json, str]] = field(default_factory=dict)

    def sheet(self, spec: SheetSpec, sheet: Sheet) -> None:
        """Take over the rows of one sheet."""
        known = {name for name in sheet.letters if self._known(spec, sheet, name)}
        for span in sheet.merged:
            self._wrong("cells_merged", sheet, None, None, span, None)
        for line in sheet.lines:
            values = {name: line.values.get(name) for name in known}
            for name, value in values.items():
                if isinstance(value, Formula):
                    self._wrong("cell_formula", sheet, line, name, value.text, None)
                    values[name] = None
            self._line(spec, sheet, line, values)

    def _known(self, spec: SheetSpec, sheet: Sheet, name: str) -> bool:
        names = [column.name for column in spec.columns]
        if name not in names:
            found = unknown_field(name, names, spec.name)
            place = replace(found, file=sheet.file, sheet=sheet.name, row=sheet.header)
            self.document.problems.append(replace(place, column=sheet.letters[name]))
        return name in names

    def _wrong(
        self, code: str, sheet: Sheet, line: Line | None, name: str | None, value: Any, allowed: Any
    ) -> None:
        self.document.problems.append(
            Problem(
                code,
                name or sheet.name,
                handy(value),
                allowed,
                file=sheet.file,
                row=line.number if line else None,
                sheet=sheet.name,
                column=sheet.letters.get(name or ""),
            )
        )

    def _line(self, spec: SheetSpec, sheet: Sheet, line: Line, values: Mapping[str, Any]) -> None:
        own = [column for column in spec.columns if column.name not in (spec.parent, spec.key)]
        found = {column.name: self._value(column, values) for column in own}
        if spec.name == ABOUT:
            self.document.update(_nested(found))
        elif not spec.field:
            self._record(spec, sheet, line, found)
        else:
            self._part(spec, sheet, line, values, found)

    def _value(self, column: Column, values: Mapping[str, Any]) -> Any:
        raw = values.get(column.name)
        op = values.get("op")
        op = op.strip() if isinstance(op, str) else op
        if column.kind == "answer":  # read once the facts are known
            return raw
        return read(raw, column, op)

    def _record(self, spec: SheetSpec, sheet: Sheet, line: Line, found: Json) -> None:
        rows = self.document.setdefault(spec.section, [])
        spots = {name: _spot(sheet, line, name) for name in found}
        if spec.alternatives:
            mark = found.pop(ALTERNATIVE)
            if mark is not None and (joined := self.marks.get((spec.section, 0, mark))):
                record, number = joined[0], int(joined[1])
                self._alternative(record, "", sheet, line, found, (spec.section, number))
                return
            found = _with_any(found, mark)
        record = _nested(found)
        rows.append(record)
        number = len(rows)
        if ALTERNATIVE in record:
            self.marks[spec.section, 0, mark] = (record, str(number))
            spots |= {f"any[0].{name}": _spot(sheet, line, name) for name in PREDICATE}
        spots[""] = (sheet.name, line.number, None)
        self.document.spots[spec.section, number] = spots
        if isinstance(record.get("id"), str):
            self.records.setdefault((spec.section, record["id"]), (record, number))

    def _part(
        self, spec: SheetSpec, sheet: Sheet, line: Line, values: Mapping[str, Any], found: Json
    ) -> None:
        owner = read(values.get(spec.parent), spec.column(spec.parent))
        known = self.records.get((spec.section, owner)) if isinstance(owner, str) else None
        if known is None:
            code = "missing" if owner is None else "unknown_reference"
            ids = sorted(name for section, name in self.records if section == spec.section)
            self._wrong(code, sheet, line, spec.parent, owner, ids)
            return
        record, number = known
        if spec.key:
            self._entry(spec, sheet, line, values, found, (record, number))
        else:
            self._item(spec, sheet, line, found, (record, number))

    def _entry(
        self,
        spec: SheetSpec,
        sheet: Sheet,
        line: Line,
        values: Mapping[str, Any],
        found: Json,
        owner: tuple[Json, int],
    ) -> None:
        record, number = owner
        key = read(values.get(spec.key), spec.column(spec.key))
        entries = record.setdefault(spec.field, {})
        if key is None or key in entries:
            code = "missing" if key is None else "row_twice"
            self._wrong(code, sheet, line, spec.key, key, None)
            return
        scalar = len(found) == 1
        stated = any(value is not None for value in found.values())
        entries[key] = next(iter(found.values())) if scalar else _nested(found) if stated else None
        spots = self.document.spots[spec.section, number]
        place = f"{spec.field}.{key}"
        spots.setdefault(spec.field, (sheet.name, line.number, None))
        spots[place] = _spot(sheet, line, next(iter(found))) if scalar else _spot(sheet, line, "")
        spots |= {f"{place}.{name}": _spot(sheet, line, name) for name in found}

    def _item(
        self, spec: SheetSpec, sheet: Sheet, line: Line, found: Json, owner: tuple[Json, int]
    ) -> None:
        record, number = owner
        items = record.setdefault(spec.field, [])
        spots = self.document.spots[spec.section, number]
        place = f"{spec.field}[{len(items)}]"
        if spec.alternatives:
            mark = found.pop(ALTERNATIVE)
            key = (spec.section, number, mark or "")
            if mark is not None and key in self.marks:
                rule, at = self.marks[key]
                self._alternative(rule, f"{at}.", sheet, line, found, (spec.section, number))
                return
            found = _with_any(found, mark)
        item = _nested(found)
        if ALTERNATIVE in item:
            self.marks[key] = (item, place)
            spots |= {f"{place}.any[0].{name}": _spot(sheet, line, name) for name in PREDICATE}
        items.append(item)
        spots.setdefault(spec.field, (sheet.name, line.number, None))
        spots[place] = _spot(sheet, line, "")
        spots |= {f"{place}.{name}": _spot(sheet, line, name) for name in found}

    def _alternative(
        self,
        rule: Json,
        place: str,
        sheet: Sheet,
        line: Line,
        found: Json,
        owner: tuple[str, int],
    ) -> None:
        """One more alternative of a rule; what is said of the whole rule may stand in any row."""
        predicate = {name: found.pop(name) for name in PREDICATE if name in found}
        for name, value in found.items():
            if value is not None and _at(rule, name) not in (None, value):
                self._wrong("alternatives_differ", sheet, line, name, value, _at(rule, name))
            elif value is not None:
                _put(rule, name, value)
        number = len(rule[ALTERNATIVE])
        rule[ALTERNATIVE].append(_nested(predicate))
        spots = self.document.spots[owner]
        inner = f"{place}any[{number}]"
        spots |= {f"{inner}.{name}": _spot(sheet, line, name) for name in PREDICATE}
        spots[inner] = _spot(sheet, line, "")


def document_of(sheets: Iterable[Sheet], file: str) -> Tabular:
    """The document that the tables of one workbook or folder hold."""
    specs, reader = sheet_specs(), _Reader()
    named: dict[str, Sheet] = {}
    for sheet in sheets:
        name = sheet.name.strip().casefold()
        if name in IGNORED:
            continue
        if name not in specs:
            problem = Problem("unknown_sheet", sheet.name, sheet.name, [*specs])
            problem = replace(problem, file=sheet.file or file, sheet=sheet.name)
            reader.document.problems.append(problem)
        named[name] = sheet
    for name, spec in specs.items():
        if name in named:
            reader.sheet(spec, named[name])
    _read_answers(reader.document)
    return reader.document


def _read_answers(document: Tabular) -> None:
    """Give answers the type of their facts, now that all facts are read."""
    kinds = {fact.get("id"): fact.get("type") for fact in document.get("facts", ())}
    for fact in document.get("facts", ()):
        for implication in fact.get("implied_by", ()):
            if "value" in implication:
                implication["value"] = answered(implication["value"], fact.get("type"))
    for paper in document.get("documents", ()):
        for name, value in paper.get("sets", {}).items():
            paper["sets"][name] = None if value is None else answered(value, kinds.get(name))


def _spot(sheet: Sheet, line: Line, name: str) -> Spot:
    return (sheet.name, line.number, sheet.letters.get(name))


def _with_any(found: Json, mark: Any) -> Json:
    """A rule that its mark makes the first of several alternatives."""
    if mark is None:
        return found
    predicate = {name: found[name] for name in PREDICATE if name in found}
    rest = {name: value for name, value in found.items() if name not in PREDICATE}
    return {**rest, ALTERNATIVE: [_nested(predicate)]}


def _nested(found: Mapping[str, Any]) -> Json:
    """A record from columns by name; what is empty is left out."""
    record: Json = {}
    for name, value in found.items():
        if value is not None:
            _put(record, name, value)
    return record


def _put(record: Json, name: str, value: Any) -> None:
    head, _, part = name.partition(".")
    if value == {}:  # the mark of a range that is stated and open
        if part:
            record.setdefault(head, {})
    elif part:
        record.setdefault(head, {})[part] = value
    else:
        record[head] = value


def _at(record: Mapping[str, Any], name: str) -> Any:
    head, _, part = name.partition(".")
    value = record.get(head)
    return value.get(part) if part and isinstance(value, Mapping) else value
