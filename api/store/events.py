"""The audit log as people of one organisation read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from api.store.tables import audit_events

Row = Mapping[Any, Any]
Place = tuple[str, str, int]


def listed(
    connection: sa.Connection,
    organisation_id: str,
    action: str | None,
    after: Place | None,
    limit: int,
) -> list[Row]:
    """Events of an organisation, newest first. after: time, chain and place of the one before."""
    events = audit_events.c
    order = sa.tuple_(events.at, events.chain, events.sequence)
    query = sa.select(audit_events).where(events.organisation_id == organisation_id)
    if action is not None:
        query = query.where(events.action == action)
    if after is not None:
        query = query.where(order < sa.tuple_(*(sa.literal(part) for part in after)))
    places = (events.at.desc(), events.chain.desc(), events.sequence.desc())
    return list(connection.execute(query.order_by(*places).limit(limit)).mappings())
