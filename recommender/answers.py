"""One match as a plain dict: why it fits, what it hangs on, what blocks it, what would change it.

Dicts follow the contract's names and are built once; every text is in the language asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from recommender import codes
from recommender.amounts import Indication
from recommender.changes import Change
from recommender.derived import Figure
from recommender.eligibility import NO, UNKNOWN, YES
from recommender.explain import Wording, contribution_text, joined, plain
from recommender.fields import BY_ID
from recommender.matching import Case, Fit, Matcher
from recommender.product import DocumentDefinition, Product, Rule
from recommender.scoring import MICRO, Scores
from recommender.similarity import FEATURES
from recommender.texts import Label, Language, Money, label, show, table, text

Json = dict[str, Any]
TRUSTED = ("bank", "screening", "register")
SOURCED = (
    "name_zh",
    "provider",
    "amount.low",
    "amount.high",
    "tenor_days.low",
    "tenor_days.high",
    "currencies",
    "accepts",
    "documents",
    "routes",
    "hs",
)


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
    extra_changes: Mapping[str, Sequence[Change]] = field(default_factory=dict)


class MatchWriter:
    """Writes the matches of one assessment in one language."""

    def __init__(self, matcher: Matcher, assessment: Assessment, language: Language) -> None:
        self._matcher, self._a, self._language = matcher, assessment, language
        self._wording = Wording(matcher.catalogue)
        self._index = {product.id: j for j, product in enumerate(matcher.products)}
        self._weights: Mapping[str, float] = {}

    def weighted(self, weights: Mapping[str, float]) -> MatchWriter:
        """The same writer, showing these weights beside the contributions."""
        self._weights = weights
        return self

    def rules(self, product_id: str) -> list[tuple[int, Rule, int]]:
        """Index, rule and verdict of every rule of a product."""
        ids = self._matcher.rule_ids[product_id]
        rules = self._matcher.catalogue.rules(product_id)
        return [
            (i, rule, int(self._a.verdicts[i])) for i, rule in zip(ids, rules, strict=True)
        ]

    def match(self, product: Product, rank: int, indication: Indication) -> Json:
        """The match of one product."""
        j = self._index[product.id]
        fit = self._a.fits[product.id]
        rules = self.rules(product.id)
        papers = self._papers(product)
        return {
            "product_id": product.id,
            "name_zh": product.name_zh,
            "name_en": product.name_en,
            "lane": product.lane,
            "category": product.category,
            "provider": show(product.provider.label, self._language),
            "summary": show(product.summary.label, self._language),
            "fit": fit,
            "fit_text": text(f"fit.{fit}", self._language),
            "rank": rank,
            **self._score(j),
            "uptake_probability": None,
            "contributions": self._contributions(j),
            "subject_to": self._subject_to(rules),
            "cautions": self._cautions(product, rules),
            "blockers": [self._blocker(r, v) for _, r, v in rules if r.hard and v == NO],
            "unknowns": self._unknowns(rules),
            "changes": self._changes(product.id),
            "indicative_amount": self._amount(indication),
            "tenor_days": _span(product),
            **papers,
            "relations": self._relations(product),
            "provenance": self._provenance(product),
            "legal_note": self._legal(product),
            "notes": [show(note.label, self._language) for note in product.notes],
        }

    def _score(self, j: int) -> Json:
        scores = self._a.scores
        if scores is None:
            return {"score": None, "score_low": None, "score_high": None}
        parts = {"score": scores.total, "score_low": scores.low, "score_high": scores.high}
        return {name: int(micros[0, j]) / MICRO for name, micros in parts.items()}

    def _contributions(self, j: int) -> list[Json]:
        scores = self._a.scores
        if scores is None:
            return []
        found = []
        for k, feature in enumerate(FEATURES):
            if self._a.applies[j, k]:
                known = bool(scores.known[0, j, k])
                value = round(float(self._a.values[0, j, k]), 6) if known else None
                found.append(self._contribution(feature.name, value, int(scores.contributions[0, j, k])))
        found.sort(key=lambda part: (-part["contribution"], part["feature"]))
        baseline = int(scores.baseline[j])
        return [*found, self._baseline(baseline)] if baseline else found

    def _contribution(self, name: str, value: float | None, micros: int) -> Json:
        return {
            "feature": name,
            "label": text(f"feature.{name}.label", self._language),
            "value": value,
            "known": value is not None,
            "weight": self._weights.get(name),
            "contribution": micros / MICRO,
            "text": contribution_text(name, value, self._language),
        }

    def _baseline(self, micros: int) -> Json:
        return {
            "feature": "baseline",
            "label": text("feature.baseline.label", self._language),
            "value": 1.0,
            "known": True,
            "weight": micros / MICRO,
            "contribution": micros / MICRO,
            "text": text("feature.baseline.high", self._language),
        }

    def _subject_to(self, rules: Sequence[tuple[int, Rule, int]]) -> list[Json]:
        """Conditions of banks and screening that nobody entitled has confirmed."""
        lines = []
        for _, rule, verdict in rules:
            asked = self._matcher.asked_of(rule)
            if rule.hard and asked != "company" and verdict != NO and not self._confirmed(rule, verdict):
                name = self._wording.name(rule.predicates()[0].f)
                key = f"subject_to.{asked}.{'lacks' if self._negative(rule) else 'holds'}"
                said = text(key, self._language, label=name)
                note = show(rule.note.label, self._language) if rule.note else ""
                more = text("reason.note", self._language, note=note) if note else ""
                lines.append(self._line(rule, said + more))
        return lines

    def _negative(self, rule: Rule) -> bool:
        return rule.predicates()[0].op in ("lacks", "none_of")

    def _confirmed(self, rule: Rule, verdict: int) -> bool:
        if verdict != YES:
            return False
        stated = [self._a.case.facts.get(predicate.f) for predicate in rule.predicates()]
        return any(fact is not None and fact.source in TRUSTED for fact in stated)

    def _line(self, rule: Rule, said: str) -> Json:
        return {"code": rule.reason, "field": self._wording.field(rule), "text": said}

    def _cautions(self, product: Product, rules: Sequence[tuple[int, Rule, int]]) -> list[Json]:
        found = [
            self._line(rule, self._wording.reason(rule, verdict, self._a.case, self._language))
            for _, rule, verdict in rules
            if not rule.hard and verdict == NO
        ]
        unknown = [(rule, verdict) for _, rule, verdict in rules if not rule.hard and verdict == UNKNOWN]
        for rule, _ in unknown:
            name = self._wording.name(rule.predicates()[0].f)
            found.append(self._line(rule, text("caution.unknown", self._language, label=name)))
        if product.fit_ceiling is not None:
            said = text("caution.ceiling", self._language)
            found.append({"code": "fit_ceiling", "field": "", "text": said})
        return found

    def _blocker(self, rule: Rule, verdict: int) -> Json:
        field_name = self._wording.field(rule)
        observed = [self._wording.observed(self._a.case, p.f) for p in rule.predicates()]
        return {
            "code": rule.reason,
            "field": field_name,
            "observed": observed if rule.any is not None else observed[0],
            "required": self._wording.required(rule),
            "text": self._wording.reason(rule, verdict, self._a.case, self._language),
        }

    def rule_json(self, rule: Rule, verdict: int) -> Json:
        """One rule with its answer, for the eligibility operation."""
        word = {YES: "yes", UNKNOWN: "unknown", NO: "no"}[verdict]
        asked = {"asked_of": self._matcher.asked_of(rule), "provenance": rule.src}
        line = self._blocker(rule, verdict)
        head = {"code": line["code"], "field": line["field"], "verdict": word}
        tail = {"observed": line["observed"], "required": line["required"], "hard": rule.hard}
        return {**head, **tail, **asked, "origin": rule.origin, "text": line["text"]}

    def _unknowns(self, rules: Sequence[tuple[int, Rule, int]]) -> list[Json]:
        return [
            {
                "code": rule.reason,
                "field": self._wording.field(rule),
                "question": show(self.question(open_fields(self._a.case, rule)[0]), self._language),
            }
            for _, rule, verdict in rules
            if rule.hard and verdict == UNKNOWN and self._matcher.asked_of(rule) == "company"
        ]

    def question(self, name: str) -> Label:
        """The question that would make a field known."""
        return self._wording.question(name)

    def _changes(self, product_id: str) -> list[Json]:
        found = [*self._a.near.get(product_id, ()), *self._a.extra_changes.get(product_id, ())]
        distinct = {change.key: change for change in found}
        return [self.change_json(change) for change in list(distinct.values())[:3]]

    def change_json(self, change: Change) -> Json:
        """A change: what to set, who can, and in words."""
        said = joined([self._change_text(change)], self._language)
        by = text(f"change.by.{change.by}", self._language)
        return {
            "set": {name: _jsonable(value) for name, value in change.values},
            "by": change.by,
            "text": f"{said}{by}",
        }

    def _change_text(self, change: Change) -> str:
        catalogue = self._matcher.catalogue
        if change.document is not None and "documents" in dict(change.values):
            name = catalogue.documents[change.document].label.label
            return text("change.document", self._language, document=name)
        parts = [self._one_change(name, value) for name, value in change.values]
        return joined(parts, self._language)

    def _one_change(self, name: str, value: Any) -> str:
        fact = self._matcher.catalogue.facts.get(name)
        if fact is not None and fact.effort is not None:
            return show(fact.effort.label, self._language)
        if fact is not None:
            shown = self._wording.code(name, value) if isinstance(value, str) else value
            return text("change.fact", self._language, label=fact.label.label, value=shown)
        own = f"change.{name}"
        shown = self._change_value(name, value)
        if own in table():
            return text(own, self._language, value=shown)
        return text("change.fact", self._language, label=self._wording.name(name), value=shown)

    def _change_value(self, name: str, value: Any) -> Any:
        if name == "need.amount":
            need = self._a.case.profile.need
            return Money(value, need.currency or "CNY")
        if isinstance(value, list):
            return [
                self._wording.code(name, item["mode"] if isinstance(item, dict) else str(item))
                for item in value
            ]
        known = name in BY_ID and BY_ID[name].code_label is not None
        return self._wording.code(name, value) if known and isinstance(value, str) else value

    def _amount(self, indication: Indication) -> Json:
        figures = {figure.name: figure for figure in indication.figures if figure.formula or figure.terms}
        terms = [self._term(figure) for figure in figures.values()]
        return {
            "low": _number(indication.low),
            "high": _number(indication.high),
            "currency": indication.currency,
            "formula": text(f"amount.{indication.formula}", self._language),
            "terms": terms,
            "missing": list(indication.missing),
        }

    def _term(self, figure: Figure) -> Json:
        key = f"derived.term.{figure.name}"
        name = text(key, self._language) if key in table() else figure.name
        formula = text(figure.formula, self._language) if figure.formula in table() else None
        return {
            "name": figure.name,
            "label": name,
            "value": _number(figure.number),
            "unit": figure.unit,
            "formula": formula,
        }

    def _papers(self, product: Product) -> Json:
        documents = self._matcher.catalogue.documents
        required = [documents[name] for name in sorted(product.documents)]
        held = self._a.case.company.documents
        missing = None
        if held is not None:
            types = {paper.type for paper in held}
            missing = [self._paper(d) for d in required if d.id not in types]
        return {
            "documents_required": [self._paper(document) for document in required],
            "documents_missing": missing,
        }

    def _paper(self, document: DocumentDefinition) -> Json:
        return {"id": document.id, "label": show(document.label.label, self._language)}

    def _relations(self, product: Product) -> list[Json]:
        products = self._matcher.catalogue.products
        ordered = sorted(product.relations, key=lambda r: (r.kind, r.any_of))
        return [
            {
                "kind": relation.kind,
                "products": [
                    {"product_id": name, "name": show(products[name].name, self._language)}
                    for name in sorted(relation.any_of)
                ],
                "text": text(
                    f"related.{relation.kind}",
                    self._language,
                    products=[products[name].name for name in sorted(relation.any_of)],
                ),
                "when": show(relation.when.label, self._language) if relation.when else None,
            }
            for relation in ordered
        ]

    def _provenance(self, product: Product) -> Json:
        return provenance_json(product, self._language)

    def _legal(self, product: Product) -> Json | None:
        if not product.legal_notes:
            return None
        ordered = sorted(product.legal_notes, key=lambda note: (note.as_of, note.text.en))
        said = joined([show(note.text.label, self._language) for note in ordered], self._language)
        return {"text": said, "as_of": max(note.as_of for note in ordered).isoformat()}


def provenance_json(product: Product, language: Language) -> Json:
    """Where a product's terms come from: the whole, each field, the sources with their dates."""
    sources = [
        {
            "quality": source.quality,
            "title": source.title,
            "url": source.url if source.url and codes.linkable(source.url) else None,
            "date": source.date.isoformat() if source.date else None,
        }
        for _, source in sorted(product.sources.items())
    ]
    return {
        "quality": product.quality,
        "text": text(f"provenance.{product.quality}", language),
        "fields": {name: product.provenance_of(name) for name in SOURCED},
        "sources": sources,
    }


