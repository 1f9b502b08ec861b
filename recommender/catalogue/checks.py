"""What must hold across the records of a catalogue: ids, references, operands, relations.

Single records are validated by their models; these checks see all of them and yield one Problem
per fault with the place of the record.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter
from itertools import takewhile
from math import isfinite
from typing import Any, get_args

from recommender import codes, vocabulary
from recommender.catalogue.product import DocumentDefinition, FactDefinition, Product, Range
from recommender.company.fields import BY_ID
from recommender.errors import Problem
from recommender.records import day_of
from recommender.rules import Predicate, Rule, Stop
from recommender.vocabulary import PROVENANCES

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
    "size_class": vocabulary.SizeClass,
    "insurance": vocabulary.Insured,
    "related_buyers": vocabulary.Related,
}
PAIRS: Mapping[str, Any] = {
    "document_issuers": vocabulary.Issuer,
    "documented_positions": vocabulary.Bucket,
}
CODE_CHECKS: Mapping[str, Callable[[str], Problem | None]] = {
    "trade.hs": codes.hs_problem,
    "registered_province": codes.division_problem,
    "industry": codes.industry_problem,
    "need.currency": codes.currency_problem,
    "receivable_currencies": codes.currency_problem,
    "collateral": codes.collateral_type_problem,
}


def cross_checks(
    placed: Mapping[str, list[Any]], unread: Collection[tuple[str, str]] = ()
) -> Iterator[Problem]:
    """Every fault across the records, each with its file and row.

    unread: section and id of records with faults of their own; references to them are no faults.
    """
    known = _Known(placed, unread)
    if not placed["products"] and "products" not in {section for section, _ in unread}:
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

    def __init__(
        self, placed: Mapping[str, list[Any]], unread: Collection[tuple[str, str]]
    ) -> None:
        self.facts: dict[str, FactDefinition] = {i.record.id: i.record for i in placed["facts"]}
        lost = {part: {name for section, name in unread if section == part} for part in placed}
        self.unread = lost["facts"]
        self.products = {i.record.id for i in placed["products"]} | lost["products"]
        self.documents = {i.record.id for i in placed["documents"]} | lost["documents"]
        self.stops: list[Stop] = [i.record for i in placed["stops"]]
        self._common = [stop for stop in self.stops if stop.scope == "all"]
        self._scoped: dict[str, list[Stop]] = {}
        for stop in self.stops:
            for name in set(stop.scope) if stop.scope != "all" else ():
                self._scoped.setdefault(name, []).append(stop)

    def stops_of(self, product: str) -> list[Stop]:
        """The stops that hold for a product."""
        return [*self._common, *self._scoped.get(product, ())]

    def undeclared(self, place: str, name: str) -> Iterator[Problem]:
        """What is wrong with the name of a fact or field that does not exist."""
        if name not in self.unread:
            names = sorted([*self.facts, *BY_ID])
            guess = get_close_matches(name, names, 1)
            yield Problem("undeclared_fact", place, name, guess or names)

    def kind(self, name: str) -> str | None:
        """Kind of a fact or profile field; None when there is no such thing."""
        if name in self.facts:
            return self.facts[name].type
        return BY_ID[name].kind if name in BY_ID else None


def _duplicates(placed: Mapping[str, list[Any]]) -> Iterator[Problem]:
    for section in ("products", "facts", "documents"):
        seen: dict[str, Any] = {}
        for item in placed[section]:
            for name in _names(item.record):
                first = seen.setdefault(name.casefold() if section == "documents" else name, item)
                if first is not item:
                    params = {"first": f"{first.file}:{first.row}" if first.file else first.row}
                    place = f"{section}[{item.record.id}].id"
                    yield Problem(
                        "duplicate_id", place, name, None, params, item.file or None, item.row
                    )


def _names(record: Any) -> list[str]:
    return [record.id, *record.synonyms] if isinstance(record, DocumentDefinition) else [record.id]


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
        return None if day_of(value) else Problem("not_date", "", value)
    options = [option.id for option in fact.options or ()]
    listed = isinstance(value, (tuple, list))
    if listed != (fact.type == "choices"):
        return Problem("not_list" if fact.type == "choices" else "not_one_of", "", value, options)
    wrong = [v for v in (value if listed else (value,)) if v not in options]
    return Problem("not_one_of", "", wrong[0], options) if wrong else None


def _document(document: DocumentDefinition, known: _Known) -> Iterator[Problem]:
    for name, value in document.sets.items():
        yield from _reference(f"sets.{name}", name, known.facts.keys() | known.unread)
        if name in known.facts:
            yield from _answer(known.facts[name], value, f"sets.{name}")


def _stop(stop: Stop, known: _Known) -> Iterator[Problem]:
    yield from _rule(stop, known, "", "stop")
    if stop.src not in PROVENANCES:
        yield Problem("unknown_source", "src", stop.src, list(PROVENANCES))
    for name in stop.scope if stop.scope != "all" else ():
        yield from _reference("scope", name, known.products)
    for other in takewhile(lambda other: other is not stop, known.stops):
        if other.reason == stop.reason and _overlap(other, stop):
            yield Problem("duplicate_id", "code", stop.reason, None, {"first": "stops"})


def _overlap(first: Stop, second: Stop) -> bool:
    if "all" in (first.scope, second.scope):
        return True
    return bool({*first.scope} & {*second.scope})


def _product(record: Product, known: _Known) -> Iterator[Problem]:
    reasons = {stop.reason for stop in known.stops_of(record.id)}
    for i, rule in enumerate(record.rules):
        yield from _rule(rule, known, f"rules[{i}]", "rule")
        if rule.reason in reasons:
            yield Problem(
                "duplicate_id", f"rules[{i}].code", rule.reason, None, {"first": record.id}
            )
        reasons.add(rule.reason)
    yield from _sources(record)
    for name in record.documents:
        yield from _reference("documents", name, known.documents)
    for relation in record.relations:
        for name in relation.any_of:
            yield from _reference(f"relations.{relation.kind}", name, known.products)
            if name == record.id and relation.kind != "prerequisite":
                yield Problem("relation_to_itself", f"relations.{relation.kind}", name)
    for name in record.accepts:
        problem = codes.collateral_type_problem(name)
        if problem is not None:
            yield replace(problem, field=f"accepts.{name}", value=name)


def _sources(record: Product) -> Iterator[Problem]:
    """Sources that are named and not listed, and attested fields that do not exist."""
    known = {*record.sources, *PROVENANCES}
    named = {f"provenance.{name}": word for name, word in record.provenance.items()}
    named |= {f"rules[{i}].src": rule.src for i, rule in enumerate(record.rules)}
    for place, word in named.items():
        if word not in known:
            yield Problem("unknown_source", place, word, sorted(known))
    fields = type(record).model_fields
    for name in record.provenance:
        head, _, part = name.partition(".")
        parts = _parts(getattr(record, head)) if head in fields else set()
        if head not in fields:
            yield Problem("unknown_field", f"provenance.{name}", name, sorted(fields))
        elif part and part not in parts:
            allowed = sorted(f"{head}.{part}" for part in parts)
            yield Problem("unknown_field", f"provenance.{name}", name, allowed)
    for key in sorted(record.sources.keys() & set(PROVENANCES)):
        yield Problem("source_is_grade", f"sources.{key}", key, list(PROVENANCES))


def _parts(value: Any) -> set[str]:
    """Names of the parts of a field that can have a provenance of their own."""
    if isinstance(value, Range):
        return set(type(value).model_fields)
    if isinstance(value, Mapping):
        inner = {f"{key}.{part}" for key, item in value.items() for part in _parts(item)}
        return {*map(str, value), *inner}
    return {item for item in value if isinstance(item, str)} if isinstance(value, tuple) else set()


def _reference(place: str, name: str, known: Collection[str]) -> Iterator[Problem]:
    if name not in known:
        ids = sorted(known)
        guess = get_close_matches(name, ids, 1)
        yield Problem("unknown_reference", place, name, guess or ids)


def _rule(rule: Rule, known: _Known, place: str, origin: str) -> Iterator[Problem]:
    if rule.origin != origin:
        yield Problem("not_one_of", f"{place}.origin".lstrip("."), rule.origin, [origin])
    for i, predicate in enumerate(rule.any or rule.predicates):
        inner = f"{place}.any[{i}]" if rule.any is not None else place
        yield from _predicate(predicate, known, inner.lstrip("."))


def _predicate(predicate: Predicate, known: _Known, place: str) -> Iterator[Problem]:
    def at(name: str) -> str:
        return f"{place}.{name}" if place else name

    names = {at("f"): predicate.f, at("v_field"): predicate.v_field}
    given = {where: name for where, name in names.items() if name is not None}
    missing = {where: name for where, name in given.items() if known.kind(name) is None}
    for where, name in given.items():
        for fact in BY_ID[name].facts if name in BY_ID else ():
            if fact not in known.facts:
                yield from known.undeclared(where, fact)
    if missing:
        yield from (p for where, name in missing.items() for p in known.undeclared(where, name))
        return
    kind = str(known.kind(predicate.f))
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
        return None if day_of(value) else Problem("not_date")
    if name in known.facts:
        options = [option.id for option in known.facts[name].options or ()]
        return None if value in options else Problem("not_one_of", allowed=options)
    return _code(name, value, known) if isinstance(value, str) else Problem("not_text")


def _code(name: str, value: str, known: _Known) -> Problem | None:
    if name in LITERALS:
        allowed = list(get_args(LITERALS[name]))
        return None if value in allowed else Problem("not_one_of", allowed=allowed)
    if name in CODE_CHECKS:
        return CODE_CHECKS[name](value)
    if name == "documents":
        return next(_reference("v", value, known.documents), None)
    return _pair(name, value, known) if name in PAIRS else None


def _pair(name: str, value: str, known: _Known) -> Problem | None:
    """A document with its issuer, or a currency with its bucket: `ENCD:carrier`, `USD:1-3m`."""
    first, _, second = value.partition(":")
    if name == "document_issuers":
        problem = next(_reference("v", first, known.documents), None)
    else:
        problem = codes.currency_problem(first)
    allowed = get_args(PAIRS[name])
    if problem is None and second not in allowed:
        problem = Problem("not_one_of", allowed=[f"{first}:{part}" for part in allowed])
    return problem


def _cycles(placed: Mapping[str, list[Any]]) -> Iterator[Problem]:
    """Prerequisites without alternatives must not lead back to their own product."""
    graph: dict[str, set[str]] = {}
    for item in placed["products"]:
        needs = [r for r in item.record.relations if r.kind == "prerequisite"]
        graph[item.record.id] = {r.any_of[0] for r in needs if len(r.any_of) == 1}
    rows = {item.record.id: item for item in placed["products"]}
    while (ring := _ring(graph)) is not None:
        item = rows[min(ring)]
        place, shown = f"products[{item.record.id}].relations", " -> ".join(ring)
        yield Problem("prerequisite_cycle", place, shown, file=item.file or None, row=item.row)
        for name in ring:
            graph[name] -= set(ring)


def _ring(graph: Mapping[str, set[str]]) -> list[str] | None:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return None
