"""What would change an answer: single changes, applied and verified before they are shown.

A change sets one fact, one structural field, or everything one document brings. Who can make it
(company, third party) comes from the dictionary; what nobody can change is never offered.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from recommender.catalogue import Catalogue
from recommender.domain import Company
from recommender.eligibility import NO, YES
from recommender.errors import InvalidProfile, Problem
from recommender.fields import BY_ID
from recommender.matching import Case, Matcher
from recommender.product import DocumentDefinition, FactDefinition, Predicate, Rule

BY_COST = {"company": 0, "third_party": 1}


@dataclass(frozen=True)
class Change:
    """Values to set, who can do it, and the document it comes with, if any."""

    values: tuple[tuple[str, Any], ...]
    by: str
    document: str | None = None

    @property
    def key(self) -> str:
        """Identity: the same values by the same hand."""
        return f"{self.by}:{self.values!r}"


@dataclass(frozen=True)
class Verified:
    """A change with the answers to all rules, and the fits of all products, after it."""

    change: Change
    verdicts: Any
    fits: Any


def apply(company: Company, values: Mapping[str, Any], catalogue: Catalogue) -> Company:
    """The company with fields set, by dotted path or fact id; raises InvalidProfile.

    A fact set this way is an assumption of the question asked, so its source is the company.
    """
    raw = company.model_dump(mode="python", exclude_none=True)
    problems = []
    for name, value in values.items():
        fact = name.removeprefix("facts.")
        if fact in catalogue.facts:
            raw.setdefault("facts", {})[fact] = {"value": value}
        elif not _set(raw, name.split("."), value):
            problems.append(Problem("unknown_change", f"set.{name}", name))
    if problems:
        raise InvalidProfile(problems)
    return Company.parse(raw)


def _set(raw: dict[str, Any], parts: Sequence[str], value: Any) -> bool:
    if parts[0] not in Company.model_fields:
        return False
    for part in parts[:-1]:
        inner = raw.setdefault(part, {})
        if not isinstance(inner, dict):
            return False
        raw = inner
    raw[parts[-1]] = value
    return True


class Changes:
    """Finds and verifies the changes that matter to one company."""

    def __init__(self, matcher: Matcher, case: Case, rates: Mapping[str, Any]) -> None:
        self._matcher, self._case, self._rates = matcher, case, rates
        self._verified: dict[str, Verified | None] = {}

    def near_misses(self, rules: Mapping[str, Sequence[int]]) -> dict[str, list[Change]]:
        """Single changes by the company that make a product eligible or conditional.

        rules: product id -> its rules that say no. Cheapest first: fewest values, then by key.
        """
        found = {}
        for product_id, failing in rules.items():
            column = self._matcher.index[product_id]
            fixes = [
                change
                for change in self._covering(failing)
                if change.by == "company" and self._holds(change, column)
            ]
            if fixes:
                found[product_id] = sorted(fixes, key=_cost)
        return found

    def for_rules(self, failing: Iterable[int]) -> list[Change]:
        """Verified changes that turn one of the rules to yes, cheapest first."""
        found: dict[str, Change] = {}
        for index in failing:
            for change in self._candidates(self._matcher.rules[index]):
                after = self._after(change)
                if after is not None and after.verdicts[index] == YES:
                    found[change.key] = change
        return sorted(found.values(), key=_cost)

    def _holds(self, change: Change, column: int) -> bool:
        after = self._after(change)
        return after is not None and after.fits[column] != NO

    def _after(self, change: Change) -> Verified | None:
        if change.key not in self._verified:
            self._verified[change.key] = self._verify(change)
        return self._verified[change.key]

    def _verify(self, change: Change) -> Verified | None:
        matcher, case = self._matcher, self._case
        try:
            company = apply(case.company, dict(change.values), matcher.catalogue)
        except InvalidProfile:
            return None
        if matcher.problems(company):
            return None
        after = matcher.read(company, case.profile.as_of, self._rates)
        verdicts = matcher.table.verdicts(after.columns)
        return Verified(change, verdicts[0], matcher.fits(verdicts)[0])

    def _covering(self, failing: Sequence[int]) -> list[Change]:
        """Candidates that touch every failing rule; one of them may mend them all."""
        rules = [self._matcher.rules[index] for index in failing]
        found = {c.key: c for rule in rules for c in self._candidates(rule)}
        if len(rules) > 1:
            found |= {c.key: c for c in self._by_document(rules)}
        return [c for c in found.values() if all(_touches(c, rule) for rule in rules)]

    def _candidates(self, rule: Rule) -> Iterator[Change]:
        for predicate in rule.predicates:
            fact = self._matcher.catalogue.facts.get(predicate.f)
            if fact is not None:
                yield from self._fact_change(fact, predicate)
            elif predicate.f in ("documents", "document_issuers"):
                yield from self._paper_changes(predicate)
            elif BY_ID[predicate.f].changeable != "no":
                yield from self._field_change(predicate)

    def _fact_change(self, fact: FactDefinition, predicate: Predicate) -> Iterator[Change]:
        if fact.changeable == "no" or fact.asked_of == "screening":
            return
        value = self._satisfying(predicate, [option.id for option in fact.options or ()])
        if value is not None:
            yield Change(((fact.id, value),), fact.changeable, fact.document)

    def _satisfying(self, p: Predicate, options: Sequence[str]) -> Any:
        if p.op in ("holds", "lacks"):
            return p.op == "holds"
        if p.op == "none_of":
            barred = p.v if isinstance(p.v, tuple) else (p.v,)
            return next((option for option in options if option not in barred), None)
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
        documents = self._matcher.catalogue.documents
        for token in predicate.v if isinstance(predicate.v, tuple) else ():
            kind, _, issuer = str(token).partition(":")
            document = documents[kind]
            if document.character == "none" and document.kind == "transport":
                continue
            if self._obtainable(document):
                yield self._with_paper(document, issuer or document.issuer)

    def _obtainable(self, document: DocumentDefinition) -> bool:
        stage = self._case.profile.trade.stage
        allowed = document.obtainable_in
        return allowed is None or stage is None or stage in allowed

    def _with_paper(
        self, document: DocumentDefinition, issuer: str | None, more: Mapping[str, Any] = {}
    ) -> Change:
        papers = [p.model_dump(exclude_none=True) for p in self._case.company.documents or ()]
        added = {"type": document.id} | ({"issuer": issuer} if issuer else {})
        values = {"documents": [*papers, added], **document.sets, **more}
        by = "company" if document.obtained_from == "company" else "third_party"
        return Change(tuple(values.items()), by, document.id)

    def _by_document(self, rules: Sequence[Rule]) -> Iterator[Change]:
        """A document together with all the facts that are its properties."""
        for change in [c for rule in rules for c in self._candidates(rule) if c.document]:
            document = self._matcher.catalogue.documents[str(change.document)]
            facts = self._facts_of(document.id, rules)
            held = document.id in {p.type for p in self._case.company.documents or ()}
            if held and facts:
                yield Change(tuple(sorted(facts.items())), self._hardest(facts), document.id)
            elif self._obtainable(document):
                yield self._with_paper(document, document.issuer, facts)

    def _hardest(self, facts: Iterable[str]) -> str:
        known = self._matcher.catalogue.facts
        return max((known[name].changeable for name in facts), key=BY_COST.__getitem__)

    def _facts_of(self, document: str, rules: Sequence[Rule]) -> dict[str, Any]:
        facts = self._matcher.catalogue.facts
        found = {}
        for predicate in [p for rule in rules for p in rule.predicates]:
            fact = facts.get(predicate.f)
            if fact is not None and fact.document == document and fact.changeable != "no":
                options = [option.id for option in fact.options or ()]
                found[fact.id] = self._satisfying(predicate, options)
        return found

    def _field_change(self, p: Predicate) -> Iterator[Change]:
        if p.v_field is not None or p.op == "none_of":
            return
        field, first = BY_ID[p.f], p.v[0] if isinstance(p.v, tuple) else p.v
        value: Any = first
        name = p.f
        if p.f == "need_cny":
            name, value = "need.amount", self._in_need_currency(Decimal(str(first)), p.op)
        elif p.f == "trade.routes":
            value = [*self._held("routes"), {"mode": first}]
        elif field.kind == "codes" and not field.single:
            value = [*(self._case.row[p.f].has if self._case.row[p.f] else ()), first]  # type: ignore[union-attr]
        elif field.kind == "number":
            value = int(float(str(first)))
        if value is not None:
            yield Change(((name, value),), field.changeable)

    def _held(self, name: str) -> list[Any]:
        routes = getattr(self._case.profile.trade, name) or ()
        return [route.model_dump(exclude_none=True) for route in routes]

    def _in_need_currency(self, cny: Decimal, op: str) -> Any:
        rate = self._case.rates.get(self._case.profile.need.currency or "")
        if rate is None:
            return None
        direction = ROUND_FLOOR if op == "at_most" else ROUND_CEILING
        return (cny / rate.cny_per_unit).quantize(Decimal(1), rounding=direction)


def _touches(change: Change, rule: Rule) -> bool:
    names = {name for name, _ in change.values}
    if "documents" in names:
        names.add("document_issuers")
    if names & {"need.amount", "need.currency"}:
        names |= {"need_cny", "collateral_gap_cny"}
    return any(predicate.f in names for predicate in rule.predicates)


def _cost(change: Change) -> tuple[int, int, str]:
    return BY_COST[change.by], len(change.values), change.key