def open_fields(case: Case, rule: Rule) -> list[str]:
    """The fields of the profile that would answer an open rule, as the questions name them."""
    names = [name for predicate in rule.predicates() for name in base_fields(case, predicate.f)]
    return list(dict.fromkeys(names))


def base_fields(case: Case, name: str) -> list[str]:
    """A computed field traced to what the company says; others are themselves."""
    derived = case.derived
    figures = {
        "size_class": derived.size_class.missing,
        "need_cny": derived.need.missing,
        "collateral_gap_cny": derived.collateral_gap.missing,
    }
    if name in figures:
        traced = [_top(part) for part in figures[name]]
        return list(dict.fromkeys(traced)) or [name]
    return [_BASES.get(name, name)]


_BASES = {
    "document_issuers": "documents",
    "documented_positions": "positions",
    "receivable_currencies": "positions",
}


def _top(part: str) -> str:
    return part.split("[")[0].split(".")[0] if "[" in part or part.startswith("rates") else part


def _span(product: Product) -> Json:
    tenor = product.tenor_days
    return {
        "low": _number(tenor.low) if tenor else None,
        "high": _number(tenor.high) if tenor else None,
    }


def _number(value: Decimal | None) -> int | float | None:
    found = plain(value)
    return found if found is None or isinstance(found, (int, float)) else None


def _jsonable(value: Any) -> Any:
    if isinstance(value, list):
        return [_jsonable(item) for item in value]
    if isinstance(value, dict):
        return {key: _jsonable(item) for key, item in value.items()}
    return plain(value)


def none_label() -> Label:
    """The word for an empty list."""
    return label("common.none")
