"""The audit log as people of one organisation read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa

from api.store import references
from api.store.tables import audit_events, audit_seals

Row = Mapping[Any, Any]
Place = tuple[str, str, int]


class Sought(NamedTuple):
    """Which events; None asks nothing. since, until: ISO 8601 in UTC, until excluded.

    company_id, user_id: whom an event is about, or who did it; nobody once the key is destroyed.
    run_id: of the run that an event names.
    """

    company_id: str | None = None
    user_id: str | None = None
    run_id: str | None = None
    since: str | None = None
    until: str | None = None


def listed(
    connection: sa.Connection,
    organisation_id: str,
    action: str | None,
    after: Place | None,
    limit: int,
    sought: Sought | None = None,
) -> list[Row]:
    """Events of an organisation, newest first. after: time, chain and place of the one before."""
    events = audit_events.c
    order = sa.tuple_(events.at, events.chain, events.sequence)
    query = sa.select(audit_events).where(events.organisation_id == organisation_id)
    if action is not None:
        query = query.where(events.action == action)
    if after is not None:
        query = query.where(order < sa.tuple_(*(sa.literal(part) for part in after)))
    query = query.where(*_sought(connection, organisation_id, sought or Sought()))
    places = (events.at.desc(), events.chain.desc(), events.sequence.desc())
    return list(connection.execute(query.order_by(*places).limit(limit)).mappings())


def _sought(
    connection: sa.Connection, organisation_id: str, sought: Sought
) -> list[sa.ColumnElement[bool]]:
    events, found = audit_events.c, []
    if sought.company_id is not None:
        own = references.known(connection, organisation_id, "company", sought.company_id)
        found.append(events.subject == (own or "-"))
    if sought.user_id is not None:
        own = references.known(connection, organisation_id, "user", sought.user_id)
        found.append(events.actor == (own or "-"))
    if sought.run_id is not None:
        found.append(events.detail.contains(f'"{sought.run_id}"', autoescape=True))
    if sought.since is not None:
        found.append(events.at >= sought.since)
    if sought.until is not None:
        found.append(events.at < sought.until)
    return found


def newest_seals(connection: sa.Connection, limit: int) -> list[Row]:
    """The last seals, newest first."""
    query = sa.select(audit_seals).order_by(audit_seals.c.sequence.desc()).limit(limit)
    return list(connection.execute(query).mappings())
