"""Keys of calls, models and catalogues, jobs, and the audit log."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Text

from api.store.tables.base import id_column, metadata, moment, organisation

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
    moment("at"),
)

# Models and catalogues by version, one shelf an organisation; `file` is a path inside the version.
registry_files = sa.Table(
    "registry_files",
    metadata,
    organisation(primary_key=True),
    Column("kind", sa.String(16), primary_key=True),
    Column("version", sa.String(64), primary_key=True),
    Column("file", sa.String(200), primary_key=True),
    Column("content", Text, nullable=False),
    moment("at"),
)

# Every decision about what serves; the last step of an organisation is what serves now.
registry_steps = sa.Table(
    "registry_steps",
    metadata,
    organisation(primary_key=True),
    Column("step", Integer, primary_key=True, autoincrement=False),
    Column("record", Text, nullable=False),
    moment("at"),
)

jobs = sa.Table(
    "jobs",
    metadata,
    id_column(primary_key=True),
    organisation(),
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
    moment("created_at"),
    moment("started_at", required=False),
    moment("seen_at", required=False),
    moment("ended_at", required=False),
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
