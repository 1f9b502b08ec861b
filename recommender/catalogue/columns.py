"""The catalogue as tables: which sheets there are, and which columns each has.

Both follow from the models of `recommender.catalogue.product`: a new field of a model is a new
column. A part of a record is a column of its own (`amount.high`); a list of records is a sheet of
its own whose first column names the record it belongs to.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from recommender.catalogue.product import DocumentDefinition, FactDefinition, Product
from recommender.records import Day, Record
from recommender.rules import Bilingual, Stop
from recommender.vocabulary import Scope

SECTIONS: Mapping[str, type[Record]] = {
    "products": Product,
    "facts": FactDefinition,
    "documents": DocumentDefinition,
    "stops": Stop,
}
PARENTS = {"products": "product", "facts": "fact", "documents": "document", "stops": "stop"}
KEYS = {"accepts": "type", "sources": "key", "provenance": "field", "sets": "fact"}
VALUES = {"provenance": "source", "sets": "value"}
ABOUT = "about"
ALTERNATIVE = "any"
Kind = Literal["text", "word", "list", "number", "yes_no", "date", "operand", "answer", "scope"]


class Head(Record):
    """What a file says of itself beside its sections and the number of its schema."""

    as_of: Day | None = None
    name: Bilingual | None = None


@dataclass(frozen=True)
class Column:
    """One column. name: its header and the way to its value in a record, parts joined by dots.

    allowed: the words of a closed vocabulary; None when open.
    """

    name: str
    kind: Kind
    allowed: tuple[str, ...] | None = None
    required: bool = False


@dataclass(frozen=True)
class SheetSpec:
    """One sheet. field: the list or mapping of a record that it holds; "" for records themselves.

    parent: the column that names the record a row belongs to. key: the column with the name of an
    entry, for mappings. alternatives: whether rows of one mark make one rule.
    """

    name: str
    section: str
    columns: tuple[Column, ...]
    field: str = ""
    parent: str = ""
    key: str = ""
    alternatives: bool = False

    def column(self, name: str) -> Column:
        """A column by its header; raises KeyError."""
        return {column.name: column for column in self.columns}[name]


@lru_cache(maxsize=1)
def sheet_specs() -> Mapping[str, SheetSpec]:
    """Every sheet of a catalogue by name, each after the one its rows belong to."""
    about = (Column("schema", "number"), *columns_of(Head))
    found = {ABOUT: SheetSpec(ABOUT, ABOUT, about)}
    for section, model in SECTIONS.items():
        own = _with_alternatives(columns_of(model)) if section == "stops" else columns_of(model)
        found[section] = SheetSpec(section, section, own, alternatives=section == "stops")
        for name, field in model.model_fields.items():
            inner = None if name == ALTERNATIVE else nested(field.annotation)
            if inner is not None:
                found[name] = _nested_sheet(section, name, inner)
    return found


def _nested_sheet(section: str, name: str, inner: Any) -> SheetSpec:
    parent, key = PARENTS[section], KEYS.get(name, "")
    model = model_of(inner)
    columns = columns_of(model) if model else (_column(VALUES[name], inner, required=True),)
    if name == "rules":
        columns = _with_alternatives(columns)
    owners = [Column(parent, "word", required=True)]
    owners += [Column(key, "text", required=True)] if key else []
    rules = name == "rules"
    return SheetSpec(name, section, (*owners, *columns), name, parent, key, rules)


def _with_alternatives(columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """Columns of a rule: the mark of alternatives before the predicate, and nothing derived."""
    kept = [column for column in columns if column.name != "origin"]
    at = next(i for i, column in enumerate(kept) if column.name == "f")
    return (*kept[:at], Column(ALTERNATIVE, "text"), *kept[at:])


def columns_of(model: type[Record]) -> tuple[Column, ...]:
    """One column for each plain value of a record and of records in it; lists of them have none."""
    found: list[Column] = []
    for name, field in model.model_fields.items():
        inner = model_of(field.annotation)
        if name == ALTERNATIVE or nested(field.annotation) is not None:
            continue
        if inner is None:
            found.append(_column(name, field.annotation, required=field.is_required()))
        else:
            parts = (replace(part, name=f"{name}.{part.name}") for part in columns_of(inner))
            found += [replace(p, required=p.required and field.is_required()) for p in parts]
    return tuple(found)


def _column(name: str, annotation: Any, *, required: bool) -> Column:
    allowed = _words(annotation)
    return Column(name, _kind(name, annotation), allowed, required)


def _kind(name: str, annotation: Any) -> Kind:
    if name == "v":
        return "operand"
    if annotation == Scope or name == "scope":
        return "scope"
    members = _members(annotation)
    if {bool, int, float, str} <= set(members):
        return "answer"
    if tuple in (get_origin(member) for member in members):
        return "list"
    for kind, name_of_kind in _KINDS.items():
        if kind in members:
            return name_of_kind
    return "word" if _words(annotation) or name in _WORDS else "text"


_KINDS: Mapping[type, Kind] = {
    bool: "yes_no",
    Decimal: "number",
    float: "number",
    int: "number",
    datetime.date: "date",
}
_WORDS = {"id", "f", "v_field", "src", "family", "category", "document", "unit"}


def _members(annotation: Any) -> list[Any]:
    """The kinds an annotation allows, with unions and notes taken apart."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _members(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return [member for part in get_args(annotation) for member in _members(part)]
    return [annotation]


def _words(annotation: Any) -> tuple[str, ...] | None:
    """The words of a closed vocabulary, or of a list of them; None when open."""
    for member in _members(annotation):
        if get_origin(member) is Literal:
            return tuple(map(str, get_args(member)))
        if get_origin(member) is tuple:
            return _words(get_args(member)[0])
    return None


def model_of(annotation: Any) -> type[Record] | None:
    """The record an annotation allows; None when it allows none."""
    for member in _members(annotation):
        if isinstance(member, type) and issubclass(member, Record):
            return member
    return None


def nested(annotation: Any) -> Any:
    """What the entries of a sheet of its own are: of a list of records, or of a mapping."""
    for member in _members(annotation):
        origin, arguments = get_origin(member), get_args(member)
        if origin is dict:
            return arguments[1]
        if origin is tuple and model_of(arguments[0]) is not None:
            return arguments[0]
    return None
