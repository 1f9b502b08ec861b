"""What the operations on companies take and answer."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from api.policy import Purpose
from api.schemas.applications import Person
from recommender.company.profile import Company
from recommender.records import READABLE, Day, Name, Record
from recommender.vocabulary import FactSource, Lane

MOST = 200
BranchId = Annotated[str, Field(min_length=1, max_length=64), READABLE]
Id = Annotated[str, Field(min_length=1, max_length=64), READABLE]
Note = Annotated[str, Field(min_length=1, max_length=1000), READABLE]
Limit = Annotated[int, Field(ge=1, le=MOST)]
Cursor = Annotated[str, Field(min_length=1, max_length=400)]


class SourceNote(Record):
    """Where the value of a field comes from."""

    source: FactSource = Field(description="Who says so.")
    as_of: Day | None = Field(None, description="Day it was true; null: today.")


class ConsentRequest(Record):
    """A consent, or its end, as it is recorded."""

    note: Note | None = Field(None, description="How it was given: a form, a call, a letter.")


class CompanyRequest(Record):
    """A company as a whole: what the profile leaves out is not known any more."""

    profile: Company = Field(
        description="The profile; its `consents` are not read, they have operations of their own."
    )
    branch_id: BranchId | None = Field(
        None, description="Branch; left out: as it was, for a new company that of the caller."
    )
    sources: dict[Name, SourceNote] = Field(
        {},
        description="By field (`need.amount`); others keep theirs, or are the caller's of today.",
    )
    consents: dict[Purpose, ConsentRequest] = Field(
        {},
        description="Purposes that the company agreed to; a manager's new company needs matching.",
    )


class CompaniesQuery(Record):
    """Which companies to list."""

    text: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    branch_id: BranchId | None = None
    uscc: Annotated[str, Field(min_length=1, max_length=18)] | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


class CompanyQuery(Record):
    """Which version of a company."""

    version: Annotated[int, Field(ge=1, le=2_147_483_647)] | None = None


class FacilitiesQuery(Record):
    """Which facilities to list."""

    maturing_before: Day
    limit: Limit = 50
    cursor: Cursor | None = None


class ImportQuery(Record):
    """How to import a file."""

    branch_id: BranchId | None = None
    note: Note | None = None
    dry_run: bool = False


class ContactRequest(Record):
    """A talk with a company."""

    product_id: Id | None = Field(None, description="The product it was about.")
    note: Note | None = Field(None, description="What was said.")


class MergeRequest(Record):
    """Where a company goes that was recorded twice."""

    into: Id = Field(description="Id of the company that stays.")


class OwnerRequest(Record):
    """Whose company it is from now on."""

    login: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        description="Login of an enterprise's user of the organisation; null: nobody's."
    )


class OwnerAnswer(BaseModel):
    """Whose company it is."""

    company_id: str = Field(description="The company.")
    owner: Person | None = Field(description="The user; null: nobody.")


class FieldSource(BaseModel):
    """Where the value of a field comes from."""

    source: FactSource = Field(description="Who says so.")
    as_of: str = Field(description="Day it was true (Asia/Shanghai).")


class Consent(BaseModel):
    """One time that a purpose was agreed to, or refused."""

    purpose: Purpose = Field(description="What for.")
    given_at: str | None = Field(description="When; null: refused from the start.")
    withdrawn_at: str | None = Field(description="When it ended; null: in force.")
    user_id: str | None = Field(description="Who recorded it; null for analysts.")
    note: str | None = Field(description="How it was given; null for analysts.")
    withdrawn_by: str | None = Field(description="Who recorded the end; null for analysts.")
    withdrawn_note: str | None = Field(description="How it ended; null for analysts.")


class Relation(BaseModel):
    """What the bank knows of its relation to a company, as an import said it."""

    manager: str | None = Field(description="Who looks after it; null: not known.")
    group: str | None = Field(description="Group of companies; null: not known.")
    last_contacted: str | None = Field(description="Day of the last contact; null: not known.")
    last_declined: str | None = Field(description="Day it last declined; null: not known.")
    lanes_held: list[Lane] | None = Field(description="Lanes it holds; null: not known.")


class CompanyAnswer(BaseModel):
    """A company as the caller may see it."""

    id: str = Field(description="Id; for analysts a pseudonym.")
    version: int = Field(description="Version of the profile, from 1.")
    branch_id: str | None = Field(description="Branch that looks after it.")
    synthetic: bool = Field(description="Made up.")
    profile: dict[str, Any] = Field(description="The profile, with the consents on record.")
    sources: dict[str, FieldSource] = Field(description="By field; facts carry theirs.")
    consents: list[Consent] = Field(description="Everything that was ever agreed to or withdrawn.")
    relation: Relation | None = Field(
        description="What the bank knows beside the profile; null: nothing, or for analysts."
    )
    updated_at: str = Field(description="When this version was written, ISO 8601 in UTC.")


class CompanyLine(BaseModel):
    """A company in a list."""

    id: str = Field(description="Id; for analysts a pseudonym.")
    name_zh: str | None = Field(description="Chinese name; null: not known, or not for analysts.")
    name_en: str | None = Field(description="English name; null: not known, or not for analysts.")
    uscc: str | None = Field(description="Credit code; null: not known, or not for analysts.")
    branch_id: str | None = Field(description="Branch that looks after it.")
    version: int = Field(description="Version of the profile.")
    synthetic: bool = Field(description="Made up.")
    consents: list[Purpose] = Field(description="Purposes in force.")
    updated_at: str = Field(description="When it last changed, ISO 8601 in UTC.")


class CompaniesAnswer(BaseModel):
    """A page of companies."""

    companies: list[CompanyLine] = Field(description="By id.")
    next: str | None = Field(description="Cursor of the next page; null: the end.")


class Contact(BaseModel):
    """A talk with a company."""

    id: str = Field(description="Id.")
    company_id: str = Field(description="The company.")
    product_id: str | None = Field(description="The product it was about; null: none.")
    user_id: str = Field(description="Who recorded it.")
    note: str | None = Field(description="What was said.")
    at: str = Field(description="When, ISO 8601 in UTC.")


class ContactsAnswer(BaseModel):
    """The contacts of a company."""

    contacts: list[Contact] = Field(description="The latest first, at most a thousand.")


class FacilityLine(BaseModel):
    """A facility of a current profile."""

    company_id: str = Field(description="The company.")
    position: int = Field(description="Place in the list of the profile, from 0.")
    name_zh: str | None = Field(description="Chinese name of the company.")
    name_en: str | None = Field(description="English name of the company.")
    synthetic: bool = Field(description="Made up.")
    lender: str | None = Field(description="Lender; null: not known.")
    kind: str | None = Field(description="Kind; null: not known.")
    currency: str | None = Field(description="Currency; null: not known.")
    limit: float | None = Field(description="Limit; null: not known.")
    drawn: float | None = Field(description="Drawn; null: not known.")
    maturity: str = Field(description="Day it ends.")
    application: str | None = Field(description="Application it was drawn under; null: none here.")
    as_of: str | None = Field(description="Day it was true; null: not stated.")


class FacilitiesAnswer(BaseModel):
    """A page of facilities."""

    facilities: list[FacilityLine] = Field(description="By maturity; those without one are not in.")
    next: str | None = Field(description="Cursor of the next page; null: the end.")


class RowProblem(BaseModel):
    """One thing that is wrong with one row."""

    row: int = Field(description="As the file counts; tables count their header.")
    id: str | None = Field(description="Id of the company, as far as it is known.")
    field: str = Field(description="Dotted field or column; empty for the whole row.")
    value: Any = Field(description="What was given, cut when long.")
    allowed: Any = Field(description="What is accepted, or the bound; null when open.")
    message: str = Field(description="In words.")


class ImportAnswer(BaseModel):
    """What became of the rows of a file."""

    dry_run: bool = Field(description="Nothing was kept.")
    rows: int = Field(description="Rows of the file.")
    created: int = Field(description="New companies.")
    changed: int = Field(description="Companies with a new version, or another relation.")
    unchanged: int = Field(description="Companies that are on record just so.")
    refused: int = Field(description="Rows that were not kept.")
    problems: list[RowProblem] = Field(description="By row, the first ten thousand.")
    problems_found: int = Field(description="How many there are.")


class ExportAnswer(BaseModel):
    """Everything the record holds about a company."""

    company: CompanyAnswer = Field(description="As it is now.")
    versions: list[dict[str, Any]] = Field(description="Every profile with its sources.")
    consents: list[dict[str, Any]] = Field(description="Every consent.")
    contacts: list[dict[str, Any]] = Field(description="Every contact.")
    runs: list[dict[str, Any]] = Field(description="Every answer that was given, without its text.")
    applications: list[dict[str, Any]] = Field(description="Every application with its steps.")
    outcomes: list[dict[str, Any]] = Field(description="Every outcome.")
    overrides: list[dict[str, Any]] = Field(description="Every override.")
    review_requests: list[dict[str, Any]] = Field(description="Every review with its answer.")
