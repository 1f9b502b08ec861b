"""Facilities of the current profiles: those drawn under applications, and which ones end soon.

A loan drawn under an application of the record stands in the profile under the id of that
application until it is repaid, whatever is said of the company in between.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import orjson
import sqlalchemy as sa

from api.policy import Caller
from api.store.companies import live, seen
from api.store.tables import companies, company_versions, facilities
from api.store.writer import Write
from recommender.catalogue.cells import plain_number
from recommender.errors import Problem
from recommender.records import day_of

Row = Mapping[Any, Any]
Json = Mapping[str, Any]
APPLICATION = "application"
NAMED = ("name_zh", "name_en", "synthetic")
# As many as a profile takes.
MOST = 200


def rows_of(profile: Json) -> Iterator[dict[str, Any]]:
    """The rows of a profile as it is kept, without those they belong to."""
    for position, facility in enumerate(profile.get("facilities", ())):
        yield {
            "position": position,
            **{name: facility.get(name) for name in ("lender", "kind", "currency")},
            "limit_hundredths": _hundredths(facility.get("limit")),
            "drawn_hundredths": _hundredths(facility.get("drawn")),
            "maturity": day_of(facility.get("maturity")),
        }


def carried(after: Json, before: Json) -> Json:
    """A profile with the drawn loans of the one before that it leaves out.

    A facility of the same lender, kind and currency that names no application is such a loan, in
    the words of whoever stated it.
    """
    found = list(after.get("facilities", ()))
    for loan in _drawn(before):
        if any(facility.get(APPLICATION) == loan[APPLICATION] for facility in found):
            continue
        twin = next((i for i, facility in enumerate(found) if _alike(facility, loan)), None)
        if twin is None:
            found.append(loan)
        else:
            found[twin] = {**found[twin], APPLICATION: loan[APPLICATION]}
    return {**after, "facilities": found} if found else dict(after)


def with_loan(profile: Json, loan: Json) -> Json:
    """A profile with one more facility."""
    return {**profile, "facilities": [*profile.get("facilities", ()), loan]}


def without_loan(profile: Json, application_id: str) -> Json:
    """A profile without the loan of an application.

    Where no other facility is left, it is not known whether there is one.
    """
    found = profile.get("facilities", ())
    kept = [facility for facility in found if facility.get(APPLICATION) != application_id]
    rest = {name: value for name, value in profile.items() if name != "facilities"}
    if len(kept) == len(found):
        return dict(profile)
    return {**rest, "facilities": kept} if kept else rest


def uncarried(after: Json, before: Json) -> Iterator[Problem]:
    """What is wrong with the facilities of a profile, once it carries the loans of another."""
    known = {loan[APPLICATION] for loan in _drawn(before)}
    for position, facility in enumerate(after.get("facilities", ())):
        name = facility.get(APPLICATION)
        if name is not None and name not in known:
            yield Problem("application_not_drawn", f"facilities[{position}].{APPLICATION}", name)
    total = len(carried(after, before).get("facilities", ()))
    if total > MOST:
        yield Problem("list_too_long", "facilities", total, MOST)


def _drawn(profile: Json) -> list[Json]:
    return [f for f in profile.get("facilities", ()) if f.get(APPLICATION) is not None]


def _alike(facility: Json, loan: Json) -> bool:
    same = all(facility.get(name) == loan.get(name) for name in ("lender", "kind", "currency"))
    return same and facility.get(APPLICATION) is None


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
        sa.select(facilities, *(companies.c[name] for name in NAMED), company_versions.c.profile)
        .join(
            companies,
            (companies.c.organisation_id == columns.organisation_id)
            & (companies.c.id == columns.company_id),
        )
        .join(
            company_versions,
            (company_versions.c.organisation_id == columns.organisation_id)
            & (company_versions.c.company_id == columns.company_id)
            & (company_versions.c.version == companies.c.version),
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
    plain = ("company_id", "position", *NAMED, "lender", "kind")
    stated = orjson.loads(row["profile"])["facilities"][row["position"]]
    return {
        **{name: row[name] for name in plain},
        "currency": row["currency"],
        "limit": _amount(row["limit_hundredths"]),
        "drawn": _amount(row["drawn_hundredths"]),
        "maturity": row["maturity"].isoformat(),
        **{name: stated.get(name) for name in (APPLICATION, "as_of")},
    }


def _hundredths(amount: float | None) -> int | None:
    return None if amount is None else int(Decimal(str(amount)).scaleb(2))


def _amount(hundredths: int | None) -> int | float | None:
    return None if hundredths is None else plain_number(Decimal(hundredths).scaleb(-2))
