"""Everything the record holds about one company, for those who may take it with them."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson
import sqlalchemy as sa

from api.policy import Caller
from api.store.companies import shown, visible
from api.store.tables import (
    application_events,
    applications,
    company_versions,
    consents,
    contacts,
    outcomes,
    overrides,
    review_requests,
    runs,
)
from recommender.catalogue.cells import plain_number

Row = Mapping[Any, Any]
Json = dict[str, Any]
# By name in the export; runs without their texts, which each has an operation of its own for.
PARTS: Mapping[str, sa.Table] = {
    "versions": company_versions,
    "consents": consents,
    "contacts": contacts,
    "runs": runs,
    "applications": applications,
    "outcomes": outcomes,
    "overrides": overrides,
    "review_requests": review_requests,
}
AS_JSON = {"profile", "sources", "change"}
LEFT_OUT = {"organisation_id", "company_id", "request", "answer"}
KEPT_TEXT = {"review_requests"}


def exported(connection: sa.Connection, caller: Caller, company_id: str) -> Json:
    """The company with all that belongs to it; raises what `visible` raises."""
    row = visible(connection, caller, company_id)
    found: Json = {"company": shown(connection, caller, row)}
    for name, table in PARTS.items():
        found[name] = [_plain(name, part) for part in _rows(connection, table, row)]
    for application in found["applications"]:
        events = application_events.c
        own = sa.select(application_events).where(events.application_id == application["id"])
        rows = connection.execute(own.order_by(events.version)).mappings()
        application["events"] = [_plain("events", event) for event in rows]
    return found


def _rows(connection: sa.Connection, table: sa.Table, company: Row) -> list[Row]:
    own = (
        table.c.organisation_id == company["organisation_id"],
        table.c.company_id == company["id"],
    )
    order = [table.c[n] for n in ("version", "created_at", "at", "given_at", "id") if n in table.c]
    return list(connection.execute(sa.select(table).where(*own).order_by(*order)).mappings())


def _plain(part: str, row: Row) -> Json:
    hidden = LEFT_OUT - {"answer"} if part in KEPT_TEXT else LEFT_OUT
    return {str(n): _value(str(n), value) for n, value in row.items() if n not in hidden}


def _value(name: str, value: Any) -> Any:
    if name in AS_JSON and isinstance(value, str):
        return orjson.loads(value)
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    return plain_number(value) if isinstance(value, Decimal) else value
