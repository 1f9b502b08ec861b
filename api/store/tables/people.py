"""Organisations, their branches, users, their identities elsewhere and tokens."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Boolean, Column, ForeignKey, ForeignKeyConstraint, Index, Integer

from api.store.tables.base import id_column, metadata, moment, organisation

organisations = sa.Table(
    "organisations",
    metadata,
    id_column(primary_key=True),
    Column("kind", sa.String(16), nullable=False),
    Column("name_zh", sa.String(200), nullable=False),
    Column("name_en", sa.String(200), nullable=False),
    Column("synthetic", Boolean, nullable=False),
    moment("created_at"),
)

branches = sa.Table(
    "branches",
    metadata,
    organisation(primary_key=True),
    id_column(primary_key=True),
    Column("name_zh", sa.String(200), nullable=False),
    Column("name_en", sa.String(200), nullable=False),
    moment("created_at"),
)

users = sa.Table(
    "users",
    metadata,
    id_column(primary_key=True),
    organisation(),
    Column("branch_id", sa.String(64)),
    Column("login", sa.String(200), nullable=False, unique=True),
    Column("name", sa.String(200), nullable=False),
    Column("role", sa.String(16), nullable=False),
    Column("password_hash", sa.String(500)),
    moment("created_at"),
    moment("disabled_at", required=False),
    ForeignKeyConstraint(
        ["organisation_id", "branch_id"], ["branches.organisation_id", "branches.id"]
    ),
    Index(None, "organisation_id"),
)

tokens = sa.Table(
    "tokens",
    metadata,
    id_column(primary_key=True),
    Column("user_id", sa.String(64), ForeignKey("users.id"), nullable=False, index=True),
    Column("hash", sa.String(64), nullable=False, unique=True),
    Column("scope", sa.String(16), nullable=False),
    Column("label", sa.String(200), nullable=False),
    moment("created_at"),
    moment("expires_at"),
    moment("revoked_at", required=False),
)

# Subjects of an identity provider, each linked to a user by an administrator.
user_identities = sa.Table(
    "user_identities",
    metadata,
    Column("issuer", sa.String(500), primary_key=True),
    Column("subject", sa.String(255), primary_key=True),
    Column("user_id", sa.String(64), ForeignKey("users.id"), nullable=False, index=True),
    moment("created_at"),
)

failed_logins = sa.Table(
    "failed_logins",
    metadata,
    Column("login", sa.String(200), primary_key=True),
    Column("failures", Integer, nullable=False),
    moment("last_at"),
)
