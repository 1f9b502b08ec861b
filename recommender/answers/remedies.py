"""What would make a product fit: the changes worth trying, tried before they are shown.

A change sets one fact, one structural field, or everything one document brings. Who can make it
(company, third party) comes from the dictionary; what nobody can change is never offered.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import cached_property
from math import ceil, floor
from typing import Any

import numpy as np

from recommender.answers.changes import Change, Trial, Trials
from recommender.catalogue.product import DocumentDefinition, FactDefinition
from recommender.company.fields import BY_ID
from recommender.company.headroom import NEEDS
from recommender.matching.compiled import Bools, Compiled
from recommender.matching.eligibility import NO, YES
from recommender.matching.matcher import Case, Matcher
from recommender.records import Record
from recommender.rules import Implication, Predicate, Rule

BY_COST = {"company": 0, "third_party": 1}
PAPERS = ("documents", "document_issuers")


def mendable(compiled: Compiled, by: Iterable[str]) -> Bools:
    """Rules for which some change by one of these hands may exist, whatever the company."""
    hands = set(by)
    return np.array(
        [any(_hand(compiled, p) & hands for p in rule.predicates) for rule in compiled.rules],
        dtype=bool,
    )


def _hand(compiled: Compiled, predicate: Predicate) -> set[str]:
    """Who might make a predicate true."""
    facts, documents = compiled.catalogue.facts, compiled.catalogue.documents
    if predicate.f in facts:
        fact = facts[predicate.f]
        paper = documents[fact.document] if fact.document else None
        return {_fact_hand(fact)} | ({_issuing_hand(paper)} if paper else set())
    if predicate.f in PAPERS:
        kinds = {str(v).partition(":")[0] for v in _listed(predicate)}
        return {_issuing_hand(documents[kind]) for kind in kinds}
    return {BY_ID[predicate.f].changeable}


def levers(compiled: Compiled) -> tuple[frozenset[str], ...]:
    """What a change would have to move to mend each rule: rules without one in common need two."""
    return tuple(
        frozenset(lever for p in rule.predicates for lever in _levers(compiled, p))
        for rule in compiled.rules
    )


def _levers(compiled: Compiled, predicate: Predicate) -> Iterator[str]:
    facts, documents = compiled.catalogue.facts, compiled.catalogue.documents
    if predicate.f in PAPERS:
        kinds = {str(v).partition(":")[0] for v in _listed(predicate)}
        yield from (f"paper:{kind}" for kind in kinds)
        yield from (name for kind in kinds for name in documents[kind].sets)
    elif predicate.f in (*NEEDS, "need.currency", "collateral_gap_cny"):
        yield "need"
    else:
        yield predicate.f
    fact = facts.get(predicate.f)
    if fact is not None:
        yield from ("insurance" for item in fact.implied_by if item.f == "insurance")
        yield from (f"paper:{d.id}" for d in documents.values() if fact.id in d.sets)
        yield from (f"paper:{name}" for name in (fact.document,) if name)


def _fact_hand(fact: FactDefinition) -> str:
    return "no" if fact.asked_of == "screening" else fact.changeable


def _issuing_hand(document: DocumentDefinition) -> str:
    return "company" if document.obtained_from == "company" else "third_party"


def _listed(predicate: Predicate) -> tuple[Any, ...]:
    return predicate.v if isinstance(predicate.v, tuple) else ()


class Remedies:
    """Finds and verifies the changes that matter to one company. moves: `levers` of the rules."""

    def __init__(self, matcher: Matcher, case: Case, moves: Sequence[frozenset[str]]) -> None:
        self._matcher, self._case, self._levers = matcher, case, moves
        self._by_rule: dict[int, list[Change]] = {}
        self._mended: dict[int, list[Change]] = {}
        self._trials = Trials(matcher, case)

    @cached_property
    def _papers(self) -> list[dict[str, Any]]:
        return _plain(self._case.company.documents or ())

    def near_misses(self, failing: Mapping[int, Sequence[int]]) -> dict[str, list[Change]]:
        """Single changes by the company that make a product eligible or conditional.

        failing: product index -> its hard rules that say no. Cheapest first.
        """
        mending: dict[tuple[int, ...], list[tuple[Change, Trial]]] = {}
        near = {}
        for j, rules in failing.items():
            key = tuple(rules)
            if len(key) > 1 and not frozenset.intersection(*(self._levers[i] for i in key)):
                continue
            if key not in mending:
                mending[key] = self._mending(rules)
            fixes = [change for change, trial in mending[key] if self._fits(trial, j)]
            if fixes:
                near[self._matcher.ids[j]] = fixes
        return near

    def _mending(self, failing: Sequence[int]) -> list[tuple[Change, Trial]]:
        """Changes by the company after which all of some rules are met, cheapest first."""
        found = sorted(self._covering(failing), key=_cost)
        tried = [(change, self._trials.after(change)) for change in found]
        return [
            (change, trial)
            for change, trial in tried
            if trial is not None and all(self._after(trial, i) == YES for i in failing)
        ]

    def for_rules(self, failing: Sequence[int]) -> list[Change]:
        """Verified changes by any hand that turn one of the rules to yes, cheapest first.

        None when some rule cannot be mended: what leads nowhere is not offered.
        """
        found = [self._for_rule(i) for i in failing]
        if not all(found):
            return []
        mended = {change.key: change for changes in found for change in changes}
        return sorted(mended.values(), key=_cost)

    def _for_rule(self, rule: int) -> list[Change]:
        """Verified changes by any hand after which a rule is met."""
        if rule not in self._mended:
            tried = [(change, self._trials.after(change)) for change in self._candidates(rule)]
            self._mended[rule] = [c for c, t in tried if t and self._after(t, rule) == YES]
        return self._mended[rule]

    def _after(self, trial: Trial, rule: int) -> int:
        return self._matcher.table.answer(rule, trial.values)

    def _fits(self, trial: Trial, product: int) -> bool:
        """Whether no hard rule that the change touches fails after it."""
        fields = self._matcher.fields_of
        rules = self._matcher.hard_rules[product]
        touched = (i for i in rules if not trial.moved.isdisjoint(fields[i]))
        return all(self._after(trial, i) != NO for i in touched)

    def _covering(self, failing: Sequence[int]) -> list[Change]:
        """Candidates by the company that touch every failing rule: one may mend them all."""
        found = {c.key: c for i in failing for c in self._candidates(i)}
        if len(failing) > 1:
            found |= {c.key: c for c in self._by_document(failing)}
        return [
            change
            for change in found.values()
            if change.by == "company"
            and not any(change.touches.isdisjoint(self._matcher.fields_of[i]) for i in failing)
        ]

    def _candidates(self, index: int) -> list[Change]:
        if index not in self._by_rule:
            self._by_rule[index] = list(self._changes_for(self._matcher.rules[index]))
        return self._by_rule[index]

    def _changes_for(self, rule: Rule) -> Iterator[Change]:
        for predicate in rule.predicates:
            fact = self._matcher.catalogue.facts.get(predicate.f)
            if fact is not None:
                yield from self._fact_change(fact, predicate)
            elif predicate.f in PAPERS:
                yield from self._paper_changes(predicate)
            elif BY_ID[predicate.f].changeable != "no":
                yield from self._field_change(predicate)

    def _fact_change(self, fact: FactDefinition, predicate: Predicate) -> Iterator[Change]:
        hand = _fact_hand(fact)
        value = self._satisfying(predicate, [option.id for option in fact.options or ()])
        if hand == "no" or value is None:
            return
        value = [value] if fact.type == "choices" and not isinstance(value, list) else value
        if self._case.implied.get(fact.id, value) != value:
            yield from self._by_insurance(fact)
        else:
            yield Change(((fact.id, value),), hand, fact.document)

    def _by_insurance(self, fact: FactDefinition) -> Iterator[Change]:
        """A fact that rests on premium or buyer limit changes with the insurance, not beside it."""
        rests = {code for i in fact.implied_by if i.f == "insurance" for code in _codes(i)}
        held = _plain(self._case.company.insurance or ())
        rows = held
        if "declared_and_paid" in rests:
            rows = [{**row, "premium_paid": True} for row in held]
        elif "limit_free" in rests:
            rows = [_with_limit(row) for row in held]
        if rows != held:
            yield Change((("insurance", rows),), _fact_hand(fact), None, fact.id)

    def _satisfying(self, p: Predicate, options: Sequence[str]) -> Any:
        if p.op in ("holds", "lacks"):
            return p.op == "holds"
        if p.op == "none_of":
            return next((option for option in options if option not in _listed(p)), None)
        if p.op in ("before", "after"):
            return self._day(p)
        if p.v_field is not None:
            return None
        first = p.v[0] if isinstance(p.v, tuple) else p.v
        return [first] if p.op == "overlaps" else first

    def _day(self, p: Predicate) -> str | None:
        known = self._case.row.get(p.v_field) if p.v_field else p.v
        if isinstance(known, str):
            known = datetime.date.fromisoformat(known)
        if not isinstance(known, datetime.date):
            return None
        step = datetime.timedelta(days=1 if p.op == "after" else -1)
        return (known + step).isoformat()

    def _paper_changes(self, predicate: Predicate) -> Iterator[Change]:
        for token in _listed(predicate):
            kind, _, issuer = str(token).partition(":")
            document = self._matcher.catalogue.documents[kind]
            if self._obtainable(document):
                yield self._with_paper(document, issuer or document.issuer, {})

    def _obtainable(self, document: DocumentDefinition) -> bool:
        """Whether it can still be had: at this stage, and as more than a mere waybill."""
        stage, allowed = self._case.profile.trade.stage, document.obtainable_in
        waybill = document.kind == "transport" and document.character == "none"
        return not waybill and (allowed is None or stage is None or stage in allowed)

    def _with_paper(
        self, document: DocumentDefinition, issuer: str | None, more: Mapping[str, Any]
    ) -> Change:
        added = {"type": document.id} | ({"issuer": issuer} if issuer else {})
        values = {"documents": [*self._papers, added], **document.sets, **more}
        hands = [_issuing_hand(document), self._hardest(more)]
        return Change(tuple(values.items()), max(hands, key=BY_COST.__getitem__), document.id)

    def _by_document(self, failing: Sequence[int]) -> Iterator[Change]:
        """A document together with all the facts that are its properties."""
        rules = [self._matcher.rules[i] for i in failing]
        names = {c.document for i in failing for c in self._candidates(i) if c.document}
        held = {paper.type for paper in self._case.company.documents or ()}
        for name in sorted(names):
            document = self._matcher.catalogue.documents[name]
            facts = self._facts_of(name, rules)
            if name in held and facts:
                yield Change(tuple(sorted(facts.items())), self._hardest(facts), name)
            elif name not in held and self._obtainable(document):
                yield self._with_paper(document, document.issuer, facts)

    def _hardest(self, facts: Iterable[str]) -> str:
        known = self._matcher.catalogue.facts
        hands: list[str] = [known[name].changeable for name in facts]
        return max(hands, key=BY_COST.__getitem__, default="company")

    def _facts_of(self, document: str, rules: Sequence[Rule]) -> dict[str, Any]:
        facts = self._matcher.catalogue.facts
        found = {}
        for predicate in [p for rule in rules for p in rule.predicates]:
            fact = facts.get(predicate.f)
            if fact is not None and fact.document == document and _fact_hand(fact) != "no":
                options = [option.id for option in fact.options or ()]
                found[fact.id] = self._satisfying(predicate, options)
        return {name: value for name, value in found.items() if value is not None}

    def _field_change(self, p: Predicate) -> Iterator[Change]:
        asks_for_more = p.f in NEEDS and p.op == "at_least"
        if p.f in NEEDS and p.v_field is not None and not asks_for_more:
            yield from self._within(p)
        if p.v_field is not None or p.op == "none_of" or asks_for_more:
            return
        if p.f == "need.currency":
            yield from self._other_currency(_listed(p))
            return
        field, first = BY_ID[p.f], p.v[0] if isinstance(p.v, tuple) else p.v
        held = self._case.row[p.f]
        name = p.f
        value: Any = first
        if p.f in NEEDS:
            name, value = "need.amount", self._in_need_currency(p.f, Decimal(str(first)), p.op)
        elif p.f == "trade.routes":
            routes = self._case.profile.trade.routes or ()
            value = [*_plain(routes), {"mode": first}]
        elif field.kind == "codes" and not field.single:
            value = [*getattr(held, "has", ()), first]
        elif field.kind == "day":
            value = self._day(p)
        elif field.kind == "number":
            value = int(floor(first) if p.op == "at_most" else ceil(first))  # type: ignore[arg-type]
        if value is not None:
            yield Change(((name, value),), field.changeable)

    def _other_currency(self, currencies: Sequence[Any]) -> Iterator[Change]:
        """Ask for the same money in another currency, at the dated rates."""
        wanted, need = self._case.derived.need.number, self._case.profile.need
        for currency in currencies:
            rate = self._case.rates.get(str(currency))
            if need.amount is None:
                yield Change((("need.currency", currency),), "company")
            elif wanted is not None and rate is not None:
                amount = (wanted / rate.cny_per_unit).quantize(Decimal(1), rounding=ROUND_FLOOR)
                yield Change((("need.currency", currency), ("need.amount", amount)), "company")

    def _within(self, p: Predicate) -> Iterator[Change]:
        """Ask for no more than a room or ceiling that is known and leaves something."""
        limit = self._case.row.get(p.v_field or "")
        amount = self._in_need_currency(p.f, limit, p.op) if isinstance(limit, Decimal) else None
        if amount:
            yield Change((("need.amount", amount),), "company")

    def _in_need_currency(self, field: str, amount: Decimal, op: str) -> Any:
        """An amount of `need_cny` or `need_usd` in whole units of the need's currency."""
        rates, wanted = self._case.rates, self._case.profile.need.currency or ""
        unit = BY_ID[field].unit
        if wanted not in rates or unit not in rates:
            return None
        direction = ROUND_FLOOR if op == "at_most" else ROUND_CEILING
        price = rates[unit].cny_per_unit / rates[wanted].cny_per_unit
        own = amount if unit == wanted else amount * price
        return own.quantize(Decimal(1), rounding=direction)


def _with_limit(row: dict[str, Any]) -> dict[str, Any]:
    """A row of insurance whose used-up limit is raised by what was declared."""
    used_up = row.get("free_limit") == 0 and row.get("declared")
    return {**row, "free_limit": row["declared"]} if used_up else row


def _codes(implication: Implication) -> tuple[Any, ...]:
    return implication.v if isinstance(implication.v, tuple) else ()


def _plain(records: Iterable[Record]) -> list[dict[str, Any]]:
    """Records as plain values, in an order that is not that of their list."""
    return sorted((r.model_dump(exclude_none=True) for r in records), key=repr)


def _cost(change: Change) -> tuple[int, int, str]:
    return BY_COST[change.by], len(change.values), change.key
