"""The tables of the record, the same on SQLite and PostgreSQL.

Every row of a customer belongs to one organisation, which is part of its key wherever a caller
could name the row. Times are UTC; JSON is canonical text, so that both databases hold the same
bytes. `migrations/` brings a database to these tables.
"""

from __future__ import annotations

import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Boolean, Column, ForeignKey, ForeignKeyConstraint, Index, Integer, Text

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = sa.MetaData(naming_convention=NAMING)


class Instant(sa.TypeDecorator[datetime.datetime]):
    """A point in time, aware and in UTC on the way in and out."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(
        self, value: datetime.datetime | None, dialect: sa.Dialect
    ) -> datetime.datetime | None:
        """UTC, without the zone where the database has no such type."""
        if value is None:
            return None
        utc = value.astimezone(datetime.UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(
        self,
        value: datetime.datetime | None,
        dialect: sa.Dialect,  # noqa: ARG002 - given by SQLAlchemy
    ) -> datetime.datetime | None:
        """Aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=value.tzinfo or datetime.UTC).astimezone(datetime.UTC)


def _id(name: str = "id", **more: Any) -> Column[str]:
    return Column(name, sa.String(64), **more)


def _organisation(**more: Any) -> Column[str]:
    return Column(
        "organisation_id", sa.String(64), ForeignKey("organisations.id"), nullable=False, **more
    )


def _at(name: str, *, required: bool = True) -> Column[datetime.datetime]:
    return Column(name, Instant, nullable=not required)


organisations = sa.Table(
    "organisations",
    metadata,
    _id(primary_key=True),
    Column("kind", sa.String(16), nullable=False),
    Column("name_zh", sa.String(200), nullable=False),
    Column("name_en", sa.String(200), nullable=False),
    Column("synthetic", Boolean, nullable=False),
    _at("created_at"),
)

branches = sa.Table(
    "branches",
    metadata,
    _organisation(primary_key=True),
    _id(primary_key=True),
    Column("name_zh", sa.String(200), nullable=False),
    Column("name_en", sa.String(200), nullable=False),
    _at("created_at"),
)

users = sa.Table(
    "users",
    metadata,
    _id(primary_key=True),
    _organisation(),
    Column("branch_id", sa.String(64)),
    Column("login", sa.String(200), nullable=False, unique=True),
    Column("name", sa.String(200), nullable=False),
    Column("role", sa.String(16), nullable=False),
    Column("password_hash", sa.String(500)),
    _at("created_at"),
    _at("disabled_at", required=False),
    ForeignKeyConstraint(
        ["organisation_id", "branch_id"], ["branches.organisation_id", "branches.id"]
    ),
    Index(None, "organisation_id"),
)

tokens = sa.Table(
    "tokens",
    metadata,
    _id(primary_key=True),
    Column("user_id", sa.String(64), ForeignKey("users.id"), nullable=False, index=True),
    Column("hash", sa.String(64), nullable=False, unique=True),
    Column("scope", sa.String(16), nullable=False),
    Column("label", sa.String(200), nullable=False),
    _at("created_at"),
    _at("expires_at"),
    _at("revoked_at", required=False),
)

failed_logins = sa.Table(
    "failed_logins",
    metadata,
    Column("login", sa.String(200), primary_key=True),
    Column("failures", Integer, nullable=False),
    _at("last_at"),
)

companies = sa.Table(
    "companies",
    metadata,
    _organisation(primary_key=True),
    _id(primary_key=True),
    Column("version", Integer, nullable=False),
    Column("branch_id", sa.String(64)),
    Column("owner_id", sa.String(64), ForeignKey("users.id")),
    Column("synthetic", Boolean, nullable=False),
    Column("name_zh", sa.String(200)),
    Column("name_en", sa.String(200)),
    Column("uscc", sa.String(18)),
    Column("merged_into", sa.String(64)),
    _at("created_at"),
    _at("updated_at"),
    _at("erased_at", required=False),
    ForeignKeyConstraint(
        ["organisation_id", "branch_id"], ["branches.organisation_id", "branches.id"]
    ),
    Index(None, "organisation_id", "branch_id"),
    Index(None, "organisation_id", "owner_id"),
    Index(None, "organisation_id", "uscc"),
)

