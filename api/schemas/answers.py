"""The answers about one company: recommendations, eligibility, what-if."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from api.schemas.figures import Amount, DerivedFigures, Span
from api.schemas.products import PaperName, ProvenanceNote
from recommender.texts import Language
from recommender.vocabulary import AskedOf, Lane

Fit = Literal["eligible", "conditional", "near_miss", "ineligible"]
FIT = (
    "eligible: every rule the company answers is met; conditional: none failed, some open; "
    "near_miss: one change of the company's makes it fit; ineligible: the rest."
)


class Contribution(BaseModel):
    """One part of the score; the contributions of a match add up to it."""

    feature: str = Field(description="Name of the similarity, baseline, or kind_ and a kind.")
    label: str = Field(description="Its name in words.")
    value: float | None = Field(description="In [0, 1]; null: not known.")
    known: bool = Field(description="Whether the profile settles it.")
    open: bool = Field(description="Whether the product is open to all in this respect.")
    weight: float | None = Field(description="Weight of the model.")
    contribution: float = Field(description="weight x value; the neutral value when not known.")
    text: str = Field(description="In words.")


class Line(BaseModel):
    """A condition or caution with its stable code."""

    code: str = Field(description="Reason code.")
    field: str = Field(description="Fact or profile field; several are joined by |.")
    text: str = Field(description="In words.")


class Blocker(Line):
    """A hard rule that is not met."""

    observed: Any = Field(description="What the profile says.")
    required: Any = Field(description="What the rule asks for.")


class OpenRule(BaseModel):
    """A hard rule that cannot be decided yet."""

    code: str = Field(description="Reason code.")
    field: str = Field(description="Fact or profile field; several are joined by |.")
    question: str = Field(description="What to ask to settle it.")


class Change(BaseModel):
    """A verified change: applied, it makes the product fit."""

    set: dict[str, Any] = Field(description="Values to set, as `set` of a what-if.")
    by: Literal["company", "third_party"] = Field(description="Who can do it.")
    text: str = Field(description="In words.")


class RelatedProduct(BaseModel):
    """A product that a relation names."""

    product_id: str = Field(description="Id.")
    name: str = Field(description="Name.")


class ProductRelation(BaseModel):
    """How a product stands to others."""

    kind: Literal["prerequisite", "takes_out", "substitutes", "complements"] = Field(
        description="What the relation says."
    )
    products: list[RelatedProduct] = Field(description="One product, or alternatives.")
    text: str = Field(description="In words.")
    when: str | None = Field(description="Under which circumstances; null: always.")


class DatedNote(BaseModel):
    """A statement of the legal basis."""

    text: str = Field(description="The statement.")
    as_of: str = Field(description="Day it was true.")


class Match(BaseModel):
    """One product for one company."""

    product_id: str = Field(description="Id.")
    name_zh: str = Field(description="Chinese name.")
    name_en: str = Field(description="English name.")
    lane: Lane = Field(description="Lane; ranks compare within it only.")
    category: str = Field(description="Kind of product.")
    provider: str = Field(description="Who offers it.")
    summary: str = Field(description="What it is.")
    fit: Fit = Field(description=FIT)
    fit_text: str = Field(description="The fit in words.")
    rank: int = Field(description="From 1 within the lane.")
    score: float | None = Field(description="Sum of the contributions; null: not personalised.")
    score_low: float | None = Field(description="If everything unknown turned out worst.")
    score_high: float | None = Field(description="If everything unknown turned out best.")
    uptake_probability: float | None = Field(
        description="Calibrated on outcomes; null without them."
    )
    contributions: list[Contribution] = Field(description="Largest first.")
    subject_to: list[Line] = Field(description="What a bank or screening still decides.")
    cautions: list[Line] = Field(description="What does not gate but should be known.")
    blockers: list[Blocker] = Field(description="Hard rules that say no.")
    unknowns: list[OpenRule] = Field(description="Hard rules that wait for an answer.")
    changes: list[Change] = Field(description="What would change the fit, cheapest first.")
    indicative_amount: Amount = Field(description="What may be had, with its formula.")
    tenor_days: Span = Field(description="Shortest and longest tenor.")
    documents_required: list[PaperName] = Field(description="Papers of the product.")
    documents_missing: list[PaperName] | None = Field(
        description="Those not held; null: documents not stated."
    )
    relations: list[ProductRelation] = Field(description="Prerequisites, substitutes and so on.")
    provenance: ProvenanceNote = Field(description="Where the terms come from.")
    legal_note: DatedNote | None = Field(description="Legal basis; null: none stated.")
    notes: list[str] = Field(description="Further notes.")


class LaneAnswer(BaseModel):
    """The matches of one lane."""

    lane: Lane = Field(description="Lane.")
    label: str = Field(description="Its name.")
    matches: list[Match] = Field(description="By rank.")


class Question(BaseModel):
    """A question worth asking next."""

    fact: str = Field(description="Fact or profile field it settles; `need` and `trade` are whole.")
    question: str = Field(description="In words.")
    decides: list[str] = Field(description="Products that wait for it, or that it may move.")


class Head(BaseModel):
    """What an answer rests on: the same head and profile give the same bytes."""

    as_of: str = Field(description="Day of the answer (Asia/Shanghai).")
    engine_version: str = Field(description="Version of the engine.")
    catalogue_version: str = Field(description="Hash of the catalogue.")
    parameters_version: str = Field(description="Hash of the dated parameters.")
    model_version: str = Field(description="The weights used.")
    personalised: bool = Field(description="False: rules only, in fixed order.")
    language: Language = Field(description="Language of the texts.")


class RecommendationAnswer(Head):
    """Ranked products by lane, with reasons."""

    notices: list[str] = Field(description="What holds for the whole answer.")
    derived: DerivedFigures = Field(description="Figures computed from the profile.")
    lanes: list[LaneAnswer] = Field(description="Lanes in fixed order.")
    next_questions: list[Question] = Field(description="What may change most first; at most ten.")
    nothing_fits: str | None = Field(description="Said when only services remain; else null.")


class RuleAnswer(BaseModel):
    """One rule of one product, answered."""

    code: str = Field(description="Reason code.")
    field: str = Field(description="Fact or profile field; several are joined by |.")
    verdict: Literal["yes", "no", "unknown"] = Field(description="The answer.")
    observed: Any = Field(description="What the profile says; null: nothing.")
    required: Any = Field(description="What the rule asks for.")
    hard: bool = Field(description="Whether it gates.")
    asked_of: AskedOf = Field(description="Who answers it.")
    provenance: str = Field(description="How well the rule is attested.")
    origin: Literal["rule", "stop", "gate"] = Field(
        description="The product's own, common to many, or of the lane."
    )
    text: str = Field(description="In words.")


class ProductRules(BaseModel):
    """Every rule of one product."""

    product_id: str = Field(description="Id.")
    fit: Fit = Field(description=FIT)
    rules: list[RuleAnswer] = Field(description="Gates, common stops, own rules.")


class EligibilityAnswer(Head):
    """Every product with every rule."""

    products: list[ProductRules] = Field(description="By id.")


class Move(BaseModel):
    """How a change moves one product."""

    product_id: str = Field(description="Id.")
    fit_before: Fit = Field(description="Fit before the change.")
    fit_after: Fit = Field(description="Fit after it.")
    rank_before: int | None = Field(description="Rank before; null: not shown.")
    rank_after: int | None = Field(description="Rank after; null: not shown.")


class WhatIfAnswer(BaseModel):
    """The answer before and after a change."""

    before: RecommendationAnswer = Field(description="For the profile as given.")
    after: RecommendationAnswer = Field(description="With the change.")
    moved: list[Move] = Field(description="Products whose fit or rank differs.")
