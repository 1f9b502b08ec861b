"""Applications as their people see them: the board, one with its history, and counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import sqlalchemy as sa

from api.policy import Caller
from api.schemas.applications import BoardQuery
from api.store.applications import (
    Products,
    Row,
    allowed,
    drawn_facility,
    found,
    joined,
    number,
    words,
)
from api.store.people import named
from api.store.tables import application_events, applications, companies


def board(
    connection: sa.Connection, caller: Caller, asked: BoardQuery, catalogue: Products
) -> dict[str, Any]:
    """A part of the applications a caller sees, what is due first standing first."""
    query = joined(caller).where(companies.c.erased_at.is_(None), *_wanted(asked))
    total = connection.execute(sa.select(sa.func.count()).select_from(query.subquery()))
    due = applications.c.due_on
    order = (due.is_(None), due, applications.c.created_at, applications.c.id)
    part = query.order_by(*order).limit(asked.limit).offset(asked.offset)
    rows = list(connection.execute(part).mappings())
    owners = named(connection, (row["owner_id"] for row in rows))
    return {
        "applications": [_shown(caller, row, owners, catalogue) for row in rows],
        "total": total.scalar_one(),
        "limit": asked.limit,
        "offset": asked.offset,
    }


def _wanted(asked: BoardQuery) -> list[sa.ColumnElement[bool]]:
    given = {"owner_id": asked.owner, "company_id": asked.company}
    wanted = [applications.c[name] == value for name, value in given.items() if value is not None]
    if asked.status is not None:
        wanted.append(applications.c.status.in_(asked.status))
    if asked.due_before is not None:
        wanted.append(applications.c.due_on < asked.due_before)
    return wanted


def described(
    connection: sa.Connection, caller: Caller, application_id: str, catalogue: Products
) -> dict[str, Any]:
    """One application with its history; raises NotFound or Erased."""
    row = found(connection, caller, application_id)
    query = (
        sa.select(application_events)
        .where(application_events.c.application_id == application_id)
        .order_by(application_events.c.version)
    )
    events = list(connection.execute(query).mappings())
    people = named(connection, [row["owner_id"], *(event["user_id"] for event in events)])
    history = [_event(caller, event, people) for event in events]
    return {**_shown(caller, row, people, catalogue), "history": history}


def counts(connection: sa.Connection, caller: Caller) -> dict[str, Any]:
    """How many applications there are by product, status and reason, of whomever."""
    names = ("product_id", "lane", "status", "reason_code", "synthetic")
    rows = joined(caller).where(companies.c.erased_at.is_(None)).subquery()
    columns = [rows.c[name] for name in names]
    query = sa.select(*columns, sa.func.count()).group_by(*columns)
    # Sorted here: databases do not agree on where NULL and capitals stand.
    found_rows = sorted(connection.execute(query).all(), key=lambda row: [str(v) for v in row])
    return {"counts": [dict(zip((*names, "count"), row, strict=True)) for row in found_rows]}


def _shown(
    caller: Caller, row: Row, people: Mapping[str | None, Any], catalogue: Products
) -> dict[str, Any]:
    same = ("id", "version", "company_version", "product_id", "lane", "run_id", "status")
    names = ("name_zh", "name_en", "synthetic")
    return {
        **{name: row[name] for name in same},
        "company": {"id": row["company_id"], **{name: row[name] for name in names}},
        "next": list(allowed(caller, row["status"])),
        "amount": number(row["amount_hundredths"]),
        "currency": row["currency"],
        "owner": people.get(row["owner_id"]),
        "due_on": None if row["due_on"] is None else row["due_on"].isoformat(),
        "reason": words(row["reason_code"]),
        "created_at": row["created_at"].isoformat(),
        "updated_at": row["updated_at"].isoformat(),
        "facility": drawn_facility(row, catalogue.get(row["product_id"])),
    }


def _event(caller: Caller, event: Row, people: Mapping[str | None, Any]) -> dict[str, Any]:
    """One change; what the bank noted for itself stays with the bank.

    An erasure leaves the steps of an application without their words.
    """
    by, change = people[event["user_id"]], orjson.loads(event["change"])
    own = caller.role != "enterprise" or event["user_id"] == caller.user_id
    return {
        "version": event["version"],
        "at": event["at"].isoformat(),
        "by": by,
        "status": event["status"],
        "before": change.get("before"),
        "reason": words(event["reason_code"]),
        "note": event["note"] if own else None,
        "changed": change.get("changed", {}),
    }
