"""What must hold across the records of a catalogue: ids, references, operands, relations.

Single records are validated by their models; these checks see all of them and yield one Problem
per fault with the place of the record.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter
from math import isfinite
from typing import Any, get_args

from recommender import codes, product, vocabulary
from recommender.errors import Problem
from recommender.fields import BY_ID
from recommender.product import DocumentDefinition, FactDefinition, Predicate, Product, Rule, Stop

NUMERIC = ("at_least", "at_most", "between")
TEMPORAL = ("before", "after")
SETS = ("one_of", "none_of", "overlaps")
OPERATORS: Mapping[str, tuple[str, ...]] = {
    "number": NUMERIC,
    "day": TEMPORAL,
    "date": TEMPORAL,
    "codes": SETS,
    "choice": SETS,
    "choices": SETS,
    "flag": ("holds", "lacks"),
}
LITERALS: Mapping[str, Any] = {
    "trade.directions": vocabulary.Direction,
    "trade.routes": vocabulary.Mode,
    "trade.incoterms": vocabulary.Incoterm,
    "trade.settlement_methods": vocabulary.SettlementMethod,
    "trade.stage": vocabulary.Stage,
    "ownership": vocabulary.Ownership,
    "need.purpose": vocabulary.Purpose,
    "size_class": product.SizeClass,
}
CODE_CHECKS: Mapping[str, Callable[[str], Problem | None]] = {
    "trade.hs": codes.hs_problem,
    "registered_province": codes.division_problem,
    "industry": codes.industry_problem,
    "need.currency": codes.currency_problem,
    "receivable_currencies": codes.currency_problem,
    "collateral": codes.collateral_type_problem,
}


def cross_checks(placed: Mapping[str, list[Any]]) -> Iterator[Problem]:
    """Every fault across the records, each with its file and row."""
    known = _Known(placed)
    if not placed["products"]:
        yield Problem("catalogue_empty", "products")
    yield from _duplicates(placed)
    checks: Mapping[str, Callable[[Any, _Known], Iterator[Problem]]] = {
        "facts": _fact,
        "documents": _document,
        "stops": _stop,
        "products": _product,
    }
    for section, check in checks.items():
        for item in placed[section]:
            name = getattr(item.record, "id", item.row)
            for problem in check(item.record, known):
                place = ".".join(part for part in (f"{section}[{name}]", problem.field) if part)
                yield replace(problem, field=place, file=item.file or None, row=item.row)
    yield from _cycles(placed)


class _Known:
    """Ids that references may use."""

    def __init__(self, placed: Mapping[str, list[Any]]) -> None:
        self.facts: dict[str, FactDefinition] = {i.record.id: i.record for i in placed["facts"]}
        self.products = {i.record.id for i in placed["products"]}
        self.documents = {i.record.id for i in placed["documents"]}

    def kind(self, name: str) -> str | None:
        """Kind of a fact or profile field; None when there is no such thing."""
        if name in self.facts:
            return self.facts[name].type
        return BY_ID[name].kind if name in BY_ID else None


def _duplicates(placed: Mapping[str, list[Any]]) -> Iterator[Problem]:
    for section in ("products", "facts", "documents"):
        seen: dict[str, Any] = {}
        for item in placed[section]:
            for name in dict.fromkeys(_names(item.record)):
                first = seen.setdefault(name, item)
                if first is not item:
                    params = {"first": f"{first.file}:{first.row}" if first.file else first.row}
                    place = f"{section}[{item.record.id}].id"
                    yield Problem(
                        "duplicate_id", place, name, None, params, item.file or None, item.row
                    )


def _names(record: Any) -> list[str]:
    if isinstance(record, DocumentDefinition):
        return [name.casefold() for name in (record.id, *record.synonyms)]
    return [record.id]


def _fact(fact: FactDefinition, known: _Known) -> Iterator[Problem]:
    if fact.id in BY_ID:
        yield Problem("fact_hides_field", "id", fact.id)
    if fact.document is not None:
        yield from _reference("document", fact.document, known.documents)
    for i, implication in enumerate(fact.implied_by):
        place = f"implied_by[{i}]"
        if implication.f in known.facts:
            yield Problem("implied_by_fact", f"{place}.f", implication.f, sorted(BY_ID))
        else:
            yield from _predicate(implication.predicate(), known, place)
        yield from _answer(fact, implication.value, f"{place}.value")


def _answer(fact: FactDefinition, value: Any, place: str) -> Iterator[Problem]:
    problem = answer_problem(fact, value)
    if problem is not None:
        yield replace(problem, field=place)


def answer_problem(fact: FactDefinition, value: Any) -> Problem | None:
    """Whether a value is an answer of the fact's type; the Problem says what is allowed."""
    if fact.type == "flag":
        return None if isinstance(value, bool) else Problem("not_yes_no", "", value)
    if fact.type == "number":
        plain = isinstance(value, (int, float)) and not isinstance(value, bool)
        return None if plain and isfinite(value) else Problem("not_number", "", value)
    if fact.type == "date":
        return None if _is_day(value) else Problem("not_date", "", value)
    options = [option.id for option in fact.options or ()]
    listed = isinstance(value, (tuple, list))
    if listed != (fact.type == "choices"):
        return Problem("not_list" if fact.type == "choices" else "not_one_of", "", value, options)
    wrong = [v for v in (value if listed else (value,)) if v not in options]
    return Problem("not_one_of", "", wrong[0], options) if wrong else None


