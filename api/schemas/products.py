"""The answers about the catalogue and the service."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from recommender.vocabulary import AskedOf, Changeable, Lane, Provenance


class PaperName(BaseModel):
    """A document of the catalogue's dictionary."""

    id: str = Field(description="Id.")
    label: str = Field(description="Its name.")


class SourceNote(BaseModel):
    """Where something was read."""

    quality: Provenance = Field(description="Grade of the source.")
    title: str = Field(description="Title.")
    url: str | None = Field(description="Address; null: none, or not one to link to.")
    date: str | None = Field(description="Day it was read or published.")


class ProvenanceNote(BaseModel):
    """Where a product's terms come from."""

    quality: Provenance = Field(description="The weakest of its sources.")
    text: str = Field(description="In words.")
    fields: dict[str, Provenance] = Field(description="Grade by field.")
    sources: list[SourceNote] = Field(description="The sources.")


class ProductAnswer(BaseModel):
    """One product of the catalogue, worded; null scope: not limited."""

    id: str = Field(description="Id.")
    name_zh: str = Field(description="Chinese name.")
    name_en: str = Field(description="English name.")
    lane: Lane = Field(description="Lane.")
    category: str = Field(description="Kind of product.")
    provider: str = Field(description="Who offers it.")
    summary: str = Field(description="What it is.")
    keywords: list[str] = Field(description="Search words.")
    funded: bool = Field(description="Whether it brings money.")
    covers: str | None = Field(description="What an insurance or guarantee covers.")
    directions: list[str] | None = Field(description="Directions of trade.")
    routes: list[str] | None = Field(description="Transport modes.")
    hs: list[str] | None = Field(description="Goods.")
    stages: list[str] | None = Field(description="Stages of trade.")
    settlement_methods: list[str] | None = Field(description="Settlement methods.")
    sizes: list[str] | None = Field(description="Size classes.")
    family: str = Field(description="Product family.")
    accepts: dict[str, Any] = Field(description="Collateral types with their advance range.")
    share: dict[str, Any] | None = Field(
        description="Share lent of an order or a payment in advance."
    )
    formula: str = Field(description="How its amount is computed.")
    amount: dict[str, Any] | None = Field(description="Smallest and largest use, CNY.")
    tenor_days: dict[str, Any] | None = Field(description="Shortest and longest tenor.")
    currencies: list[str] = Field(description="ISO 4217.")
    rules: list[dict[str, Any]] = Field(description="Gates, common stops and own rules.")
    documents: list[str] = Field(description="Papers required, by id.")
    relations: list[dict[str, Any]] = Field(description="Relations to other products.")
    valid_from: str | None = Field(description="First day.")
    valid_until: str | None = Field(description="Last day.")
    suspended: bool = Field(description="Not offered at present.")
    contact: str | None = Field(description="Whom to ask.")
    legal_notes: list[dict[str, Any]] = Field(description="Legal basis, dated.")
    notes: list[str] = Field(description="Further notes.")
    public_facts: list[str] = Field(description="What public pages say of it.")
    fit_ceiling: Literal["conditional"] | None = Field(description="The best fit it can have.")
    provenance: ProvenanceNote = Field(description="Where its terms come from.")


class ProductsAnswer(BaseModel):
    """The catalogue."""

    catalogue_version: str = Field(description="Hash of the catalogue.")
    products: list[ProductAnswer] = Field(description="By id.")


class Choice(BaseModel):
    """One possible answer of a question."""

    id: str = Field(description="Value to give.")
    label: str = Field(description="In words.")


class FactAnswer(BaseModel):
    """One question of the dictionary."""

    id: str = Field(description="Id, the key in `company.facts`.")
    type: Literal["flag", "number", "choice", "choices", "date"] = Field(description="Its type.")
    unit: str | None = Field(description="Unit of a number.")
    options: list[Choice] = Field(description="Answers of a choice.")
    label: str = Field(description="Its name.")
    question: str = Field(description="In words.")
    asked_of: AskedOf = Field(description="Who answers.")
    changeable: Changeable = Field(description="Who can change it.")
    used_by: list[str] = Field(description="Products with a rule on it.")


class FactsAnswer(BaseModel):
    """The dictionary of questions."""

    catalogue_version: str = Field(description="Hash of the catalogue.")
    facts: list[FactAnswer] = Field(description="By id.")


class FeatureNote(BaseModel):
    """One similarity and what it counts."""

    feature: str = Field(description="Name.")
    label_zh: str = Field(description="Chinese name.")
    label_en: str = Field(description="English name.")
    what_zh: str = Field(description="What it looks at, in Chinese.")
    what_en: str = Field(description="What it looks at, in English.")
    formula: str = Field(description="Formula.")
    source: str = Field(description="Where the formula comes from.")
    lanes: list[Lane] = Field(description="Lanes it applies to.")
    neutral: float = Field(description="Value when not known.")
    weight: float = Field(description="Weight of the model.")


class KindNote(BaseModel):
    """One kind of firm that a model tells apart."""

    kind: str = Field(description="Name; its contribution is named kind_ and this.")
    label_zh: str = Field(description="Chinese name.")
    label_en: str = Field(description="English name.")


class NoticeAnswer(BaseModel):
    """How the ranking works."""

    text_zh: str = Field(description="In Chinese.")
    text_en: str = Field(description="In English.")
    features: list[FeatureNote] = Field(description="Every similarity.")
    kinds: list[KindNote] = Field(
        description="Kinds of firms whose uptake was learned; none with the expert weights."
    )


class HealthAnswer(BaseModel):
    """The process runs."""

    status: Literal["ok"] = Field(description="Always ok.")


class ReadyAnswer(BaseModel):
    """The service can answer."""

    status: Literal["ready"] = Field(description="Always ready.")
    engine_version: str = Field(description="Version of the engine.")
    catalogue_version: str = Field(description="Hash of the catalogue.")
    model_version: str = Field(description="The weights used.")


class NotReadyAnswer(BaseModel):
    """The service cannot answer yet."""

    missing: list[str] = Field(description="What is missing, in words.")
