"""One match as a plain dict: why it fits, what it hangs on, what blocks it, what would change it.

Dicts follow the contract's names and are built once; every text is in the language asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from recommender.amounts import Indication
from recommender.change_texts import ChangeWriter
from recommender.changes import Change
from recommender.derived import Figure
from recommender.eligibility import NO, UNKNOWN, YES
from recommender.explain import VERDICT, Wording, band
from recommender.fields import SEARCHED, Codes
from recommender.matching import Case, Fit, Matcher
from recommender.product import Product, Rule
from recommender.remedies import Remedies
from recommender.scoring import MICRO, Scores
from recommender.sheets import Sheets, number, span
from recommender.similarity import FEATURES
from recommender.texts import Label, Language, label, show, table, text

Json = dict[str, Any]
_SCOPES = {
    "route": "routes",
    "cargo": "hs",
    "stage": "stages",
    "settlement": "settlement_methods",
    "size": "sizes",
    "documents": "documents",
}
TRUSTED = {"bank": ("bank", "register"), "screening": ("screening",)}


class Answered(NamedTuple):
    """A rule with its answer: 1 yes, 0 unknown, -1 no; at: its place in the table."""

    at: int
    rule: Rule
    verdict: int


@dataclass(frozen=True)
class Assessment:
    """One company against the whole catalogue, before anything is worded.

    verdicts (rules,), fits by product id, changes that make near misses fit, scores or None.
    """

    case: Case
    verdicts: Any
    fits: Mapping[str, Fit]
    near: Mapping[str, Sequence[Change]]
    scores: Scores | None
    values: Any
    applies: Any
    remedies: Remedies


class MatchWriter:
    """Writes the matches of one assessment in one language."""

    def __init__(
        self,
        matcher: Matcher,
        sheets: Sheets,
        assessment: Assessment,
        weights: Mapping[str, float],
        language: Language,
    ) -> None:
        self._matcher, self._sheets, self._a = matcher, sheets, assessment
        self._weights, self._language = weights, language
        self._wording = Wording(matcher.catalogue)
        currency = assessment.case.profile.need.currency
        self._writer = ChangeWriter(matcher.catalogue, currency, language)

    def rules(self, product_id: str) -> list[Answered]:
        """Every rule of a product with its answer."""
        ids = self._matcher.rule_ids[product_id]
        rules = self._matcher.catalogue.rules(product_id)
        verdicts = self._a.verdicts
        return [Answered(i, rule, int(verdicts[i])) for i, rule in zip(ids, rules, strict=True)]

    def match(self, product: Product, rank: int, indication: Indication) -> Json:
        """The match of one product."""
        j = self._matcher.index[product.id]
        fit = self._a.fits[product.id]
        rules = self.rules(product.id)
        return {
            **self._sheets.head(product, self._language),
            "fit": fit,
            "fit_text": text(f"fit.{fit}", self._language),
            "rank": rank,
            **self._score(j),
            "uptake_probability": None,
            "contributions": self._contributions(j),
            "subject_to": self._subject_to(rules),
            "cautions": self._cautions(product, rules),
            "blockers": [self._blocker(r) for r in rules if r.rule.hard and r.verdict == NO],
            "unknowns": self._unknowns(rules),
            "changes": self._changes(product.id, rules),
            "indicative_amount": self._amount(indication),
            "tenor_days": span(product),
            **self._papers(product),
            **self._sheets.tail(product, self._language),
        }

    def _score(self, j: int) -> Json:
        scores = self._a.scores
        if scores is None:
            return {"score": None, "score_low": None, "score_high": None}
        parts = {"score": scores.total, "score_low": scores.low, "score_high": scores.high}
        return {name: int(micros[0, j]) / MICRO for name, micros in parts.items()}

    def _contributions(self, j: int) -> list[Json]:
        scores, product = self._a.scores, self._matcher.products[j]
        if scores is None:
            return []
        values, known = np.round(self._a.values[0, j], 6).tolist(), scores.known[0, j].tolist()
        micros_of = scores.contributions[0, j].tolist()
        parts = zip(FEATURES, self._a.applies[j].tolist(), known, values, micros_of, strict=True)
        found = [
            self._contribution(product, feature.name, value if sure else None, micros)
            for feature, applies, sure, value, micros in parts
            if applies
        ]
        found.sort(key=lambda part: (-part["contribution"], part["feature"]))
        baseline = int(scores.baseline[j])
        return [*found, self._baseline(baseline)] if baseline else found

    def _contribution(self, product: Product, name: str, value: float | None, micros: int) -> Json:
        level = "open" if self._asks_nothing(product, name) else band(value)
        return {
            "feature": name,
            "label": text(f"feature.{name}.label", self._language),
            "value": value,
            "known": value is not None,
            "open": level == "open",
            "weight": self._weights.get(name),
            "contribution": micros / MICRO,
            "text": text(f"feature.{name}.{level}", self._language),
        }

    def _asks_nothing(self, product: Product, name: str) -> bool:
        """Whether a product is open to all in what a similarity looks at."""
        if name == "preferences":
            return all(rule.hard for rule in self._matcher.catalogue.rules(product.id))
        return name in _SCOPES and not getattr(product, _SCOPES[name])

    def _baseline(self, micros: int) -> Json:
        return {
            "feature": "baseline",
            "label": text("feature.baseline.label", self._language),
            "value": 1.0,
            "known": True,
            "open": False,
            "weight": micros / MICRO,
            "contribution": micros / MICRO,
            "text": text("feature.baseline.high", self._language),
        }

    def _subject_to(self, rules: Sequence[Answered]) -> list[Json]:
        """Conditions of banks and screening that nobody entitled has confirmed."""
        asked = self._matcher.asked
        return [
            self._sheets.condition(r.rule, asked[r.at], self._language)
            for r in rules
            if r.rule.hard
            and asked[r.at] != "company"
            and r.verdict != NO
            and not self._confirmed(r)
        ]

    def _confirmed(self, answered: Answered) -> bool:
        """Whether a predicate is met on the word of those it is asked of."""
        trusted = TRUSTED[self._matcher.asked[answered.at]]
        for predicate, verdict in zip(answered.rule.predicates, self._parts(answered), strict=True):
            stated = self._a.case.facts.get(predicate.f)
            if verdict == YES and stated is not None and stated.source in trusted:
                return True
        return False

    def _parts(self, answered: Answered) -> list[int]:
        """The answers to the predicates of a rule."""
        if answered.rule.any is None:
            return [answered.verdict]
        return self._matcher.table.parts(self._a.case.columns, answered.at)

    def _line(self, rule: Rule, said: str) -> Json:
        return {"code": rule.reason, "field": self._wording.field(rule), "text": said}

    def _reason(self, answered: Answered) -> str:
        parts = self._parts(answered)
        return self._wording.reason(
            answered.rule, answered.verdict, parts, self._a.case, self._language
        )

    def _cautions(self, product: Product, rules: Sequence[Answered]) -> list[Json]:
        """Soft rules not met, or open where nothing hard asks the same."""
        found = [
            self._line(r.rule, self._wording.caution(r.rule, self._a.case, self._language))
            for r in rules
            if not r.rule.hard and r.verdict == NO
        ]
        unknown = [r.rule for r in rules if r.verdict == UNKNOWN]
        asked = {p.f for rule in unknown if rule.hard for p in rule.predicates}
        for rule in unknown:
            if not rule.hard and not asked & {predicate.f for predicate in rule.predicates}:
                name = self._wording.name(rule.predicates[0].f)
                found.append(self._line(rule, text("caution.unknown", self._language, label=name)))
        if product.fit_ceiling is not None:
            said = text("caution.ceiling", self._language)
            found.append({"code": "fit_ceiling", "field": "fit_ceiling", "text": said})
        return found

    def _blocker(self, answered: Answered) -> Json:
        rule, case = answered.rule, self._a.case
        observed = [self._wording.observed(case, predicate.f) for predicate in rule.predicates]
        return {
            "code": rule.reason,
            "field": self._wording.field(rule),
            "observed": observed if rule.any is not None else observed[0],
            "required": self._wording.required(rule),
            "text": self._reason(answered),
        }

    def rule_json(self, answered: Answered) -> Json:
        """One rule with its answer, for the eligibility operation."""
        rule, line = answered.rule, self._blocker(answered)
        return {
            "code": line["code"],
            "field": line["field"],
            "verdict": VERDICT[answered.verdict],
            "observed": line["observed"],
            "required": line["required"],
            "hard": rule.hard,
            "asked_of": self._matcher.asked[answered.at],
            "provenance": rule.src,
            "origin": rule.origin,
            "text": line["text"],
        }

    def _unknowns(self, rules: Sequence[Answered]) -> list[Json]:
        found: dict[str, Json] = {}
        for answered in rules:
            rule, ours = answered.rule, self._matcher.asked[answered.at] == "company"
            if rule.hard and answered.verdict == UNKNOWN and ours:
                field = open_fields(self._a.case, rule)[0]
                question = show(self._wording.question(field), self._language)
                line = {"code": rule.reason, "field": self._wording.field(rule)}
                found.setdefault(field, {**line, "question": question})
        return list(found.values())

    def _changes(self, product_id: str, rules: Sequence[Answered]) -> list[Json]:
        """At most three verified changes: what makes a near miss fit, else what mends a rule."""
        found = self._a.near.get(product_id)
        if found is None:
            failing = [r.at for r in rules if r.rule.hard and r.verdict == NO]
            found = self._a.remedies.for_rules(failing)
        return [self._writer.change(change) for change in found[:3]]

    def _amount(self, indication: Indication) -> Json:
        figures = {
            figure.name: figure for figure in indication.figures if figure.formula or figure.terms
        }
        terms = [self._term(figure) for figure in figures.values()]
        return {
            "low": number(indication.low),
            "high": number(indication.high),
            "currency": indication.currency,
            "formula": text(f"amount.{indication.formula}", self._language),
            "terms": terms,
            "missing": list(indication.missing),
        }

    def _term(self, figure: Figure) -> Json:
        formula = text(figure.formula, self._language) if figure.formula in table() else None
        return {
            "name": figure.name,
            "label": show(self._term_label(figure.name), self._language),
            "value": number(figure.number),
            "unit": figure.unit,
            "formula": formula,
        }

    def _term_label(self, name: str) -> Label | str:
        """A term's name: a position, an item of collateral, or a figure."""
        kind, _, rest = name.partition(".")
        if kind == "position":
            return self._wording.code("documented_positions", rest.replace(".", ":", 1))
        if name.startswith("collateral["):
            items = self._a.case.company.collateral or ()
            return self._wording.code("collateral", items[int(name[11:-1])].type)
        return label(f"derived.term.{name}") if f"derived.term.{name}" in table() else name

    def _papers(self, product: Product) -> Json:
        required = self._sheets.papers(product, self._language)
        held = self._a.case.company.documents
        types = {paper.type for paper in held or ()}
        missing = None if held is None else [d for d in required if d["id"] not in types]
        return {"documents_required": required, "documents_missing": missing}


