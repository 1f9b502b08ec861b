"""Profiles of many companies, for jobs that go through all that somebody sees."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from api.policy import Caller
from api.store.companies import SHARED, seen
from api.store.tables import companies, company_versions, consents

ROWS_AT_ONCE = 1_000


def profiles(
    connection: sa.Connection, caller: Caller, *, agreed: bool
) -> Iterator[tuple[str, str | None, str]]:
    """Id, branch and profile (JSON) of each company a caller sees, by id; erased ones left out.

    agreed: only those that consented to matching, whoever asks.
    """
    at = companies.c
    query = (
        sa.select(at.id, at.branch_id, company_versions.c.profile)
        .join(
            company_versions,
            (company_versions.c.organisation_id == at.organisation_id)
            & (company_versions.c.company_id == at.id)
            & (company_versions.c.version == at.version),
        )
        .where(seen(caller), at.erased_at.is_(None), at.merged_into.is_(None))
        .order_by(at.id)
    )
    if agreed:
        query = query.where(agreed_to_matching())
    for row in connection.execution_options(yield_per=ROWS_AT_ONCE).execute(query):
        yield row.id, row.branch_id, row.profile


def agreed_to_matching() -> sa.ColumnElement[bool]:
    """Whether a company consented to matching, and did not withdraw it."""
    return sa.exists().where(
        consents.c.organisation_id == companies.c.organisation_id,
        consents.c.company_id == companies.c.id,
        consents.c.purpose == SHARED,
        consents.c.withdrawn_at.is_(None),
    )


def still_seen(connection: sa.Connection, caller: Caller, ids: list[str]) -> set[str]:
    """Which of some companies a caller may be told of now: it sees them and they still consent."""
    query = sa.select(companies.c.id).where(
        seen(caller), companies.c.id.in_(ids), companies.c.erased_at.is_(None), agreed_to_matching()
    )
    return set(connection.execute(query).scalars())
