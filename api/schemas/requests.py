"""What the three operations on a profile take, and how a refusal looks."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from recommender.company.profile import Company
from recommender.options import Options
from recommender.records import Record

CompanyId = Annotated[str, Field(max_length=64)]


class RecommendationRequest(Record):
    """A profile, or the id of a company of the record, and how to answer.

    An empty profile is valid: nothing is known yet. One of the two has to be there.
    """

    company: Company = Field(default_factory=Company, description="The profile.")
    company_id: CompanyId = Field("", description="Company of the record, in place of a profile.")
    options: Options | None = Field(None, description="What to show; null: the defaults.")


class EligibilityRequest(RecommendationRequest):
    """A profile and how to answer."""


class WhatIfRequest(RecommendationRequest):
    """A profile, and what to change in it."""

    set: dict[str, Any] = Field(
        description="New values by dotted profile field (`need.amount`) or fact id."
    )


class FieldProblem(BaseModel):
    """One thing that is wrong."""

    field: str = Field(description="Dotted place in the request; empty for the whole.")
    value: Any = Field(description="What was given, cut when long; null when nothing was.")
    allowed: Any = Field(description="What is accepted, or the bound; null when open.")
    message: str = Field(description="Place, value and what is allowed as one sentence.")
    file: str | None = Field(None, description="File it stands in, of an upload.")
    sheet: str | None = Field(None, description="Sheet of a workbook.")
    row: int | None = Field(None, description="Row as the file counts.")
    column: str | None = Field(None, description="Letter of the column.")


class ErrorBody(BaseModel):
    """An error as application/problem+json (RFC 9457)."""

    type: str = Field(description="URI of the kind of error.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The HTTP status.")
    code: str = Field(description="Stable code of the error.")
    detail: str = Field(description="What happened here.")
    errors: list[FieldProblem] = Field(description="Every problem of the request at once.")
    request_id: str | None = Field(None, description="Id of the request, as in the logs.")
