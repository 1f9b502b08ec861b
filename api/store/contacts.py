"""When somebody of the organisation spoke with a company, and about what."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from api.policy import Caller
from api.store.audit import Event
from api.store.companies import live, seen, visible
from api.store.references import reference
from api.store.tables import applications, companies, contacts, outcomes
from api.store.writer import Write

Row = Mapping[Any, Any]
MOST = 1_000


def add(
    write: Write, caller: Caller, company_id: str, product_id: str | None, note: str | None
) -> dict[str, Any]:
    """Record a contact; raises what `visible` raises."""
    company = visible(write.connection, caller, company_id)
    row = {
        "id": str(uuid.uuid4()),
        "organisation_id": caller.organisation_id,
        "company_id": company["id"],
        "product_id": product_id,
        "user_id": caller.user_id,
        "note": note,
        "at": write.at,
    }
    write.execute(sa.insert(contacts), row)
    actor = reference(write, caller.organisation_id, "user", caller.user_id)
    subject = reference(write, caller.organisation_id, "company", company["id"])
    detail = {"product_id": product_id}
    write.audit(Event(caller.organisation_id, actor, "company.contacted", subject, detail))
    return shown(row)


def listed(connection: sa.Connection, caller: Caller, company_id: str) -> list[dict[str, Any]]:
    """The contacts of a company, the latest first; raises what `visible` raises."""
    company = visible(connection, caller, company_id)
    columns = contacts.c
    query = (
        sa.select(contacts)
        .where(
            columns.organisation_id == caller.organisation_id,
            columns.company_id == company["id"],
        )
        .order_by(columns.at.desc(), columns.id)
        .limit(MOST)
    )
    return [shown(row) for row in connection.execute(query).mappings()]


def last_of(
    connection: sa.Connection, caller: Caller, company_ids: Sequence[str]
) -> dict[str, datetime.datetime]:
    """When somebody last spoke with each of some companies; the others are left out."""
    columns = contacts.c
    query = (
        sa.select(columns.company_id, sa.func.max(columns.at))
        .where(
            columns.organisation_id == caller.organisation_id, columns.company_id.in_(company_ids)
        )
        .group_by(columns.company_id)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def waiting(
    connection: sa.Connection, caller: Caller, before: datetime.datetime, limit: int
) -> list[Row]:
    """Talks about a product before a moment of which nothing is known since, the oldest first.

    Neither a later talk nor an application nor an outcome of that company and product. With the
    names of the company; only of companies that the caller sees.
    """
    at, later = contacts.c, contacts.alias()
    same = (at.organisation_id, at.company_id, at.product_id)

    def since(table: sa.FromClause, when: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
        names = ("organisation_id", "company_id", "product_id")
        alike = (table.c[name] == mine for name, mine in zip(names, same, strict=True))
        return ~sa.exists().where(*alike, when)

    query = (
        sa.select(
            at.id, at.company_id, at.product_id, at.at, at.note,
            *(companies.c[name] for name in ("name_zh", "name_en", "synthetic")),
        )
        .join(
            companies,
            (companies.c.organisation_id == at.organisation_id)
            & (companies.c.id == at.company_id),
        )
        .where(
            at.organisation_id == caller.organisation_id, seen(caller), live(),
            at.product_id.is_not(None), at.at < before,
            since(later, later.c.at > at.at),
            since(applications, applications.c.created_at >= at.at),
            since(outcomes, outcomes.c.at >= at.at),
        )
        .order_by(at.at, at.id)
        .limit(limit)
    )  # fmt: skip
    return list(connection.execute(query).mappings())


def shown(row: Row) -> dict[str, Any]:
    """A contact as an answer has it."""
    plain = {name: row[name] for name in ("id", "company_id", "product_id", "user_id", "note")}
    return {**plain, "at": row["at"].isoformat()}
