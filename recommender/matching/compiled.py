"""A catalogue compiled once: its rules as one table, its scopes as arrays, who answers what.

Rules that say the same are compiled once, however many products carry them; the flat arrays tell
which product carries which rule, so that questions about all products are a few numpy calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from recommender.catalogue import Catalogue
from recommender.catalogue.product import Product
from recommender.company.fields import FIELDS
from recommender.matching.eligibility import (
    FLAG_TRUE,
    NO,
    UNKNOWN,
    Gates,
    RuleTable,
    Verdicts,
    codes_of,
    compile_rules,
)
from recommender.matching.encoding import Ints, Layout
from recommender.matching.offers import VOCABULARY, Spans, Tokens, compile_offers
from recommender.matching.remembered import remembered
from recommender.rules import Implication, Rule

Bools = NDArray[np.bool_]
Placed = tuple[int, Rule]


class Compiled:
    """The compiled rules and scopes of a catalogue.

    rules: distinct rules; rule_ids: per product, indices in the order of Catalogue.rules; placed:
    per product, each of its rules with its index; parts: the same by who answers hard ones.
    asked, hard: who answers each rule, and whether it gates.
    carried, carrier: every (rule, product) pair, flat, by product.
    """

    def __init__(self, catalogue: Catalogue, default_advances: Spans) -> None:
        self.catalogue = catalogue
        self.products: tuple[Product, ...] = tuple(catalogue.products.values())
        self.ids = tuple(product.id for product in self.products)
        self.index = {product.id: j for j, product in enumerate(self.products)}
        self.rules: list[Rule] = []
        self._places: dict[str, int] = {}
        self.rule_ids = {p.id: [self._add(r) for r in catalogue.rules(p.id)] for p in self.products}
        self.placed = [
            tuple(zip(self.rule_ids[p.id], catalogue.rules(p.id), strict=True))
            for p in self.products
        ]
        self.fields_of = tuple(fields_of(rule) for rule in self.rules)
        self.asked = tuple(self.asked_of(rule) for rule in self.rules)
        self.hard: Bools = np.array([rule.hard for rule in self.rules], dtype=bool)
        self.ours: Bools = np.array([asked == "company" for asked in self.asked], dtype=bool)
        self.implied = self._implications()
        predicates = [item.predicate() for _, item in self.implied]
        self.implied_from = {name for p in predicates for name in (p.f, p.v_field) if name}
        self.tokens = Tokens(self.products)
        self.layout = self._layout()
        self.table: RuleTable = compile_rules(self.rules, self.layout)
        self.implications = self._compiled_implications()
        self.carried, self.carrier = self._carried()
        self.parts = [self._parted(placed) for placed in self.placed]
        self.hard_placed = [(*ours, *theirs) for ours, theirs, _ in self.parts]
        self.gates = Gates.of(
            self._deciding(ours=True), self._deciding(ours=False), len(self.rules)
        )
        self.hard_rules = [[i for i in self.rule_ids[p.id] if self.hard[i]] for p in self.products]
        self.ceilings = np.array([p.fit_ceiling == "conditional" for p in self.products])
        self.offers = compile_offers(
            self.products,
            self.layout,
            self.tokens,
            default_advances,
            [[i for i in self.rule_ids[p.id] if not self.rules[i].hard] for p in self.products],
            tuple(catalogue.documents),
        )

    def _add(self, rule: Rule) -> int:
        key = rule.model_dump_json(exclude={"note", "src", "scope"})
        if key not in self._places:
            self._places[key] = len(self.rules)
            self.rules.append(rule)
        return self._places[key]

    def _implications(self) -> tuple[tuple[str, Implication], ...]:
        return tuple(
            (fact.id, item)
            for fact in self.catalogue.facts.values()
            for item in sorted(fact.implied_by, key=repr)
        )

    def _compiled_implications(self) -> RuleTable:
        rules = [
            Rule.model_validate({**item.predicate().model_dump(), "code": fact})
            for fact, item in self.implied
        ]
        return compile_rules(rules, self.layout)

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
        predicates += [item.predicate() for _, item in self.implied]
        for predicate in predicates:
            if predicate.f in coded:
                coded[predicate.f] |= set(codes_of(predicate))
        return Layout(numbers, coded, {f.id: f.matching for f in FIELDS if f.kind == "codes"})

    def asked_of(self, rule: Rule) -> str:
        """Who answers a rule: the company as soon as one of its predicates is the company's."""
        facts = self.catalogue.facts
        asked = [facts[p.f].asked_of if p.f in facts else "company" for p in rule.predicates]
        return "company" if "company" in asked else asked[0]

    def _carried(self) -> tuple[Ints, Ints]:
        pairs = [(i, j) for j, p in enumerate(self.products) for i in self.rule_ids[p.id]]
        flat = np.array(pairs, dtype=np.int64).reshape(-1, 2)
        return flat[:, 0].copy(), flat[:, 1].copy()

    def _deciding(self, *, ours: bool) -> list[list[int]]:
        return [
            [i for i in self.rule_ids[p.id] if self.hard[i] and self.ours[i] == ours]
            for p in self.products
        ]

    def _parted(self, placed: Iterable[Placed]) -> tuple[list[Placed], ...]:
        """Hard rules of the company, hard rules of banks and screening, soft rules."""
        found: tuple[list[Placed], ...] = ([], [], [])
        for i, rule in placed:
            found[2 if not rule.hard else 0 if self.asked[i] == "company" else 1].append((i, rule))
        return found

    def fits(self, verdicts: Verdicts) -> NDArray[np.int8]:
        """(n, m): 1 eligible, 0 conditional, -1 not, before near misses are looked for."""
        found = self.gates.fits(verdicts)
        return np.where(self.ceilings, np.minimum(found, np.int8(UNKNOWN)), found)

    def failing(
        self, verdicts: Verdicts, among: Bools, lanes: Sequence[str]
    ) -> dict[int, list[int]]:
        """Hard rules that say no, by product of some lanes, where all of those are in `among`.

        verdicts (rules,) of one company; among (rules,) restricts to rules worth looking at.
        """
        if not lanes:
            return {}
        says_no = (verdicts == NO) & self.hard
        worth = self.gates.decided(says_no & among) & ~self.gates.decided(says_no & ~among)
        failed = says_no.tolist()
        products = np.flatnonzero(worth & self._within(tuple(lanes))).tolist()
        return {j: [i for i in self.hard_rules[j] if failed[i]] for j in products}

    @remembered(64)
    def _within(self, lanes: tuple[str, ...]) -> Bools:
        return self.offers.lane_is(*lanes)

    @remembered(64)
    def in_lanes(self, lanes: tuple[str, ...]) -> tuple[Product, ...]:
        """The products of some lanes, by id."""
        return tuple(product for product in self.products if product.lane in lanes)


def fields_of(rule: Rule) -> tuple[str, ...]:
    """The fields and facts a rule looks at, operands included."""
    named = (name for p in rule.predicates for name in (p.f, p.v_field) if name)
    return tuple(dict.fromkeys(named))
