"""A compiled catalogue meets encoded companies: facts, answers to rules, fit classes, scores.

The one place where rules and similarities are evaluated: recommendations, what-if, verified
changes and batches all come here, so that one pair has one answer (ruling 8).
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from recommender.amounts import pledges
from recommender.catalogue import Catalogue
from recommender.catalogue_checks import answer_problem
from recommender.derived import Derived, summary
from recommender.domain import Company
from recommender.eligibility import (
    FLAG_TRUE,
    NO,
    UNKNOWN,
    YES,
    Gates,
    RuleTable,
    Verdicts,
    codes_of,
    compile_rules,
)
from recommender.encoding import Columns, Companies, Exposure, Layout, Segments
from recommender.errors import Problem
from recommender.fields import FIELDS, Codes, Profile, Value
from recommender.fields import UNKNOWN as UNKNOWN_CODES
from recommender.offers import VOCABULARY, Tokens, compile_offers
from recommender.parameters import Parameters, Rate
from recommender.product import FactDefinition, Product, Rule
from recommender.similarity import Situation, similarities

Fit = Literal["eligible", "conditional", "near_miss", "ineligible"]


@dataclass(frozen=True)
class Statement:
    """A fact's value with who says so; `profile` when it follows from the profile itself."""

    value: Any
    source: str


@dataclass(frozen=True)
class Case:
    """One company, read against the catalogue at a day."""

    profile: Profile
    facts: Mapping[str, Statement]
    row: Mapping[str, Value]
    columns: Columns
    rates: Mapping[str, Rate]

    @property
    def company(self) -> Company:
        """The profile as given."""
        return self.profile.company

    @property
    def derived(self) -> Derived:
        """Its computed figures."""
        return self.profile.derived


