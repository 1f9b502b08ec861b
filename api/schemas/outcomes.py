"""Outcomes: what became of products that were shown."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, Field, RootModel, model_validator

from api.schemas.applications import REASONS, Reason
from api.schemas.paging import Page
from recommender.errors import Problem
from recommender.records import Day, Identifier, Record, raise_problems
from recommender.vocabulary import Lane

Ending = Literal["taken", "declined", "withdrawn", "no_answer", "refused_by_bank"]
MOST = 1_000


class OutcomeEntry(Record):
    """What became of a product shown: in the run named, else in the latest of the company."""

    run_id: Identifier | None = Field(None, description="Run that showed the product.")
    company_id: Identifier | None = Field(None, description="Company; needed without a run.")
    product_id: Identifier = Field(description="Product.")
    outcome: Ending = Field(description="What became of it.")
    reason_code: Reason | None = Field(None, description="Why a bank refused; only of a refusal.")
    decided_on: Day | None = Field(None, description="Day of the decision; null: today.")

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        refused = self.outcome == "refused_by_bank"
        if refused and self.reason_code is None:
            raise_problems([Problem("refusal_reason", "reason_code", None, list(REASONS))])
        if not refused and self.reason_code is not None:
            code = "outcome_reason_alone"
            raise_problems([Problem(code, "reason_code", self.reason_code, "refused_by_bank")])
        if self.run_id is None and self.company_id is None:
            raise_problems([Problem("outcome_of_whom", "run_id")])
        return self


class OutcomeEntries(Record):
    """Several at once: all are kept, or none."""

    outcomes: tuple[OutcomeEntry, ...] = Field(
        description="The outcomes.", min_length=1, max_length=MOST
    )


class OutcomesRequest(RootModel[OutcomeEntry | OutcomeEntries]):
    """One outcome, or several."""


class OutcomesKept(BaseModel):
    """What was kept."""

    ids: list[str] = Field(description="Ids, in the order given.")
    count: int = Field(description="How many.")


class OutcomesImportQuery(Record):
    """How to import a file of outcomes."""

    dry_run: bool = False


class OutcomeRowProblem(BaseModel):
    """One thing that is wrong with one row."""

    row: int = Field(description="As the file counts; tables count their header.")
    field: str = Field(description="Column; empty for the whole row.")
    value: Any = Field(description="What was given, cut when long.")
    allowed: Any = Field(description="What is accepted, or the bound; null when open.")
    message: str = Field(description="In words.")


class OutcomesImportAnswer(BaseModel):
    """What became of the rows of a file."""

    dry_run: bool = Field(description="Nothing was kept.")
    rows: int = Field(description="Rows of the file.")
    created: int = Field(description="Outcomes that are new.")
    unchanged: int = Field(description="Outcomes that are on record just so.")
    refused: int = Field(description="Rows that were not kept.")
    problems: list[OutcomeRowProblem] = Field(description="By row, the first ten thousand.")
    problems_found: int = Field(description="How many there are.")


class OutcomeQuery(Page):
    """Which outcomes."""

    product: Identifier | None = None
    outcome: Ending | None = None


class OutcomeNote(BaseModel):
    """An outcome on record."""

    id: str = Field(description="Id.")
    company: str = Field(description="Id of the company; for analysts a stable pseudonym.")
    product_id: str = Field(description="Product.")
    lane: Lane = Field(description="Lane of the product.")
    outcome: Ending = Field(description="What became of it.")
    reason_code: str | None = Field(description="Why a bank refused.")
    decided_on: str = Field(description="Day of the decision.")
    applied: bool = Field(description="Whether it is the end of an application.")
    synthetic: bool = Field(description="Of a made-up company.")


class OutcomesAnswer(BaseModel):
    """A part of the outcomes, the latest first."""

    outcomes: list[OutcomeNote] = Field(description="This part.")
    total: int = Field(description="How many there are in all.")
    limit: int = Field(description="As asked.")
    offset: int = Field(description="As asked.")


class OutcomeTable(RootModel[str]):
    """The table to learn from, as CSV; its columns stand in data/README.md."""
