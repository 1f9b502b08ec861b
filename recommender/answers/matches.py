"""One match as a plain dict: why it fits, what it hangs on, what blocks it, what would change it.

Dicts follow the contract's names and are built once; every text is in the language asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isnan
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.answers.change_texts import ChangeWriter
from recommender.answers.changes import Change
from recommender.answers.explain import VERDICT, Wording, band
from recommender.answers.remedies import Remedies
from recommender.answers.sheets import Sheets, number, span
from recommender.answers.unanswered import is_open, open_fields
from recommender.catalogue.product import Product
from recommender.company.derived import Figure
from recommender.matching.amounts import Indication
from recommender.matching.eligibility import NO, UNKNOWN, YES
from recommender.matching.kinds import KIND_NAMES, Firm
from recommender.matching.matcher import Case, Fit, Matcher
from recommender.matching.scoring import MICRO, Scores, Weights
from recommender.matching.similarity import NAMES, applies
from recommender.rules import Rule
from recommender.texts import Label, Language, label, show, table, text

Json = dict[str, Any]
TRUSTED = {"bank": ("bank", "register"), "screening": ("screening",)}


FITS: Mapping[int, Fit] = {1: "eligible", 0: "conditional", -1: "near_miss", -2: "ineligible"}


class Answered(NamedTuple):
    """A rule with its answer: 1 yes, 0 unknown, -1 no; at: its place in the table."""

    at: int
    rule: Rule
    verdict: int


@dataclass(frozen=True, eq=False)
class Assessment:
    """One company against the whole catalogue, before anything is worded.

    places: of products by id; verdicts (rules,); grades (m,): keys of FITS; near: changes that make
    near misses fit, by product id; scores, or None.
    """

    case: Case
    places: Mapping[str, int]
    verdicts: NDArray[np.int8]
    grades: NDArray[np.int8]
    near: Mapping[str, Sequence[Change]]
    scores: Scores | None
    remedies: Remedies

    def fit(self, product_id: str) -> Fit:
        """How a product fits."""
        return FITS[int(self.grades[self.places[product_id]])]

    @cached_property
    def answers(self) -> list[int]:
        """The verdicts as a list."""
        found: list[int] = self.verdicts.tolist()
        return found


class MatchWriter:
    """Writes the matches of one assessment in one language."""

    def __init__(
        self,
        matcher: Matcher,
        sheets: Sheets,
        assessment: Assessment,
        weights: Weights,
        language: Language,
    ) -> None:
        self._matcher, self._sheets, self._a = matcher, sheets, assessment
        self._model, self._weights, self._language = weights, weights.weights, language
        self._wording = Wording(matcher.catalogue)
        self._applies = applies(matcher.offers)
        currency = assessment.case.profile.need.currency
        self._writer = ChangeWriter(matcher.catalogue, currency, language)
        self._said: dict[tuple[str, int], Any] = {}
        self._changed: dict[str, Json] = {}
        papers = assessment.case.company.documents
        self._held = None if papers is None else {paper.type for paper in papers}
        self._parts_said: dict[tuple[str, float | None, bool], Json] = {}
        self._terms: dict[tuple[str, Any, str, str], Json] = {}

    def rules(self, product_id: str) -> list[Answered]:
        """Every rule of a product with its answer."""
        return self._answered(self._matcher.placed[self._matcher.index[product_id]])

    def _answered(self, placed: Iterable[tuple[int, Rule]], *which: int) -> list[Answered]:
        """Rules with their answers, those with some answers only."""
        answers, wanted = self._a.answers, which or (YES, UNKNOWN, NO)
        return [Answered(i, rule, answers[i]) for i, rule in placed if answers[i] in wanted]

    def match(self, product: Product, rank: int, indication: Indication) -> Json:
        """The match of one product."""
        j = self._matcher.index[product.id]
        fit = self._a.fit(product.id)
        ours, theirs, soft = self._matcher.parts[j]
        failed = self._answered(self._matcher.hard_placed[j], NO)
        open_ = self._answered(ours, UNKNOWN)
        return {
            **self._sheets.head(product, self._language),
            "fit": fit,
            "fit_text": text(f"fit.{fit}", self._language),
            "rank": rank,
            **self._score(j),
            "uptake_probability": self._uptake(product, j, fit),
            "contributions": self._contributions(j),
            "subject_to": self._subject_to(self._answered(theirs, YES, UNKNOWN)),
            "cautions": self._cautions(product, self._answered(soft, UNKNOWN, NO)),
            "blockers": [self._once("blocker", r, self._blocker) for r in failed],
            "unknowns": self._unknowns(open_),
            "changes": self._changes(product.id, failed),
            "indicative_amount": self.amount(indication),
            "tenor_days": span(product),
            **self._papers(product),
            **self._sheets.tail(product, self._language),
        }

    def _once(self, kind: str, answered: Answered, write: Callable[[Answered], Any]) -> Any:
        """What is said of a rule, written once for all products that carry it."""
        key = (kind, id(answered.rule))
        if key not in self._said:
            self._said[key] = write(answered)
        return self._said[key]

    def _score(self, j: int) -> Json:
        scores = self._a.scores
        if scores is None:
            return {"score": None, "score_low": None, "score_high": None}
        total, low, high = scores.span(0, j)
        return {"score": total / MICRO, "score_low": low / MICRO, "score_high": high / MICRO}

    def _uptake(self, product: Product, j: int, fit: Fit) -> float | None:
        """The chance that such a firm takes it; of what can be recommended alone."""
        scores = self._a.scores
        if scores is None or fit not in ("eligible", "conditional"):
            return None
        return self._model.chance(product.lane, int(scores.total[0, j]) / MICRO)

    def _contributions(self, j: int) -> list[Json]:
        scores = self._a.scores
        if scores is None:
            return []
        parts = zip(
            NAMES,
            self._applies[j].tolist(),
            scores.values[0, j].tolist(),
            scores.contributions[0, j].tolist(),
            self._sheets.open_to(self._matcher.products[j]),
            strict=True,
        )
        found = [
            self._contribution(name, None if isnan(value) else value, micros, open_)
            for name, applies, value, micros, open_ in parts
            if applies
        ]
        if self._model.peers:
            found = [self._heard(part, j) for part in found]
        if scores.kinds is not None:
            parts_of_kinds = zip(KIND_NAMES, scores.kinds[0, j].tolist(), strict=True)
            found += [self._of_kind(name, micros) for name, micros in parts_of_kinds if micros]
        found.sort(key=_weightiest)
        baseline = int(scores.baseline[j])
        return [*found, self._same("baseline", "high", baseline)] if baseline else found

    def _heard(self, part: Json, j: int) -> Json:
        """What may be said of peers, in numbers, in place of words."""
        if part["feature"] != "peers":
            return part
        ids = self._matcher.ids
        heard = self._model.heard(ids, self._firm, ids[j])
        if heard is None:
            return part
        return {**part, "text": text("feature.peers.heard", self._language, **heard._asdict())}

    @cached_property
    def _firm(self) -> Firm:
        return self._a.case.firm

    def _of_kind(self, kind: str, micros: int) -> Json:
        return self._same(f"kind_{kind}", "high" if micros > 0 else "low", micros)

    def _contribution(self, name: str, value: float | None, micros: int, open_: bool) -> Json:
        key = (name, value, open_)
        if key not in self._parts_said:
            level = "open" if open_ else band(value)
            label_, said = self._sheets.similarity(name, level, self._language)
            self._parts_said[key] = {
                "feature": name,
                "label": label_,
                "value": None if value is None else round(value, 6),
                "known": value is not None,
                "open": open_,
                "weight": self._weights.get(name),
                "contribution": micros / MICRO,
                "text": said,
            }
        return self._parts_said[key]

    def _same(self, feature: str, level: str, micros: int) -> Json:
        """A part that is points as they are, not a weight times a similarity."""
        return {
            "feature": feature,
            "label": text(f"feature.{feature}.label", self._language),
            "value": 1.0,
            "known": True,
            "open": False,
            "weight": micros / MICRO,
            "contribution": micros / MICRO,
            "text": text(f"feature.{feature}.{level}", self._language),
        }

    def _subject_to(self, asked: Sequence[Answered]) -> list[Json]:
        """Conditions of banks and screening that nobody entitled has confirmed."""
        found = [self._once("condition", r, self._condition) for r in asked]
        return [line for line in found if line is not None]

    def _condition(self, answered: Answered) -> Json | None:
        if self._confirmed(answered):
            return None
        who = self._matcher.asked[answered.at]
        return self._sheets.condition(answered.rule, who, self._language)

    def _confirmed(self, answered: Answered) -> bool:
        """Whether a predicate is met on the word of those it is asked of."""
        if answered.verdict != YES:
            return False
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
        return self._matcher.table.parts(answered.at, self._a.case.values)

    def _line(self, rule: Rule, said: str) -> Json:
        return {"code": rule.reason, "field": rule.fields, "text": said}

    def _reason(self, answered: Answered) -> str:
        parts = self._parts(answered)
        return self._wording.reason(
            answered.rule, answered.verdict, parts, self._a.case, self._language
        )

    def _cautions(self, product: Product, soft: Sequence[Answered]) -> list[Json]:
        """Soft rules not met, or open where nothing hard asks the same."""
        found = [self._once("caution", r, self._caution) for r in soft if r.verdict == NO]
        if len(found) < len(soft):
            hard = self._matcher.hard_placed[self._matcher.index[product.id]]
            fields = self._matcher.fields_of
            asked = {field for r in self._answered(hard, UNKNOWN) for field in fields[r.at]}
            vague = [r for r in soft if r.verdict == UNKNOWN and asked.isdisjoint(fields[r.at])]
            found += [self._once("vague", r, self._vague) for r in vague]
        if product.fit_ceiling is not None:
            said = text("caution.ceiling", self._language)
            found.append({"code": "fit_ceiling", "field": "fit_ceiling", "text": said})
        return found

    def _caution(self, answered: Answered) -> Json:
        rule = answered.rule
        return self._line(rule, self._wording.caution(rule, self._a.case, self._language))

    def _vague(self, answered: Answered) -> Json:
        fields, case = self._matcher.fields_of[answered.at], self._a.case
        open_ = next((field for field in fields if is_open(case, field)), fields[0])
        name = self._wording.name(open_)
        return self._line(answered.rule, text("caution.unknown", self._language, label=name))

    def _blocker(self, answered: Answered) -> Json:
        rule, case = answered.rule, self._a.case
        observed = [self._wording.observed(case, predicate.f) for predicate in rule.predicates]
        return {
            "code": rule.reason,
            "field": rule.fields,
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

    def _unknowns(self, open_: Sequence[Answered]) -> list[Json]:
        """What the company has not said yet, one line for each question."""
        found: dict[str, Json] = {}
        for answered in open_:
            field, line = self._once("unknown", answered, self._unknown)
            found.setdefault(field, line)
        return list(found.values())

    def _unknown(self, answered: Answered) -> tuple[str, Json]:
        """The field to ask for, and the question."""
        rule = answered.rule
        field = open_fields(self._a.case, self._matcher.fields_of[answered.at])[0]
        question = self._sheets.question(field, self._language)
        line = {"code": rule.reason, "field": rule.fields, "question": question}
        return field, line

    def _changes(self, product_id: str, failed: Sequence[Answered]) -> list[Json]:
        """At most three verified changes: what makes a near miss fit, else what mends a rule."""
        found = self._a.near.get(product_id)
        if found is None:
            found = self._a.remedies.for_rules([r.at for r in failed])
        return [self._change(change) for change in found[:3]]

    def _change(self, change: Change) -> Json:
        if change.key not in self._changed:
            self._changed[change.key] = self._writer.change(change)
        return self._changed[change.key]

    def amount(self, indication: Indication) -> Json:
        """An amount with its formula and the figures behind it."""
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
        key = (figure.name, figure.value, figure.unit, figure.formula)
        if key not in self._terms:
            formula = text(figure.formula, self._language) if figure.formula in table() else None
            self._terms[key] = {
                "name": figure.name,
                "label": show(self._term_label(figure.name), self._language),
                "value": number(figure.number),
                "unit": figure.unit,
                "formula": formula,
            }
        return self._terms[key]

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
        held = self._held
        missing = None if held is None else [d for d in required if d["id"] not in held]
        return {"documents_required": required, "documents_missing": missing}


def _weightiest(part: Json) -> tuple[float, str]:
    return -part["contribution"], part["feature"]