class Matcher:
    """A catalogue and dated parameters, compiled for evaluation."""

    def __init__(self, catalogue: Catalogue, parameters: Parameters) -> None:
        self.catalogue, self.parameters = catalogue, parameters
        self.products: tuple[Product, ...] = tuple(catalogue.products.values())
        self.index = {product.id: j for j, product in enumerate(self.products)}
        self.rules: list[Rule] = []
        self._index: dict[str, int] = {}
        self.rule_ids = {p.id: [self._add(r) for r in catalogue.rules(p.id)] for p in self.products}
        self._implied = [
            (fact.id, item)
            for fact in catalogue.facts.values()
            for item in sorted(fact.implied_by, key=repr)
        ]
        self.tokens = Tokens(self.products)
        self.layout = self._layout()
        self.table: RuleTable = compile_rules(self.rules, self.layout)
        implications = [
            Rule.model_validate({**item.predicate().model_dump(), "code": fact})
            for fact, item in self._implied
        ]
        self._implications = compile_rules(implications, self.layout)
        self.gates = Gates.of(*(self._deciding(company) for company in (True, False)))
        self.advances = [self._advances(product) for product in self.products]
        self.offers = compile_offers(
            self.products, self.layout, self.tokens, self.advances, self._soft(), self._papers()
        )

    def _add(self, rule: Rule) -> int:
        key = rule.model_dump_json(exclude={"note", "src", "scope"})
        if key not in self._index:
            self._index[key] = len(self.rules)
            self.rules.append(rule)
        return self._index[key]

    def _papers(self) -> tuple[str, ...]:
        return tuple(self.catalogue.documents)

    def _layout(self) -> Layout:
        facts = self.catalogue.facts
        numbers = [f.id for f in FIELDS if f.kind != "codes"]
        numbers += [f.id for f in facts.values() if f.type in ("number", "date")]
        coded = {f.id: set(VOCABULARY.get(f.id, ())) for f in FIELDS if f.kind == "codes"}
        coded["documents"] |= set(self.catalogue.documents)
        coded["receivable_currencies"] |= {c for p in self.products for c in p.currencies}
        for fact in facts.values():
            if fact.type == "flag":
                coded[fact.id] = {FLAG_TRUE}
            elif fact.type in ("choice", "choices"):
                coded[fact.id] = {option.id for option in fact.options or ()}
        predicates = [p for rule in self.rules for p in rule.predicates]
        predicates += [item.predicate() for _, item in self._implied]
        for predicate in predicates:
            if predicate.f in coded:
                coded[predicate.f] |= set(codes_of(predicate))
        return Layout(numbers, coded, {f.id: f.matching for f in FIELDS if f.kind == "codes"})

    def asked_of(self, rule: Rule) -> str:
        """Who answers a rule: the company as soon as one of its predicates is the company's."""
        facts = self.catalogue.facts
        asked = [facts[p.f].asked_of if p.f in facts else "company" for p in rule.predicates]
        return "company" if "company" in asked else asked[0]

    def _deciding(self, company: bool) -> list[list[int]]:
        return [
            [
                i
                for i in self.rule_ids[product.id]
                if self.rules[i].hard and (self.asked_of(self.rules[i]) == "company") == company
            ]
            for product in self.products
        ]

    def _soft(self) -> list[list[int]]:
        return [[i for i in self.rule_ids[p.id] if not self.rules[i].hard] for p in self.products]

    def _advances(self, product: Product) -> dict[str, float]:
        """Middle of the advance range per accepted type; types without any range are left out."""
        found = {kind: self.advance_range(product, kind) for kind in product.accepts}
        return {kind: float(span[0] + span[1]) / 2 for kind, span in sorted(found.items()) if span}

    def advance_range(
        self, product: Product, kind: str, as_of: datetime.date | None = None
    ) -> tuple[Decimal, Decimal] | None:
        """Low and high share a product lends on a type: its own, else the dated default."""
        own = product.accepts.get(kind)
        if own is not None and own.low is not None and own.high is not None:
            return own.low, own.high
        dated = self.parameters.advance(kind, as_of or datetime.date.max)
        return (dated.low, dated.high) if dated else None

    def best_advances(self, as_of: datetime.date) -> dict[str, Decimal]:
        """The best advance the catalogue offers on each type of collateral."""
        best: dict[str, Decimal] = {}
        for product in self.products:
            for kind in product.accepts:
                span = self.advance_range(product, kind, as_of)
                if span is not None:
                    best[kind] = max(span[1], best.get(kind, Decimal(0)))
        return best

    def read(
        self, company: Company, as_of: datetime.date, given: Mapping[str, Rate] | None = None
    ) -> Case:
        """A company with its figures, facts and columns; given: rates of the request."""
        company = self.catalogue.normalised(company)
        rates = self.parameters.rates(as_of, given)
        derived = summary(company, self.parameters, as_of, self.best_advances(as_of), rates)
        profile = Profile(company, derived, as_of)
        row: dict[str, Value] = {field.id: field.read(profile) for field in FIELDS}
        columns = self.layout.encode([row])
        facts = self._statements(company, columns)
        for name, statement in facts.items():
            value = fact_value(self.catalogue.facts[name], statement.value)
            row[name] = value
            self.layout.put(columns, 0, name, value)
        return Case(profile, facts, row, columns, rates)

    def _statements(self, company: Company, columns: Columns) -> dict[str, Statement]:
        stated = {
            name: Statement(fact.value, fact.source)
            for name, fact in sorted((company.facts or {}).items())
            if fact.value is not None and name in self.catalogue.facts
        }
        return {**self._implied_by_profile(columns), **stated}

    def _implied_by_profile(self, columns: Columns) -> dict[str, Statement]:
        verdicts = self._implications.verdicts(columns)[0]
        return {
            name: Statement(item.value, "profile")
            for (name, item), verdict in zip(self._implied, verdicts, strict=True)
            if verdict == YES
        }

    def problems(self, company: Company) -> list[Problem]:
        """What is wrong with a company's facts and papers against the dictionaries."""
        found = list(self._fact_problems(company))
        for i, paper in enumerate(company.documents or ()):
            if self.catalogue.document_id(paper.type) is None:
                allowed = self._near(paper.type, self.catalogue.documents)
                found.append(
                    Problem("unknown_document", f"documents[{i}].type", paper.type, allowed)
                )
        return found or self._contradictions(company)

    def _fact_problems(self, company: Company) -> list[Problem]:
        found = []
        for name, fact in sorted((company.facts or {}).items()):
            definition = self.catalogue.facts.get(name)
            if definition is None:
                allowed = self._near(name, self.catalogue.facts)
                found.append(Problem("unknown_fact", f"facts.{name}", name, allowed))
            elif fact.value is not None:
                problem = answer_problem(definition, fact.value)
                if problem is not None:
                    place = f"facts.{name}"
                    found.append(Problem(problem.code, place, fact.value, problem.allowed))
        return found

    def _near(self, name: str, known: Mapping[str, Any]) -> list[str]:
        return get_close_matches(name, known, 3) or sorted(known)

    def _contradictions(self, company: Company) -> list[Problem]:
        """Stated facts that the rest of the profile contradicts."""
        case = self.read(company, datetime.date.max)
        implied = self._implied_by_profile(case.columns)
        return [
            Problem("contradiction", f"facts.{name}", fact.value, implied[name].value)
            for name, fact in sorted((company.facts or {}).items())
            if name in implied and fact.value is not None and fact.value != implied[name].value
        ]

    def situation(self, cases: Sequence[Case]) -> Situation:
        """Several cases as arrays, with the answers to all rules."""
        columns = stacked([case.columns for case in cases])
        companies = Companies(
            columns,
            Segments.of([self.tokens.hs_tokens(c.profile.trade.hs or ()) for c in cases]),
            Segments.of(
                [self.tokens.text_tokens(c.profile.trade.description or "") for c in cases]
            ),
            np.array([c.profile.trade.description is not None for c in cases]),
            tuple(pledges(case.company, case.rates) for case in cases),
            tuple(_exposures(case) for case in cases),
            np.array([_float(case.derived.collateral_coverage.number) for case in cases]),
        )
        return Situation(companies, self.table.verdicts(columns))

    def fits(self, verdicts: Verdicts) -> NDArray[np.int8]:
        """(n, m): 1 eligible, 0 conditional, -1 not, before near misses are looked for."""
        company, other = self.gates.answers(verdicts)
        fit = np.where(other == NO, np.int8(NO), company)
        ceiling = [p.fit_ceiling == "conditional" for p in self.products]
        return np.where(ceiling, np.minimum(fit, UNKNOWN), fit).astype(np.int8)

    def values(self, situation: Situation) -> NDArray[np.float64]:
        """All similarities (n, m, K)."""
        return similarities(situation, self.offers)


