"""Companies and their versions: an answer always points at the profile it saw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from api.policy import Caller
from api.refusals import Erased
from api.store.tables import companies, company_versions, consents
from recommender.errors import NotFound

Row = Mapping[Any, Any]
SHARED = "matching"


def seen(caller: Caller) -> sa.ColumnElement[bool]:
    """Which companies a caller sees at all; the same for every query on them.

    Enterprises: their own. Managers: those of their branch that consented to matching, and those
    whose branch is not stated only from the whole organisation. Others: their organisation's.
    """
    own = companies.c.organisation_id == caller.organisation_id
    if caller.role == "enterprise":
        return own & (companies.c.owner_id == caller.user_id)
    if caller.role != "manager":
        return own
    agreed = sa.exists().where(
        consents.c.organisation_id == companies.c.organisation_id,
        consents.c.company_id == companies.c.id,
        consents.c.purpose == SHARED,
        consents.c.withdrawn_at.is_(None),
    )
    branch = sa.true() if caller.branch_id is None else companies.c.branch_id == caller.branch_id
    return own & branch & agreed


def visible(connection: sa.Connection, caller: Caller, company_id: str) -> Row:
    """A company as it is now, with `profile` and `sources` as text.

    Raises NotFound, also for one that is there but not for this caller, and Erased.
    """
    query = (
        sa.select(companies, company_versions.c.profile, company_versions.c.sources)
        .join(
            company_versions,
            (company_versions.c.organisation_id == companies.c.organisation_id)
            & (company_versions.c.company_id == companies.c.id)
            & (company_versions.c.version == companies.c.version),
            isouter=True,
        )
        .where(companies.c.id == company_id, seen(caller))
    )
    found = connection.execute(query).mappings().one_or_none()
    if found is None:
        raise NotFound(kind="company", id=company_id)
    if found["erased_at"] is not None:
        raise Erased(kind="company", id=company_id)
    return found
