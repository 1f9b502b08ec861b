"""Users as answers show them: id, name and role."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from api.store.tables import users

Person = dict[str, Any]


def named(connection: sa.Connection, ids: Iterable[str | None]) -> dict[str | None, Person | None]:
    """Users by id; None for None, so that every column of ids can be looked up."""
    wanted = sorted({id_ for id_ in ids if id_ is not None})
    query = sa.select(users.c.id, users.c.name, users.c.role).where(users.c.id.in_(wanted))
    found: dict[str | None, Person | None] = {
        id_: {"id": id_, "name": name, "role": role}
        for id_, name, role in connection.execute(query)
    }
    return {**found, None: None}
