"""Overrides: what a manager says beside the ranking."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from api.schemas.applications import Person
from api.schemas.paging import Note
from recommender.records import Identifier, Record

Decision = Literal["recommend", "advise_against"]


class OverrideRequest(Record):
    """A manager's own word on a product for a company. The company sees it with its reason."""

    product_id: Identifier = Field(description="Product.")
    decision: Decision = Field(description="For it or against it.")
    reason: Note = Field(description="Why; the company sees it.")
    run_id: Identifier | None = Field(None, description="Run it is about.")


class OverrideAnswer(BaseModel):
    """An override. The ranking stays as it is: this stands beside it."""

    id: str = Field(description="Id.")
    company_id: str = Field(description="Company.")
    product_id: str = Field(description="Product.")
    decision: Decision = Field(description="For it or against it.")
    reason: str = Field(description="Why.")
    run_id: str | None = Field(description="Run it is about.")
    by: Person = Field(description="Who said so.")
    at: str = Field(description="When, ISO 8601 in UTC.")


class OverridesAnswer(BaseModel):
    """What stands for a company."""

    overrides: list[OverrideAnswer] = Field(description="The latest first.")