def fact_value(definition: FactDefinition, value: Any) -> Value:
    """A fact's answer as an encodable value."""
    if value is None:
        return UNKNOWN_CODES if definition.type in ("flag", "choice", "choices") else None
    if definition.type == "flag":
        return Codes((FLAG_TRUE,)) if value else Codes()
    if definition.type == "choice":
        return Codes((str(value),))
    if definition.type == "choices":
        return Codes(tuple(sorted(value)))
    if definition.type == "date":
        return datetime.date.fromisoformat(value) if isinstance(value, str) else value
    return float(value)


def stacked(parts: Sequence[Columns]) -> Columns:
    """Columns of several companies behind one another."""
    return Columns(
        np.concatenate([part.numbers for part in parts]),
        np.concatenate([part.has for part in parts]),
        np.concatenate([part.may for part in parts]),
    )


def _exposures(case: Case) -> tuple[Exposure, ...] | None:
    if case.company.positions is None:
        return None
    return tuple(
        Exposure(p.currency, p.bucket, _float(p.documented) * _price(case, p.currency))
        for p in case.derived.positions
    )


def _price(case: Case, currency: str) -> float:
    rate = case.rates.get(currency)
    return _float(rate.cny_per_unit if rate else None)


def _float(value: Decimal | None) -> float:
    return float("nan") if value is None else float(value)
