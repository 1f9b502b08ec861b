"""Runs, replays and the audit log."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from api.schemas.answers import RecommendationAnswer
from recommender.records import Day, Identifier, Record

Operation = Literal["recommend", "eligibility", "what_if", "plans", "prospects"]
Cursor = Annotated[str, Field(max_length=200)]


class RunsQuery(Record):
    """Which runs to list."""

    company_id: Identifier | None = None
    product_id: Identifier | None = None
    user_id: Identifier | None = None
    operation: Operation | None = None
    since: Day | None = None
    until: Day | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Cursor | None = None


class AuditQuery(Record):
    """Which events to list."""

    action: Annotated[str, Field(max_length=64)] | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    cursor: Cursor | None = None


class RunVersions(BaseModel):
    """What an answer was made with."""

    engine_version: str | None = Field(description="Of the engine.")
    catalogue_version: str | None = Field(description="Of the catalogue.")
    parameters_version: str | None = Field(description="Of the dated parameters.")
    model_version: str | None = Field(description="Of the model.")
    population_version: str | None = Field(description="Of the population; null but for lists.")


class RunNote(BaseModel):
    """A run, without what was asked and shown."""

    run_id: str = Field(description="Id.")
    operation: Operation = Field(description="What was asked.")
    user_id: str = Field(description="Who asked.")
    company_id: str | None = Field(description="Company of the record; null for none.")
    company_version: int | None = Field(
        description="Version of its profile; null where the request brought the profile."
    )
    product_id: str | None = Field(description="Product of a list of prospects.")
    at: str = Field(description="When, ISO 8601 in UTC.")
    erased_at: str | None = Field(description="When it was erased; null: it is there.")
    versions: RunVersions = Field(description="What it was made with.")


class RunsAnswer(BaseModel):
    """Runs, newest first."""

    runs: list[RunNote] = Field(description="A page.")
    next: str | None = Field(description="Cursor of the next page; null at the end.")


class RunAnswer(RunNote):
    """A run as it was."""

    request: dict[str, Any] = Field(description="What was asked, with every default.")
    answer: dict[str, Any] = Field(description="What was shown, byte for byte.")


class Difference(BaseModel):
    """A place where two answers differ."""

    path: str = Field(description="Dotted place in the answer; empty for the whole.")
    shown: Any = Field(description="What was shown; null: nothing.")
    now: Any = Field(description="What comes now; null: nothing.")


class ComparedVersions(BaseModel):
    """Versions then and now."""

    shown: RunVersions = Field(description="Of the answer that was given.")
    now: RunVersions = Field(description="Of the answer computed again.")


class ReplayAnswer(BaseModel):
    """A run, computed again."""

    run_id: str = Field(description="Id.")
    operation: Operation = Field(description="What was asked.")
    identical: bool = Field(description="Whether every byte is the same.")
    difference: Difference | None = Field(description="The first difference; null: none.")
    versions: ComparedVersions = Field(description="What both were made with.")
    differing: list[str] = Field(description="Names of the versions that differ.")


class Override(BaseModel):
    """A decision of a person that differs from the answer."""

    id: str = Field(description="Id.")
    product_id: str = Field(description="Product.")
    decision: str = Field(description="What was decided.")
    reason: str = Field(description="Why.")
    user_id: str = Field(description="Who decided.")
    run_id: str | None = Field(description="The answer it is about.")
    at: str = Field(description="When, ISO 8601 in UTC.")


class CompanyRecommendationsAnswer(BaseModel):
    """An answer about a company of the record, and what people decided beside it."""

    company_id: str = Field(description="Id.")
    company_version: int = Field(description="Version of the profile that was used.")
    overrides: list[Override] = Field(description="Overrides in force; the answer ignores them.")
    answer: RecommendationAnswer = Field(description="As POST /v1/recommendations gives it.")


class AuditEvent(BaseModel):
    """Something that happened."""

    chain: str = Field(description="Chain it stands in.")
    sequence: int = Field(description="Place in the chain.")
    at: str = Field(description="When, ISO 8601 in UTC.")
    actor: str = Field(description="Reference of who did it, or `system`.")
    action: str = Field(description="What was done.")
    subject: str | None = Field(description="Reference of whom it is about.")
    detail: dict[str, Any] = Field(description="What else was kept.")
    hash: str = Field(description="Hash over the event and the one before it.")


class AuditAnswer(BaseModel):
    """Events, newest first."""

    events: list[AuditEvent] = Field(description="A page.")
    next: str | None = Field(description="Cursor of the next page; null at the end.")


class Finding(BaseModel):
    """Something that is wrong with the log."""

    kind: str = Field(description="What is wrong.")
    chain: str = Field(description="Chain, or `seals`.")
    sequence: int = Field(description="Place in it.")
    message: str = Field(description="In words.")


class VerifyAnswer(BaseModel):
    """What a check of the log found."""

    whole: bool = Field(description="Nothing is wrong.")
    events: int = Field(description="Events that were checked, of every organisation.")
    own_events: int = Field(description="Events of this organisation among them.")
    chains: int = Field(description="Chains that were checked.")
    seals: int = Field(description="Seals that were checked.")
    unsealed: int = Field(description="Events behind the last seal of their chain.")
    findings: list[Finding] = Field(description="The first hundred things that are wrong.")
    found: int = Field(description="How many things are wrong.")
