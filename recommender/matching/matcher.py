"""A compiled catalogue meets companies: their facts, their columns, the answers to all rules.

The one place where a profile is read against a catalogue: recommendations, what-if, verified
changes and batches all come here, so that one pair has one answer (ruling 8).
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender import codes
from recommender.catalogue import Catalogue
from recommender.catalogue.checks import answer_problem
from recommender.catalogue.product import FactDefinition
from recommender.company.collateral import Controlled
from recommender.company.derived import Derived, summary
from recommender.company.fields import FIELDS
from recommender.company.profile import Collateral, Company
from recommender.company.readings import UNKNOWN as UNKNOWN_CODES
from recommender.company.readings import Codes, Profile, Value
from recommender.errors import Problem
from recommender.matching.compiled import Compiled
from recommender.matching.eligibility import FLAG_TRUE, YES, Verdicts
from recommender.matching.encoding import Columns, Companies, Exposure, Values
from recommender.matching.kinds import Firm, firm
from recommender.matching.offers import Offers, with_advances
from recommender.matching.pledges import pledges
from recommender.matching.remembered import remembered
from recommender.matching.similarity import Situation, similarities
from recommender.parameters import Parameters, Rate

Fit = Literal["eligible", "conditional", "near_miss", "ineligible"]
Span = tuple[Decimal, Decimal]


class Statement(NamedTuple):
    """A fact's value with who says so; `profile` when it follows from the profile itself."""

    value: Any
    source: str


@dataclass(frozen=True)
class Case:
    """One company, read against the catalogue at a day.

    facts: what is known of the dictionary's facts; implied: what follows from the profile alone.
    row: values by field and fact; columns and values: the same, encoded.
    """

    profile: Profile
    facts: Mapping[str, Statement]
    implied: Mapping[str, Any]
    row: Mapping[str, Value]
    columns: Columns
    values: Values
    rates: Mapping[str, Rate]

    @property
    def company(self) -> Company:
        """The profile as given."""
        return self.profile.company

    @property
    def derived(self) -> Derived:
        """Its computed figures."""
        return self.profile.derived

    @property
    def firm(self) -> Firm:
        """What a model may know it by."""
        return firm(self.row, self.profile.need.amount)


