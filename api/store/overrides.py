"""Overrides: a manager's own word on a product, beside the ranking, which stays as it is."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from api.policy import Caller
from api.refusals import AlreadyThere
from api.schemas.overrides import OverrideRequest
from api.store import shown
from api.store.companies import visible
from api.store.people import named
from api.store.references import about_company
from api.store.tables import overrides
from api.store.writer import Write
from recommender.catalogue.product import Product
from recommender.errors import NotFound

Row = Mapping[Any, Any]


def add(
    write: Write,
    caller: Caller,
    company_id: str,
    asked: OverrideRequest,
    catalogue: Mapping[str, Product],
) -> dict[str, Any]:
    """A new override, as an answer shows it.

    Raises NotFound for a company, product or run that is not the caller's, Erased, and
    AlreadyThere where one on the same product stands: it has to be withdrawn first.
    """
    company = visible(write.connection, caller, company_id)
    if asked.product_id not in catalogue:
        raise NotFound(kind="product", id=asked.product_id)
    if asked.run_id is not None:
        shown.of_company(write.connection, company, asked.run_id)
    row = {
        **asked.model_dump(),
        "id": str(uuid.uuid4()),
        "organisation_id": caller.organisation_id,
        "company_id": company["id"],
        "user_id": caller.user_id,
        "at": write.at,
    }
    try:
        write.execute(sa.insert(overrides), row)
    except IntegrityError:
        raise AlreadyThere(kind="override", id=asked.product_id) from None
    detail = {"override": row["id"], "product": asked.product_id, "decision": asked.decision}
    about_company(write, caller, "override.added", company["id"], detail)
    return _shown(row, named(write.connection, [caller.user_id]))


def listed(connection: sa.Connection, caller: Caller, company_id: str) -> dict[str, Any]:
    """What stands for a company, the latest first; raises NotFound or Erased."""
    company = visible(connection, caller, company_id)
    query = sa.select(overrides).where(
        overrides.c.organisation_id == caller.organisation_id,
        overrides.c.company_id == company["id"],
        overrides.c.withdrawn_at.is_(None),
    )
    latest = query.order_by(overrides.c.at.desc(), overrides.c.id)
    rows = list(connection.execute(latest).mappings())
    people = named(connection, (row["user_id"] for row in rows))
    return {"overrides": [_shown(row, people) for row in rows]}


def withdraw(write: Write, caller: Caller, company_id: str, override_id: str) -> None:
    """Take an override back; raises NotFound where none stands, and Erased."""
    company = visible(write.connection, caller, company_id)
    own = (
        overrides.c.id == override_id,
        overrides.c.organisation_id == caller.organisation_id,
        overrides.c.company_id == company["id"],
        overrides.c.withdrawn_at.is_(None),
    )
    done = write.execute(sa.update(overrides).where(*own).values(withdrawn_at=write.at))
    if done.rowcount != 1:
        raise NotFound(kind="override", id=override_id)
    about_company(write, caller, "override.withdrawn", company["id"], {"override": override_id})


def _shown(row: Row, people: Mapping[str | None, Any]) -> dict[str, Any]:
    same = ("id", "company_id", "product_id", "decision", "reason", "run_id")
    said = {"by": people[row["user_id"]], "at": row["at"].isoformat()}
    return {**{name: row[name] for name in same}, **said}
