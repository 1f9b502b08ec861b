"""Companies with every version, consents, facilities and contacts."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from sqlalchemy import Boolean, Column, ForeignKey, ForeignKeyConstraint, Index, Integer, Text

from api.store.tables.base import id_column, metadata, moment, organisation


def pseudonym() -> str:
    """What analysts know a company by: random, so that nothing but the record joins the two."""
    return f"p-{secrets.token_hex(8)}"


companies = sa.Table(
    "companies",
    metadata,
    organisation(primary_key=True),
    id_column(primary_key=True),
    Column("version", Integer, nullable=False),
    Column("branch_id", sa.String(64)),
    Column("owner_id", sa.String(64), ForeignKey("users.id")),
    Column("synthetic", Boolean, nullable=False),
    Column("name_zh", sa.String(200)),
    Column("name_en", sa.String(200)),
    Column("uscc", sa.String(18)),
    Column("merged_into", sa.String(64)),
    Column("pseudonym", sa.String(32), nullable=False, default=pseudonym),
    moment("created_at"),
    moment("updated_at"),
    moment("erased_at", required=False),
    ForeignKeyConstraint(
        ["organisation_id", "branch_id"], ["branches.organisation_id", "branches.id"]
    ),
    Index(None, "organisation_id", "branch_id"),
    Index(None, "organisation_id", "owner_id"),
    Index(None, "organisation_id", "uscc", unique=True),
    Index(None, "organisation_id", "pseudonym", unique=True),
)

company_versions = sa.Table(
    "company_versions",
    metadata,
    organisation(primary_key=True),
    Column("company_id", sa.String(64), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("profile", Text, nullable=False),
    Column("sources", Text, nullable=False),
    Column("user_id", sa.String(64), ForeignKey("users.id"), nullable=False),
    moment("at"),
    ForeignKeyConstraint(
        ["organisation_id", "company_id"], ["companies.organisation_id", "companies.id"]
    ),
)

# One row for each time a purpose was agreed to; without given_at it was refused from the start.
consents = sa.Table(
    "consents",
    metadata,
    id_column(primary_key=True),
    organisation(),
    Column("company_id", sa.String(64), nullable=False),
    Column("purpose", sa.String(32), nullable=False),
    Column("user_id", sa.String(64), ForeignKey("users.id"), nullable=False),
    Column("note", sa.String(1000)),
    moment("given_at", required=False),
    moment("withdrawn_at", required=False),
    Column("withdrawn_by", sa.String(64), ForeignKey("users.id")),
    Column("withdrawn_note", sa.String(1000)),
    ForeignKeyConstraint(
        ["organisation_id", "company_id"], ["companies.organisation_id", "companies.id"]
    ),
    Index(None, "organisation_id", "company_id", "purpose"),
)

facilities = sa.Table(
    "facilities",
    metadata,
    organisation(primary_key=True),
    Column("company_id", sa.String(64), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("lender", sa.String(200)),
    Column("kind", sa.String(200)),
    Column("currency", sa.String(3)),
    Column("limit_hundredths", sa.BigInteger),
    Column("drawn_hundredths", sa.BigInteger),
    Column("maturity", sa.Date),
    ForeignKeyConstraint(
        ["organisation_id", "company_id"], ["companies.organisation_id", "companies.id"]
    ),
    Index(None, "organisation_id", "maturity"),
)

# What the bank knows beside the profile, as JSON with the fields of a relationship.
relations = sa.Table(
    "relations",
    metadata,
    organisation(primary_key=True),
    Column("company_id", sa.String(64), primary_key=True),
    Column("stated", Text, nullable=False),
    Column("user_id", sa.String(64), ForeignKey("users.id"), nullable=False),
    moment("at"),
    ForeignKeyConstraint(
        ["organisation_id", "company_id"], ["companies.organisation_id", "companies.id"]
    ),
)

contacts = sa.Table(
    "contacts",
    metadata,
    id_column(primary_key=True),
    organisation(),
    Column("company_id", sa.String(64), nullable=False),
    Column("product_id", sa.String(64)),
    Column("user_id", sa.String(64), ForeignKey("users.id"), nullable=False),
    Column("note", sa.String(1000)),
    moment("at"),
    ForeignKeyConstraint(
        ["organisation_id", "company_id"], ["companies.organisation_id", "companies.id"]
    ),
    Index(None, "organisation_id", "company_id", "at"),
)