class Matcher(Compiled):
    """A catalogue and dated parameters, compiled for evaluation."""

    def __init__(self, catalogue: Catalogue, parameters: Parameters) -> None:
        self.parameters = parameters
        self._last: tuple[Company, datetime.date, Case] | None = None
        super().__init__(catalogue, _defaults(parameters, datetime.date.max))

    @remembered(4096)
    def spans(self, product_id: str, as_of: datetime.date) -> Mapping[str, Span]:
        """Low and high share a product lends on each type it accepts: its own, else the dated."""
        found = {}
        for kind, own in sorted(self.catalogue.products[product_id].accepts.items()):
            if own is not None and own.low is not None and own.high is not None:
                found[kind] = (own.low, own.high)
            elif dated := self.parameters.advance(kind, as_of):
                found[kind] = (dated.low, dated.high)
        return found

    @remembered(64)
    def best_advances(
        self, as_of: datetime.date, directions: tuple[str, ...] | None = None
    ) -> Mapping[str, Decimal]:
        """The best advance on each type of collateral among products for these directions.

        directions: in one order; None: not known, so that every product counts. A type that none
        of them takes counts at its dated default: other lenders may take it.
        """
        open_to = [p for p in self.products if _serves(p.directions, directions)]
        dated = {
            kind.type: self.parameters.advance(kind.type, as_of)
            for kind in codes.collateral_types()
        }
        accepted = {kind for product in open_to for kind in product.accepts}
        best = {k: v.default for k, v in dated.items() if v is not None and k not in accepted}
        for product in open_to:
            for kind, (_, high) in self.spans(product.id, as_of).items():
                best[kind] = max(high, best.get(kind, Decimal(0)))
        return best

    def read(
        self, company: Company, as_of: datetime.date, given: Mapping[str, Rate] | None = None
    ) -> Case:
        """A company with its figures, facts and columns; given: rates of the request.

        The last case is kept: a company is read when it is accepted and again when it is assessed.
        """
        kept = self._last
        if kept and kept[0] is company and kept[1] == as_of and not given:
            return kept[2]
        case = self._read(self.catalogue.normalised(company), as_of, given)
        if not given:
            self._last = (company, as_of, case)
        return case

    def _read(
        self, company: Company, as_of: datetime.date, given: Mapping[str, Rate] | None
    ) -> Case:
        rates = self.parameters.rates(as_of, given) if given else self.rates_on(as_of)
        profile = self.profile(company, as_of, rates)
        row: dict[str, Value] = {field.id: field.read(profile) for field in FIELDS}
        values = self.layout.blank()
        known_fields = {n: v for n, v in row.items() if v is not None and v is not UNKNOWN_CODES}
        self.layout.write(values, known_fields)
        implied = self.implied_by(self.implications.verdicts(self.layout.columns([values]))[0])
        facts = {name: Statement(value, "profile") for name, value in implied.items()}
        facts |= self._stated(company)
        known = {n: fact_value(self.catalogue.facts[n], s.value) for n, s in facts.items()}
        self.layout.write(values, known)
        columns = self.layout.columns([values])
        return Case(profile, facts, implied, {**row, **known}, columns, values, rates)

    @remembered(16)
    def rates_on(self, as_of: datetime.date) -> Mapping[str, Rate]:
        """The dated rates in force on a day."""
        return self.parameters.rates(as_of)

    def profile(self, company: Company, as_of: datetime.date, rates: Mapping[str, Rate]) -> Profile:
        """A company, its documents named by id, with its computed figures."""
        stated = company.trade.directions if company.trade else None
        directions = None if stated is None else tuple(sorted(set(stated)))
        control, best = self.control_of(company), self.best_advances(as_of, directions)
        figures = summary(company, self.parameters, as_of, best, rates, controlled=control)
        return Profile(company, figures, as_of)

    def control_of(self, company: Company) -> Controlled:
        """Whether the company holds a paper that gives control of the goods of an item's trade.

        Not known while papers are not, or where the trade of the item or of a paper is not stated.
        """
        papers, documents = company.documents, self.catalogue.documents

        def controlled(item: Collateral) -> bool | None:
            if papers is None:
                return None
            known = [paper for paper in papers if paper.type in documents]
            trades = [p.trade for p in known if documents[p.type].character != "none"]
            if item.trade is not None and item.trade in trades:
                return True
            return None if trades and (item.trade is None or None in trades) else False

        return controlled

    def _stated(self, company: Company) -> dict[str, Statement]:
        """Answers of the company's record; one of the wrong kind is `problems`' business."""
        known = self.catalogue.facts
        return {
            name: Statement(fact.value, fact.source)
            for name, fact in sorted((company.facts or {}).items())
            if fact.value is not None
            and name in known
            and answer_problem(known[name], fact.value) is None
        }

    def implied_by(self, answers: Verdicts) -> dict[str, Any]:
        """The facts that follow from a profile. answers (implications,): to their conditions."""
        follows = np.flatnonzero(answers == YES).tolist()
        return {self.implied[i][0]: self.implied[i][1].value for i in follows}

    def problems(self, company: Company) -> list[Problem]:
        """What is wrong with a company's facts and papers against the dictionaries."""
        found = list(self._fact_problems(company))
        for i, paper in enumerate(company.documents or ()):
            if self.catalogue.document_id(paper.type) is None:
                allowed = _near(paper.type, self.catalogue.documents)
                place = f"documents[{i}].type"
                found.append(Problem("unknown_document", place, paper.type, allowed))
        return found

    def _fact_problems(self, company: Company) -> Iterable[Problem]:
        for name, fact in sorted((company.facts or {}).items()):
            definition = self.catalogue.facts.get(name)
            if definition is None:
                allowed = _near(name, self.catalogue.facts)
                yield Problem("unknown_fact", f"facts.{name}", name, allowed)
            elif fact.value is not None:
                problem = answer_problem(definition, fact.value)
                if problem is not None:
                    yield Problem(problem.code, f"facts.{name}", fact.value, problem.allowed)

    def contradictions(self, case: Case) -> list[Problem]:
        """Stated facts that the rest of the profile contradicts."""
        return [
            Problem("contradiction", f"facts.{name}", fact.value, case.implied[name])
            for name, fact in sorted((case.company.facts or {}).items())
            if name in case.implied and fact.value not in (None, case.implied[name])
        ]

    def situation(self, cases: Sequence[Case]) -> Situation:
        """Several cases as arrays, with the answers to all rules."""
        columns = cases[0].columns if len(cases) == 1 else stacked([c.columns for c in cases])
        trades = [case.profile.trade for case in cases]
        companies = Companies(
            columns,
            tuple(self.tokens.goods(trade.hs) for trade in trades),
            tuple(self.tokens.words(trade.description) for trade in trades),
            tuple(pledges(c.company, c.rates, self.control_of(c.company)) for c in cases),
            tuple(_exposures(case) for case in cases),
            np.array([_float(case.derived.collateral_coverage.number) for case in cases]),
        )
        return Situation(companies, self.table.verdicts(columns))

    def values(
        self, situation: Situation, as_of: datetime.date | None = None
    ) -> NDArray[np.float64]:
        """All similarities (n, m, K), with the advances in force on the day."""
        return similarities(situation, self.offers_on(as_of or datetime.date.max))

    @remembered(16)
    def offers_on(self, as_of: datetime.date) -> Offers:
        """The scopes of the products with the dated advances of a day."""
        dated = _defaults(self.parameters, as_of)
        if dated == _defaults(self.parameters, datetime.date.max):
            return self.offers
        return with_advances(self.offers, dated)


def _defaults(parameters: Parameters, as_of: datetime.date) -> dict[str, Span]:
    """The dated advance of every collateral type."""
    found = {}
    for kind in codes.collateral_types():
        dated = parameters.advance(kind.type, as_of)
        if dated is not None:
            found[kind.type] = (dated.low, dated.high)
    return found


def _serves(scope: tuple[str, ...] | None, directions: tuple[str, ...] | None) -> bool:
    return scope is None or directions is None or not {*scope}.isdisjoint(directions)


def _near(name: str, known: Mapping[str, Any]) -> list[str]:
    return get_close_matches(name, known, 3) or sorted(known)


_HOLDS, _LACKS = Codes((FLAG_TRUE,)), Codes()


def fact_value(definition: FactDefinition, value: Any) -> Value:
    """A fact's answer as an encodable value."""
    if value is None:
        return UNKNOWN_CODES if definition.type in ("flag", "choice", "choices") else None
    if definition.type == "flag":
        return _HOLDS if value else _LACKS
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
