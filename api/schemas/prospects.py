"""What a list of prospects takes and answers."""

from __future__ import annotations

from pydantic import BaseModel, Field

from api.schemas.answers import (
    FIT,
    Blocker,
    Change,
    Contribution,
    DatedNote,
    Fit,
    Line,
    OpenRule,
    ProductRelation,
)
from api.schemas.figures import Amount, Span
from api.schemas.products import PaperName, ProvenanceNote
from recommender.prospects.options import Order, ProspectOptions
from recommender.records import Record
from recommender.texts import Language
from recommender.vocabulary import Lane, SizeClass


class ProspectsRequest(Record):
    """How many companies, which ones, in what order."""

    options: ProspectOptions | None = Field(None, description="What to list; null: the defaults.")


class ListedProduct(BaseModel):
    """The product the list is about."""

    product_id: str = Field(description="Id.")
    name_zh: str = Field(description="Chinese name.")
    name_en: str = Field(description="English name.")
    lane: Lane = Field(description="Lane.")
    category: str = Field(description="Kind of product.")
    provider: str = Field(description="Who offers it.")
    summary: str = Field(description="What it is.")
    tenor_days: Span = Field(description="Shortest and longest tenor.")
    documents_required: list[PaperName] = Field(description="Papers of the product.")
    relations: list[ProductRelation] = Field(description="Prerequisites, substitutes and so on.")
    provenance: ProvenanceNote = Field(description="Where the terms come from.")
    legal_note: DatedNote | None = Field(description="Legal basis; null: none stated.")
    notes: list[str] = Field(description="Further notes.")


class ListCounts(BaseModel):
    """How many companies there are."""

    companies: int = Field(description="In the population.")
    eligible: int = Field(description="Eligible, before any filter.")
    conditional: int = Field(description="Conditional, before any filter.")
    kept: int = Field(description="Of both, those that pass the filters.")
    candidates: int = Field(description="Companies that may be near misses and pass the filters.")
    left_out: dict[str, int] = Field(description="Of those that fit, by the filter they fail.")
    looked_at: int = Field(description="Candidates that were tried up to the end of this page.")


class ListedCompany(BaseModel):
    """Who a prospect is."""

    id: str = Field(description="Id.")
    name_zh: str | None = Field(description="Chinese name.")
    name_en: str | None = Field(description="English name.")
    synthetic: bool | None = Field(description="Whether it is made up.")
    region: str | None = Field(description="Code of the place of registration.")
    region_label: str | None = Field(description="Its name.")
    size_class: SizeClass | None = Field(description="Size class.")
    size_label: str | None = Field(description="Its name.")
    hs: list[str] | None = Field(description="Goods.")
    routes: list[str] | None = Field(description="Modes of transport.")
    first_loan: bool | None = Field(description="Whether no bank has ever lent to it.")


class KnownRelation(BaseModel):
    """What the bank knows beside the profile; null: not known."""

    manager: str | None = Field(description="Who looks after it.")
    group: str | None = Field(description="Group of companies.")
    last_contacted: str | None = Field(description="Day of the last contact.")
    last_declined: str | None = Field(description="Day it last declined.")
    consent_to_contact: bool | None = Field(description="By the profile and the bank's record.")
    lanes_held: list[Lane] | None = Field(description="Lanes of products it holds.")


class TalkingPoint(BaseModel):
    """Something to say, from the company's own figures."""

    code: str = Field(description="Kind of point.")
    text_zh: str = Field(description="In Chinese.")
    text_en: str = Field(description="In English.")


class Prospect(BaseModel):
    """One company for the product."""

    rank: int = Field(description="From 1 over all pages.")
    company: ListedCompany = Field(description="The company.")
    relationship: KnownRelation = Field(description="The relation to it.")
    fit: Fit = Field(description=FIT)
    fit_text: str = Field(description="The fit in words.")
    score: float = Field(description="As in a recommendation for this company.")
    score_low: float = Field(description="If everything unknown turned out worst.")
    score_high: float = Field(description="If everything unknown turned out best.")
    uptake_probability: float | None = Field(
        description="Calibrated on outcomes; null without them."
    )
    contributions: list[Contribution] = Field(description="Largest first.")
    subject_to: list[Line] = Field(description="What a bank or screening still decides.")
    cautions: list[Line] = Field(description="What does not gate but should be known.")
    blockers: list[Blocker] = Field(description="Hard rules that say no; of near misses.")
    unknowns: list[OpenRule] = Field(description="Hard rules that wait for an answer.")
    changes: list[Change] = Field(description="What would make a near miss fit.")
    indicative_amount: Amount = Field(description="What may be had, with its formula.")
    documents_missing: list[PaperName] | None = Field(
        description="Those not held; null: documents not stated."
    )
    expected_value_cny: float | None = Field(
        description="Probability x middle of the indicative amount; null where one is not known."
    )
    talking_points: list[TalkingPoint] = Field(description="What to say.")


class ProspectsAnswer(BaseModel):
    """A page of the companies for one product."""

    as_of: str = Field(description="Day the population was packed for.")
    engine_version: str = Field(description="Version of the engine.")
    catalogue_version: str = Field(description="Version of the catalogue.")
    parameters_version: str = Field(description="Version of the dated parameters.")
    model_version: str = Field(description="Version of the model.")
    population_version: str = Field(description="Version of the population.")
    language: Language = Field(description="Language of the texts.")
    product: ListedProduct = Field(description="The product.")
    order: Order = Field(description="What the list is ordered by.")
    calibrated: bool = Field(description="Whether probabilities are known in this lane.")
    counts: ListCounts = Field(description="How many companies.")
    prospects: list[Prospect] = Field(description="By rank: those that fit, then near misses.")
    next: str | None = Field(description="Cursor of the next page; null at the end.")
    notices: list[str] = Field(description="What to bear in mind.")
