"""The tables of the record, the same on SQLite and PostgreSQL.

Every row of a customer belongs to one organisation, which is part of its key wherever a caller
could name the row. Times are UTC; JSON is canonical text, so that both databases hold the same
bytes. `migrations/` brings a database to these tables.
"""

from api.store.tables.answers import (
    application_events,
    applications,
    outcomes,
    overrides,
    review_requests,
    runs,
)
from api.store.tables.base import Instant, metadata
from api.store.tables.customers import (
    companies,
    company_versions,
    consents,
    contacts,
    facilities,
    pseudonym,
    relations,
)
from api.store.tables.operations import (
    audit_events,
    audit_seals,
    idempotency_keys,
    job_files,
    jobs,
    reference_keys,
    registry_files,
    registry_steps,
)
from api.store.tables.people import (
    branches,
    failed_logins,
    organisations,
    tokens,
    user_identities,
    users,
)

__all__ = [
    "Instant",
    "application_events",
    "applications",
    "audit_events",
    "audit_seals",
    "branches",
    "companies",
    "company_versions",
    "consents",
    "contacts",
    "facilities",
    "failed_logins",
    "idempotency_keys",
    "job_files",
    "jobs",
    "metadata",
    "organisations",
    "outcomes",
    "overrides",
    "pseudonym",
    "reference_keys",
    "registry_files",
    "registry_steps",
    "relations",
    "review_requests",
    "runs",
    "tokens",
    "user_identities",
    "users",
]