def _is_day(value: Any) -> bool:
    try:
        return len(value) == 10 and bool(datetime.date.fromisoformat(value))
    except (TypeError, ValueError):
        return False


def _document(document: DocumentDefinition, known: _Known) -> Iterator[Problem]:
    for name, value in document.sets.items():
        yield from _reference(f"sets.{name}", name, known.facts)
        if name in known.facts:
            yield from _answer(known.facts[name], value, f"sets.{name}")


def _stop(stop: Stop, known: _Known) -> Iterator[Problem]:
    yield from _rule(stop, known, "")
    for name in stop.scope if stop.scope != "all" else ():
        yield from _reference("scope", name, known.products)


def _product(record: Product, known: _Known) -> Iterator[Problem]:
    reasons = [rule.reason for rule in record.rules]
    for i, rule in enumerate(record.rules):
        yield from _rule(rule, known, f"rules[{i}]")
        if rule.reason in reasons[:i]:
            yield Problem(
                "duplicate_id", f"rules[{i}].code", rule.reason, None, {"first": record.id}
            )
    for name in record.documents:
        yield from _reference("documents", name, known.documents)
    for relation in record.relations:
        for name in relation.any_of:
            yield from _reference(f"relations.{relation.kind}", name, known.products)
    for name in record.accepts:
        problem = codes.collateral_type_problem(name)
        if problem is not None:
            yield replace(problem, field=f"accepts.{name}", value=name)


def _reference(place: str, name: str, known: Iterable[str]) -> Iterator[Problem]:
    ids = sorted(known)
    if name not in ids:
        guess = get_close_matches(name, ids, 1)
        yield Problem("unknown_reference", place, name, guess or ids)


def _rule(rule: Rule, known: _Known, place: str) -> Iterator[Problem]:
    for i, predicate in enumerate(rule.predicates):
        inner = f"{place}.any[{i}]" if rule.any is not None else place
        yield from _predicate(predicate, known, inner.lstrip("."))


def _predicate(predicate: Predicate, known: _Known, place: str) -> Iterator[Problem]:
    def at(name: str) -> str:
        return f"{place}.{name}" if place else name

    kind = known.kind(predicate.f)
    if kind is None:
        names = sorted([*known.facts, *BY_ID])
        guess = get_close_matches(predicate.f, names, 1)
        yield Problem("undeclared_fact", at("f"), predicate.f, guess or names)
        return
    if predicate.op not in OPERATORS[kind]:
        yield Problem(
            "operator_kind", at("op"), predicate.op, OPERATORS[kind], {"fact": predicate.f}
        )
        return
    if predicate.v_field is not None and known.kind(predicate.v_field) not in _SAME[kind]:
        yield Problem("operand_kind", at("v_field"), predicate.v_field, kind)
    for value in predicate.v if isinstance(predicate.v, tuple) else (predicate.v,):
        problem = None if value is None else _operand(predicate.f, kind, value, known)
        if problem is not None:
            yield replace(problem, field=at("v"), value=value)


_SAME: Mapping[str, tuple[str, ...]] = {
    "number": ("number",),
    "day": ("day", "date"),
    "date": ("day", "date"),
    **dict.fromkeys(("codes", "choice", "choices", "flag"), ()),
}


def _operand(name: str, kind: str, value: Any, known: _Known) -> Problem | None:
    if kind == "number":
        plain = isinstance(value, (int, float)) and not isinstance(value, bool)
        return None if plain else Problem("not_number")
    if kind in ("day", "date"):
        return None if _is_day(value) else Problem("not_date")
    if name in known.facts:
        options = [option.id for option in known.facts[name].options or ()]
        return None if value in options else Problem("not_one_of", allowed=options)
    return _code(name, str(value), known)


def _code(name: str, value: str, known: _Known) -> Problem | None:
    if name in LITERALS:
        allowed = list(get_args(LITERALS[name]))
        return None if value in allowed else Problem("not_one_of", allowed=allowed)
    if name in CODE_CHECKS:
        return CODE_CHECKS[name](value)
    if name in ("documents", "document_issuers"):
        kind = value.partition(":")[0]
        return next(_reference("v", kind, known.documents), None)
    return None


def _cycles(placed: Mapping[str, list[Any]]) -> Iterator[Problem]:
    """Prerequisites without alternatives must not lead back to their own product."""
    graph: dict[str, set[str]] = {}
    for item in placed["products"]:
        needs = [r for r in item.record.relations if r.kind == "prerequisite"]
        graph[item.record.id] = {r.any_of[0] for r in needs if len(r.any_of) == 1}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        yield Problem("prerequisite_cycle", "products", " -> ".join(error.args[1]))
