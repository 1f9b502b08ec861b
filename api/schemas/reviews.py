"""Reviews by a person, asked for and answered."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from api.schemas.applications import Person
from api.schemas.paging import Page, written
from recommender.records import READABLE, Identifier, Record


class ReviewRequest(Record):
    """A question to a person, about a recommendation or one product of it."""

    question: Annotated[str, written(2_000), READABLE] = Field(description="The question.")
    run_id: Identifier | None = Field(None, description="Run it is about.")
    product_id: Identifier | None = Field(None, description="Product it is about.")


class ReviewReply(Record):
    """What a person says to it."""

    answer: Annotated[str, written(4_000), READABLE] = Field(description="The answer.")


class ReviewQuery(Page):
    """Which reviews."""

    state: Literal["open", "answered"] | None = None
    company: Identifier | None = None


class ReviewAnswer(BaseModel):
    """A question and, once there is one, its answer."""

    id: str = Field(description="Id.")
    company_id: str = Field(description="Company.")
    run_id: str | None = Field(description="Run it is about.")
    product_id: str | None = Field(description="Product it is about.")
    question: str = Field(description="The question.")
    by: Person = Field(description="Who asks.")
    at: str = Field(description="When, ISO 8601 in UTC.")
    answer: str | None = Field(description="The answer; null: nobody has answered yet.")
    answered_by: Person | None = Field(description="Who answered.")
    answered_at: str | None = Field(description="When, ISO 8601 in UTC.")


class ReviewsAnswer(BaseModel):
    """A part of the reviews: open ones first, the oldest first."""

    reviews: list[ReviewAnswer] = Field(description="This part.")
    total: int = Field(description="How many there are in all.")
    limit: int = Field(description="As asked.")
    offset: int = Field(description="As asked.")
