"""What a run showed to its company: read from the answer that was kept."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

import orjson
import sqlalchemy as sa

from api.refusals import Erased
from api.store.tables import runs
from recommender.errors import NotFound
from recommender.options import SHANGHAI

Row = Mapping[Any, Any]


def day_in_shanghai(at: datetime.datetime) -> datetime.date:
    """The day of a point in time, as everybody here counts days."""
    return at.astimezone(SHANGHAI).date()


def of_company(connection: sa.Connection, company: Row, run_id: str) -> Row:
    """A run of a company; raises NotFound or Erased."""
    found = _one(connection, company, runs.c.id == run_id)
    if found is None:
        raise NotFound(kind="run", id=run_id)
    if found["erased_at"] is not None:
        raise Erased(kind="run", id=run_id)
    return found


def latest(
    connection: sa.Connection, company: Row, product_id: str, until: datetime.datetime
) -> Row | None:
    """The last run of a company by then that showed a product; None: none did."""
    named = runs.c.answer.contains(f'"product_id":"{product_id}"', autoescape=True)
    query = (
        sa.select(runs)
        .where(
            runs.c.organisation_id == company["organisation_id"],
            runs.c.company_id == company["id"],
            runs.c.at <= until,
            named,
        )
        .order_by(runs.c.at.desc(), runs.c.id)
    )
    rows = connection.execute(query).mappings()
    return next((row for row in rows if product_id in products(row["answer"])), None)


def products(answer: str | None) -> dict[str, str]:
    """The lane of every product that an answer shows, by product id; empty for other answers."""
    found = orjson.loads(answer) if answer else {}
    shown = {id_: lane for lane, ids in _lanes(found).items() for id_ in ids}
    for plan in found.get("plans", ()):
        shown |= {line["product_id"]: line["lane"] for line in plan["lines"]}
    return shown


def lists(answer: str | None) -> dict[str, list[str]]:
    """The products of an answer's lists, by lane in their order; empty where it shows none."""
    found = orjson.loads(answer) if answer else {}
    return {} if "after" in found else _lanes(found)


def _lanes(found: Mapping[str, Any]) -> dict[str, list[str]]:
    lanes = found.get("lanes", found.get("after", {}).get("lanes", ()))
    return {one["lane"]: [match["product_id"] for match in one["matches"]] for one in lanes}


def _one(connection: sa.Connection, company: Row, which: sa.ColumnElement[bool]) -> Row | None:
    owned = runs.c.organisation_id == company["organisation_id"]
    query = sa.select(runs).where(which, owned, runs.c.company_id == company["id"])
    return connection.execute(query).mappings().one_or_none()
