"""Facilities of the current profiles, as rows: which ones end soon, and whose they are."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from api.policy import Caller
from api.store.companies import live, seen
from api.store.tables import companies, facilities
from api.store.writer import Write
from recommender.catalogue.cells import plain_number
from recommender.company.profile import Company

Row = Mapping[Any, Any]


def rows_of(company: Company) -> Iterator[dict[str, Any]]:
    """The rows of a profile, without those they belong to."""
    for position, facility in enumerate(company.facilities or ()):
        yield {
            "position": position,
            "lender": facility.lender,
            "kind": facility.kind,
            "currency": facility.currency,
            "limit_hundredths": _hundredths(facility.limit),
            "drawn_hundredths": _hundredths(facility.drawn),
            "maturity": facility.maturity,
        }


def project(
    write: Write, organisation_id: str, by_company: Mapping[str, Iterable[Mapping[str, Any]]]
) -> None:
    """Put the facilities of some companies, by id, in the place of those that were there."""
    columns = facilities.c
    owned = (columns.organisation_id == organisation_id, columns.company_id.in_(by_company))
    write.execute(sa.delete(facilities).where(*owned))
    own = {"organisation_id": organisation_id}
    rows = [{**own, "company_id": id_, **row} for id_, some in by_company.items() for row in some]
    if rows:
        write.execute(sa.insert(facilities), rows)


def maturing(
    connection: sa.Connection,
    caller: Caller,
    before: datetime.date,
    after: tuple[datetime.date, str, int] | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Facilities that end before a day, those of companies the caller sees, soonest first.

    after: maturity, company and position of the last one that was seen.
    """
    columns = facilities.c
    place = sa.tuple_(columns.maturity, columns.company_id, columns.position)
    query = (
        sa.select(facilities, companies.c.name_zh, companies.c.name_en, companies.c.synthetic)
        .join(
            companies,
            (companies.c.organisation_id == columns.organisation_id)
            & (companies.c.id == columns.company_id),
        )
        .where(columns.maturity < before, live(), seen(caller))
        .order_by(columns.maturity, columns.company_id, columns.position)
        .limit(limit)
    )
    if after is not None:
        query = query.where(place > sa.tuple_(*_literals(after)))
    return [_shown(row) for row in connection.execute(query).mappings()]


def _literals(after: tuple[datetime.date, str, int]) -> Sequence[sa.ColumnElement[Any]]:
    return [
        sa.literal(after[0], sa.Date),
        sa.literal(after[1], sa.String),
        sa.literal(after[2], sa.Integer),
    ]


def _shown(row: Row) -> dict[str, Any]:
    plain = ("company_id", "position", "name_zh", "name_en", "synthetic", "lender", "kind")
    return {
        **{name: row[name] for name in plain},
        "currency": row["currency"],
        "limit": _amount(row["limit_hundredths"]),
        "drawn": _amount(row["drawn_hundredths"]),
        "maturity": row["maturity"].isoformat(),
    }


def _hundredths(amount: Decimal | None) -> int | None:
    return None if amount is None else int(amount.scaleb(2))


def _amount(hundredths: int | None) -> int | float | None:
    return None if hundredths is None else plain_number(Decimal(hundredths).scaleb(-2))
