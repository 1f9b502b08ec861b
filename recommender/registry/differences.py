"""What changed between two catalogues, as data and in words.

Records are compared by id, rules by their reason code, entries of lists by what they say. A
difference is found wherever the versions differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from recommender import codes
from recommender.answers.explain import Wording
from recommender.catalogue import Catalogue
from recommender.catalogue.columns import SECTIONS, sheet_specs
from recommender.rules import Rule
from recommender.texts import Label, Language, label, show, table, text

Kind = Literal["added", "removed", "changed", "reordered"]
Json = dict[str, Any]
LONG = 5
_LABELS = {
    "directions": "direction",
    "routes": "mode",
    "stages": "stage",
    "obtainable_in": "stage",
    "settlement_methods": "settlement_method",
    "sizes": "size_class",
    "lane": "lane",
    "category": "category",
    "family": "family",
    "formula": "formula",
    "fit_ceiling": "fit",
    "asked_of": "asked_of",
    "changeable": "changeable",
    "issuer": "issuer",
    "provenance": "provenance",
}


@dataclass(frozen=True)
class Difference:
    """One difference. field: "" for the record as a whole; part: the entry of a list or mapping.

    old, new: the values, None where there is none.
    """

    kind: Kind
    section: str
    id: str
    field: str = ""
    part: str = ""
    old: Any = None
    new: Any = None


def differences(old: Catalogue, new: Catalogue) -> list[Difference]:
    """All of them: section by section, record by record; empty for catalogues of one version."""
    found: list[Difference] = []
    for section in SECTIONS:
        before, after = _records(old, section), _records(new, section)
        for name in sorted(before.keys() | after.keys()):
            pair = before.get(name), after.get(name)
            found += _of_record(section, name, *pair)
    return found


def _records(catalogue: Catalogue, section: str) -> dict[str, Any]:
    if section == "stops":
        return _stops(catalogue)
    records: dict[str, Any] = getattr(catalogue, section)
    return records


def _stops(catalogue: Catalogue) -> dict[str, Any]:
    """Stops by reason code; of several with one code each has its number."""
    found: dict[str, Any] = {}
    for stop in catalogue.stops:
        number, name = 1, stop.reason
        while name in found:
            number += 1
            name = f"{stop.reason} #{number}"
        found[name] = stop
    return found


def _of_record(section: str, name: str, old: Any, new: Any) -> Iterator[Difference]:
    if old is None or new is None:
        yield Difference("removed" if new is None else "added", section, name, "", "", old, new)
        return
    if old == new:
        return
    fields = [
        field for field in type(old).model_fields if getattr(old, field) != getattr(new, field)
    ]
    alone = {"f", "op", "v", "v_field", "any"}
    if section == "stops" and alone & {*fields}:
        yield Difference("changed", section, name, "rules", name, old, new)
        fields = [field for field in fields if field not in alone]
    for field in fields:
        yield from _of_field(section, name, field, getattr(old, field), getattr(new, field))


def _of_field(section: str, name: str, field: str, old: Any, new: Any) -> Iterator[Difference]:
    if field not in sheet_specs() or sheet_specs()[field].field != field:
        for part, pair in _halves(old, new):
            if pair[0] != pair[1]:
                yield Difference("changed", section, name, f"{field}{part}", "", *pair)
        return
    before, after = _entries(field, old), _entries(field, new)
    if before == after and list(before) != list(after):
        yield Difference("reordered", section, name, field)
    for part in [*before, *(part for part in after if part not in before)]:
        pair = before.get(part), after.get(part)
        there = part in before, part in after
        if there != (True, True):
            yield Difference("added" if there[1] else "removed", section, name, field, part, *pair)
        elif pair[0] != pair[1]:
            yield Difference("changed", section, name, field, part, *pair)


def _halves(old: Any, new: Any) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """A field, or each part of a record (`.high`), before and after."""
    model = next((type(v) for v in (old, new) if hasattr(type(v), "model_fields")), None)
    names = list(model.model_fields) if model else []
    if "low" in names:
        for name in names:
            yield f".{name}", (getattr(old, name, None), getattr(new, name, None))
        if old is not None and new is not None:
            return
        if all(getattr(value, name, None) is None for value in (old, new) for name in names):
            yield "", (old, new)
        return
    yield "", (old, new)


def _entries(field: str, value: Any) -> dict[str, Any]:
    """Entries of a list or mapping by what names them."""
    if isinstance(value, Mapping):
        return dict(sorted(value.items()))
    found: dict[str, Any] = {}
    for item in value or ():
        found[_unique(_name(field, item), found)] = item
    return dict(sorted(found.items())) if field in ("rules", "relations") else found


def _unique(name: str, taken: Mapping[str, Any]) -> str:
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name} #{number}"
    return found


def _name(field: str, item: Any) -> str:
    if field == "rules":
        return str(item.reason)
    if field == "options":
        return str(item.id)
    if field == "relations":
        return f"{item.kind}: {', '.join(item.any_of)}"
    if field == "implied_by":
        return f"{item.f}.{item.op}"
    return str(getattr(item, "text", item).zh)


class Comparison:
    """The differences of two catalogues in words."""

    def __init__(self, old: Catalogue, new: Catalogue) -> None:
        self.found = differences(old, new)
        self._old, self._new = old, new
        self._wordings = (Wording(old), Wording(new))

    def counts(self) -> dict[str, int]:
        """Products added, withdrawn and changed, and differences of all other records."""
        whole = [d for d in self.found if d.section == "products" and not d.field]
        return {
            "added": sum(d.kind == "added" for d in whole),
            "withdrawn": sum(d.kind == "removed" for d in whole),
            "changed": len({d.id for d in self.found if d.section == "products" and d.field}),
            "others": sum(d.section != "products" for d in self.found),
        }

    def lines(self, language: Language) -> list[str]:
        """One sentence for each difference."""
        return [self.sentence(difference, language) for difference in self.found]

    def sentence(self, d: Difference, language: Language) -> str:
        """One difference in words."""
        if not d.field:
            name = self._named(d, language)
            return text(
                f"difference.{d.kind}",
                language,
                kind=label(f"difference.kind.{d.section}"),
                name=name,
            )
        shown = {"name": self._named(d, language), "field": self._field(d, language)}
        if d.kind == "reordered":
            return text("difference.reordered", language, **shown)
        if d.kind == "changed" and (moves := self._moves(d, language)):
            return text("difference.members", language, moves=moves, **shown)
        old = self._value(d, d.old, 0, language)
        new = self._value(d, d.new, 1, language)
        if d.kind == "changed":
            return text("difference.value", language, old=old, new=new, **shown)
        side = {"new": new} if d.kind == "added" else {"old": old}
        return text(f"difference.part_{d.kind}", language, **side, **shown)

    def _moves(self, d: Difference, language: Language) -> str:
        """What came to a long list and what left it; empty where the whole is said."""
        if not (isinstance(d.old, (tuple, list)) and isinstance(d.new, (tuple, list))):
            return ""
        new = [self._code(d.field, item, 1) for item in d.new if item not in d.old]
        gone = [self._code(d.field, item, 0) for item in d.old if item not in d.new]
        kept = len(d.new) - len(new)
        if kept < LONG or not (new or gone):
            return ""
        key = "exchanged" if new and gone else "gained" if new else "lost"
        said = {"new": show(new, language), "gone": show(gone, language)}
        moves = text(f"difference.{key}", language, **{k: v for k, v in said.items() if v})
        return text("difference.stay", language, moves=moves, kept=kept)

    def _named(self, d: Difference, language: Language) -> str:
        for catalogue in (self._new, self._old):
            record = _records(catalogue, d.section).get(d.id)
            if record is None:
                continue
            if d.section == "stops":
                return self._rule(record, catalogue is self._new, language, d)
            name = record.name if d.section == "products" else record.label.label
            return f"{show(name, language)} ({d.id})"
        return d.id

    def _field(self, d: Difference, language: Language) -> str:
        if f"difference.part.{d.field}" in table():
            name = text(f"difference.part.{d.field}", language)
            keyed = d.field in ("accepts", "sources", "provenance", "sets", "options") and d.part
            return f"{name} {d.part}" if keyed else name
        key = f"columns.{d.section}.{d.field}.name"
        return text(key, language) if key in table() else d.field

    def _value(self, d: Difference, value: Any, side: int, language: Language) -> str:
        if value is None:
            return text("difference.absent", language)
        if isinstance(value, Rule):
            return self._rule(value, bool(side), language, d)
        if isinstance(value, (tuple, list)):
            items = [self._code(d.field, item, side) for item in value]
            return show(items, language) or text("difference.empty", language)
        if hasattr(value, "model_fields_set"):
            return self._record(value, language)
        return show(self._code(d.field, value, side), language)

    def _code(self, field: str, value: Any, side: int) -> Any:
        """A code with its label, anything else as it is."""
        if not isinstance(value, str):
            return value
        catalogue = (self._old, self._new)[side]
        key = f"{_LABELS.get(field, '')}.{value}"
        if key in table():
            return label(key)
        if field == "hs":
            return codes.hs_label(value)
        if field == "documents" and value in catalogue.documents:
            return catalogue.documents[value].label.label
        if field == "scope" and value in catalogue.products:
            return catalogue.products[value].name
        return value

    def _rule(self, rule: Rule, new: bool, language: Language, d: Difference) -> str:
        said = self._wordings[new].demand(rule, language)
        if not rule.hard:
            said = text("difference.caution", language, rule=said)
        twin = d.old if new else d.new
        if isinstance(twin, Rule) and twin is not rule:
            if twin.src != rule.src:
                said = text("difference.with_source", language, rule=said, src=rule.src)
            if twin.note != rule.note:
                note = rule.note.label if rule.note else label("difference.absent")
                said = text("difference.with_note", language, rule=said, note=note)
        return said

    def _record(self, value: Any, language: Language) -> str:
        """A record in one line: its text, or its fields one behind the other."""
        if {"zh", "en"} == set(type(value).model_fields):
            return show(Label(value.zh, value.en), language)
        parts: list[str] = []
        for name in type(value).model_fields:
            part = getattr(value, name)
            if part is None:
                continue
            inner = self._record(part, language) if hasattr(part, "model_fields_set") else None
            shown = inner if inner is not None else show(plain(part), language)
            parts.append(f"{name} {shown}" if isinstance(part, (Decimal, bool)) else shown)
        return ", ".join(parts) or text("difference.empty", language)


def plain(value: Any) -> Any:
    """A part of a record for a sentence: lists as lists, anything else as it is."""
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
