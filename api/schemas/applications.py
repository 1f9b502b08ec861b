"""Applications: what starts one, what moves one, and how one looks."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from api.schemas.paging import Note, Page
from recommender.errors import Problem
from recommender.records import Amount, Day, Identifier, Record, raise_problems
from recommender.vocabulary import Currency, Lane

Status = Literal[
    "referred", "documents", "submitted", "approved", "refused", "drawn", "repaid", "withdrawn"
]
Reason = Literal[
    "credit_record",
    "collateral_short",
    "papers_missing",
    "no_credit_line",
    "screening",
    "unprofitable",
    "other",
]
REASONS: tuple[Reason, ...] = get_args(Reason)
LARGEST = 10_000_000_000_000
Sum = Annotated[Amount, Field(gt=0, le=LARGEST)]
OWNER, DUE = "User who looks after it.", "Day by which the next step is due."


def _parts(value: Any) -> Any:
    """A list of words apart by commas, as a query string has it."""
    return tuple(value.split(",")) if isinstance(value, str) else value


class ApplicationRequest(Record):
    """A product a company applies for. Who may set owner and day: managers."""

    company_id: Identifier = Field(description="Company.")
    product_id: Identifier = Field(description="Product.")
    run_id: Identifier | None = Field(
        None, description="Run that showed the product; null: the latest that did, if any."
    )
    amount: Sum | None = Field(None, description="Amount applied for.")
    currency: Currency | None = Field(None, description="Of the amount, ISO 4217.")
    owner_id: Identifier | None = Field(None, description=OWNER)
    due_on: Day | None = Field(None, description=DUE)

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if (self.amount is None) != (self.currency is None):
            field = "currency" if self.currency is None else "amount"
            raise_problems([Problem("missing", field)])
        return self


class StepRequest(Record):
    """A step, or another owner or day; null takes owner or day away, absent leaves it."""

    status: Status | None = Field(None, description="Where it stands from now on.")
    reason_code: Reason | None = Field(None, description="Why a bank refuses; only with `refused`.")
    note: Note | None = Field(None, description="For the bank's people alone.")
    owner_id: Identifier | None = Field(None, description=OWNER)
    due_on: Day | None = Field(None, description=DUE)

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        refused = self.status == "refused"
        if refused and self.reason_code is None:
            raise_problems([Problem("refusal_reason", "reason_code", None, list(REASONS))])
        if not refused and self.reason_code is not None:
            raise_problems([Problem("refusal_alone", "reason_code", self.reason_code, "refused")])
        if not self.model_fields_set:
            raise_problems([Problem("step_empty", allowed=sorted(type(self).model_fields))])
        return self


class BoardQuery(Page):
    """Which applications."""

    status: Annotated[tuple[Status, ...] | None, BeforeValidator(_parts)] = None
    owner: Identifier | None = None
    due_before: Day | None = None
    company: Identifier | None = None


class Words(BaseModel):
    """A code with its words."""

    code: str = Field(description="Stable code.")
    text_zh: str = Field(description="In Chinese.")
    text_en: str = Field(description="In English.")


class Person(BaseModel):
    """A user."""

    id: str = Field(description="Id.")
    name: str = Field(description="Name.")
    role: str = Field(description="Role.")


class CompanyNote(BaseModel):
    """The company of an application."""

    id: str = Field(description="Id.")
    name_zh: str | None = Field(description="Chinese name; null: not known.")
    name_en: str | None = Field(description="English name; null: not known.")
    synthetic: bool = Field(description="Made up.")


class FacilityNote(BaseModel):
    """A drawn loan as one of the facilities of a profile."""

    lender: str = Field(description="Lender.")
    kind: str = Field(description="Kind of facility.")
    limit: float | None = Field(description="Limit; null: not known.")
    drawn: float | None = Field(description="Drawn; null: not known.")
    currency: str | None = Field(description="ISO 4217.")


class ApplicationAnswer(BaseModel):
    """An application. Its `ETag` is its version in quotes."""

    id: str = Field(description="Id.")
    version: int = Field(description="Counts its changes, from 1.")
    company: CompanyNote = Field(description="Who applies.")
    company_version: int | None = Field(description="Version of the profile at the start.")
    product_id: str = Field(description="Product.")
    lane: Lane = Field(description="Lane of the product.")
    run_id: str | None = Field(description="Run that showed the product; null: none did.")
    status: Status = Field(description="Where it stands.")
    next: list[Status] = Field(description="Where the caller may take it.")
    amount: float | None = Field(description="Amount applied for; null: not stated.")
    currency: str | None = Field(description="Of the amount.")
    owner: Person | None = Field(description="Who looks after it; null: nobody yet.")
    due_on: str | None = Field(description="Day by which the next step is due.")
    reason: Words | None = Field(description="Why the bank refused; null: it did not.")
    created_at: str = Field(description="When it began, ISO 8601 in UTC.")
    updated_at: str = Field(description="When it last changed, ISO 8601 in UTC.")
    facility: FacilityNote | None = Field(
        description="What a drawn loan adds to the facilities of the profile; null: nothing."
    )


class ApplicationEvent(BaseModel):
    """One change of an application."""

    version: int = Field(description="Version it made.")
    at: str = Field(description="When, ISO 8601 in UTC.")
    by: Person = Field(description="Who.")
    status: Status = Field(description="Status from then on.")
    before: Status | None = Field(description="Status until then; null: it began.")
    reason: Words | None = Field(description="Why the bank refused.")
    note: str | None = Field(description="Note; those of the bank are null for enterprises.")
    changed: dict[str, Any] = Field(description="Fields that changed, each `[before, after]`.")


class ApplicationHistory(ApplicationAnswer):
    """An application with everything that happened to it."""

    history: list[ApplicationEvent] = Field(description="From the first change to the last.")


class ApplicationsAnswer(BaseModel):
    """A part of the board, what is due first standing first."""

    applications: list[ApplicationAnswer] = Field(description="This part.")
    total: int = Field(description="How many there are in all.")
    limit: int = Field(description="As asked.")
    offset: int = Field(description="As asked.")


class ApplicationCount(BaseModel):
    """How many applications are alike."""

    product_id: str = Field(description="Product.")
    lane: Lane = Field(description="Lane of the product.")
    status: Status = Field(description="Where they stand.")
    reason_code: str | None = Field(description="Why the bank refused.")
    synthetic: bool = Field(description="Of made-up companies.")
    count: int = Field(description="How many.")


class ApplicationCounts(BaseModel):
    """Applications by product and status, without saying whose."""

    counts: list[ApplicationCount] = Field(description="Where there is at least one.")
