"""When somebody of the organisation spoke with a company, and about what."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from api.policy import Caller
from api.store.audit import Event
from api.store.companies import visible
from api.store.references import reference
from api.store.tables import contacts
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


def shown(row: Row) -> dict[str, Any]:
    """A contact as an answer has it."""
    plain = {name: row[name] for name in ("id", "company_id", "product_id", "user_id", "note")}
    return {**plain, "at": row["at"].isoformat()}
