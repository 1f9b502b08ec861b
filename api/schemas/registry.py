"""Models, catalogues and the decisions about which of them serve."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from recommender.records import Record

Reason = Annotated[str, Field(min_length=1, max_length=1000, description="Why; it is kept.")]


class PromotionRequest(Record):
    """Let a model serve."""

    reason: Reason
    despite: bool = Field(False, description="Serve although something speaks against it.")


class DecisionRequest(Record):
    """A decision with its reason."""

    reason: Reason


class Serves(BaseModel):
    """What serves."""

    model: str | None = Field(description="Version; null for the expert weights.")
    catalogue: str | None = Field(description="Version; null for the packaged one.")


class StepAnswer(BaseModel):
    """One decision about what serves."""

    step: int = Field(description="Number, from 1.")
    action: Literal["promote", "use", "rollback"] = Field(description="What was done.")
    kind: Literal["model", "catalogue"] = Field(description="What it was about.")
    model: str | None = Field(description="Model that served from then on; null: expert weights.")
    catalogue: str | None = Field(description="Catalogue from then on; null: the packaged one.")
    before: str | None = Field(description="Version of that kind that served until then.")
    who: str = Field(description="Login of who decided, or the user of the command line.")
    when: str = Field(description="When, ISO 8601 in UTC.")
    why: str = Field(description="The reason given.")
    despite: list[str] = Field(description="Codes of what spoke against it.")


class ModelEntry(BaseModel):
    """A model."""

    version: str = Field(description="Version: hash of its weights.")
    kind: Literal["trained", "edited", "broken"] = Field(description="How it came about.")
    prior: str | None = Field(description="Model it was learned or edited from.")
    catalogue_version: str | None = Field(description="Catalogue it was learned on.")
    engine_version: str | None = Field(description="Engine that learned it.")
    events: int | None = Field(description="Events it was learned from.")
    synthetic: bool = Field(description="Learned wholly or in part from made-up outcomes.")
    kept_at: str = Field(description="When it was kept, ISO 8601 in UTC.")
    serving: bool = Field(description="Whether it serves.")


class ModelsAnswer(BaseModel):
    """Models and decisions, newest first."""

    models: list[ModelEntry] = Field(description="Models.")
    serving: Serves = Field(description="What serves.")
    steps: list[StepAnswer] = Field(description="Decisions.")


class Cards(BaseModel):
    """The model card as Markdown; null where there is none."""

    zh: str | None = Field(description="In Chinese.")
    en: str | None = Field(description="In English.")


class ModelAnswer(ModelEntry):
    """A model with all that is known of it."""

    weights: dict[str, float] = Field(description="Points by similarity.")
    manifest: dict[str, Any] = Field(description="Its manifest, with the measures.")
    card: Cards = Field(description="Its card.")


class ModelSide(BaseModel):
    """One of two models that are compared."""

    version: str = Field(description="Version.")
    outcomes_version: str | None = Field(description="Outcomes it was measured on.")
    catalogue_version: str | None = Field(description="Catalogue it was measured on.")
    measures: dict[str, Any] | None = Field(description="Measures with intervals, and of peers.")
    against: dict[str, Any] | None = Field(description="Differences to the peers.")


class WeightPair(BaseModel):
    """The points of one similarity in both."""

    feature: str = Field(description="Similarity.")
    a: float | None = Field(description="Points in the first.")
    b: float | None = Field(description="Points in the second.")


class ModelComparison(BaseModel):
    """Two models side by side."""

    a: ModelSide = Field(description="The first.")
    b: ModelSide = Field(description="The second.")
    weights: list[WeightPair] = Field(description="Points by similarity.")
    same_test: bool = Field(description="Measured on the same outcomes and catalogue.")


class CatalogueEntry(BaseModel):
    """A catalogue."""

    version: str = Field(description="Version: hash of its content.")
    kind: Literal["packaged", "imported", "broken"] = Field(description="Where it came from.")
    products: int | None = Field(description="How many products it has.")
    kept_at: str | None = Field(description="When it was kept; null for the packaged one.")
    serving: bool = Field(description="Whether it serves.")


class CataloguesAnswer(BaseModel):
    """Catalogues and decisions, newest first, the packaged one before them."""

    catalogues: list[CatalogueEntry] = Field(description="Catalogues.")
    serving: Serves = Field(description="What serves.")
    steps: list[StepAnswer] = Field(description="Decisions.")


class CatalogueAdded(BaseModel):
    """A catalogue that was checked and kept."""

    version: str = Field(description="Version: hash of its content.")
    products: int = Field(description="Products.")
    facts: int = Field(description="Facts.")
    documents: int = Field(description="Documents.")
    stops: int = Field(description="Common stops.")
    new: bool = Field(description="Whether it was not there before.")


class Difference(BaseModel):
    """One difference."""

    kind: str = Field(description="added, withdrawn or changed.")
    section: str = Field(description="Part of the catalogue.")
    id: str | None = Field(description="Record.")
    field: str | None = Field(description="Field.")
    part: str | None = Field(description="Part of the field.")
    old: Any = Field(description="Before.")
    new: Any = Field(description="After.")
    text: str = Field(description="As a sentence.")


class CatalogueDifference(BaseModel):
    """What changed from one catalogue to another."""

    same: bool = Field(description="Nothing did.")
    old: str = Field(description="Version compared against.")
    new: str = Field(description="Version in question.")
    added: int = Field(description="Products added.")
    withdrawn: int = Field(description="Products withdrawn.")
    changed: int = Field(description="Products changed.")
    others: int = Field(description="Other differences.")
    differences: list[Difference] = Field(description="All of them.")
    samples: dict[str, Any] = Field(description="Sample companies whose fit changes.")