company_versions = sa.Table(
    "company_versions",
    metadata,
    _organisation(primary_key=True),
    Column("company_id", sa.String(64), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("profile", Text, nullable=False),
    Column("sources", Text, nullable=False),
    Column("user_id", sa.String(64), ForeignKey("users.id"), nullable=False),
    _at("at"),
    ForeignKeyConstraint(
        ["organisation_id", "company_id"], ["companies.organisation_id", "companies.id"]
    ),
)

consents = sa.Table(
    "consents",
    metadata,
    _id(primary_key=True),
    _organisation(),
    Column("company_id", sa.String(64), nullable=False),
    Column("purpose", sa.String(32), nullable=False),
    Column("user_id", sa.String(64), ForeignKey("users.id"), nullable=False),
    Column("note", sa.String(1000)),
    _at("given_at"),
    _at("withdrawn_at", required=False),
    ForeignKeyConstraint(
        ["organisation_id", "company_id"], ["companies.organisation_id", "companies.id"]
    ),
    Index(None, "organisation_id", "company_id", "purpose"),
)

facilities = sa.Table(
    "facilities",
    metadata,
    _organisation(primary_key=True),
    Column("company_id", sa.String(64), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("lender", sa.String(200)),
    Column("kind", sa.String(64)),
    Column("currency", sa.String(3)),
    Column("limit_amount", sa.Numeric(17, 2)),
    Column("drawn_amount", sa.Numeric(17, 2)),
    Column("maturity", sa.Date),
    ForeignKeyConstraint(
        ["organisation_id", "company_id"], ["companies.organisation_id", "companies.id"]
    ),
    Index(None, "organisation_id", "maturity"),
)

contacts = sa.Table(
    "contacts",
    metadata,
    _id(primary_key=True),
    _organisation(),
    Column("company_id", sa.String(64), nullable=False),
    Column("product_id", sa.String(64)),
    Column("user_id", sa.String(64), ForeignKey("users.id"), nullable=False),
    Column("note", sa.String(1000)),
    _at("at"),
    ForeignKeyConstraint(
        ["organisation_id", "company_id"], ["companies.organisation_id", "companies.id"]
    ),
    Index(None, "organisation_id", "company_id", "at"),
)

runs = sa.Table(
    "runs",
    metadata,
    _id(primary_key=True),
    _organisation(),
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
    _at("at"),
    _at("erased_at", required=False),
    Index(None, "organisation_id", "at", "id"),
    Index(None, "organisation_id", "company_id"),
    Index(None, "organisation_id", "user_id", "at"),
)

applications = sa.Table(
    "applications",
    metadata,
    _id(primary_key=True),
    _organisation(),
    Column("company_id", sa.String(64), nullable=False),
    Column("company_version", Integer),
    Column("run_id", sa.String(64), ForeignKey("runs.id")),
    Column("product_id", sa.String(64), nullable=False),
    Column("lane", sa.String(16), nullable=False),
    Column("status", sa.String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("owner_id", sa.String(64), ForeignKey("users.id")),
    Column("due_on", sa.Date),
    Column("amount", sa.Numeric(17, 2)),
    Column("currency", sa.String(3)),
    Column("reason_code", sa.String(64)),
    _at("created_at"),
    _at("updated_at"),
    ForeignKeyConstraint(
        ["organisation_id", "company_id"], ["companies.organisation_id", "companies.id"]
    ),
    Index(None, "organisation_id", "company_id"),
    Index(None, "organisation_id", "status", "due_on"),
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
    _at("at"),
)

outcomes = sa.Table(
    "outcomes",
    metadata,
    _id(primary_key=True),
    _organisation(),
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
    _at("at"),
    ForeignKeyConstraint(
        ["organisation_id", "company_id"], ["companies.organisation_id", "companies.id"]
    ),
    Index(None, "organisation_id", "company_id", "product_id"),
)

overrides = sa.Table(
    "overrides",
    metadata,
    _id(primary_key=True),
    _organisation(),
    Column("company_id", sa.String(64), nullable=False),
    Column("run_id", sa.String(64), ForeignKey("runs.id")),
    Column("product_id", sa.String(64), nullable=False),
    Column("decision", sa.String(16), nullable=False),
    Column("reason", sa.String(1000), nullable=False),
    Column("user_id", sa.String(64), ForeignKey("users.id"), nullable=False),
    _at("at"),
    _at("withdrawn_at", required=False),
    ForeignKeyConstraint(
        ["organisation_id", "company_id"], ["companies.organisation_id", "companies.id"]
    ),
    Index(None, "organisation_id", "company_id"),
)

review_requests = sa.Table(
    "review_requests",
    metadata,
    _id(primary_key=True),
    _organisation(),
    Column("company_id", sa.String(64), nullable=False),
    Column("run_id", sa.String(64), ForeignKey("runs.id")),
    Column("product_id", sa.String(64)),
    Column("question", sa.String(2000), nullable=False),
    Column("user_id", sa.String(64), ForeignKey("users.id"), nullable=False),
    _at("at"),
    Column("answer", sa.String(4000)),
    Column("answered_by", sa.String(64), ForeignKey("users.id")),
    _at("answered_at", required=False),
    ForeignKeyConstraint(
        ["organisation_id", "company_id"], ["companies.organisation_id", "companies.id"]
    ),
    Index(None, "organisation_id", "company_id"),
)

# One row for each key a caller gave with a write: a repeated call gets the first answer again.
idempotency_keys = sa.Table(
    "idempotency_keys",
    metadata,
    Column("user_id", sa.String(64), ForeignKey("users.id"), primary_key=True),
    Column("key", sa.String(200), primary_key=True),
    Column("operation", sa.String(32), nullable=False),
    Column("request_hash", sa.String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("answer", Text, nullable=False),
    _at("at"),
)

# Models and catalogues by version, one shelf an organisation; `file` is a path inside the version.
registry_files = sa.Table(
    "registry_files",
    metadata,
    _organisation(primary_key=True),
    Column("kind", sa.String(16), primary_key=True),
    Column("version", sa.String(64), primary_key=True),
    Column("file", sa.String(200), primary_key=True),
    Column("content", Text, nullable=False),
    _at("at"),
)

# Every decision about what serves; the last step of an organisation is what serves now.
registry_steps = sa.Table(
    "registry_steps",
    metadata,
    _organisation(primary_key=True),
    Column("step", Integer, primary_key=True, autoincrement=False),
    Column("record", Text, nullable=False),
    _at("at"),
)

jobs = sa.Table(
    "jobs",
    metadata,
    _id(primary_key=True),
    _organisation(),
    Column("kind", sa.String(32), nullable=False),
    Column("status", sa.String(16), nullable=False),
    Column("parameters", Text, nullable=False),
    Column("progress", sa.Float, nullable=False),
    Column("message", Text),
    Column("result", Text),
    Column("worker", sa.String(64)),
    Column("attempts", Integer, nullable=False),
    Column("cancel", Boolean, nullable=False),
    Column("user_id", sa.String(64), ForeignKey("users.id"), nullable=False),
    _at("created_at"),
    _at("started_at", required=False),
    _at("seen_at", required=False),
    _at("ended_at", required=False),
    Index(None, "organisation_id", "created_at"),
    Index(None, "status"),
)

job_files = sa.Table(
    "job_files",
    metadata,
    Column("job_id", sa.String(64), ForeignKey("jobs.id"), primary_key=True),
    Column("name", sa.String(200), primary_key=True),
    Column("content", sa.LargeBinary, nullable=False),
)

# What joins an audit reference to a person or company; erasing the row severs it for good.
reference_keys = sa.Table(
    "reference_keys",
    metadata,
    Column("organisation_id", sa.String(64), primary_key=True),
    Column("kind", sa.String(16), primary_key=True),
    Column("id", sa.String(64), primary_key=True),
    Column("key", sa.String(64), nullable=False),
    Column("reference", sa.String(64), nullable=False, index=True),
)

audit_events = sa.Table(
    "audit_events",
    metadata,
    Column("chain", sa.String(64), primary_key=True),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("organisation_id", sa.String(64), nullable=False),
    Column("at", sa.String(32), nullable=False),
    Column("actor", sa.String(64), nullable=False),
    Column("action", sa.String(64), nullable=False),
    Column("subject", sa.String(64)),
    Column("detail", Text, nullable=False),
    Column("previous", sa.String(64), nullable=False),
    Column("hash", sa.String(64), nullable=False),
    Index(None, "organisation_id", "at"),
    Index(None, "organisation_id", "subject"),
)

audit_seals = sa.Table(
    "audit_seals",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("at", sa.String(32), nullable=False),
    Column("heads", Text, nullable=False),
    Column("previous", sa.String(64), nullable=False),
    Column("hash", sa.String(64), nullable=False),
)
