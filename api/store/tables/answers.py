"""What was answered, and what became of it."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Boolean, Column, ForeignKey, ForeignKeyConstraint, Index, Integer, Text

from api.store.tables.base import id_column, metadata, moment, organisation

runs = sa.Table(
    "runs",
    metadata,
    id_column(primary_key=True),
    organisation(),
    Column("user_id", sa.String(64), nullable=False),
    Column("operation", sa.String(32), nullable=False),
    Column("company_id", sa.String(64)),
    Column("company_version", Integer),
    Column("product_id", sa.String(64)),
    Column("engine_version", sa.String(64), nullable=False),
    Column("catalogue_version", sa.String(64), nullable=False),
    Column("parameters_version", sa.String(64), nullable=False),
    Column("model_version", sa.String(64), nullable=False),
    Column("population_version", sa.String(64)),
    Column("request", Text),
    Column("answer", Text),
    moment("at"),
    moment("erased_at", required=False),
    Index(None, "organisation_id", "at", "id"),
    Index(None, "organisation_id", "company_id"),
    Index(None, "organisation_id", "user_id", "at"),
)

applications = sa.Table(
    "applications",
    metadata,
    id_column(primary_key=True),
    organisation(),
    Column("company_id", sa.String(64), nullable=False),
    Column("company_version", Integer),
    Column("run_id", sa.String(64), ForeignKey("runs.id")),
    Column("product_id", sa.String(64), nullable=False),
    Column("lane", sa.String(16), nullable=False),
    Column("status", sa.String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("owner_id", sa.String(64), ForeignKey("users.id")),
    Column("due_on", sa.Date),
    Column("amount_hundredths", sa.BigInteger),
    Column("currency", sa.String(3)),
    Column("reason_code", sa.String(64)),
    moment("created_at"),
    moment("updated_at"),
    ForeignKeyConstraint(
        ["organisation_id", "company_id"], ["companies.organisation_id", "companies.id"]
    ),
    Index(None, "organisation_id", "company_id"),
    Index(None, "organisation_id", "status", "due_on"),
    Index(None, "run_id", "product_id", unique=True),
)

application_events = sa.Table(
    "application_events",
    metadata,
    Column("application_id", sa.String(64), ForeignKey("applications.id"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("status", sa.String(16), nullable=False),
    Column("reason_code", sa.String(64)),
    Column("note", sa.String(1000)),
    Column("change", Text, nullable=False),
    Column("user_id", sa.String(64), ForeignKey("users.id"), nullable=False),
    moment("at"),
)

outcomes = sa.Table(
    "outcomes",
    metadata,
    id_column(primary_key=True),
    organisation(),
    Column("company_id", sa.String(64), nullable=False),
    Column("company_version", Integer),
    Column("run_id", sa.String(64), ForeignKey("runs.id")),
    Column("application_id", sa.String(64), ForeignKey("applications.id")),
    Column("product_id", sa.String(64), nullable=False),
    Column("lane", sa.String(16), nullable=False),
    Column("outcome", sa.String(32), nullable=False),
    Column("reason_code", sa.String(64)),
    Column("synthetic", Boolean, nullable=False),
    Column("user_id", sa.String(64), ForeignKey("users.id"), nullable=False),
    Column("decided_on", sa.Date, nullable=False),
    moment("at"),
    ForeignKeyConstraint(
        ["organisation_id", "company_id"], ["companies.organisation_id", "companies.id"]
    ),
    Index(None, "organisation_id", "company_id", "product_id"),
    Index(None, "run_id", "product_id"),
    Index(None, "application_id", unique=True),
)

overrides = sa.Table(
    "overrides",
    metadata,
    id_column(primary_key=True),
    organisation(),
    Column("company_id", sa.String(64), nullable=False),
    Column("run_id", sa.String(64), ForeignKey("runs.id")),
    Column("product_id", sa.String(64), nullable=False),
    Column("decision", sa.String(16), nullable=False),
    Column("reason", sa.String(1000), nullable=False),
    Column("user_id", sa.String(64), ForeignKey("users.id"), nullable=False),
    moment("at"),
    moment("withdrawn_at", required=False),
    ForeignKeyConstraint(
        ["organisation_id", "company_id"], ["companies.organisation_id", "companies.id"]
    ),
    Index(None, "organisation_id", "company_id"),
    Index(
        "ix_overrides_standing",
        "organisation_id",
        "company_id",
        "product_id",
        unique=True,
        sqlite_where=sa.text("withdrawn_at IS NULL"),
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    ),
)

review_requests = sa.Table(
    "review_requests",
    metadata,
    id_column(primary_key=True),
    organisation(),
    Column("company_id", sa.String(64), nullable=False),
    Column("run_id", sa.String(64), ForeignKey("runs.id")),
    Column("product_id", sa.String(64)),
    Column("question", sa.String(2000), nullable=False),
    Column("user_id", sa.String(64), ForeignKey("users.id"), nullable=False),
    moment("at"),
    Column("answer", sa.String(4000)),
    Column("answered_by", sa.String(64), ForeignKey("users.id")),
    moment("answered_at", required=False),
    ForeignKeyConstraint(
        ["organisation_id", "company_id"], ["companies.organisation_id", "companies.id"]
    ),
    Index(None, "organisation_id", "company_id"),
)