def open_fields(case: Case, rule: Rule) -> list[str]:
    """The fields of the profile that would answer an open rule, as the questions name them."""
    names = [name for p in rule.predicates for name in (p.f, p.v_field) if name]
    names = [name for name in names if is_open(case, name)] or names
    return list(dict.fromkeys(base for name in names for base in base_fields(case, name)))


def is_open(case: Case, name: str) -> bool:
    """Whether a field or fact is not, or only partly, known."""
    value = case.row.get(name)
    return (value.may is None or bool(value.may)) if isinstance(value, Codes) else value is None


def base_fields(case: Case, name: str) -> list[str]:
    """A computed field traced to what the company says; others are themselves."""
    if name == "receivable_currencies":
        unstated = [part for part in _RECEIVABLES if getattr(case.company, part) is None]
        return unstated or list(_RECEIVABLES)
    if name in _FIGURES or name in case.derived.headroom:
        rooms = case.derived.headroom
        figure = rooms[name] if name in rooms else getattr(case.derived, _FIGURES[name])
        missing = figure.missing or _undirected(case, name)
        return list(dict.fromkeys(map(_top, missing))) or [_BASES.get(name, name)]
    return [_BASES.get(name, name)]


def _undirected(case: Case, name: str) -> tuple[str, ...]:
    """What a gap that is closed as far as known hangs on: whom a product serves."""
    known = case.profile.trade.directions is not None or not case.company.collateral
    return () if known or name != "collateral_gap_cny" else ("trade.directions",)


_FIGURES = {
    "size_class": "size_class",
    "need_cny": "need",
    "collateral_gap_cny": "collateral_gap",
}
_BASES = {
    "document_issuers": "documents",
    "documented_positions": "positions",
    "collateral_gap_cny": "collateral",
    "related_buyers": "trade.buyers",
    "register_search_days": SEARCHED,
}
_RECEIVABLES = ("collateral", "positions")


def _top(part: str) -> str:
    return part.split("[")[0].split(".")[0] if "[" in part or part.startswith("rates") else part
