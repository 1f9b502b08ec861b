"""Profiles of many companies, for jobs that go through all that somebody sees."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

import orjson
import sqlalchemy as sa

from api.policy import Caller
from api.store import consents as agreements
from api.store import relations
from api.store.companies import SHARED, seen
from api.store.tables import companies, company_versions, consents, contacts, outcomes
from recommender.options import SHANGHAI

ROWS_AT_ONCE = 1_000
DECLINED = "declined"


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


def with_relations(
    connection: sa.Connection, caller: Caller
) -> Iterator[tuple[str, str | None, str]]:
    """Companies that consented to matching as a population takes them: id, branch and JSON.

    The profile has its id and consents, and beside them stands what is known of the relation: what
    an import said, talks, offers declined, and lanes of loans that are drawn.
    """
    agreed: dict[str, list[Any]] = {}
    rows = sa.select(consents).where(consents.c.organisation_id == caller.organisation_id)
    for row in connection.execute(rows).mappings():
        agreed.setdefault(row["company_id"], []).append(row)
    contacted = _last(connection, caller, contacts.c.at, contacts, sa.true())
    refused = outcomes.c.outcome == DECLINED
    declined = _last(connection, caller, outcomes.c.decided_on, outcomes, refused)
    known = relations.known(connection, caller.organisation_id)
    drawn = relations.lanes_drawn(connection, caller.organisation_id)
    for company_id, branch_id, text in list(profiles(connection, caller, agreed=True)):
        stated = agreements.stated(agreed.get(company_id, []))
        line = {**orjson.loads(text), "id": company_id, "consents": stated}
        days = {
            "last_contacted": contacted.get(company_id),
            "last_declined": declined.get(company_id),
        }
        own = relations.joined(known.get(company_id, {}), days, drawn.get(company_id))
        yield company_id, branch_id, orjson.dumps({**line, **own}).decode()


def _last(
    connection: sa.Connection,
    caller: Caller,
    at: sa.Column[Any],
    table: sa.Table,
    condition: sa.ColumnElement[bool],
) -> dict[str, datetime.date]:
    """The last day of a kind of event, in Shanghai, by company."""
    own = table.c.organisation_id == caller.organisation_id
    query = sa.select(table.c.company_id, sa.func.max(at)).where(own, condition)
    found = connection.execute(query.group_by(table.c.company_id)).all()
    return {company_id: _day(when) for company_id, when in found}


def _day(when: datetime.date) -> datetime.date:
    return when.astimezone(SHANGHAI).date() if isinstance(when, datetime.datetime) else when


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
