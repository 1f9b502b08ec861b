"""The engine: a company profile in, ranked corridor products with reasons out.

Joins eligibility, similarities and weights for one company and words the answer in Chinese or
English. Answers are plain dicts; the same profile, day, catalogue, model and options give the same
answer to the last byte.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

import numpy as np

from recommender import __about__
from recommender.answers.changes import apply
from recommender.answers.explain import Wording
from recommender.answers.matches import Assessment, Json, MatchWriter
from recommender.answers.notices import nothing_fits, notices
from recommender.answers.ranking import INELIGIBLE, Ranking
from recommender.answers.sheets import Sheets, provenance
from recommender.catalogue import Catalogue
from recommender.catalogue.product import Product
from recommender.company.derived import as_json, given
from recommender.company.fields import BY_ID
from recommender.company.profile import Company
from recommender.errors import InvalidProfile
from recommender.matching.amounts import Basis, Indication, indicate
from recommender.matching.matcher import Case, Matcher
from recommender.matching.scoring import Weights, expert_weights, score
from recommender.matching.similarity import FEATURES
from recommender.options import Options
from recommender.parameters import Parameters
from recommender.questions.next_questions import Questions
from recommender.texts import Language, label, show, text
from recommender.vocabulary import LANES


class Engine:
    """Answers for one catalogue, one set of dated parameters and one set of weights.

    weights: a model's; the expert weighting by default.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        weights: Weights | None = None,
        parameters: Parameters | None = None,
    ) -> None:
        self.catalogue = catalogue
        self.parameters = parameters or Parameters.load()
        self.weights = weights or expert_weights()
        self.model_version = self.weights.version
        self._matcher = Matcher(catalogue, self.parameters)
        self._sheets, self._wording = Sheets(catalogue), Wording(catalogue)
        self._questions = Questions(self._matcher, self.weights)
        self._ranking = Ranking(self._matcher)
        self.mendable = self._ranking.mendable

    def serving(self, weights: Weights) -> Engine:
        """An engine with other weights on the same compiled catalogue; this one stays as it is."""
        other = copy(self)
        other.weights, other.model_version = weights, weights.version
        other._questions = Questions(self._matcher, weights)
        return other

    @property
    def matcher(self) -> Matcher:
        """The compiled catalogue."""
        return self._matcher

    def read(self, raw: Any, as_of: datetime.date | None = None) -> Company:
        """A company from plain values, checked against the dictionaries of the catalogue too.

        as_of: the day of which its facts speak, today by default. Raises InvalidProfile with every
        problem at once.
        """
        company, problems = Company.examine(raw)
        if company is not None:
            problems += self._matcher.problems(company)
            case = self._matcher.read(company, as_of or Options().day)
            problems += self._matcher.contradictions(case)
        if problems or company is None:
            raise InvalidProfile(problems)
        return company

    def options(self, raw: Mapping[str, Any] | None) -> Options:
        """Options from plain values; raises InvalidOptions with every problem at once."""
        return Options.parse(raw)

    def recommend(self, company: Company, options: Options | None = None, **kw: Any) -> Json:
        """Ranked products by lane with reasons. kw: single options, such as language="en"."""
        chosen = self._chosen(options, kw)
        assessment = self._assess(company, chosen, shown=True)
        return self._answer(assessment, chosen)

    def eligibility(self, company: Company, options: Options | None = None, **kw: Any) -> Json:
        """Every product with every rule and its answer."""
        chosen = self._chosen(options, kw)
        assessment = self._assess(company, chosen)
        writer = self._writer(assessment, _language(chosen))
        products = [
            {
                "product_id": product.id,
                "fit": assessment.fit(product.id),
                "rules": [writer.rule_json(answered) for answered in writer.rules(product.id)],
            }
            for product in self._in_lanes(chosen)
        ]
        return {**self._head(chosen), "products": products}

    def what_if(
        self,
        company: Company,
        changes: Mapping[str, Any],
        options: Options | None = None,
        **kw: Any,
    ) -> Json:
        """The answer before and after setting fields, and which products moved."""
        chosen = self._chosen(options, kw)
        assessments = [self._assess(company, chosen)]
        assessments.append(self._assess(apply(company, changes, self.catalogue), chosen))
        before, after = (self._answer(assessment, chosen) for assessment in assessments)
        fits = [{p.id: a.fit(p.id) for p in self._in_lanes(chosen)} for a in assessments]
        ranks = [_places(answer) for answer in (before, after)]
        moved = [
            {
                "product_id": p.id,
                "fit_before": fits[0][p.id],
                "fit_after": fits[1][p.id],
                "rank_before": ranks[0].get(p.id),
                "rank_after": ranks[1].get(p.id),
            }
            for p in self._in_lanes(chosen)
            if fits[0][p.id] != fits[1][p.id] or ranks[0].get(p.id) != ranks[1].get(p.id)
        ]
        return {"before": before, "after": after, "moved": moved}

    def match(self, company: Company, product_id: str, **kw: Any) -> tuple[Case, Json]:
        """One product for one company, of any fit; rank 0. kw: single options."""
        product = self.catalogue.product(product_id)
        chosen = self._chosen(None, {**kw, "lanes": [product.lane]})
        assessment = self._assess(company, chosen, only=self._matcher.index[product_id])
        indication = self._indication(product, self._basis(assessment.case), assessment.case)
        writer = self._writer(assessment, _language(chosen))
        return assessment.case, writer.match(product, 0, indication)

    def indications(self, case: Case, places: Sequence[int]) -> list[Indication]:
        """Indicative amounts of some products, by their places in the catalogue."""
        basis = self._basis(case)
        return [self._indication(self._matcher.products[j], basis, case) for j in places]

    def products(self, language: Language = "zh") -> Json:
        """The catalogue, worded."""
        shown = [self._product_json(product, language) for product in self._matcher.products]
        return {"catalogue_version": self.catalogue.version, "products": shown}

    def product(self, product_id: str, language: Language = "zh") -> Json:
        """One product, worded; raises NotFound."""
        return self._product_json(self.catalogue.product(product_id), language)

    def facts(self, language: Language = "zh") -> Json:
        """The dictionary of questions, each with the products it decides."""
        used = self._used_by()
        facts = [
            {
                "id": fact.id,
                "type": fact.type,
                "unit": fact.unit,
                "options": [
                    {"id": o.id, "label": show(o.label.label, language)} for o in fact.options or ()
                ],
                "label": show(fact.label.label, language),
                "question": show(fact.question.label, language),
                "asked_of": fact.asked_of,
                "changeable": fact.changeable,
                "used_by": used.get(fact.id, []),
            }
            for fact in self.catalogue.facts.values()
        ]
        return {"catalogue_version": self.catalogue.version, "facts": facts}

    def notice(self) -> Json:
        """How ranking works, in both languages, with every similarity and its weight."""
        features = [
            {
                "feature": feature.name,
                "label_zh": feature.label.zh,
                "label_en": feature.label.en,
                "what_zh": label(f"feature.{feature.name}.what").zh,
                "what_en": label(f"feature.{feature.name}.what").en,
                "formula": feature.formula,
                "source": feature.source,
                "lanes": list(feature.lanes),
                "neutral": feature.neutral,
                "weight": self.weights.weights[feature.name],
            }
            for feature in FEATURES
        ]
        notice = label("notice.how_it_works")
        kinds = [
            {"kind": name, "label_zh": said.zh, "label_en": said.en}
            for name in self.weights.kinds
            for said in [label(f"feature.kind_{name}.label")]
        ]
        return {"text_zh": notice.zh, "text_en": notice.en, "features": features, "kinds": kinds}

    def assess(self, company: Company, options: Options) -> Assessment:
        """A company against every product, not worded; raises InvalidProfile."""
        return self._assess(company, options)

    def basis(self, case: Case) -> Basis:
        """What amounts are computed from."""
        return self._basis(case)

    def writer(self, assessment: Assessment, language: Language) -> MatchWriter:
        """What words one assessment."""
        return self._writer(assessment, language)

    def _chosen(self, options: Options | None, kw: Mapping[str, Any]) -> Options:
        if not kw:
            return options or Options()
        stated = (options or Options()).model_dump(exclude_unset=True)
        return Options.parse({**stated, **kw})

    def _writer(self, assessment: Assessment, language: Language) -> MatchWriter:
        return MatchWriter(self._matcher, self._sheets, assessment, self.weights, language)

    def _assess(
        self, company: Company, options: Options, *, shown: bool = False, only: int | None = None
    ) -> Assessment:
        """shown: only what an answer shows matters; else every product, or one, gets its fit."""
        problems = self._matcher.problems(company)
        if problems:
            raise InvalidProfile(problems)
        rates = options.given_rates
        case = self._matcher.read(company, options.day, rates)
        contradictions = self._matcher.contradictions(case)
        if contradictions:
            raise InvalidProfile(contradictions)
        return self._assessed(case, options, shown=shown, only=only)

    def _assessed(
        self, case: Case, options: Options, *, shown: bool, only: int | None
    ) -> Assessment:
        matcher = self._matcher
        situation = matcher.situation([case])
        verdicts = situation.verdicts[0]
        grades = matcher.fits(situation.verdicts)[0]
        remedies, lanes = self._ranking.remedies(case), options.lanes or LANES
        if shown:
            lanes = self._ranking.short_lanes(grades, lanes, options.limit)
        near = self._ranking.mark_near_misses(remedies, verdicts, grades, lanes, only)
        scores = None
        if options.personalised:
            firms = [case.firm] if self.weights.tells_firms_apart else None
            values = matcher.values(situation, options.day)
            scores = score(values, self.weights, matcher.ids, firms)
        return Assessment(
            case=case,
            places=matcher.index,
            verdicts=verdicts,
            grades=grades,
            near=near,
            scores=scores,
            remedies=remedies,
        )

    def _in_lanes(self, options: Options) -> tuple[Product, ...]:
        return self._matcher.in_lanes(tuple(sorted(options.lanes or LANES)))

    def _answer(self, assessment: Assessment, options: Options) -> Json:
        language, case = _language(options), assessment.case
        writer = self._writer(assessment, language)
        learned = self.weights.trained_on is not None
        basis = self._basis(case)
        by_lane = self._by_lane(assessment, options)
        lanes = []
        for lane, shown in by_lane.items():
            ranked = shown[: options.limit]
            matches = [
                writer.match(product, rank, self._indication(product, basis, case))
                for rank, product in enumerate(ranked, start=1)
            ]
            if matches or options.lanes:
                name = text(f"lane.{lane}", language)
                lanes.append({"lane": lane, "label": name, "matches": matches})
        return {
            **self._head(options),
            "notices": notices(
                case, self._wording, language, personalised=options.personalised, learned=learned
            ),
            "derived": as_json(case.derived, language),
            "lanes": lanes,
            "next_questions": self._next_questions(assessment, by_lane, language),
            "nothing_fits": nothing_fits(case, assessment.fit, by_lane, language),
        }

    def _next_questions(
        self, assessment: Assessment, by_lane: Mapping[str, list[Product]], language: Language
    ) -> list[Json]:
        index, grades = self._matcher.index, assessment.grades.tolist()
        shown = [
            [j for p in products if grades[j := index[p.id]] >= 0] for products in by_lane.values()
        ]
        return [
            {
                "fact": name,
                "question": show(self._wording.question(name), language),
                "decides": products,
            }
            for name, products in self._questions.ask(assessment, shown)
        ]

    def _head(self, options: Options) -> Json:
        return {
            "as_of": options.day.isoformat(),
            "engine_version": __about__.__version__,
            "catalogue_version": self.catalogue.version,
            "parameters_version": self.parameters.version,
            "model_version": self.model_version,
            "personalised": options.personalised,
            "language": _language(options),
        }

    def _by_lane(self, a: Assessment, options: Options) -> dict[str, list[Product]]:
        """What is shown, by lane and in order; a lane without products stays empty.

        Eligible and conditional by score, then near misses, then the rest, when asked for. Ties:
        provenance, fewer missing papers, id; without scores by id within each group.
        """
        matcher = self._matcher
        shown = (
            a.grades > INELIGIBLE if not options.include_ineligible else a.grades > INELIGIBLE - 1
        )
        group = np.minimum(a.grades, 0)
        missing = matcher.offers.missing_papers(a.case.columns)
        found: dict[str, list[Product]] = {}
        for lane in options.lanes or LANES:
            at = np.flatnonzero(shown & matcher.offers.lanes[lane])
            total = None if a.scores is None else a.scores.total[0, at]
            order = self._ranking.order(at, group[at], total, missing[at])
            found[lane] = [matcher.products[j] for j in at[order].tolist()]
        return found

    def _basis(self, case: Case) -> Basis:
        day = case.profile.as_of
        target = self.parameters.value("hedge_target", day)
        share = self.parameters.value("guarantee_share", day)
        aim = (target.low, target.high) if target and target.low and target.high else None
        covered = given("guarantee_share", share.value if share else None, "share")
        cash = self.parameters.value("forward_margin", day)
        rate = given("forward_margin", cash.value, "share") if cash else None
        control = self._matcher.control_of(case.company)
        return Basis(
            case.company, case.derived, case.rates, covered, aim, control, margin_rate=rate
        )

    def _indication(self, product: Product, basis: Basis, case: Case) -> Indication:
        day = case.profile.as_of
        return indicate(product, basis, self._matcher.spans(product.id, day))

    def _product_json(self, product: Product, language: Language) -> Json:
        hidden = {"sources", "provenance", "name_zh", "name_en"}
        raw = product.model_dump(mode="json", exclude=hidden)
        for name in ("provider", "summary", "contact"):
            part = getattr(product, name)
            raw[name] = show(part.label, language) if part else None
        raw["notes"] = [show(note.label, language) for note in product.notes]
        raw["public_facts"] = [show(fact.label, language) for fact in product.public_facts]
        raw["rules"] = [
            rule.model_dump(mode="json", exclude_none=True)
            for rule in self.catalogue.rules(product.id)
        ]
        named = {"id": product.id, "name_zh": product.name_zh, "name_en": product.name_en}
        return {**named, **raw, "provenance": provenance(product, language)}

    def _used_by(self) -> dict[str, list[str]]:
        used: dict[str, set[str]] = {}
        for product_id in self.catalogue.products:
            for rule in self.catalogue.rules(product_id):
                for name in (n for p in rule.predicates for n in (p.f, p.v_field) if n):
                    rests_on = BY_ID[name].facts if name in BY_ID else ()
                    for asked in (name, *rests_on):
                        used.setdefault(asked, set()).add(product_id)
        return {name: sorted(ids) for name, ids in used.items()}


def _language(options: Options) -> Language:
    return options.language or "zh"


def _places(answer: Json) -> dict[str, int]:
    return {m["product_id"]: m["rank"] for lane in answer["lanes"] for m in lane["matches"]}
