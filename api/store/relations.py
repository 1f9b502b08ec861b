"""What the bank knows of its relation to a company: who looks after it, its group, what it holds.

It comes with an import, beside the profile. What a file does not say stays as it was; the record
adds what it knows itself: talks, offers declined, and lanes of loans that are drawn.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import sqlalchemy as sa

from api.policy import Caller
from api.store.profiles import written
from api.store.tables import applications, relations
from api.store.writer import Write
from recommender.company.relationship import Relationship
from recommender.vocabulary import LANES

Json = dict[str, Any]
# A consent is kept among the consents, and not here.
CONSENT = "consent_to_contact"
FIELDS = tuple(name for name in Relationship.model_fields if name != CONSENT)
DAYS = ("last_contacted", "last_declined")
HELD = "lanes_held"


def stated_of(relation: Relationship) -> Json:
    """What a row says of the relation, as plain values, without what is not known."""
    return relation.model_dump(mode="json", exclude_none=True, exclude={CONSENT})


def known(
    connection: sa.Connection, organisation_id: str, company_ids: Sequence[str] | None = None
) -> dict[str, Json]:
    """What was stated by company; company_ids: None for every company of the organisation."""
    columns = relations.c
    query = sa.select(columns.company_id, columns.stated)
    query = query.where(columns.organisation_id == organisation_id)
    if company_ids is not None:
        query = query.where(columns.company_id.in_(company_ids))
    return {company_id: orjson.loads(text) for company_id, text in connection.execute(query)}


def keep(write: Write, caller: Caller, by_company: Mapping[str, Json]) -> None:
    """Put what is stated of some companies in the place of what was there."""
    columns = relations.c
    owned = (columns.organisation_id == caller.organisation_id, columns.company_id.in_(by_company))
    own = {"organisation_id": caller.organisation_id, "user_id": caller.user_id, "at": write.at}
    rows = [{**own, "company_id": id_, "stated": written(s)} for id_, s in by_company.items()]
    if rows:
        write.execute(sa.delete(relations).where(*owned))
        write.execute(sa.insert(relations), rows)


def take_over(write: Write, caller: Caller, company_id: str, into: str) -> None:
    """Let a company have what was stated of the one that goes into it, and not of itself."""
    found = known(write.connection, caller.organisation_id, [company_id, into])
    whole = {**found.get(company_id, {}), **found.get(into, {})}
    columns = relations.c
    owned = (columns.organisation_id == caller.organisation_id, columns.company_id == company_id)
    write.execute(sa.delete(relations).where(*owned))
    if whole:
        keep(write, caller, {into: whole})


def lanes_drawn(connection: sa.Connection, organisation_id: str) -> dict[str, set[str]]:
    """By company, the lanes of products that are drawn under applications and not repaid."""
    columns = applications.c
    drawn = (columns.organisation_id == organisation_id, columns.status == "drawn")
    found: dict[str, set[str]] = {}
    for company_id, lane in connection.execute(
        sa.select(columns.company_id, columns.lane).where(*drawn)
    ):
        found.setdefault(company_id, set()).add(lane)
    return found


def joined(stated: Json, days: Mapping[str, datetime.date | None], drawn: set[str] | None) -> Json:
    """A relation as stated, with what the record knows; the later of two days counts."""
    found = dict(stated)
    for name in DAYS:
        both = [day for day in (found.get(name), _iso(days.get(name))) if day is not None]
        if both:
            found[name] = max(both)
    if drawn:
        held = drawn | set(found.get(HELD, ()))
        found[HELD] = [lane for lane in LANES if lane in held]
    return found


def _iso(day: datetime.date | None) -> str | None:
    return None if day is None else day.isoformat()
