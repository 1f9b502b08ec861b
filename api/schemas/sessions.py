"""Signing in, and who one is."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from api.policy import OrganisationKind, Role, Scope
from recommender.records import READABLE, Record


class SessionRequest(Record):
    """A login and its password."""

    login: Annotated[str, Field(min_length=1, max_length=200, description="Login name."), READABLE]
    password: Annotated[str, Field(min_length=1, max_length=200, description="Password.")]


class SessionAnswer(BaseModel):
    """A token; it is not shown again."""

    token: str = Field(description="Bearer token.")
    expires_at: str = Field(description="When it ends, ISO 8601 in UTC.")


class OrganisationNote(BaseModel):
    """An organisation."""

    id: str = Field(description="Id.")
    kind: OrganisationKind = Field(description="Bank, insurer or finance centre.")
    name_zh: str = Field(description="Chinese name.")
    name_en: str = Field(description="English name.")
    synthetic: bool = Field(description="Made up, for the demo.")


class MeAnswer(BaseModel):
    """The caller."""

    user_id: str = Field(description="Id.")
    login: str = Field(description="Login name.")
    name: str = Field(description="Name.")
    role: Role = Field(description="What the caller may do.")
    scope: Scope = Field(description="What the token may do.")
    organisation: OrganisationNote = Field(description="Whose data the caller sees.")
    branch_id: str | None = Field(description="Branch; null for the whole organisation.")
    expires_at: str = Field(description="When the token ends, ISO 8601 in UTC.")
